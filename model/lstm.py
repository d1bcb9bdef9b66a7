"""The recurrent layers that `tf.contrib` used to supply.

One LSTM, computed in three ways. `basic_layer` is the reference to read, `block_layer` is the fast
one, and `cudnn_layers` leaves the whole stack to cuDNN. With
`[i, j, f, o] = [x, h] @ kernel + bias`,

    c' = sigmoid(f) * c + sigmoid(i) * tanh(j)
    h' = sigmoid(o) * tanh(c')

where i, f and o are those of the input, forget and output gates, and j (elsewhere often g) that of
the new input. It is as in Zaremba et al. 2014, section 3 (no peepholes, no cell clipping). The
forget bias is 0, as in the paper; TensorFlow's own cell had 1 as its default. Sequences are
time-major, `[num_steps, batch_size, features]`. Sequences and the factors of matrix products have
the dtype of a `Precision`; gates and states are always float32.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from model import saved_layouts
from model.precision import FLOAT32, Precision


class LSTMStateTuple(NamedTuple):
    """What an LSTM layer carries from step to step: `c` and `h`, float32 `[batch, hidden]`."""

    c: tf.Tensor
    h: tf.Tensor


def zero_state(shape: list) -> LSTMStateTuple:
    """The state before the first word: float32 zeros."""
    return LSTMStateTuple(c=tf.zeros(shape), h=tf.zeros(shape))


def basic_cell(
    x: tf.Tensor,
    state: LSTMStateTuple,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    precision: Precision = FLOAT32,
    cell_clip: float = 0.0,
) -> LSTMStateTuple:
    """One LSTM cell at one time step.

    Args:
      x: `[batch, input]`, of the precision's dtype.
      state: `LSTMStateTuple` of float32 `[batch, hidden]`.
      kernel: `[input + hidden, 4 * hidden]`, of the precision's dtype, or widened.
      bias: float32 `[4 * hidden]`.
      precision: how to multiply.
      cell_clip: c is clipped to [-cell_clip, cell_clip], as TensorFlow 1.3's LSTMBlockCell did; 0:
        it is not.

    Returns:
      The new `LSTMStateTuple`; its `h` is the output.
    """
    x_and_h = tf.concat([x, tf.cast(state.h, x.dtype)], axis=1)
    gates = precision.product(x_and_h, kernel) + bias
    i, j, f, o = tf.split(gates, 4, axis=1)
    c = tf.sigmoid(f) * state.c + tf.sigmoid(i) * tf.tanh(j)
    if cell_clip:
        c = tf.clip_by_value(c, -cell_clip, cell_clip)
    return LSTMStateTuple(c=c, h=tf.sigmoid(o) * tf.tanh(c))


def basic_layer(
    inputs: tf.Tensor,
    state: LSTMStateTuple,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    precision: Precision = FLOAT32,
    cell_clip: float = 0.0,
) -> tuple[tf.Tensor, LSTMStateTuple]:
    """One LSTM layer, unrolled step by step.

    Args:
      inputs: `[num_steps, batch, input]` of the precision's dtype, num_steps static.
      kernel: float32 `[input + hidden, 4 * hidden]`; rounded to the precision's dtype here.
      state, bias, precision, cell_clip: as in `basic_cell`.

    Returns:
      `(outputs, state)`: `[num_steps, batch, hidden]` of the inputs' dtype, and the last state.
    """
    rounded_kernel = precision.widen(tf.cast(kernel, inputs.dtype))
    outputs = []
    for x in tf.unstack(inputs):
        state = basic_cell(x, state, rounded_kernel, bias, precision, cell_clip)
        outputs.append(tf.cast(state.h, inputs.dtype))
    return tf.stack(outputs), state


def block_layer(
    inputs: tf.Tensor,
    state: LSTMStateTuple,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    precision: Precision = FLOAT32,
) -> tuple[tf.Tensor, LSTMStateTuple]:
    """One LSTM layer, computed as a block: few large matrix products instead of many small ones.

    Arguments and results are those of `basic_layer`. Forward, the inputs of all steps are known.
    Their share of the gates is one product `[T*B, input] @ [input, 4H]`, with T time steps, B
    streams and H units; only `h @ kernel_h` has to wait for the step before. Backward, with `dG_t`
    the gradient of step t's gates before their nonlinearities,

        dh_t = d_outputs_t + dG_{t+1} @ kernel_h^T     (the only product inside the loop)
        d_inputs = dG @ kernel_x^T                      over all T*B rows at once
        d_kernel = [inputs, h_{t-1}]^T @ dG             likewise
        d_bias   = sum of dG over T*B rows

    Back-propagation through an unrolled graph would make T small products for each of the last
    three, and add them up.
    """

    @tf.custom_gradient
    def layer(inputs, initial_c, initial_h, kernel, bias):
        return _block(inputs, initial_c, initial_h, kernel, bias, precision)

    outputs, c, h = layer(inputs, state.c, state.h, kernel, bias)
    return outputs, LSTMStateTuple(c=c, h=h)


class _Step(NamedTuple):
    """The activations of a time step that back-propagation needs, float32 `[batch, hidden]`."""

    i: tf.Tensor
    j: tf.Tensor
    f: tf.Tensor
    o: tf.Tensor
    tanh_c: tf.Tensor
    previous_c: tf.Tensor


def _rows(matrix, start, stop):
    """Some rows of a matrix, cut out of the flattened matrix.

    TensorFlow does not copy them then. Cut out of the matrix itself, rows are copied if a row is
    not a multiple of 64 bytes long, as in the medium model.
    """
    width = matrix.shape[1]
    return tf.reshape(tf.reshape(matrix, [-1])[start * width : stop * width], [-1, width])


def _block(inputs, initial_c, initial_h, kernel, bias, precision):
    """The results of `block_layer`, and the function that computes their gradient.

    Args:
      inputs, kernel, bias, precision: as in `block_layer`.
      initial_c, initial_h: float32 `[batch, hidden]`.

    Returns:
      `((outputs, c, h), gradient)`, as `tf.custom_gradient` expects.
    """
    product, widen = precision.product, precision.widen
    num_steps, _, input_size = inputs.shape
    # Delays the rounding, and the memory that it takes, until the inputs exist.
    with tf.control_dependencies([inputs]):
        rounded = tf.cast(kernel, inputs.dtype)
    kernel_x = widen(_rows(rounded, 0, input_size))
    kernel_h = _rows(rounded, input_size, kernel.shape[0])

    # [T*B, input] @ [input, 4H], then one [B, 4H] for each step, which is split into gates there.
    # To split before unstacking would copy twice.
    all_x_gates = product(tf.reshape(inputs, [-1, input_size]), kernel_x) + bias
    all_x_gates = tf.unstack(tf.reshape(all_x_gates, [num_steps, -1, kernel.shape[1]]))
    # One product for each gate. TensorFlow computes the four at the same time, each on one core. A
    # single product on all cores is slower: its threads wait for each other.
    kernel_i, kernel_j, kernel_f, kernel_o = map(widen, tf.split(kernel_h, 4, axis=1))

    steps, outputs = [], []
    c, first_output = initial_c, tf.cast(initial_h, inputs.dtype)
    h_factor = widen(first_output)
    for x_gates in all_x_gates:
        x_i, x_j, x_f, x_o = tf.split(x_gates, 4, axis=1)
        i = tf.sigmoid(x_i + product(h_factor, kernel_i))
        j = tf.tanh(x_j + product(h_factor, kernel_j))
        f = tf.sigmoid(x_f + product(h_factor, kernel_f))
        o = tf.sigmoid(x_o + product(h_factor, kernel_o))
        previous_c, c = c, f * c + i * j
        tanh_c = tf.tanh(c)
        h = o * tanh_c
        outputs.append(tf.cast(h, inputs.dtype))
        h_factor = widen(outputs[-1])
        steps.append(_Step(i, j, f, o, tanh_c, previous_c))

    def gradient(d_outputs, d_c, d_h):
        d_gates, d_initial_c, d_initial_h = _gates_gradient(
            steps, d_outputs, d_c, d_h, kernel_h, precision
        )
        previous_outputs = tf.stack([first_output, *outputs[:-1]])
        x_and_h = tf.reshape(tf.concat([inputs, previous_outputs], axis=2), [-1, kernel.shape[0]])
        d_inputs = product(d_gates, kernel_x, inputs.dtype, transpose_b=True)
        d_inputs = tf.reshape(d_inputs, tf.shape(inputs))
        # The layer below waits for d_inputs, so it comes first. d_kernel is then computed at the
        # same time as that layer's steps.
        with tf.control_dependencies([d_inputs]):
            d_kernel = product(x_and_h, d_gates, kernel.dtype, transpose_a=True)
        ones = tf.ones([1, tf.shape(d_gates)[0]], d_gates.dtype)
        d_bias = product(ones, d_gates)[0]
        return d_inputs, d_initial_c, d_initial_h, d_kernel, d_bias

    return (tf.stack(outputs), c, h), gradient


def _gates_gradient(steps, d_outputs, d_c, d_h, kernel_h, precision):
    """Back-propagates through time.

    Of `y` and `dy`, TensorFlow's `SigmoidGrad` computes `dy * y * (1 - y)`, and `TanhGrad` computes
    `dy * (1 - y * y)`. Each is one operation. To start operations is most of a small model's step.

    Args:
      steps: list of `_Step`.
      d_outputs: `[num_steps, batch, hidden]`, dtype of the outputs.
      d_c, d_h: float32 `[batch, hidden]`, the gradients of the last state.
      kernel_h: `[hidden, 4 * hidden]`, dtype of the outputs.
      precision: a `Precision`.

    Returns:
      `(d_gates, d_c, d_h)`: the gradient of the gates before their nonlinearities,
      `[num_steps * batch, 4 * hidden]`, widened; and the gradients of the initial state.
    """
    d_sigmoid, d_tanh = tf.raw_ops.SigmoidGrad, tf.raw_ops.TanhGrad
    all_d_outputs = tf.unstack(tf.cast(d_outputs, tf.float32))
    # Transposed once for all steps: that halves the time of each product. It waits for the end of
    # the forward pass, so that it takes no memory before. Grappler would move the transposition of
    # a matrix back into the products; with one more dimension it does not.
    with tf.control_dependencies([all_d_outputs[-1]]):
        kernel_h_transposed = precision.widen(tf.transpose(kernel_h[None], [0, 2, 1])[0])
    all_d_gates = [None] * len(steps)
    for t in reversed(range(len(steps))):
        i, j, f, o, tanh_c, previous_c = steps[t]
        d_h += all_d_outputs[t]
        d_c += d_tanh(y=tanh_c, dy=d_h * o)
        d_i = d_sigmoid(y=i, dy=d_c * j)
        d_j = d_tanh(y=j, dy=d_c * i)
        d_f = d_sigmoid(y=f, dy=d_c * previous_c)
        d_o = d_sigmoid(y=o, dy=d_h * tanh_c)
        d_gates = tf.concat([d_i, d_j, d_f, d_o], axis=1)
        all_d_gates[t] = precision.widen(tf.cast(d_gates, kernel_h.dtype))
        d_c *= f
        d_h = precision.product(all_d_gates[t], kernel_h_transposed)
    return tf.concat(all_d_gates, axis=0), d_c, d_h


def cudnn_params_size(num_layers: int, input_size: int, hidden_size: int) -> int:
    """How many numbers cuDNN's opaque vector holds."""
    matrices = 4 * hidden_size * (input_size + hidden_size + (num_layers - 1) * 2 * hidden_size)
    return matrices + num_layers * 8 * hidden_size


