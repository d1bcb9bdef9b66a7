"""What a CPU can check of training on GPUs: which kernels there are, and what is placed where."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels, op_def_registry

import configs
import ptb_word_lm
import reader
import util
from graphs import (
    assert_weights_close,
    models_in_session,
    random_corpus,
    tiny_config,
    train_epochs,
    weights,
)
from model import devices
from model.precision import Precision

tf1 = tf.compat.v1
# Modes, and with how many sampled words.
MODES = [(configs.BASIC, 0), (configs.BLOCK, 0), (configs.CUDNN, 0), (configs.BLOCK, 9)]
DTYPES = [tf.float32, tf.float16, tf.bfloat16]
needs_gpu_kernels = pytest.mark.skipif(
    not tf.test.is_built_with_cuda(), reason="this TensorFlow has no kernels for GPUs"
)


def replicated(config, num_replicas, dtype=tf.float32):
    """The models of a metagraph with replicas, the metagraph, and its nodes by name."""
    # As on a GPU, which multiplies 16-bit numbers as they are.
    precision = Precision(dtype, dtype)
    metagraph, models = ptb_word_lm.build_metagraph(config, random_corpus(), precision, seed=1)
    util.auto_parallel(metagraph, models["Train"], num_replicas)
    return models, metagraph, {node.name: node for node in metagraph.graph_def.node}


registered_kernels = functools.cache(kernels.get_registered_kernels_for_op)


def gpu_kernel(node):
    """The registered kernel that computes a node on a GPU, or None; "DEFAULT" is any device."""
    for kernel in registered_kernels(node.op).kernel:
        types = {c.name: set(c.allowed_values.list.type) for c in kernel.constraint}
        fits = all({node.attr[name].type} <= allowed for name, allowed in types.items())
        if kernel.device_type in ("GPU", "DEFAULT") and fits:
            return kernel
    return None


def argument_names(node, arguments):
    """The name of each of a node's inputs or outputs, in order."""
    names = []
    for argument in arguments:
        count = node.attr[argument.number_attr].i if argument.number_attr else 1
        count = len(node.attr[argument.type_list_attr].list.type) or count
        names += count * [argument.name]
    return names


def is_on_cpu(node):
    return tf.DeviceSpec.from_string(node.device).device_type == "CPU"


@needs_gpu_kernels
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("mode", "sampled"), MODES)
def test_all_but_the_input_has_a_gpu_kernel(mode, sampled, dtype):
    changes = {"keep_prob": 0.5, "num_steps": 2, "sampled_softmax": sampled}
    _, _, nodes = replicated(tiny_config(rnn_mode=mode, **changes), 2, dtype)
    left_to_gpu = [node for node in nodes.values() if not is_on_cpu(node)]
    assert {node.op for node in left_to_gpu if not gpu_kernel(node)} == set()
    assert "MatMul" in {node.op for node in left_to_gpu}


@needs_gpu_kernels
@pytest.mark.parametrize(("mode", "sampled"), MODES)
def test_a_training_step_sends_nothing_back_from_the_gpu(mode, sampled):
    """The host would have to wait for it, and the GPU then for the host."""
    config = tiny_config(rnn_mode=mode, keep_prob=0.5, num_steps=2, sampled_softmax=sampled)
    with tf.Graph().as_default() as graph:
        model = ptb_word_lm.build_models(config, random_corpus())["Train"]
        step = tf1.graph_util.extract_sub_graph(graph.as_graph_def(), [model.train_op.name])
    nodes = {node.name: node for node in step.node}

    def is_folded(node):
        """Whether TensorFlow computes it before the first step, from constants."""
        sources = [nodes[name.partition(":")[0].lstrip("^")] for name in node.input]
        return all(each.op == "Const" or is_folded(each) for each in sources) and bool(sources)

    def in_host_memory(node, argument):
        return is_on_cpu(node) or argument in gpu_kernel(node).host_memory_arg

    crossing = {False: set(), True: set()}
    for node in nodes.values():
        inputs = [name for name in node.input if not name.startswith("^")]
        arguments = argument_names(node, op_def_registry.get(node.op).input_arg)
        for name, argument in zip(inputs, arguments):
            name, _, number = name.partition(":")
            source = nodes[name]
            if is_folded(source):  # such as the Cast of a shape, up to 2.18
                continue
            outputs = argument_names(source, op_def_registry.get(source.op).output_arg)
            from_host = in_host_memory(source, outputs[int(number or 0)])
            if from_host != in_host_memory(node, argument):
                crossing[from_host].add((source.name, node.op))
    assert crossing[False] == set()
    assert "GatherV2" in {op for _, op in crossing[True]}  # the words to look up


