"""Checkpoints as the TF1 script wrote them, and what the script computed, by NumPy."""

import numpy as np
import tensorflow as tf

from model import lstm

tf1 = tf.compat.v1
HIDDEN_SIZE = 6
# The name of a layer's variables in each version, with the layer's number to be put in.
NAMES = {
    "0.12": "RNN/MultiRNNCell/Cell{}/BasicLSTMCell/Linear/{}",
    "1.1": "RNN/multi_rnn_cell/cell_{}/basic_lstm_cell/{}",
    "basic": "RNN/multi_rnn_cell/cell_{}/basic_lstm_cell/{}",
    "block": "RNN/multi_rnn_cell/cell_{}/lstm_cell/{}",
    "cudnn": "RNN/multi_rnn_cell/cell_{}/cudnn_compatible_lstm_cell/{}",
    "cudnn 1.15": "RNN/rnn/multi_rnn_cell/cell_{}/cudnn_compatible_lstm_cell/{}",
    "static_rnn": "rnn/multi_rnn_cell/cell_{}/lstm_cell/{}",
}
PARAMETERS = {"0.12": ("Matrix", "Bias"), "1.1": ("weights", "biases")}


def random_weights(num_rows, num_cells=2, seed=0, scale=1.0):
    """Weights by today's names, float32."""
    rng, h = np.random.default_rng(seed), HIDDEN_SIZE
    shapes = {"embedding": [num_rows, h], "softmax_w": [h, num_rows], "softmax_b": [num_rows]}
    for kernel, bias in map(lstm.canonical_names, range(num_cells)):
        shapes |= {kernel: [2 * h, 4 * h], bias: [4 * h]}
    return {
        f"Model/{name}": rng.uniform(-scale, scale, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def as_named(weights, version, scope="Model", step=30, dtype=np.float32):
    """The variables of a checkpoint of a version."""
    values = {"Train/Model/Variable": np.float32(0.5)}
    for name, value in weights.items():
        values[name.replace("Model", scope, 1)] = value.astype(dtype)
    for layer in range((len(weights) - 3) // 2):
        for old, parameter in zip(
            lstm.canonical_names(layer), PARAMETERS.get(version, ("kernel", "bias"))
        ):
            value = values.pop(f"{scope}/{old}")
            values[f"{scope}/{NAMES[version].format(layer, parameter)}"] = value
    if step is not None:
        values[f"{scope}/global_step"] = np.int64(step)
    if version.startswith("cudnn"):
        values[f"{scope}/lstm_params"] = np.zeros(7, np.float32)
    return values


def save(path, values, one_file=False):
    """Saves variables as a checkpoint, in the format of one file if asked."""
    formats = tf1.train.SaverDef
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = {n: tf1.Variable(v, name=n.replace("/", "_")) for n, v in values.items()}
        session.run(tf1.global_variables_initializer())
        version = formats.V1 if one_file else formats.V2
        saver = tf1.train.Saver(variables, write_version=version)
        saver.save(session, str(path), write_meta_graph=False)


def write_meta(
    path,
    num_layers,
    clip=-1.0,
    one_state=False,
    num_steps=20,
    tensorflow="1.3.0",
    forget_bias=0.0,
    models=("Train", "Valid", "Test"),
    batch_size=None,
):
    """Writes a `.meta` file with the parts of the script's graph that are looked at."""
    metagraph = tf1.MetaGraphDef()
    metagraph.meta_info_def.tensorflow_version = tensorflow
    read = "Model/RNN/multi_rnn_cell/cell_0/lstm_cell/kernel/read"
    if batch_size is not None:
        node = metagraph.graph_def.node.add(name="Train/TrainInput/Reshape/shape/0", op="Const")
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(batch_size))
    for model in models:
        steps = 1 if model == "Test" else num_steps
        for i in range(num_layers * steps):
            node = metagraph.graph_def.node.add(
                name=f"{model}/Model/LSTMBlockCell_{i}", op="LSTMBlockCell", input=["x", read]
            )
            node.attr["cell_clip"].f = clip
            node.attr["forget_bias"].f = forget_bias
        names = [f"{model}/zeros_{i * (not one_state)}:0" for i in range(num_layers)]
        metagraph.collection_def[f"{model}/initial"].node_list.value.extend(names)
    with open(f"{path}.meta", "wb") as file:
        file.write(metagraph.SerializeToString())


def perplexity(weights, ids, num_layers, batch_size, num_steps, clip=0.0, one_state=False):
    """What the script computes of a text, in float64: window by window, the state fed back."""
    w = {name.removeprefix("Model/"): value.astype(np.float64) for name, value in weights.items()}
    cells = [lstm.canonical_names(layer) for layer in range(num_layers)]
    cells = [[w.get(n, w[first]) for n, first in zip(cell, cells[0])] for cell in cells]
    length = len(ids) // batch_size
    text = np.reshape(ids[: length * batch_size], [batch_size, length])
    num_windows, total = (length - 1) // num_steps, 0.0
    states = [[np.zeros([batch_size, HIDDEN_SIZE])] * 2 for _ in cells]
    for step in range(num_windows * num_steps):
        if one_state and step % num_steps == 0:
            states = [list(states[-1]) for _ in cells]
        x = w["embedding"][text[:, step]]
        for layer, (kernel, bias) in enumerate(cells):
            c, h = states[layer]
            i, j, f, o = np.split(np.concatenate([x, h], axis=1) @ kernel + bias, 4, axis=1)
            c = c / (1 + np.exp(-f)) + np.tanh(j) / (1 + np.exp(-i))
            c = np.clip(c, -clip, clip) if clip else c
            x = np.tanh(c) / (1 + np.exp(-o))
            states[layer] = [c, x]
        exponentials = np.exp(x @ w["softmax_w"] + w["softmax_b"])
        p = exponentials / exponentials.sum(axis=1, keepdims=True)
        total -= np.log(p[np.arange(batch_size), text[:, step + 1]]).mean()
    return np.exp(total / (num_windows * num_steps))


def write_corpus(directory, line="{} ", seed=0, num_lines=80):
    """A corpus of 12 different words, of which each line is formatted; returns its directory."""
    rng = np.random.default_rng(seed)
    words = np.array(
        ["the", "owl", "sleeps", "by", "day", "an", "old", "one", "sees", "<unk>", "then", "flew"]
    )
    directory.mkdir(exist_ok=True)
    for split in ("train", "valid", "test"):
        drawn = [words[rng.integers(0, 12, rng.integers(3, 9))] for _ in range(num_lines)]
        text = "".join(f"{line.format(' '.join(each))}\n" for each in drawn)
        (directory / f"ptb.{split}.txt").write_text(text)
    return directory


def ids_of(directory, words=None):
    """The ids of valid and test by the script's own rule, and its words."""

    def tokens(split):
        text = (directory / f"ptb.{split}.txt").read_bytes().decode()
        return text.replace("\n", "<eos>").split()

    train = tokens("train")
    words = words or sorted(set(train), key=lambda word: (-train.count(word), word))
    number = {word: i for i, word in enumerate(words)}
    ids = [[number[t] for t in tokens(split) if t in number] for split in ("valid", "test")]
    return *ids, words