def _swap_gates(matrix, hidden_size):
    """Rows of four gates, from this project's order i, j, f, o to cuDNN's i, f, j, o, or back."""
    i, j, f, o = tf.split(matrix, 4 * [hidden_size])
    return tf.concat([i, f, j, o], axis=0)


def canonical_to_cudnn(kernels: Sequence, biases: Sequence) -> tf.Tensor:
    """Packs one kernel and one bias of each layer into cuDNN's vector.

    The vector holds for each layer four input matrices and then four recurrent matrices. Each is
    stored transposed, `[hidden, input]` row by row. After all the matrices follow for each layer
    four input biases and then four recurrent biases. cuDNN adds the two; the recurrent biases are
    set to zero.

    Args:
      kernels: list of `[input + hidden, 4 * hidden]`.
      biases: list of `[4 * hidden]`.

    Returns:
      `[cudnn_params_size(...)]`.
    """
    matrices, vectors = [], []
    for kernel, bias in zip(kernels, biases):
        hidden_size = bias.shape[0] // 4
        input_size = kernel.shape[0] - hidden_size
        for matrix in (kernel[:input_size], kernel[input_size:]):
            matrices.append(tf.reshape(_swap_gates(tf.transpose(matrix), hidden_size), [-1]))
        vectors += [_swap_gates(bias, hidden_size), tf.zeros_like(bias)]
    return tf.concat(matrices + vectors, axis=0)


