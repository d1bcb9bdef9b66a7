"""Reads exported models with other libraries, each as a user of that library would.

    python benchmarks/neighbour_readers.py NEIGHBOUR DIR

It needs nothing of this project, and runs on Python 3.7, as old TensorFlows do. DIR has what
`export.py` wrote for the neighbour, and `words.npy`, int32 [batch, num_words]. It writes
`scores.npy`, float32 [batch, num_words]: each word's natural log-probability, given those before it
and an `<eos>` before them all.
"""

import os
import sys

import numpy as np


def log_softmax(logits):
    """The natural logarithms of the probabilities, along the last axis."""
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def score_by_steps(step, words, end_of_sentence, state):
    """Scores words with a function of the words before and the state.

    Args:
      step: takes int32 [batch] and a state; returns the next word's probabilities and the state.
      words: int32 [batch, num_words].
      end_of_sentence: int.
      state: before the first word.
    """
    before, scores = np.full([len(words)], end_of_sentence, np.int32), []
    for column in words.T:
        probabilities, state = step(before, state)
        scores.append(np.log(probabilities[np.arange(len(words)), column]))
        before = column
    return np.stack(scores, axis=1)


def of_words(logits, words):
    """The log-probabilities of the words, of logits [batch, num_words, vocabulary]."""
    return np.take_along_axis(log_softmax(np.asarray(logits)), words[..., None], 2)[..., 0]


def inputs_of(words, end_of_sentence):
    """The word before each word."""
    return np.concatenate([np.full([len(words), 1], end_of_sentence, np.int32), words[:, :-1]], 1)


def zero_state(words, shape):
    """Zeros of the shape that a signature names, [batch, 2 * layers, hidden]."""
    return np.zeros([len(words)] + [int(size) for size in shape[1:]], np.float32)


def open_tensorflow(directory, threads=0):
    """A SavedModel with any TensorFlow: what runs a signature of it, and the state's axes."""
    import tensorflow as tf

    tf1 = tf.compat.v1
    config = tf1.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
    )
    session = tf1.Session(graph=tf1.Graph(), config=config)
    with session.graph.as_default():
        signatures = tf1.saved_model.load(session, ["serve"], directory).signature_def

    def run(name, **inputs):
        signature = signatures[name]
        feeds = {signature.inputs[key].name: value for key, value in inputs.items()}
        return session.run({k: t.name for k, t in signature.outputs.items()}, feeds)

    axes = signatures["next_word"].inputs["state"].tensor_shape.dim
    return run, [axis.size for axis in axes]


def open_onnx(path, threads=0):
    """A model with onnxruntime; returns its session and the state's axes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options)
    return session, next((each.shape for each in session.get_inputs() if each.name == "state"), [])


def open_openvino(directory, **properties):
    """A SavedModel's `serving_default` with OpenVINO, and the state's axes."""
    import openvino as ov

    model = ov.Core().compile_model(ov.Core().read_model(directory), "CPU", properties)
    axes = model.input("state").partial_shape
    return model, [0] + [axes[axis].get_length() for axis in (1, 2)]


def open_litert(path, threads=None):
    """The signature `next_word` of a model with LiteRT, and the state's axes."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=threads)
    runner = interpreter.get_signature_runner("next_word")
    return runner, runner.get_input_details()["state"]["shape"]


def open_torch(directory):
    """The modules of `--format=pytorch`, as docs/other-programs.md shows."""
    import torch
    from safetensors.torch import load_file

    weights = load_file(os.path.join(directory, "model.safetensors"))
    vocab_size, hidden_size = weights["embedding.weight"].shape
    num_layers = sum("weight_ih" in name for name in weights)
    model = torch.nn.ModuleDict(
        {
            "embedding": torch.nn.Embedding(vocab_size, hidden_size),
            "lstm": torch.nn.LSTM(hidden_size, hidden_size, num_layers, batch_first=True),
            "linear": torch.nn.Linear(hidden_size, vocab_size),
        }
    )
    model.load_state_dict(weights)
    return model


