import numpy as np
import pytest
import tensorflow as tf

import configs
import ptb_word_lm
from graphs import models_in_session, random_corpus, tiny_config, weights
from model import lstm

tf1 = tf.compat.v1
STEPS, BATCH, INPUT, HIDDEN = 4, 3, 5, 6


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numpy_layer(inputs, c, h, kernel, bias):
    """The equations of the contract, in float64."""
    outputs = []
    for x in inputs:
        i, j, f, o = np.split(np.concatenate([x, h], axis=1) @ kernel + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(j)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs), c, h


def random_arguments(seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(STEPS, BATCH, INPUT), (BATCH, HIDDEN), (BATCH, HIDDEN)]
    shapes += [(INPUT + HIDDEN, 4 * HIDDEN), (4 * HIDDEN,)]
    return [rng.normal(size=shape) for shape in shapes]


def run_layer(layer, arguments, dtype=tf.float32):
    """Outputs, last state, and gradients of a random function of all three."""
    inputs, c, h, kernel, bias = (tf.constant(a, tf.float32) for a in arguments)
    outputs, state = layer(tf.cast(inputs, dtype), lstm.LSTMStateTuple(c, h), kernel, bias)
    results = [tf.cast(outputs, tf.float32), state.c, state.h]
    rng = np.random.default_rng(1)
    loss = sum(tf.reduce_sum(r * rng.normal(size=r.shape).astype(np.float32)) for r in results)
    with tf1.Session() as session:
        return session.run((results, tf.gradients(loss, [inputs, c, h, kernel, bias])))


@pytest.mark.parametrize("layer", [lstm.basic_layer, lstm.block_layer])
def test_layer_computes_the_documented_equations(layer):
    arguments = random_arguments()
    with tf.Graph().as_default():
        results, _ = run_layer(layer, arguments)
    for actual, expected in zip(results, numpy_layer(*arguments)):
        np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_block_gradient_equals_unrolled_back_propagation():
    with tf.Graph().as_default():
        _, basic = run_layer(lstm.basic_layer, random_arguments())
        _, block = run_layer(lstm.block_layer, random_arguments())
    for actual, expected in zip(block, basic):
        np.testing.assert_allclose(actual, expected, atol=2e-5)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
@pytest.mark.parametrize("layer", [lstm.basic_layer, lstm.block_layer])
def test_16_bit_layer_is_near_and_keeps_its_state_in_float32(layer, dtype):
    with tf.Graph().as_default():
        exact = run_layer(lstm.basic_layer, random_arguments())
        rounded = run_layer(layer, random_arguments(), dtype)
    for actual, expected in zip(tf.nest.flatten(rounded), tf.nest.flatten(exact)):
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected, atol=0.04 * np.abs(expected).max())


def numpy_cudnn_layers(inputs, params, num_layers, hidden):
    """Reads cuDNN's vector as its documentation lays it out, and computes the stack."""
    sizes = [inputs.shape[2]] + [hidden] * (num_layers - 1)
    position, matrices = 0, []
    for size in sizes:
        for width in (size, hidden):
            for _ in range(4):
                block = params[position : position + hidden * width].reshape(hidden, width)
                matrices.append(block)
                position += hidden * width
    biases = params[position:].reshape(num_layers, 2, 4, hidden)
    for layer in range(num_layers):
        w, r = matrices[8 * layer : 8 * layer + 4], matrices[8 * layer + 4 : 8 * layer + 8]
        c = h = np.zeros((inputs.shape[1], hidden))
        outputs = []
        for x in inputs:
            i, f, j, o = (
                x @ w[g].T + h @ r[g].T + biases[layer, 0, g] + biases[layer, 1, g]
                for g in range(4)
            )
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(j)
            h = sigmoid(o) * np.tanh(c)
            outputs.append(h)
        inputs = np.stack(outputs)
    return inputs


def test_cudnn_layout_holds_the_same_lstm():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(STEPS, BATCH, HIDDEN))
    kernels = [rng.normal(size=(2 * HIDDEN, 4 * HIDDEN)) for _ in range(2)]
    biases = [rng.normal(size=4 * HIDDEN) for _ in range(2)]
    with tf.Graph().as_default(), tf1.Session() as session:
        params = lstm.canonical_to_cudnn(
            [tf.constant(k) for k in kernels], [tf.constant(b) for b in biases]
        )
        assert params.shape == lstm.cudnn_params_size(2, HIDDEN, HIDDEN)
        params, canonical = session.run(
            (params, lstm.cudnn_to_canonical(params, 2, HIDDEN, HIDDEN))
        )
    expected = inputs
    for kernel, bias in zip(kernels, biases):
        zeros = np.zeros((BATCH, HIDDEN))
        expected, _, _ = numpy_layer(expected, zeros, zeros, kernel, bias)
    np.testing.assert_allclose(numpy_cudnn_layers(inputs, params, 2, HIDDEN), expected)
    for actual, original in zip(tf.nest.flatten(canonical), kernels + biases):
        np.testing.assert_array_equal(actual, original)