def cudnn_to_canonical(
    params: tf.Tensor, num_layers: int, input_size: int, hidden_size: int
) -> tuple[list, list]:
    """Unpacks cuDNN's vector; the reverse of `canonical_to_cudnn`.

    Returns:
      `(kernels, biases)`, one of each for every layer; a bias is the sum of cuDNN's two.
    """
    gates = 4 * hidden_size
    input_sizes = [input_size] + [hidden_size] * (num_layers - 1)
    sizes = [gates * size for layer in input_sizes for size in (layer, hidden_size)]
    pieces = tf.split(params, sizes + [gates] * (2 * num_layers))
    matrices, vectors = pieces[: 2 * num_layers], pieces[2 * num_layers :]
    kernels, biases = [], []
    for layer in range(num_layers):
        parts = [
            tf.transpose(_swap_gates(tf.reshape(matrix, [gates, -1]), hidden_size))
            for matrix in matrices[2 * layer : 2 * layer + 2]
        ]
        kernels.append(tf.concat(parts, axis=0))
        bias = vectors[2 * layer] + vectors[2 * layer + 1]
        biases.append(_swap_gates(bias, hidden_size))
    return kernels, biases


def without_recurrent_bias_gradient(
    params: tf.Tensor, num_layers: int, hidden_size: int
) -> tf.Tensor:
    """Returns cuDNN's vector, such that no gradient reaches the recurrent biases.

    cuDNN adds two biases where the other modes have one. If both learned, their sum would learn
    twice as fast.

    Args:
      params: cuDNN's vector.
      num_layers, hidden_size: int, the stack that it belongs to.
    """
    num_biases = num_layers * 8 * hidden_size
    matrices, biases = tf.split(params, [int(params.shape[0]) - num_biases, num_biases])
    of_inputs, recurrent = tf.unstack(tf.reshape(biases, [num_layers, 2, -1]), axis=1)
    biases = tf.stack([of_inputs, tf.stop_gradient(recurrent)], axis=1)
    return tf.concat([matrices, tf.reshape(biases, [-1])], axis=0)


