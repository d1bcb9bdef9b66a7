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
    tiny_config,
    train_epochs,
    weights,
)
from model import lstm

tf1 = tf.compat.v1
MODES = [configs.BASIC, configs.BLOCK]


def test_state_tuples_come_back_in_order():
    with tf.Graph().as_default():
        states = [lstm.zero_state([2, 3]) for _ in range(2)]
        util.export_state_tuples(states, "Train/initial")
        imported = util.import_state_tuples(states, "Train/initial", 1)
        assert [(s.c.name, s.h.name) for s in imported] == [(s.c.name, s.h.name) for s in states]


@pytest.mark.parametrize(("exported", "num_replicas"), [(0, 1), (1, 1), (2, 0), (2, 2), (2, 3)])
def test_import_of_another_number_of_states_fails(exported, num_replicas):
    with tf.Graph().as_default():
        states = [lstm.zero_state([2, 3]) for _ in range(2)]
        util.export_state_tuples(states[:exported], "Train/initial")
        with pytest.raises(ValueError, match="Train/initial holds"):
            util.import_state_tuples(states, "Train/initial", num_replicas)


def test_import_from_a_graph_without_the_model_fails():
    with tf.Graph().as_default():
        models = ptb_word_lm.build_models(tiny_config(), random_corpus())
        models["Train"].export_ops("Train")
    with tf.Graph().as_default(), pytest.raises(ValueError, match="no collection Train/cost"):
        models["Train"].import_ops()


def test_exported_keys():
    with tf.Graph().as_default() as graph:
        for name, model in ptb_word_lm.build_models(tiny_config(), random_corpus()).items():
            model.export_ops(name)
        keys = set(graph.get_all_collection_keys())
    models = {f"{m}/{k}" for m in ("Train", "Valid", "Test") for k in ("cost", "initial", "final")}
    assert models | {"train_op", "lr", "new_lr", "lr_update"} <= keys


