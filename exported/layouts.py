"""How other libraries lay out the weights of an LSTM, and of the layers around it.

All compute the same function. They differ in the order of the four gates, in whether matrices are
transposed or joined, in the number of biases, and in what their own computation adds to the forget
gate. Each row of `LAYOUTS` was compared with this project's cell, in the version that it names.
docs/other-programs.md has the traps.
"""

from typing import NamedTuple

import numpy as np

# The variables' names in this project's checkpoints. TensorFlow is not imported for them: the names
# of the layouts are needed before it is.
EMBEDDING, SOFTMAX_W, SOFTMAX_B = "Model/embedding", "Model/softmax_w", "Model/softmax_b"
KERNEL, BIAS = (
    f"Model/RNN/multi_rnn_cell/cell_{{layer}}/basic_lstm_cell/{part}" for part in ("kernel", "bias")
)
# This project's order, with g for the new input, which is j elsewhere in this project.
GATES = "igfo"

Names = str | tuple[str, str, str, str]


class Layout(NamedTuple):
    """A library's layout.

    The gates are those of the input (i), the forget gate (f), the new input (g) and the output (o).
    In a name, `{layer}` is the layer's number from 0, and `{nth}` is `_1`, `_2`, … from the second
    layer on. Four names in place of one are four arrays, one for each gate. Where the input's and
    the recurrent part have one name, they are one array, one part after the other.

    Attributes:
      version: the library that was tried.
      gates: their order.
      input, recurrent: names of the matrices that the layer's input and its h are multiplied by.
      bias: name of the bias.
      recurrent_bias: name of a second bias, which the library adds; it is written as zeros.
      transposed: a matrix is `[gates, inputs]`, otherwise `[inputs, gates]`.
      interleaved: the four gates of the first unit come first, then those of the second.
      added_to_forget: what the library's computation adds to the forget gate. It is taken off the
        bias.
      leading_axis: an LSTM's array has a first axis of one.
      embedding, softmax_w, softmax_b: names.
      softmax_transposed: the softmax's matrix is `[words, hidden]`, otherwise `[hidden, words]`.
      state: the order and shape of the state, with L layers, B texts and H units.
    """

    version: str
    gates: str
    input: Names
    recurrent: Names
    bias: Names
    recurrent_bias: Names | None = None
    transposed: bool = True
    interleaved: bool = False
    added_to_forget: float = 0.0
    leading_axis: bool = False
    embedding: str = "embedding.weight"
    softmax_w: str = "linear.weight"
    softmax_b: str = "linear.bias"
    softmax_transposed: bool = True
    state: str = "h, c [B, H]"


def _of_gates(template, gates):
    """Four names, with each gate's letter for `*`."""
    return tuple(template.replace("*", gate) for gate in gates)


def _numbered(template, first):
    """Four names, with the numbers from `first` on for `*`."""
    return tuple(template.replace("*", str(first + n)) for n in range(4))


_TORCH = Layout(
    "torch 2.13.0",
    "ifgo",
    "lstm.weight_ih_l{layer}",
    "lstm.weight_hh_l{layer}",
    "lstm.bias_ih_l{layer}",
    "lstm.bias_hh_l{layer}",
    state="h, c [L, B, H]",
)
_ONNX = Layout(
    "onnxruntime 1.32.0",
    "iofg",
    "lstm_{layer}/W",
    "lstm_{layer}/R",
    "lstm_{layer}/B",
    "lstm_{layer}/B",
    leading_axis=True,
    embedding="embedding",
    softmax_w="softmax_w",
    softmax_b="softmax_b",
    softmax_transposed=False,
    state="h, c [1, B, H]",
)
_FLAX = Layout(
    "flax 0.12.12 linen, nnx.LSTMCell",
    "ifgo",
    _of_gates("lstm_{layer}/i*/kernel", "ifgo"),
    _of_gates("lstm_{layer}/h*/kernel", "ifgo"),
    _of_gates("lstm_{layer}/h*/bias", "ifgo"),
    transposed=False,
    embedding="embedding/embedding",
    softmax_w="dense/kernel",
    softmax_b="dense/bias",
    softmax_transposed=False,
    state="c, h [B, H]",
)
_MLX = Layout(
    "mlx 0.32.4",
    "ifgo",
    "lstm.{layer}.Wx",
    "lstm.{layer}.Wh",
    "lstm.{layer}.bias",
)
_CELLS = Layout(
    "tinygrad 0.14.0 nn.LSTMCell",
    "ifgo",
    "lstm.{layer}.weight_ih",
    "lstm.{layer}.weight_hh",
    "lstm.{layer}.bias_ih",
    "lstm.{layer}.bias_hh",
)