def cudnn_layers(
    inputs: tf.Tensor,
    state: LSTMStateTuple,
    params: tf.Tensor,
    is_training: bool,
    keep_prob: float = 1.0,
    seed: int = 0,
) -> tuple[tf.Tensor, LSTMStateTuple]:
    """A stack of LSTM layers in one cuDNN kernel, with dropout between them. GPU only.

    Args:
      inputs: `[num_steps, batch, input]`.
      state: `LSTMStateTuple` of float32 `[num_layers, batch, hidden]`.
      params: cuDNN's vector, dtype of the inputs.
      is_training: keep what the gradient needs, and drop out.
      keep_prob: the probability that dropout between the layers keeps a value.
      seed: of that dropout.

    Returns:
      `(outputs, state)`: `[num_steps, batch, hidden]`, and the last state.
    """
    num_steps, batch_size = tf.unstack(tf.shape(inputs)[:2])
    # In bfloat16, the gradient that TensorFlow 2.21 computes for the weights is wrong.
    dtype = tf.float32 if inputs.dtype == tf.bfloat16 else inputs.dtype
    outputs, h, c, *_ = tf.raw_ops.CudnnRNNV3(
        input=tf.cast(inputs, dtype),
        input_h=tf.cast(state.h, dtype),
        input_c=tf.cast(state.c, dtype),
        params=tf.cast(params, dtype),
        # cuDNN 9 requires them, and so fails in the operation's first two versions.
        sequence_lengths=tf.fill([batch_size], num_steps),
        rnn_mode="lstm",
        input_mode="linear_input",
        direction="unidirectional",
        dropout=1.0 - keep_prob if is_training else 0.0,
        seed=seed,
        is_training=is_training,
    )
    outputs = tf.ensure_shape(outputs, inputs.shape[:2] + state.h.shape[2:])
    state = LSTMStateTuple(c=tf.cast(c, tf.float32), h=tf.cast(h, tf.float32))
    return tf.cast(outputs, inputs.dtype), state


def canonical_names(layer: int) -> tuple[str, str]:
    """The names of a layer's kernel and bias, relative to the model's variable scope."""
    cell = f"RNN/multi_rnn_cell/cell_{layer}/basic_lstm_cell"
    return f"{cell}/kernel", f"{cell}/bias"


