import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import configs
import golden_run
import ptb_word_lm
import reader
from graphs import (
    assert_weights_close,
    models_in_session,
    random_corpus,
    tiny_config,
    train_epochs,
    weights,
)
from model import gradients

tf1 = tf.compat.v1
CELL = "Model/RNN/multi_rnn_cell/cell_{}/basic_lstm_cell/{}"


def assert_close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("num_replicas", [None, 1])
@pytest.mark.parametrize("mode", [configs.BASIC, configs.BLOCK])
@pytest.mark.parametrize("name", ["basic", "block"])
def test_numbers_of_the_tf1_script(name, mode, num_replicas):
    config, expected, arrays = golden_run.load(name)
    config = dataclasses.replace(config, rnn_mode=mode)
    corpus = golden_run.corpus(arrays)
    with models_in_session(config, corpus, num_replicas=num_replicas) as (models, session):
        golden_run.set_initial_weights(session, arrays)
        actual = golden_run.train(session, models, config)
        final = weights(session)
    assert expected.keys() - actual.keys() == {"epoch_size"}
    for figure, value in actual.items():
        assert_close(value, expected[figure])
    for variable, value in final.items():
        assert_close(value, arrays[f"final/{variable}"])


@pytest.mark.parametrize("mode", [configs.BASIC, configs.BLOCK])
def test_gradient_equals_finite_differences(mode):
    """One step at learning rate 1, unclipped, subtracts the gradient from every variable."""
    changes = {"vocab_size": 10, "max_grad_norm": 1e6, "init_scale": 0.5}
    config = configs.get_config("test", rnn_mode=mode, **changes)
    with models_in_session(config, random_corpus(10)) as (models, session):
        model = models["Train"]
        feed = {model.positions[0]: 3}
        before = weights(session)
        model.assign_lr(session, 1.0)
        session.run(model.train_op, feed)
        gradients = {name: before[name] - after for name, after in weights(session).items()}
        variables = {v.op.name: v for v in tf1.trainable_variables()}
        for name, variable in variables.items():
            for each, value in before.items():
                session.run(variables[each].initializer, {variables[each].initial_value: value})
            direction = np.random.default_rng(0).normal(size=before[name].shape)
            costs = []
            for step in (0.01, -0.01):
                value = before[name] + step * direction
                session.run(variable.initializer, {variable.initial_value: value})
                costs.append(float(session.run(model.cost, feed)))
            slope = (costs[0] - costs[1]) / 0.02
            assert slope == pytest.approx(
                (gradients[name] * direction).sum(), rel=1e-2, abs=2e-4
            ), name


def test_gradients_are_clipped_by_their_global_norm():
    moved = {}
    for max_grad_norm in (1e6, 0.1):
        config = tiny_config(max_grad_norm=max_grad_norm)
        with models_in_session(config, random_corpus()) as (models, session):
            before = weights(session)
            models["Train"].assign_lr(session, 0.5)
            norm, _ = session.run((models["Train"].grad_norm, models["Train"].train_op))
            after = weights(session)
            moved[max_grad_norm] = {name: after[name] - before[name] for name in before}
    assert norm > 0.1
    scaled = {name: value * 0.1 / norm for name, value in moved[1e6].items()}
    assert_weights_close(moved[0.1], scaled, atol=1e-7)


def test_training_repeats_bit_for_bit_with_a_window_of_many_words():
    config = tiny_config(hidden_size=64, num_layers=1, batch_size=40, num_steps=40)
    corpus = random_corpus(num_words=40 * (20 * 40 + 1))
    valid = {"valid": corpus.train, "test": corpus.train}
    runs = []
    for _ in range(3):
        with models_in_session(config, corpus._replace(**valid)) as (models, session):
            train_epochs(session, models["Train"], epochs=1)
            runs.append(weights(session))
    assert_weights_close(runs[1], runs[0], atol=0)
    assert_weights_close(runs[2], runs[0], atol=0)


def test_rows_of_one_word_are_added_up():
    rng = np.random.default_rng(0)
    with tf.Graph().as_default(), tf1.Session() as session:
        values = tf.constant(rng.normal(size=[2000, 3]), tf.float32)
        gradient = tf.IndexedSlices(values, tf.constant(rng.integers(0, 50, 2000)))
        once = gradients.each_row_once(gradient)
        indices, actual, expected = session.run(
            [once.indices, tf.math.unsorted_segment_sum(once.values, once.indices, 50), gradient]
        )
    assert len(set(indices)) == len(indices) == 50
    sums = np.zeros([50, 3])
    np.add.at(sums, expected.indices, expected.values)
    np.testing.assert_allclose(actual, sums, rtol=0, atol=1e-5)


def test_initial_weights():
    config = tiny_config(init_scale=0.2, hidden_size=40)
    with models_in_session(config, random_corpus()) as (_, session):
        for name, value in weights(session).items():
            if name.endswith("/bias"):
                assert not value.any()
            else:
                assert 0.1 < np.abs(value).max() <= 0.2, name
                assert abs(value.mean()) < 0.07, name


@pytest.mark.parametrize("mode", [configs.BASIC, configs.BLOCK])
def test_checkpoint_has_the_names_of_the_tf1_script(tmp_path, mode):
    with models_in_session(tiny_config(rnn_mode=mode), random_corpus(), num_replicas=1) as result:
        path = tf1.train.Saver().save(result[1], str(tmp_path / "model"))
    shapes = dict(tf.train.list_variables(path))
    expected = {"Model/embedding": [30, 8], "Model/softmax_w": [8, 30], "Model/softmax_b": [30]}
    expected["Model/global_step"] = []
    for layer in (0, 1):
        expected[CELL.format(layer, "kernel")] = [16, 32]
        expected[CELL.format(layer, "bias")] = [32]
    assert shapes == expected