def test_recurrent_bias_is_added_to_the_input_bias():
    size = lstm.cudnn_params_size(1, 2, 2)
    with tf.Graph().as_default(), tf1.Session() as session:
        params = tf.concat([tf.zeros([size - 16]), tf.range(16, dtype=tf.float32)], axis=0)
        _, (bias,) = session.run(lstm.cudnn_to_canonical(params, 1, 2, 2))
    # Input biases i, f, j, o are 0..7, recurrent ones 8..15; ours are ordered i, j, f, o.
    np.testing.assert_array_equal(bias, [8, 10, 16, 18, 12, 14, 20, 22])


def test_recurrent_bias_gets_no_gradient():
    size = lstm.cudnn_params_size(2, 3, 3)
    with tf.Graph().as_default(), tf1.Session() as session:
        params = tf.range(size, dtype=tf.float32)
        held = lstm.without_recurrent_bias_gradient(params, 2, 3)
        held, gradient = session.run((held, tf.gradients(held, params, tf.square(params))[0]))
    np.testing.assert_array_equal(held, np.arange(size))
    biases = size - 2 * 24
    is_recurrent = np.arange(size) >= biases
    is_recurrent &= (np.arange(size) - biases) % 24 >= 12
    np.testing.assert_array_equal(gradient, np.where(is_recurrent, 0, np.arange(size) ** 2))


def test_cudnn_graph_is_built_with_its_gradient():
    config = tiny_config(rnn_mode=configs.CUDNN, keep_prob=0.5)
    with tf.Graph().as_default() as graph:
        models = ptb_word_lm.build_models(config, random_corpus())
        kernels = [op for op in graph.get_operations() if op.type == "CudnnRNNV3"]
        backward = [op for op in graph.get_operations() if op.type == "CudnnRNNBackpropV3"]
        (trained,) = [v for v in tf1.trainable_variables() if "lstm" in v.name]
    assert [kernel.inputs[0].shape for kernel in kernels][:2] == [(5, 4, 8), (5, 4, 8)]
    assert [kernel.inputs[1].shape for kernel in kernels] == [(2, 4, 8), (2, 4, 8), (2, 1, 8)]
    assert [kernel.get_attr("dropout") for kernel in kernels] == [0.5, 0.0, 0.0]
    assert [kernel.get_attr("is_training") for kernel in kernels] == [True, False, False]
    assert len(backward) == 1
    assert trained.op.name == "Model/lstm_params"
    assert [state.h.shape for state in models["Train"].initial_state] == [(4, 8), (4, 8)]


@pytest.mark.parametrize("num_replicas", [None, 1])
def test_cudnn_checkpoint_is_the_canonical_one_both_ways(tmp_path, num_replicas):
    corpus, path = random_corpus(), str(tmp_path / "model")
    cudnn = tiny_config(rnn_mode=configs.CUDNN)
    with models_in_session(cudnn, corpus, seed=1, num_replicas=num_replicas) as (_, session):
        original = weights(session)
        tf1.train.Saver().save(session, path)
    names = {name for name, _ in tf.train.list_variables(path)}
    with models_in_session(tiny_config(), corpus, seed=2) as (_, session):
        assert names == {v.op.name for v in tf1.global_variables()}
        tf1.train.Saver().restore(session, path)
        block = weights(session)
        saved_again = tf1.train.Saver().save(session, str(tmp_path / "block"))
    rng = np.random.default_rng(0)
    inputs, zeros = rng.normal(size=(STEPS, BATCH, 8)), np.zeros((BATCH, 8))
    expected = numpy_cudnn_layers(inputs, original["Model/lstm_params"], 2, 8)
    for layer in range(2):
        cell = f"Model/RNN/multi_rnn_cell/cell_{layer}/basic_lstm_cell"
        inputs, _, _ = numpy_layer(
            inputs, zeros, zeros, block[f"{cell}/kernel"], block[f"{cell}/bias"]
        )
    np.testing.assert_allclose(inputs, expected, atol=1e-6)
    with models_in_session(cudnn, corpus, seed=3, num_replicas=num_replicas) as (_, session):
        tf1.train.Saver().restore(session, saved_again)
        restored = weights(session)["Model/lstm_params"]
    again = numpy_cudnn_layers(
        np.random.default_rng(0).normal(size=(STEPS, BATCH, 8)), restored, 2, 8
    )
    np.testing.assert_allclose(again, expected, atol=1e-6)