def tensorflow(directory, words, end_of_sentence):
    """Both signatures of a SavedModel; they must agree."""
    run, axes = open_tensorflow(directory)

    def step(before, state):
        result = run("serving_default", words=before, state=state)
        return result["probabilities"], result["next_state"]

    scores = run("score", words=words)["log_probabilities"]
    by_steps = score_by_steps(step, words, end_of_sentence, zero_state(words, axes))
    return after_comparing(scores, by_steps)


def after_comparing(scores, by_steps):
    """The scores, after a check that two ways to compute them agree."""
    np.testing.assert_allclose(by_steps, scores, rtol=0, atol=2e-4)
    return scores


def _onnx(score_file, next_word_file, words, end_of_sentence):
    score, _ = open_onnx(score_file)
    next_word, axes = open_onnx(next_word_file)

    def step(before, state):
        outputs = ["probabilities", "next_state"]
        return next_word.run(outputs, {"words": before, "state": state})

    (scores,) = score.run(["log_probabilities"], {"words": words})
    by_steps = score_by_steps(step, words, end_of_sentence, zero_state(words, axes))
    return after_comparing(scores, by_steps)


def onnxruntime(directory, words, end_of_sentence):
    """`--format=onnx`."""
    paths = (os.path.join(directory, f"{name}.onnx") for name in ("score", "next_word"))
    return _onnx(*paths, words, end_of_sentence)


def tf2onnx(directory, words, end_of_sentence):
    """A SavedModel's signatures, converted by tf2onnx."""
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        paths = [os.path.join(temporary, name) for name in ("score", "next_word")]
        for path in paths:
            command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", directory]
            command += ["--signature_def", os.path.basename(path), "--output", path]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return _onnx(*paths, words, end_of_sentence)


def openvino(directory, words, end_of_sentence):
    """A SavedModel's `serving_default`; float32 must be asked for."""
    model, axes = open_openvino(directory, INFERENCE_PRECISION_HINT="f32")

    def step(before, state):
        result = model({"words": before, "state": state})
        return result["probabilities"], result["next_state"]

    return score_by_steps(step, words, end_of_sentence, zero_state(words, axes))


def litert(directory, words, end_of_sentence):
    """`--tflite=DIR/model.tflite`."""
    runner, axes = open_litert(os.path.join(directory, "model.tflite"))

    def step(before, state):
        result = runner(words=before, state=state)
        return result["probabilities"], result["next_state"]

    return score_by_steps(step, words, end_of_sentence, zero_state(words, axes))


def torch(directory, words, end_of_sentence):
    """`--format=pytorch`."""
    import torch

    model = open_torch(directory)
    with torch.no_grad():
        inputs = torch.tensor(inputs_of(words, end_of_sentence))
        outputs, _ = model["lstm"](model["embedding"](inputs))
        return of_words(model["linear"](outputs).numpy(), words)


def keras(directory, words, end_of_sentence):
    """`--format=npz --layout=keras`."""
    import keras

    arrays = dict(np.load(os.path.join(directory, "model.npz")))
    vocab_size, hidden_size = arrays["embedding/embeddings"].shape
    num_layers = sum("recurrent_kernel" in name for name in arrays)
    layers = [keras.layers.LSTM(hidden_size, return_sequences=True) for _ in range(num_layers)]
    model = keras.Sequential(
        [keras.layers.Embedding(vocab_size, hidden_size), *layers, keras.layers.Dense(vocab_size)]
    )
    inputs = inputs_of(words, end_of_sentence)
    model(inputs)
    names = ["embedding/embeddings"]
    for n in range(num_layers):
        names += [f"lstm_{n}/{part}" for part in ("kernel", "recurrent_kernel", "bias")]
    model.set_weights([arrays[name] for name in [*names, "dense/kernel", "dense/bias"]])
    return of_words(model(inputs), words)


def _recurrent(arrays, num_layers, embedding, layer, inputs):
    """The outputs of a stack, `[batch, num_words, hidden]`, a layer at a time."""
    x = arrays[embedding][inputs]
    for n in range(num_layers):
        x = layer(n, x)
    return x


