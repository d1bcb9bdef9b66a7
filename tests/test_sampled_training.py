"""Training with a sampled softmax: what holds around it, as without sampling."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import configs
import ptb_word_lm
import util
from graphs import (
    assert_weights_close,
    models_in_session,
    random_corpus,
    run_here,
    tiny_config,
    train_epochs,
    weights,
)
from saved import finding
from trained import trained_model

tf1 = tf.compat.v1
ALL_WORDS = 30
MODES = [configs.BASIC, configs.BLOCK]
BY_WORD = "Model/softmax_w_by_word"


def saved_weights(session, path):
    """What a Saver of the session's graph saves: name to value."""
    tf1.train.Saver().save(session, str(path))
    reader = tf1.train.NewCheckpointReader(str(path))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def train_from(path, config, num_replicas=1, dtype=tf.float32):
    """Two epochs from the weights of a checkpoint: perplexities, and the weights that are saved."""
    with models_in_session(config, random_corpus(), dtype, num_replicas=num_replicas) as result:
        models, session = result
        tf1.train.Saver().restore(session, str(path))
        perplexities = train_epochs(session, models["Train"], 2)
        perplexities += [ptb_word_lm.run_epoch(session, models[name]) for name in ("Valid", "Test")]
        return perplexities, saved_weights(session, f"{path}-after")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A checkpoint with initial weights."""
    path = tmp_path_factory.mktemp("start") / "model"
    with models_in_session(tiny_config(), random_corpus()) as (_, session):
        saved_weights(session, path)
    return path


@pytest.mark.parametrize("mode", MODES)
def test_to_sample_all_words_is_not_to_sample(start, mode):
    """With clipping: the norm is the same, too."""
    changes = {"rnn_mode": mode, "max_grad_norm": 0.5}
    expected = train_from(start, tiny_config(**changes))
    actual = train_from(start, tiny_config(**changes, sampled_softmax=ALL_WORDS))
    np.testing.assert_allclose(actual[0], expected[0], rtol=1e-5)
    assert_weights_close(actual[1], expected[1], atol=1e-6)
    sampled = train_from(start, tiny_config(**changes, sampled_softmax=9))
    assert sampled[0][0] != pytest.approx(expected[0][0], rel=1e-4)


def test_replicas_that_draw_alike_equal_one_with_their_joint_batch(start):
    num_replicas = 3
    changes = {"sampled_softmax": ALL_WORDS, "max_grad_norm": 100.0}
    replicated = train_from(start, tiny_config(**changes), num_replicas)
    single = train_from(start, tiny_config(**changes, batch_size=4 * num_replicas))
    np.testing.assert_allclose(replicated[0][:2], single[0][:2], rtol=1e-5)
    assert replicated[1].pop("Model/global_step") == num_replicas * single[1].pop(
        "Model/global_step"
    )
    assert_weights_close(replicated[1], single[1], atol=1e-6)


def drawn_words(session):
    """The words drawn in each replica in the next step."""
    operations = tf1.get_default_graph().get_operations()
    uniforms = [
        operation.outputs[0]
        for operation in operations
        if operation.type.startswith("StatelessRandomUniform")
        and operation.outputs[0].dtype == tf.float64
    ]
    return session.run(uniforms)


def test_draws_depend_on_seed_step_and_replica_alone():
    drawn = {}
    for seed, attempt in itertools.product((1, 2), range(2)):
        config = tiny_config(sampled_softmax=9, keep_prob=0.5)
        with models_in_session(config, random_corpus(), seed=seed, num_replicas=2) as result:
            models, session = result
            steps = [drawn_words(session)]
            session.run(models["Train"].train_op)  # at learning rate 0
            steps.append(drawn_words(session))
        drawn[seed, attempt] = np.array(steps)
    assert drawn[1, 0].shape == (2, 2)
    assert len({*drawn[1, 0].flat, *drawn[2, 0].flat}) == 8
    for seed in (1, 2):
        np.testing.assert_array_equal(drawn[seed, 0], drawn[seed, 1])


@pytest.mark.parametrize("mode", MODES)
def test_second_graph_computes_what_the_first_does(mode, tmp_path):
    config = tiny_config(rnn_mode=mode, keep_prob=0.7, sampled_softmax=9)

    def compute(num_replicas):
        with models_in_session(config, random_corpus(), num_replicas=num_replicas) as result:
            models, session = result
            perplexities = train_epochs(session, models["Train"], 2)
            return perplexities, saved_weights(session, tmp_path / f"{num_replicas}")

    first, second = compute(None), compute(1)
    assert first[0] == second[0]
    assert_weights_close(first[1], second[1], atol=0)


@pytest.mark.parametrize(
    ("mode", "num_replicas"),
    [("basic", 1), ("block", None), ("block", 1), ("block", 2), ("cudnn", 1), ("cudnn", 2)],
)
def test_the_checkpoint_is_the_same_with_and_without_sampling(tmp_path, mode, num_replicas):
    sampled = tiny_config(rnn_mode=mode, sampled_softmax=9)
    with models_in_session(sampled, random_corpus(), num_replicas=num_replicas) as (_, session):
        rows = weights(session)[BY_WORD]
        original = saved_weights(session, tmp_path / "sampled")
    assert rows.shape == (30, 8)
    np.testing.assert_array_equal(original["Model/softmax_w"], rows.T)
    with models_in_session(tiny_config(), random_corpus(), seed=2) as (_, session):
        tf1.train.Saver().restore(session, str(tmp_path / "sampled"))
        full = saved_weights(session, tmp_path / "full")
    assert_weights_close(full, original, atol=0)
    with models_in_session(sampled, random_corpus(), seed=3, num_replicas=num_replicas) as result:
        tf1.train.Saver().restore(result[1], str(tmp_path / "full"))
        assert_weights_close(saved_weights(result[1], tmp_path / "again"), original, atol=0)


def test_a_step_changes_the_rows_of_drawn_words_and_targets_alone():
    config = tiny_config(vocab_size=1000, sampled_softmax=20, num_steps=3)
    with models_in_session(config, random_corpus(1000), num_replicas=1) as (models, session):
        before, model = weights(session), models["Train"]
        model.assign_lr(session, 0.5)
        session.run(model.train_op, {model.positions[0]: 0})
        after = weights(session)
        operations = tf1.get_default_graph().get_operations()
    updated = {op.inputs[0].op.name for op in operations if op.type == "ApplyGradientDescent"}
    assert updated == {name for name in before if "/RNN/" in name}
    rows = np.flatnonzero((before[BY_WORD] != after[BY_WORD]).any(axis=1))
    biases = np.flatnonzero(before["Model/softmax_b"] != after["Model/softmax_b"])
    np.testing.assert_array_equal(rows, biases)
    targets = random_corpus(1000).train.reshape(4, -1)[:, 1:4]
    assert set(targets.ravel()) <= set(rows)
    assert 20 <= len(rows) <= 20 + targets.size


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_16_bit_training_is_near_float32(start, dtype):
    config = tiny_config(sampled_softmax=9)
    near, exact = (train_from(start, config, dtype=each)[0] for each in (dtype, tf.float32))
    np.testing.assert_allclose(near, exact, rtol=0.01)


def test_a_run_continues_with_and_without_sampling(tmp_path, capsys):
    save_path = str(tmp_path / "run")

    def train(epochs, save_path=None, **changes):
        config = tiny_config(keep_prob=0.8, max_max_epoch=epochs, **changes)
        result = ptb_word_lm.train_model(config, random_corpus(), save_path, sample_words=0)
        return *result, capsys.readouterr().err

    sampled = {"sampled_softmax": 9}
    epochs, test, _ = train(2, **sampled)
    (first,), _, said = train(1, save_path, **sampled)
    assert said == "training's perplexity is an estimate, those of Valid and Test are exact\n"
    (second,), again, _ = train(2, save_path, **sampled)
    assert ([first, second], again) == (epochs, test)
    _, _, said = train(3, save_path)
    assert "estimate" not in said
    train(4, save_path, **sampled)
    assert len(finding.list_newest_first(save_path)) == 4
    trained = trained_model.read(save_path)
    assert (trained.config.sampled_softmax, trained.run["sampled_softmax"]) == (0, 9)


def test_what_was_trained_by_sampling_is_evaluated_exactly(tmp_path):
    words = [f"word{i}" for i in range(20)]
    rng = np.random.default_rng(0)
    for split, count in (("train", 300), ("valid", 80), ("test", 20)):
        lines = (" ".join(rng.choice(words, 6)) + " \n" for _ in range(count))
        (tmp_path / f"ptb.{split}.txt").write_text("".join(lines))
    arguments = ["--model=test", f"--data_path={tmp_path}", f"--save_path={tmp_path / 'run'}"]
    status, printed, err = run_here(ptb_word_lm, *arguments, "--sampled_softmax=5")
    assert (status, err.count("\n")) == (0, 1)
    status, evaluated, _ = run_here(ptb_word_lm, *arguments, "--eval_only")
    valid, test = evaluated.splitlines()
    assert (status, test) == (0, printed.splitlines()[-1])
    assert f"Epoch: 1 {valid}" == printed.splitlines()[-2]
    status, _, err = run_here(ptb_word_lm, *arguments, "--sampled_softmax=22")
    assert (status, err) == (
        1,
        "ptb_word_lm.py: TestConfig: sampled_softmax is 22, but must be at most 21, the words of "
        "the vocabulary\n",
    )


def test_replicas_divide_both_sparse_updates():
    """Otherwise the softmax would learn as many times too fast as there are replicas."""
    config = tiny_config(sampled_softmax=9)
    metagraph, models = ptb_word_lm.build_metagraph(config, random_corpus())
    util.auto_parallel(metagraph, models["Train"], 2)
    updates = [node for node in metagraph.graph_def.node if node.op == "ScatterSub"]
    names = {util.split_replica(node.input[0])[1] for node in updates}
    assert names == {"Model/embedding", BY_WORD, "Model/softmax_b"}
    assert len(updates) == 6
    assert all(node.input[2].endswith("/mean") for node in updates)