LAYOUTS = {
    "tf1": Layout(
        "this project's checkpoints",
        GATES,
        KERNEL,
        KERNEL,
        BIAS,
        transposed=False,
        embedding=EMBEDDING,
        softmax_w=SOFTMAX_W,
        softmax_b=SOFTMAX_B,
        softmax_transposed=False,
        state="c, h [B, H]",
    ),
    "torch": _TORCH,
    "keras": Layout(
        "keras 3.15.1",
        "ifgo",
        "lstm_{layer}/kernel",
        "lstm_{layer}/recurrent_kernel",
        "lstm_{layer}/bias",
        transposed=False,
        embedding="embedding/embeddings",
        softmax_w="dense/kernel",
        softmax_b="dense/bias",
        softmax_transposed=False,
    ),
    "flax": _FLAX,
    "flax_optimized": _FLAX._replace(
        version="flax 0.12.12 nnx.OptimizedLSTMCell",
        input="lstm_{layer}/dense_i/kernel",
        recurrent="lstm_{layer}/dense_h/kernel",
        bias="lstm_{layer}/dense_h/bias",
    ),
    "haiku": Layout(
        "dm-haiku 0.0.17",
        "igfo",
        "lstm{nth}/linear/w",
        "lstm{nth}/linear/w",
        "lstm{nth}/linear/b",
        transposed=False,
        added_to_forget=1.0,
        embedding="embed/embeddings",
        softmax_w="linear/w",
        softmax_b="linear/b",
        softmax_transposed=False,
    ),
    "onnx": _ONNX,
    "openvino": _ONNX._replace(
        version="openvino 2026.4.1",
        gates="figo",
        recurrent_bias=None,
        state="h, c [B, 1, H]",
    ),
    "mlx": _MLX,
    "paddle": _TORCH._replace(version="paddlepaddle 3.3.1", softmax_transposed=False),
    "mindspore": _TORCH._replace(
        version="mindspore 2.10.0",
        embedding="embedding.embedding_table",
        softmax_w="dense.weight",
        softmax_b="dense.bias",
    ),
    "mxnet": Layout(
        "mxnet 1.9.1 gluon.rnn.LSTM",
        "ifgo",
        "lstm.l{layer}_i2h_weight",
        "lstm.l{layer}_h2h_weight",
        "lstm.l{layer}_i2h_bias",
        "lstm.l{layer}_h2h_bias",
        softmax_w="dense.weight",
        softmax_b="dense.bias",
        state="h, c [L, B, H]",
    ),
    "tinygrad": _CELLS,
    "equinox": _CELLS._replace(
        version="equinox 0.13.8",
        bias="lstm.{layer}.bias",
        recurrent_bias=None,
        state="h, c [H]",
    ),
    "chainer": Layout(
        "chainer 7.8.1 L.LSTM",
        "gifo",
        "lstm_{layer}/upward/W",
        "lstm_{layer}/lateral/W",
        "lstm_{layer}/upward/b",
        interleaved=True,
        embedding="embedding/W",
        softmax_w="linear/W",
        softmax_b="linear/b",
        state="c, h [B, H]",
    ),
    "chainer_nstep": Layout(
        "chainer 7.8.1 L.NStepLSTM",
        "ifgo",
        _numbered("lstm/{layer}/w*", 0),
        _numbered("lstm/{layer}/w*", 4),
        _numbered("lstm/{layer}/b*", 0),
        _numbered("lstm/{layer}/b*", 4),
        embedding="embedding/W",
        softmax_w="linear/W",
        softmax_b="linear/b",
        state="h, c [L, B, H]",
    ),
    "dynet": Layout(
        "dynet38 2.2",
        "ifog",
        "lstm/{layer}/Wx",
        "lstm/{layer}/Wh",
        "lstm/{layer}/b",
        added_to_forget=1.0,
        embedding="embedding",
        softmax_w="softmax_w",
        softmax_b="softmax_b",
        state="all c, then all h",
    ),
    "coreml": Layout(
        "coremltools 9.0 lstm (read, not run)",
        "ifog",
        "lstm_{layer}/weight_ih",
        "lstm_{layer}/weight_hh",
        "lstm_{layer}/bias",
        embedding="embedding",
        softmax_w="linear/weight",
        softmax_b="linear/bias",
    ),
    "ncnn": Layout(
        "ncnn 1.0.20261020",
        "ifog",
        "lstm_{layer}/weight_xc",
        "lstm_{layer}/weight_hc",
        "lstm_{layer}/bias_c",
        leading_axis=True,
        embedding="embed/weight",
        softmax_w="innerproduct/weight",
        softmax_b="innerproduct/bias",
        state="h, c, one text",
    ),
    "litert": Layout(
        "ai-edge-litert 2.3.0 UNIDIRECTIONAL_SEQUENCE_LSTM",
        "ifgo",
        _numbered("lstm_{layer}/input_*", 1),
        _numbered("lstm_{layer}/input_*", 5),
        _numbered("lstm_{layer}/input_*", 12),
        embedding="embedding",
        softmax_w="fully_connected/weights",
        softmax_b="fully_connected/bias",
    ),
}