def flax(directory, words, end_of_sentence):
    """`--format=npz --layout=flax`, with flax.linen."""
    import flax
    import jax

    jax.config.update("jax_default_matmul_precision", "highest")
    arrays = dict(np.load(os.path.join(directory, "model.npz")))
    params = flax.traverse_util.unflatten_dict(arrays, sep="/")
    num_layers = sum(name.startswith("lstm_") for name in params)
    vocab_size, hidden_size = arrays["embedding/embedding"].shape

    def layer(n, x):
        rnn = flax.linen.RNN(flax.linen.OptimizedLSTMCell(hidden_size))
        return rnn.apply({"params": {"cell": params[f"lstm_{n}"]}}, x)

    inputs = inputs_of(words, end_of_sentence)
    x = _recurrent(arrays, num_layers, "embedding/embedding", layer, inputs)
    dense = flax.linen.Dense(vocab_size)
    return of_words(dense.apply({"params": params["dense"]}, x), words)


def flax_optimized(directory, words, end_of_sentence):
    """`--format=npz --layout=flax_optimized`, with flax.nnx."""
    import jax
    from flax import nnx

    jax.config.update("jax_default_matmul_precision", "highest")
    arrays = dict(np.load(os.path.join(directory, "model.npz")))
    hidden_size = arrays["embedding/embedding"].shape[1]

    def layer(n, x):
        cell = nnx.OptimizedLSTMCell(hidden_size, hidden_size, rngs=nnx.Rngs(0))
        cell.dense_i.kernel.value = arrays[f"lstm_{n}/dense_i/kernel"]
        cell.dense_h.kernel.value = arrays[f"lstm_{n}/dense_h/kernel"]
        cell.dense_h.bias.value = arrays[f"lstm_{n}/dense_h/bias"]
        return nnx.RNN(cell)(x)

    num_layers = sum("dense_i" in name for name in arrays)
    inputs = inputs_of(words, end_of_sentence)
    x = np.asarray(_recurrent(arrays, num_layers, "embedding/embedding", layer, inputs))
    return of_words(x @ arrays["dense/kernel"] + arrays["dense/bias"], words)


def haiku(directory, words, end_of_sentence):
    """`--format=npz --layout=haiku`."""
    import haiku as hk
    import jax

    jax.config.update("jax_default_matmul_precision", "highest")
    arrays = dict(np.load(os.path.join(directory, "model.npz")))
    params = {}
    for name, array in arrays.items():
        module, _, part = name.rpartition("/")
        params.setdefault(module, {})[part] = array
    vocab_size, hidden_size = arrays["embed/embeddings"].shape
    num_layers = sum(name.startswith("lstm") for name in params)

    def logits(inputs):
        x = hk.Embed(vocab_size, hidden_size)(inputs)
        for _ in range(num_layers):
            core = hk.LSTM(hidden_size)
            x, _ = hk.dynamic_unroll(core, x, core.initial_state(len(words)), time_major=False)
        return hk.Linear(vocab_size)(x)

    apply = hk.without_apply_rng(hk.transform(logits)).apply
    return of_words(apply(params, inputs_of(words, end_of_sentence)), words)


def mlx(directory, words, end_of_sentence):
    """`--format=npz --layout=mlx`, which MLX reads itself."""
    import mlx.core as mx
    from mlx import nn

    path = os.path.join(directory, "model.npz")
    arrays = dict(np.load(path))
    vocab_size, hidden_size = arrays["embedding.weight"].shape

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            num_layers = sum(name.endswith(".Wx") for name in arrays)
            self.embedding = nn.Embedding(vocab_size, hidden_size)
            self.lstm = [nn.LSTM(hidden_size, hidden_size) for _ in range(num_layers)]
            self.linear = nn.Linear(hidden_size, vocab_size)

        def __call__(self, inputs):
            x = self.embedding(inputs)
            for layer in self.lstm:
                x, _ = layer(x)
            return self.linear(x)

    model = Model()
    model.load_weights(path)
    return of_words(np.array(model(mx.array(inputs_of(words, end_of_sentence)))), words)


