"""The words that a sampled softmax draws, and its loss, against NumPy's own computation."""

import numpy as np
import pytest
import tensorflow as tf

from model import candidate_sampler, softmax

tf1 = tf.compat.v1
GRID = (np.arange(200) + 0.5) / 200  # of the one random number that a sample depends on


def draws(num_drawn, vocab_size, uniforms):
    """Words and probabilities of many draws: `[draws, num_drawn]` each."""
    with tf.Graph().as_default(), tf1.Session() as session:
        uniform = tf1.placeholder(tf.float64, [])
        drawn = session.make_callable(
            candidate_sampler.draw(num_drawn, vocab_size, uniform), [uniform]
        )
        words, log_probabilities = zip(*map(drawn, uniforms))
    return np.array(words), np.exp(log_probabilities)


def numpy_probabilities(num_drawn, vocab_size):
    """In proportion to the log-uniform distribution, but at most 1: found by setting to 1."""
    word = np.arange(vocab_size)
    weights = np.log((word + 2) / (word + 1))
    certain = np.zeros(vocab_size, bool)
    while True:
        left = num_drawn - certain.sum()
        probabilities = np.where(certain, 1, left * weights / weights[~certain].sum())
        if not (probabilities > 1 + 1e-12).any():
            return probabilities
        certain |= probabilities > 1


@pytest.mark.parametrize(
    ("num_drawn", "vocab_size"), [(1, 9), (4, 9), (8, 9), (5, 50), (20, 50), (300, 5000)]
)
def test_each_word_is_drawn_with_its_probability_and_once(num_drawn, vocab_size):
    words, probabilities = draws(num_drawn, vocab_size, GRID)
    expected = numpy_probabilities(num_drawn, vocab_size)
    assert (np.diff(words, axis=1) > 0).all()
    assert words.min() >= 0
    assert words.max() < vocab_size
    np.testing.assert_allclose(probabilities, expected[words], rtol=1e-5)
    counts = np.bincount(words.ravel(), minlength=vocab_size)
    np.testing.assert_allclose(counts / len(GRID), expected, atol=1.01 / len(GRID))


@pytest.mark.parametrize("vocab_size", [1, 2, 10, 10_000])
def test_to_draw_all_words_draws_each(vocab_size):
    words, probabilities = draws(vocab_size, vocab_size, [0, 0.3, 1 - 2**-53])
    np.testing.assert_array_equal(words, 3 * [np.arange(vocab_size)])
    np.testing.assert_allclose(probabilities, 1)


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_the_ends_of_the_random_number_draw_different_words(uniform):
    for num_drawn, vocab_size in ((8, 9), (100, 267_000), (8192, 800_000)):
        ((words,), _) = draws(num_drawn, vocab_size, [uniform])
        assert (np.diff(words) > 0).all()
        assert 0 <= words[0] < words[-1] < vocab_size


def test_targets_are_found_and_those_not_drawn_are_added_once():
    targets = np.array([0, 49, 7, 49, -1, 48, 0, 7, 33], np.int32)
    with tf.Graph().as_default(), tf1.Session() as session:
        uniform = tf1.placeholder(tf.float64, [])
        sample = candidate_sampler.sample(6, 50, tf.constant(targets), uniform)
        for u in GRID[::20]:
            words, corrections, places = session.run(sample, {uniform: u})
            (drawn,), (probabilities,) = draws(6, 50, [u])
            np.testing.assert_array_equal(words[:6], drawn)
            np.testing.assert_array_equal(
                np.sort(words[6:]), np.setdiff1d(targets[targets >= 0], drawn)
            )
            np.testing.assert_array_equal(words[places[targets >= 0]], targets[targets >= 0])
            np.testing.assert_array_equal(places[targets < 0], -1)
            np.testing.assert_allclose(corrections[:6], -np.log(probabilities), atol=1e-6)
            assert (corrections[6:] == -np.inf).all()


ROWS, HIDDEN, VOCABULARY = 5, 3, 11
TARGETS = np.array([0, 10, 4, 4, 7], np.int32)
D_LOSSES = np.linspace(0.5, 2, ROWS)


def parameters(scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(ROWS, HIDDEN), (VOCABULARY, HIDDEN), (VOCABULARY,)]
    outputs, w, b = (rng.normal(size=shape) for shape in shapes)
    return scale * outputs, w, b