@pytest.mark.parametrize("mode", MODES)
def test_second_graph_computes_what_the_first_does(mode):
    config = tiny_config(rnn_mode=mode, keep_prob=0.7)

    def compute(num_replicas):
        with models_in_session(config, random_corpus(), num_replicas=num_replicas) as result:
            models, session = result
            perplexities = train_epochs(session, models["Train"], 2)
            perplexities += [ptb_word_lm.run_epoch(session, models[m]) for m in ("Valid", "Test")]
            return perplexities, weights(session)

    first, second = compute(None), compute(1)
    assert first[0] == second[0]
    assert_weights_close(first[1], second[1], atol=0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("num_replicas", [2, 3])
def test_replicas_equal_one_with_their_joint_batch(mode, num_replicas):
    changes = {"rnn_mode": mode, "max_grad_norm": 100.0}
    corpus = random_corpus()
    with models_in_session(tiny_config(**changes), corpus, num_replicas=num_replicas) as result:
        models, session = result
        epoch_size = models["Train"].streams.epoch_size
        perplexities = train_epochs(session, models["Train"], 2)
        replicated, step = weights(session), session.run("Model/global_step:0")
    changes["batch_size"] = 4 * num_replicas
    with models_in_session(tiny_config(**changes), corpus) as (models, session):
        start = weights(session)
        expected = train_epochs(session, models["Train"], 2)
        assert models["Train"].streams.epoch_size == epoch_size
        single = weights(session)
    assert_weights_close(replicated, single, atol=1e-6)
    np.testing.assert_allclose(perplexities, expected, rtol=1e-5)
    assert step == 2 * epoch_size * num_replicas
    assert max(np.abs(single[name] - start[name]).max() for name in start) > 0.01


@pytest.mark.parametrize("feed_positions", [True, False])
def test_replicas_read_contiguous_streams_once_an_epoch(feed_positions):
    corpus = random_corpus()
    with models_in_session(tiny_config(), corpus, num_replicas=3) as (models, session):
        model = models["Train"]
        graph = tf1.get_default_graph()
        tensors = [
            graph.get_tensor_by_name(f"AutoParallel-Replica-{r}/Train/TrainInput/x:0")
            for r in range(3)
        ]
        windows = []
        for i in range(model.streams.epoch_size):
            feed = {p: i for p in model.positions} if feed_positions else {}
            windows.append(np.concatenate(session.run((tensors, model.train_op), feed)[0]))
    read = np.concatenate(windows, axis=1)
    streams = corpus.train.reshape(12, -1)
    np.testing.assert_array_equal(read, streams[:, : read.shape[1]])
    assert read.shape[1] == (600 // 12 - 1) // 5 * 5


def test_replicas_carry_their_own_states():
    with models_in_session(tiny_config(), random_corpus(), num_replicas=2) as (models, session):
        model = models["Train"]
        assert len(model.initial_state) == len(model.final_state) == 2 * 2
        feed = {position: 0 for position in model.positions}
        before = session.run(model.final_state, feed)
        feed[model.initial_state[2].h] = np.full((4, 8), 0.5)  # replica 1, layer 0
        after = session.run(model.final_state, feed)
    for layer in (0, 1):
        np.testing.assert_array_equal(before[layer].c, after[layer].c)
        assert np.abs(before[2 + layer].c - after[2 + layer].c).max() > 1e-4


def test_replicas_drop_out_differently():
    with models_in_session(tiny_config(keep_prob=0.5), random_corpus(), num_replicas=2) as result:
        _, session = result
        masks = [
            op.outputs[0]
            for op in tf1.get_default_graph().get_operations()
            if op.type == "GreaterEqual" and "dropout" in op.name
        ]
        by_replica = [[m for m in masks if f"Replica-{r}/" in m.name] for r in range(2)]
        first, second = session.run(by_replica)
    assert len(first) == len(second) == 3
    for a, b in zip(first, second):
        assert (a != b).any()


def test_replicas_update_each_variable_in_turn():
    with tf.Graph().as_default():
        models = ptb_word_lm.build_models(tiny_config(), random_corpus())
        models["Train"].export_ops("Train")
        metagraph = tf1.train.export_meta_graph()
    util.auto_parallel(metagraph, models["Train"], 3)
    nodes = {node.name: node for node in metagraph.graph_def.node}

    def ancestors(name):
        found, left = set(), [name]
        while left:
            names = [each.lstrip("^").split(":")[0] for each in nodes[left.pop()].input]
            left += [each for each in names if each not in found]
            found.update(names)
        return found

    updates = {}
    for node in nodes.values():
        if node.op in ("ApplyGradientDescent", "ScatterSub", "AssignAdd"):
            updates.setdefault(node.input[0], []).append(node.name)
    assert "Model/global_step" in updates
    for names in updates.values():
        for number, name in enumerate(sorted(names)):
            assert ancestors(name) & set(names) == set(sorted(names)[:number])


def test_replicas_of_too_short_a_text_are_refused():
    with tf.Graph().as_default():
        models = ptb_word_lm.build_models(tiny_config(), random_corpus())
        models["Train"].export_ops("Train")
        metagraph = tf1.train.export_meta_graph()
        with pytest.raises(ValueError, match="decrease batch_size or num_steps"):
            util.auto_parallel(metagraph, models["Train"], 30)
        with pytest.raises(ValueError, match="num_replicas is 0"):
            util.auto_parallel(metagraph, models["Train"], 0)


def test_exporting_twice_is_exporting_once():
    with models_in_session(tiny_config(), random_corpus()) as (models, _):
        model = models["Train"]
        for _ in range(2):
            model.export_ops("Train")
        model.import_ops()
        assert model.streams.num_replicas == 1


def test_an_imported_model_counts_the_windows_of_its_replicas():
    metagraph, models = ptb_word_lm.build_metagraph(tiny_config(), random_corpus())
    model = models["Train"]
    before = model.input.epoch_size
    util.auto_parallel(metagraph, model, 2)
    with tf.Graph().as_default():
        tf1.train.import_meta_graph(metagraph)
        model.import_ops()
    assert before // 2 - 1 <= model.input.epoch_size == model.streams.epoch_size <= before // 2


def test_replication_needs_the_collections():
    with models_in_session(tiny_config(), random_corpus()) as (models, _):
        metagraph = tf1.train.export_meta_graph()
        with pytest.raises(ValueError, match="call its export_ops before"):
            util.auto_parallel(metagraph, models["Train"], 2)
