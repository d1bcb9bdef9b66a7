import numpy as np
import pytest
import tensorflow as tf

import reader
from graphs import save_run, text_corpus
from model import lstm
from text import preparation
from trained import ensemble, generation, numpy_model, scoring, trained_model

EOS = 2


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two trained models of other weights and sizes, and the first one's Test Perplexity."""
    directories = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    perplexity = save_run(directories[0])
    save_run(directories[1], seed=2, hidden_size=5, num_layers=1)
    return [trained_model.read(str(directory)) for directory in directories], perplexity


@pytest.fixture(scope="module")
def scorers(models):
    return [scoring.Scorer(model) for model in models[0]]


def probabilities(model, ids):
    """NumPy's own: the distribution of the word after each of several ids, `[len(ids), vocab]`."""
    checkpoint = tf.train.load_checkpoint(model.path)
    weights = {name: checkpoint.get_tensor(name) for name in model.names.values()}

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    layers = [lstm.canonical_names(i) for i in range(model.config.num_layers)]
    state = [[0.0, np.zeros(model.config.hidden_size)] for _ in layers]
    rows = []
    for word in ids:
        x = weights["Model/embedding"][word].astype(np.float64)
        for (kernel, bias), layer in zip(layers, state):
            gates = np.concatenate([x, layer[1]]) @ weights[f"Model/{kernel}"]
            i, j, f, o = np.split(gates + weights[f"Model/{bias}"], 4)
            layer[0] = sigmoid(f) * layer[0] + sigmoid(i) * np.tanh(j)
            layer[1] = x = sigmoid(o) * np.tanh(layer[0])
        exponentials = np.exp(x @ weights["Model/softmax_w"] + weights["Model/softmax_b"])
        rows.append(exponentials / exponentials.sum())
    return np.array(rows)


def test_scores_are_those_of_numpy(models, scorers):
    ids = text_corpus().test[:60]  # windows of 16, 4 and 1
    for model, scorer in zip(models[0], scorers):
        scores, _ = scorer.score(ids[:1], ids[1:, None])
        expected = np.log(probabilities(model, ids[:-1])[np.arange(59), ids[1:]])
        np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_the_test_text_scores_as_in_training(models, scorers):
    ids = text_corpus().test
    scores, _ = scorers[0].score(ids[:1], ids[1:, None])
    assert np.exp(-scores.mean(dtype=np.float64)) == pytest.approx(models[1], rel=1e-5)


def test_the_state_goes_on_where_a_text_is_cut(scorers):
    ids = text_corpus().test
    for scorer in (*scorers, ensemble.Ensemble(scorers)):
        whole, state = scorer.score(ids[:1], ids[1:, None])
        for cut in (1, 2, 33, 77):
            first, middle = scorer.score(ids[:1], ids[1:cut, None])
            second, last = scorer.score(ids[cut - 1 : cut], ids[cut:, None], middle)
            pieces = np.concatenate([first, second])
            np.testing.assert_allclose(pieces, whole, rtol=1e-4, atol=1e-5)
            for actual, expected in zip(tf.nest.flatten(last), tf.nest.flatten(state)):
                np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_a_batch_scores_like_one_by_one(scorers):
    rng = np.random.default_rng(0)
    lengths = [*rng.integers(0, 50, 40), 0, 1]
    sequences = [rng.integers(0, 30, length).astype(np.int32) for length in lengths]
    for scorer in (scorers[0], ensemble.Ensemble(scorers)):
        results = scoring.score_sequences(scorer, EOS, sequences)
        for sequence, result in zip(sequences, results):
            alone, _ = scorer.score([EOS], sequence[:, None])
            np.testing.assert_allclose(result, alone[:, 0], rtol=1e-4, atol=1e-5)
    assert scoring.score_sequences(scorers[0], EOS, []) == []


def test_a_mixture_averages_probabilities(models, scorers):
    ids = text_corpus().test[:30]
    each = [probabilities(model, ids[:-1])[np.arange(29), ids[1:]] for model in models[0]]
    scores, _ = ensemble.Ensemble(scorers).score(ids[:1], ids[1:, None])
    expected = np.log(np.mean(each, axis=0))
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-4, atol=1e-5)
    same, _ = ensemble.Ensemble([scorers[0]] * 3).score(ids[:1], ids[1:, None])
    np.testing.assert_allclose(same[:, 0], np.log(each[0]), rtol=1e-4, atol=1e-5)