def save_canonically(params: tf.Tensor, num_layers: int, hidden_size: int) -> None:
    """Makes the current graph's Savers save cuDNN's vector under the canonical names.

    Thus a model trained with cuDNN can be evaluated on a laptop, and the reverse.

    Args:
      params: the float32 variable, or its tensor by reference, as cuDNN lays it out.
      num_layers, hidden_size: int, the stack that it belongs to.
    """

    def unpack(params):
        layers = zip(*cudnn_to_canonical(params, num_layers, hidden_size, hidden_size))
        names = (name for layer in range(num_layers) for name in canonical_names(layer))
        return dict(zip(names, (tensor for layer in layers for tensor in layer)))

    def pack(tensors):
        return canonical_to_cudnn(tensors[0::2], tensors[1::2])

    saved_layouts.save_as(params, unpack, pack)


class CellStack:
    """LSTM layers on top of one another, each with a kernel and a bias."""

    def __init__(
        self, num_layers: int, hidden_size: int, layer: Callable, precision: Precision = FLOAT32
    ):
        """Makes the variables, float32, in the current variable scope.

        Args:
          num_layers, hidden_size: the sizes.
          layer: `basic_layer` or `block_layer`.
          precision: how to multiply.
        """
        self._layer = layer
        self._precision = precision
        self._hidden_size = hidden_size
        self._variables = []
        zeros = tf.compat.v1.zeros_initializer()
        for kernel_name, bias_name in map(canonical_names, range(num_layers)):
            shape = [2 * hidden_size, 4 * hidden_size]
            kernel = tf.compat.v1.get_variable(kernel_name, shape)
            bias = tf.compat.v1.get_variable(bias_name, shape[1:], initializer=zeros)
            self._variables.append((kernel, bias))

    def zero_state(self, batch_size: int) -> tuple:
        """The state before the first word: tuple of `LSTMStateTuple`, one for each layer."""
        return tuple(zero_state([batch_size, self._hidden_size]) for _ in self._variables)

    def add_layers(
        self, inputs: tf.Tensor, initial_state: tuple, dropout: Callable
    ) -> tuple[tf.Tensor, tuple]:
        """Adds the layers to the graph, with dropout on the output of each.

        Args:
          inputs: `[num_steps, batch, hidden_size]`.
          initial_state: like that of `zero_state`.
          dropout: a `dropout.Dropout`, called with an output and the number of its layer, from 1.

        Returns:
          `(outputs, final_state)`, of the shapes of the arguments.
        """
        final_state = []
        layers = zip(self._variables, initial_state)
        for number, ((kernel, bias), state) in enumerate(layers, start=1):
            inputs, state = self._layer(inputs, state, kernel, bias, self._precision)
            final_state.append(state)
            inputs = dropout(inputs, number)
        return inputs, tuple(final_state)


class CudnnStack:
    """The same stack computed by cuDNN, which trains one opaque vector. GPU only.

    Attributes:
      opaque_params: float32 `[cudnn_params_size(...)]`, the variable; see `saved_layouts`.
    """

    def __init__(self, num_layers: int, hidden_size: int, is_training: bool):
        """Makes the variable in the current variable scope, saved under the canonical names.

        Args:
          num_layers, hidden_size: the sizes.
          is_training: keep what the gradient needs, and drop out.
        """
        self._num_layers, self._hidden_size = num_layers, hidden_size
        self._is_training = is_training
        self.opaque_params = saved_layouts.get_variable(
            "lstm_params", [cudnn_params_size(num_layers, hidden_size, hidden_size)]
        )
        save_canonically(self.opaque_params, num_layers, hidden_size)

    def zero_state(self, batch_size: int) -> tuple:
        """See `CellStack.zero_state`."""
        shape = [batch_size, self._hidden_size]
        return tuple(zero_state(shape) for _ in range(self._num_layers))

    def add_layers(
        self, inputs: tf.Tensor, initial_state: tuple, dropout: Any
    ) -> tuple[tf.Tensor, tuple]:
        """See `CellStack.add_layers`."""
        c, h = map(tf.stack, zip(*initial_state))
        params = without_recurrent_bias_gradient(
            self.opaque_params, self._num_layers, self._hidden_size
        )
        params = tf.cast(params, inputs.dtype)
        outputs, state = cudnn_layers(
            inputs,
            LSTMStateTuple(c, h),
            params,
            self._is_training,
            dropout.keep_prob,
            dropout.draws.seed,
        )
        final_state = tuple(map(LSTMStateTuple, *map(tf.unstack, state)))
        return dropout(outputs, self._num_layers), final_state