def lay_out(values: dict[str, np.ndarray], layout: Layout) -> dict[str, np.ndarray]:
    """Lays out a model's weights as another library has them.

    Args:
      values: as `trained_model.read_weights` gives them.
      layout: one of `LAYOUTS`.

    Returns:
      Dict of the layout's names to float32 arrays. Each is contiguous: safetensors 0.8.0 writes
      others wrong.
    """
    matrix = values[SOFTMAX_W]
    arrays = {layout.embedding: values[EMBEDDING]}
    for layer in range((len(values) - 3) // 2):
        kernel, bias = (values[name.format(layer=layer)] for name in (KERNEL, BIAS))
        arrays |= lay_out_layer(kernel, bias, layer, layout)
    arrays[layout.softmax_w] = matrix.T if layout.softmax_transposed else matrix
    arrays[layout.softmax_b] = values[SOFTMAX_B]
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def lay_out_layer(
    kernel: np.ndarray, bias: np.ndarray, layer: int, layout: Layout
) -> dict[str, np.ndarray]:
    """Lays out one LSTM layer as another library has it.

    Args:
      kernel: `[input + hidden, 4 * hidden]`, of `lstm.basic_cell`.
      bias: `[4 * hidden]`, likewise.
      layer: its number, from 0.
      layout: one of `LAYOUTS`.

    Returns:
      Dict of the layout's names to arrays.
    """
    input_size = len(kernel) - len(bias) // 4
    biases = _by_gate(bias)
    biases["f"] = biases["f"] - np.asarray(layout.added_to_forget, bias.dtype)
    parts = [
        (layout.input, _by_gate(kernel[:input_size])),
        (layout.recurrent, _by_gate(kernel[input_size:])),
        (layout.bias, biases),
    ]
    if layout.recurrent_bias:
        zeros = {gate: np.zeros_like(each) for gate, each in biases.items()}
        parts.append((layout.recurrent_bias, zeros))
    arrays: dict[str, np.ndarray] = {}
    for names, blocks in parts:
        for name, array in _named(names, blocks, layout):
            name = name.format(layer=layer, nth=f"_{layer}" if layer else "")
            if name in arrays:
                axis = 1 if layout.transposed and array.ndim == 2 else 0
                array = np.concatenate([arrays[name], array], axis)
            arrays[name] = array
    return {name: array[None] if layout.leading_axis else array for name, array in arrays.items()}


def _by_gate(array):
    """Dict of each gate's letter to its columns."""
    return dict(zip(GATES, np.split(array, 4, axis=-1)))


def _named(names, blocks, layout):
    """Pairs of a name and an array: one for all the gates, or one for each."""
    ordered = [blocks[gate].T if layout.transposed else blocks[gate] for gate in layout.gates]
    if not isinstance(names, str):
        return list(zip(names, ordered))
    axis = 0 if layout.transposed else -1
    if layout.interleaved:  # the gates become an axis behind that of the units
        stacked = np.stack(ordered, axis=1)
        return [(names, stacked.reshape(-1, *stacked.shape[2:]))]
    return [(names, np.concatenate(ordered, axis))]