@pytest.mark.parametrize("mode", configs.RNN_MODES)
def test_replicas_are_on_gpus_of_their_own_and_their_text_on_the_cpu(mode):
    models, _, nodes = replicated(tiny_config(rnn_mode=mode, num_steps=2), 3)
    windows = models["Train"].input.windows
    for replica in range(3):
        in_replica = f"AutoParallel-Replica-{replica}/"
        assert is_on_cpu(nodes[in_replica + windows.x.op.name])
        placed = {
            tf.DeviceSpec.from_string(node.device).device_index
            for node in nodes.values()
            if node.name.startswith(in_replica) and not is_on_cpu(node)
        }
        assert placed == {replica}


def test_replicas_on_several_devices_equal_one_with_their_joint_batch():
    """As on several GPUs: on three devices, between which tensors are sent."""
    changes = {"max_grad_norm": 100.0}
    models, metagraph, nodes = replicated(tiny_config(**changes), 3)
    for node in nodes.values():
        node.device = node.device.replace("GPU", "CPU")
    session_config = tf1.ConfigProto(allow_soft_placement=True, device_count={"CPU": 3})
    options, metadata = tf1.RunOptions(output_partition_graphs=True), tf1.RunMetadata()
    with tf.Graph().as_default(), tf1.Session(config=session_config) as session:
        model = util.import_models(metagraph, models)["Train"]
        session.run([tf1.global_variables_initializer(), tf1.local_variables_initializer()])
        reader.load_texts(session)
        session.run(model.cost, options=options, run_metadata=metadata)
        perplexities, actual = train_epochs(session, model, 2), weights(session)
    assert [len(graph.node) > 100 for graph in metadata.partition_graphs] == 3 * [True]
    changes["batch_size"] = 3 * 4
    with models_in_session(tiny_config(**changes), random_corpus()) as (models, session):
        expected = train_epochs(session, models["Train"], 2)
        assert_weights_close(actual, weights(session), atol=1e-6)
    np.testing.assert_allclose(perplexities, expected, rtol=1e-5)


def test_cudnn_drops_out_differently_in_each_replica():
    _, _, nodes = replicated(tiny_config(rnn_mode=configs.CUDNN, keep_prob=0.5), 2)
    seeds = {}
    for node in nodes.values():
        if node.op in ("CudnnRNNV3", "CudnnRNNBackpropV3") and node.attr["is_training"].b:
            replica, _ = util.split_replica(node.name)
            seeds.setdefault(replica, set()).add((node.attr["seed"].i, node.attr["seed2"].i))
    assert seeds == {0: {(1, 0)}, 1: {(1, 1)}}


@pytest.mark.parametrize("dtype", DTYPES)
def test_cudnn_rounds_to_16_bits_and_keeps_states_and_weights_in_float32(dtype):
    config = tiny_config(rnn_mode=configs.CUDNN)
    with tf.Graph().as_default() as graph:
        model = ptb_word_lm.build_models(config, random_corpus(), Precision(dtype, dtype))["Train"]
        for kind in ("CudnnRNNV3", "CudnnRNNBackpropV3"):
            kernel = next(op for op in graph.get_operations() if op.type == kind)
            # In bfloat16, the gradient that the kernel computes for the weights is wrong.
            assert kernel.get_attr("T") == (tf.float32 if dtype == tf.bfloat16 else dtype)
        states = tf.nest.flatten((model.initial_state, model.final_state))
        assert {tensor.dtype for tensor in states} == {tf.float32}
        gradient = tf.gradients(model.cost, model.ops.rnn_params)[0]
    assert gradient.dtype == model.ops.rnn_params.dtype.base_dtype == tf.float32


def test_sessions_take_memory_as_they_need_it(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    options = devices.session_config().gpu_options
    assert options.allow_growth
    assert options.visible_device_list == "0"
