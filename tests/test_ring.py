"""The ring: several machines, as servers in this process, against one with their joint batch."""

import contextlib
import itertools

import numpy as np
import pytest
import tensorflow as tf

import configs
import ptb_word_lm
import stress
import training
import util
from graphs import assert_weights_close, random_corpus, tiny_config, weights
from saved.progress import Progress
from training import divergence, ring, saves_and_signals, session

tf1 = tf.compat.v1


@pytest.fixture(scope="module")
def target():
    """What a session connects to that uses four machines."""
    addresses = stress.free_addresses(4)
    servers = [tf1.train.Server({"worker": addresses}, "worker", number) for number in range(4)]
    return servers[0].target


def small_graph(**changes):
    """A configuration whose graph has few operations."""
    return tiny_config(**{"num_layers": 1, "num_steps": 3, **changes})


def devices(count):
    return [f"/job:worker/task:{number}" for number in range(count)]


def build(config, machines, per_machine=1, max_norm=None):
    """The metagraph that some machines train, and its models; no machines: without a ring."""
    corpus = random_corpus(num_words=20_000)
    corpus = corpus._replace(valid=corpus.train)
    metagraph, models = ptb_word_lm.build_metagraph(config, corpus, seed=3)
    util.auto_parallel(metagraph, models["Train"], per_machine)
    if machines:
        ring.replicate(metagraph, models["Train"], per_machine, devices(machines), max_norm)
    return metagraph, models


@contextlib.contextmanager
def opened(target, metagraph, models, add=lambda: None):
    """Yields a session on the machines, the model, and what `add` has added to the graph."""
    server = training.Server(target, devices(1)[0], 60)
    with tf.Graph().as_default(), tf.device(server.device):
        model, added = util.import_models(metagraph, models)["Train"], add()
        options = tf1.ConfigProto(allow_soft_placement=True)
        with session.open_session(None, tf1.train.Saver(), options, server) as each:
            yield each, model, added


def train(target, config, machines=0, per_machine=1, max_norm=None):
    """Trains for five steps: costs and norms, an array; weights; fingerprints; global step."""
    built = build(config, machines, per_machine, max_norm)
    with opened(target, *built) as (each, model, _):
        model.assign_lr(each, 0.5)
        results = list(itertools.islice(training.run_windows(each, model, model.train_op), 5))
        numbers = np.array([(r.progress.total_cost, r.grad_norm) for r in results])
        prints = each.run(tf1.get_collection(ring.FINGERPRINTS))
        return numbers, weights(each), prints, each.run(tf1.train.get_global_step())


@pytest.mark.parametrize(("machines", "per_machine"), [(1, 2), (2, 2), (3, 1), (4, 1)])
def test_machines_equal_one_with_their_joint_batch_if_the_mean_is_clipped(
    target, machines, per_machine
):
    replicas = machines * per_machine
    one = train(target, small_graph(batch_size=4 * replicas, max_grad_norm=0.1))
    config = small_graph(max_grad_norm=configs.LARGEST)
    numbers, after, prints, step = train(target, config, machines, per_machine, max_norm=0.1)
    assert min(numbers[:, 1]) > 0.1  # all are clipped
    np.testing.assert_allclose(numbers, one[0], rtol=0, atol=1e-5)
    assert_weights_close(after, one[1], 1e-6)
    assert len(prints) == machines
    assert all(np.array_equal(each, prints[0]) for each in prints)
    assert step == one[3] * replicas


@pytest.mark.parametrize(
    ("machines", "changes"),
    [
        (3, {"keep_prob": 0.5, "sampled_softmax": 10, "max_grad_norm": 0.1}),
        (2, {"batch_size": 350, "max_grad_norm": 1000}),  # more than 1,024 rows
    ],
)
def test_machines_equal_replicas_on_one(target, machines, changes):
    """Each clips its own gradient, and draws words and dropout of its own."""
    config = small_graph(**changes)
    one, many = train(target, config, 0, machines), train(target, config, machines)
    np.testing.assert_allclose(many[0], one[0], rtol=0, atol=1e-5)
    assert_weights_close(many[1], one[1], 1e-6)
    assert many[3] == one[3]


def test_the_same_run_is_the_same_bit_for_bit(target):
    runs = [train(target, small_graph(keep_prob=0.5, sampled_softmax=10), 4) for _ in range(2)]
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    assert_weights_close(runs[0][1], runs[1][1], 0)


def bytes_between(config, machines):
    """What a step sends over each direction of each machine's link, and the sizes that are sent.

    Rows, whose number is not known in the graph, are left out.
    """
    metagraph, models = build(config, machines)
    with tf.Graph().as_default() as graph:
        model = util.import_models(metagraph, models)["Train"]
        step = tf1.graph_util.extract_sub_graph(graph.as_graph_def(), [model.train_op.name])
        ops = [graph.get_operation_by_name(node.name) for node in step.node]
        sent = {
            (tensor.name, *(tf.DeviceSpec.from_string(each.device).task for each in (tensor, op)))
            for op in ops
            for tensor in op.inputs
        }
        links, sizes = dict.fromkeys(itertools.product(range(machines), "io"), 0), set()
        for name, start, end in sent:
            tensor = graph.get_tensor_by_name(name)
            if start != end and tensor.shape.is_fully_defined():
                size = tensor.shape.num_elements()
                sizes.add(size)
                links[start, "o"] += size * tensor.dtype.size
                links[end, "i"] += size * tensor.dtype.size
    return links, sizes


def test_no_link_carries_more_than_the_formula_says():
    hidden_size, vocab_size, machines = 8, 1009, 4
    links, _ = bytes_between(small_graph(vocab_size=vocab_size), machines)
    gradients = vocab_size * (hidden_size + 1) + 4 * hidden_size * (2 * hidden_size + 1)
    formula = 2 * (machines - 1) / machines * 4 * gradients
    assert all(0.99 * formula < each < 1.1 * formula for each in links.values())


def test_with_sampling_nothing_of_the_vocabularys_size_travels():
    """1,009 is prime: only what has a number for each word has a size divisible by it."""
    _, sizes = bytes_between(small_graph(vocab_size=1009, sampled_softmax=9), 2)
    assert len(sizes) > 2
    assert not any(size % 1009 == 0 for size in sizes if size)


def test_a_copy_that_differs_is_said_and_a_new_session_copies_again(target):
    built = build(small_graph(), 3)

    def add():
        copy = next(v for v in tf1.local_variables() if v.name == "Machine-2/Model/softmax_b:0")
        return tf1.assign_add(copy, tf.one_hot(5, 30) * 1e-6), tf1.get_collection(ring.FINGERPRINTS)

    with opened(target, *built, add) as (each, _, (disturb, fingerprints)):
        watch = saves_and_signals.Guard(each, None, None, fingerprints=fingerprints)
        watch.progress = Progress(window=1)
        watch.save()
        each.run(disturb)
        with pytest.raises(divergence.TrainingError, match="the weights of worker 2 are no longer"):
            watch.save()
    with opened(target, *built, add) as (each, _, (_, fingerprints)):
        values = each.run(fingerprints)
        assert all(np.array_equal(value, values[0]) for value in values)