def losses_and_gradients(num_drawn, values, uniforms, dtype=tf.float32):
    """The sampled losses, and the gradient of their weighted sum, for each random number."""
    with tf.Graph().as_default(), tf1.Session() as session:
        outputs, w, b = (tf.constant(value, tf.float32) for value in values)
        uniform = tf1.placeholder(tf.float64, [])
        sample = candidate_sampler.sample(num_drawn, VOCABULARY, tf.constant(TARGETS), uniform)
        rows = tf.gather(w, sample.words), tf.gather(b, sample.words)
        losses = softmax.sampled_cross_entropy(tf.cast(outputs, dtype), *rows, sample)
        total = tf.reduce_sum(losses * D_LOSSES.astype(np.float32))
        gradients = tf.gradients(total, [outputs, w, b])
        assert [type(each) for each in gradients[1:]] == 2 * [tf.IndexedSlices]
        dense = [tf.convert_to_tensor(each) for each in gradients]
        run = session.make_callable((losses, dense), [uniform])
        results = list(map(run, uniforms))
    return [losses for losses, _ in results], [gradients for _, gradients in results]


def numpy_partition(values, drawn, probabilities):
    """Each row's estimate of the sum over the vocabulary, as the docstring defines it."""
    outputs, w, b = values
    scores = np.exp(outputs @ w.T + b)
    weights = np.zeros([ROWS, VOCABULARY])
    weights[:, drawn] = 1 / probabilities
    weights[range(ROWS), TARGETS] = 1
    return (scores * weights).sum(axis=1)


def numpy_loss(values, all_drawn, all_probabilities):
    """The mean over many draws of the weighted sum of the losses."""
    outputs, w, b = values
    own = (outputs * w[TARGETS]).sum(axis=1) + b[TARGETS]
    partitions = [numpy_partition(values, *draw) for draw in zip(all_drawn, all_probabilities)]
    return np.mean([D_LOSSES @ (np.log(z) - own) for z in partitions])


def finite_differences(function, values, step=1e-5):
    gradients = [np.zeros_like(value) for value in values]
    for value, gradient in zip(values, gradients):
        for i in np.ndindex(value.shape):
            before, results = value[i], []
            for sign in (1, -1):
                value[i] = before + sign * step
                results.append(function(values))
            value[i] = before
            gradient[i] = (results[0] - results[1]) / (2 * step)
    return gradients


@pytest.mark.parametrize("num_drawn", [1, 4, 9])
def test_the_partition_function_is_right_in_the_mean(num_drawn):
    uniforms = (np.arange(2000) + 0.5) / 2000
    outputs, w, b = values = parameters()
    losses, _ = losses_and_gradients(num_drawn, values, uniforms)
    own = (outputs * w[TARGETS]).sum(axis=1) + b[TARGETS]
    exact = np.exp(outputs @ w.T + b).sum(axis=1)
    estimates = np.exp(np.array(losses) + own)
    np.testing.assert_allclose(estimates.mean(axis=0), exact, rtol=5e-3)
    assert estimates.std(axis=0).min() > 0.05 * exact.min()


@pytest.mark.parametrize("num_drawn", [1, 4, 9])
def test_loss_and_gradient_are_those_of_the_definition_in_the_mean(num_drawn):
    uniforms, values = GRID[::4], parameters()
    losses, gradients = losses_and_gradients(num_drawn, values, uniforms)
    drawn = draws(num_drawn, VOCABULARY, uniforms)
    assert np.mean(losses @ D_LOSSES) == pytest.approx(numpy_loss(values, *drawn), rel=1e-5)
    expected = finite_differences(lambda values: numpy_loss(values, *drawn), values)
    for actual, each in zip(map(np.mean, zip(*gradients), 3 * [0]), expected):
        np.testing.assert_allclose(actual, each, atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 300.0])  # 300: probabilities that float32 cannot hold
def test_all_words_give_the_full_softmax(scale):
    outputs, w, b = values = parameters(scale)
    (losses,), (gradients,) = losses_and_gradients(VOCABULARY, values, [0.4])
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = [tf.constant(value, tf.float32) for value in values]
        full = softmax.cross_entropy(*variables, tf.constant(TARGETS), by_word=True)
        total = tf.reduce_sum(full * D_LOSSES.astype(np.float32))
        expected_losses, expected = session.run((full, tf.gradients(total, variables)))
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5, atol=1e-6)
    for actual, each in zip(gradients, expected):
        np.testing.assert_allclose(actual, each, rtol=1e-4, atol=1e-6 * scale)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_16_bit_is_near(dtype):
    exact = losses_and_gradients(4, parameters(), [0.4])
    near = losses_and_gradients(4, parameters(), [0.4], dtype)
    for actual, expected in zip(tf.nest.flatten(near), tf.nest.flatten(exact)):
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected, atol=0.03 * np.abs(expected).max())