def test_models_have_name_scopes_and_share_the_variables():
    with models_in_session(tiny_config(), random_corpus()) as (models, session):
        for name, model in models.items():
            assert model.cost.op.name.startswith(f"{name}/Model/")
            assert model.input.input_data.op.name.startswith(f"{name}/{name}Input/")
        assert len(tf1.trainable_variables()) == 7


def test_model_uses_the_initializer_of_a_callers_scope():
    config = tiny_config()
    with tf.Graph().as_default(), tf1.Session() as session:
        input_ = ptb_word_lm.PTBInput(config, random_corpus().train)
        with tf1.variable_scope("Model", initializer=tf1.constant_initializer(0.25)):
            ptb_word_lm.PTBModel(True, config, input_)
        session.run(tf1.global_variables_initializer())
        assert (session.run("Model/embedding:0") == 0.25).all()


@pytest.mark.parametrize("mode", [configs.BASIC, configs.BLOCK])
def test_test_perplexity_is_that_of_one_word_at_a_time(mode):
    config = tiny_config(rnn_mode=mode, init_scale=0.5)
    corpus = random_corpus()
    with models_in_session(config, corpus) as (models, session):
        in_windows = ptb_word_lm.run_epoch(session, models["Test"])
        config = dataclasses.replace(config, batch_size=1, num_steps=1)
        with tf1.variable_scope("Model", reuse=True):
            model = ptb_word_lm.PTBModel(False, config, ptb_word_lm.PTBInput(config, corpus.test))
        reader.load_texts(session)
        word_by_word = ptb_word_lm.run_epoch(session, model)
    assert model.streams.epoch_size == len(corpus.test) - 1
    assert in_windows == pytest.approx(word_by_word, rel=1e-5)


def test_run_epoch_reads_the_text_from_its_start():
    with models_in_session(tiny_config(), random_corpus()) as (models, session):
        whole = ptb_word_lm.run_epoch(session, models["Valid"])
        session.run(models["Valid"].cost)  # somebody else reads a window
        assert ptb_word_lm.run_epoch(session, models["Valid"]) == whole


def test_run_epoch_carries_the_state():
    config = tiny_config(init_scale=1.0)
    with models_in_session(config, random_corpus()) as (models, session):
        model = models["Valid"]
        carried = ptb_word_lm.run_epoch(session, model)
        costs = [session.run(model.cost, {model.positions[0]: i}) for i in range(14)]
    assert model.streams.epoch_size == 14
    forgotten = np.exp(np.sum(costs) / (14 * config.num_steps))
    assert abs(carried - forgotten) > 1e-3 * forgotten


def test_verbose_lines_and_a_corpus_of_few_windows(capsys):
    with models_in_session(tiny_config(), random_corpus()) as (models, session):
        for name, count in (("Train", 14), ("Valid", 14), ("Test", 10)):
            ptb_word_lm.run_epoch(session, models[name], verbose=True)
            assert len(capsys.readouterr().out.splitlines()) == count


def run_dropout(config, seed=1, positions=(0, 0)):
    with models_in_session(config, random_corpus(), seed=seed) as (models, session):
        model = models["Train"]
        return [
            session.run((model.cost, model.train_op), {model.positions[0]: p})[0] for p in positions
        ]


def test_dropout_depends_on_seed_and_step_alone():
    config = tiny_config(keep_prob=0.5, init_scale=0.5)
    with models_in_session(config, random_corpus()) as (models, session):
        model = models["Train"]
        feed = {model.positions[0]: 0}
        first, again = (session.run(model.cost, feed) for _ in range(2))
        session.run(model.train_op, feed)  # at learning rate 0: the step alone changes
        next_step = session.run(model.cost, feed)
    assert first == again
    assert first != next_step
    assert run_dropout(config, seed=1) == run_dropout(config, seed=1)


def test_dropout_keeps_the_mean_and_is_off_in_evaluation():
    config = tiny_config(keep_prob=0.35, hidden_size=64)
    with models_in_session(config, random_corpus()) as (_, session):
        graph = tf1.get_default_graph()
        names = [op.name for op in graph.get_operations() if "dropout" in op.name]
        assert names
        assert all(name.startswith("Train/") for name in names)
        dropped = [
            op for op in graph.get_operations() if op.type == "SelectV2" and "dropout" in op.name
        ]
        values = [session.run(op.inputs[0]) for op in dropped if "gradients" not in op.name]
    assert len(values) == config.num_layers + 1
    for mask in values:
        assert mask.mean() == pytest.approx(0.35, abs=0.06)


@pytest.mark.parametrize("keep_prob", [1.0, 0.5])
@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_16_bit_training_is_near_float32(dtype, keep_prob):
    config = tiny_config(keep_prob=keep_prob, hidden_size=32)
    perplexities = {}
    for each in (tf.float32, dtype):
        with models_in_session(config, random_corpus(), each, num_replicas=1) as (models, session):
            perplexities[each] = train_epochs(session, models["Train"], 3)
            assert all(value.dtype == np.float32 for value in weights(session).values())
    np.testing.assert_allclose(perplexities[dtype], perplexities[tf.float32], rtol=0.01)


def test_importing_changes_no_tensorflow_setting():
    assert tf.executing_eagerly()
    assert tf1.resource_variables_enabled()