def test_no_word_scores_nothing(scorers):
    targets = np.array([[3], [reader.NO_WORD]], np.int32)
    scores, _ = scorers[0].score([EOS], targets)
    assert scores[0, 0] < 0 == scores[1, 0]


def distribution(model, prompt, temperature, top_k, forbidden):
    """The probabilities that words are to be drawn with after a prompt."""
    p = probabilities(model, prompt)[-1]
    p[forbidden] = 0
    if top_k:
        p[np.argsort(-p)[top_k:]] = 0
    p = p ** (1 / temperature)
    return p / p.sum()


@pytest.mark.parametrize("temperature, top_k", [(1.0, 0), (0.5, 0), (2.0, 5)])
@pytest.mark.parametrize("are_side_by_side", [False, True])
def test_words_are_drawn_from_the_softmax(models, temperature, top_k, are_side_by_side):
    model, prompt, count, forbidden = models[0][0], [EOS, 4, 9], 20000, 1
    p = distribution(model, prompt, temperature, top_k, forbidden)
    sampler = generation.Sampler(model, [forbidden], top_k)
    if are_side_by_side:
        (words,) = sampler.sample(prompt, 1, count, temperature, seed=3)
    else:
        count = 4000
        words = [
            int(word)
            for batch in range(count)
            for (word,) in sampler.sample(prompt, 1, 1, temperature, seed=3, batch=batch)
        ]
    frequencies = np.bincount(words, minlength=30) / count
    assert not frequencies[p == 0].any()
    # Five standard deviations of a binomial distribution.
    np.testing.assert_array_less(np.abs(frequencies - p), 5 * np.sqrt(p / count) + 1e-9)


def test_the_smallest_and_the_largest_number_draw_a_word_that_is_possible():
    logits = np.array([-np.inf, 1, -np.inf, 2, -np.inf], np.float32)
    for temperature in np.float32([1e-30, 1, 1e30]):
        drawn = [
            generation.draw_word(logits, temperature, top_k, uniform)
            for top_k in (5, 2)
            for uniform in (0.0, 1 - 2**-53)
        ]
        assert set(drawn) <= {1, 3}


def test_one_text_in_numpy_reads_as_the_session(models):
    for model in models[0]:
        ids = text_corpus().test[:20]
        one = numpy_model.NumpyModel(model)
        state = one.zero_state()
        for word, expected in zip(ids, probabilities(model, ids)):
            state = one.read(word, state)
            p = np.exp(one.logits(state))
            np.testing.assert_allclose(p / p.sum(), expected, rtol=1e-4)
        alone, several = (
            [step[0] for step in generation.Sampler(model).sample([EOS, 4], 20, count, 0.0)]
            for count in (1, 2)
        )
        assert alone == several


@pytest.mark.parametrize("temperature", [0.0, 1e-45, 1e-30])
def test_without_temperature_the_most_probable_word_is_chosen(models, temperature):
    model, ids = models[0][0], [EOS]
    words = list(generation.Sampler(model).sample(ids, 12, 2, temperature))
    for each in words:
        expected = np.argmax(probabilities(model, ids)[-1])
        np.testing.assert_array_equal(each, expected)
        ids.append(expected)


def test_a_seed_is_a_text(models):
    sampler = generation.Sampler(models[0][0])

    def texts(**changes):
        return np.array(list(sampler.sample([EOS], 20, 3, **changes))).T.tolist()

    assert texts(seed=1) == texts(seed=1)
    different = [*texts(seed=1), *texts(seed=2), *texts(seed=1, batch=1)]
    assert len(set(map(tuple, different))) == 9


def test_a_text_is_joined_as_the_corpus_was_cut(models):
    model = models[0][0]._replace(preparation=preparation.Preparation(level="char"))
    words = [step[0] for step in generation.Sampler(model).sample([EOS], 20, 1)]
    text = "".join(model.words[i] for i in words).replace("<eos>", "\n")
    assert generation.Sampler(model).text(20) == text


def test_a_text_is_the_sample_a_sentence_a_line(models):
    model = models[0][0]
    sampler = generation.Sampler(model)
    ids = [step[0] for step in sampler.sample([EOS], 200, 1)]
    text = sampler.text(200)
    assert text.replace("\n", " <eos> ").split() == [model.words[i] for i in ids]
    assert text.count("\n") == ids.count(EOS) > 0