def paddle(directory, words, end_of_sentence):
    """`--format=npz --layout=paddle`."""
    import paddle

    arrays = dict(np.load(os.path.join(directory, "model.npz")))
    vocab_size, hidden_size = arrays["embedding.weight"].shape
    num_layers = sum("weight_ih" in name for name in arrays)

    class Model(paddle.nn.Layer):
        def __init__(self):
            super().__init__()
            self.embedding = paddle.nn.Embedding(vocab_size, hidden_size)
            self.lstm = paddle.nn.LSTM(hidden_size, hidden_size, num_layers)
            self.linear = paddle.nn.Linear(hidden_size, vocab_size)

    model = Model()
    # Its state_dict has each of the LSTM's parameters under a second name, too.
    model.set_state_dict({name: paddle.to_tensor(array) for name, array in arrays.items()})
    outputs, _ = model.lstm(model.embedding(paddle.to_tensor(inputs_of(words, end_of_sentence))))
    return of_words(model.linear(outputs).numpy(), words)


def equinox(directory, words, end_of_sentence):
    """`--format=npz --layout=equinox`."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_default_matmul_precision", "highest")
    arrays = dict(np.load(os.path.join(directory, "model.npz")))
    hidden_size = arrays["embedding.weight"].shape[1]

    def layer(n, x):
        cell = eqx.nn.LSTMCell(hidden_size, hidden_size, key=jax.random.PRNGKey(0))
        parts = ("weight_ih", "weight_hh", "bias")
        cell = eqx.tree_at(
            lambda c: [getattr(c, part) for part in parts],
            cell,
            [jnp.array(arrays[f"lstm.{n}.{part}"]) for part in parts],
        )

        def step(state, x):
            state = cell(x, state)
            return state, state[0]

        zeros = jnp.zeros([hidden_size])
        return jax.vmap(lambda xs: jax.lax.scan(step, (zeros, zeros), xs)[1])(x)

    num_layers = sum("weight_ih" in name for name in arrays)
    inputs = inputs_of(words, end_of_sentence)
    x = np.asarray(_recurrent(arrays, num_layers, "embedding.weight", layer, inputs))
    return of_words(x @ arrays["linear.weight"].T + arrays["linear.bias"], words)


def tinygrad(directory, words, end_of_sentence):
    """`--format=npz --layout=tinygrad`."""
    from tinygrad import Tensor, nn

    arrays = dict(np.load(os.path.join(directory, "model.npz")))
    hidden_size = arrays["embedding.weight"].shape[1]

    def layer(n, x):
        cell = nn.LSTMCell(hidden_size, hidden_size)
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            setattr(cell, part, Tensor(arrays[f"lstm.{n}.{part}"]))
        state, outputs = None, []
        for step in np.moveaxis(x, 1, 0):
            state = tuple(s.realize() for s in cell(Tensor(np.ascontiguousarray(step)), state))
            outputs.append(state[0].numpy())
        return np.stack(outputs, axis=1)

    num_layers = sum("weight_ih" in name for name in arrays)
    inputs = inputs_of(words, end_of_sentence)
    x = _recurrent(arrays, num_layers, "embedding.weight", layer, inputs)
    return of_words(x @ arrays["linear.weight"].T + arrays["linear.bias"], words)


READERS = {
    each.__name__: each
    for each in (
        tensorflow,
        onnxruntime,
        tf2onnx,
        openvino,
        litert,
        torch,
        keras,
        flax,
        flax_optimized,
        haiku,
        mlx,
        paddle,
        equinox,
        tinygrad,
    )
}


def main():
    """Runs the command line."""
    name, directory = sys.argv[1:]
    words = np.load(os.path.join(directory, "words.npy"))
    folder = os.path.join(directory, "assets")
    if not os.path.isdir(folder):
        folder = directory
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as file:
        end_of_sentence = file.read().split("\n").index("<eos>")
    scores = READERS[name](directory, words, end_of_sentence)
    np.save(os.path.join(directory, "scores.npy"), np.asarray(scores, np.float32))


if __name__ == "__main__":
    main()
