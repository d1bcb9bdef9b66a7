"""A trained model's network, to read words with and to tell the probabilities of the next.

A state is a tuple of an `lstm.LSTMStateTuple` for each layer, each of whose two arrays is float32
`[batch, hidden_size]`. It is zeros before the first word.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from model import lstm, network
from model.precision import Precision
from saved.tf1_checkpoints import Cell
from trained import trained_model

tf1 = tf.compat.v1

TODAYS = Cell()


def clipping(layer: Callable | None, cell: Cell) -> Callable | None:
    """A layer that clips as an old cell did; the layer itself, or None, for today's cell."""
    if not cell.clip:
        return layer
    return functools.partial(layer or lstm.basic_layer, cell_clip=cell.clip)


def with_one_state(state: Sequence) -> tuple:
    """A state with the last layer's in every layer; see `tf1_checkpoints.Cell`."""
    return (state[-1],) * len(state)


def new_graph() -> tf.Graph:
    """A graph with a seed: `enable_op_determinism` asks for one, though no weight is drawn."""
    graph = tf.Graph()
    graph.seed = 0
    return graph


class LanguageModel:
    """A trained model's network in the current graph."""

    def __init__(
        self,
        config: Any,
        cell: Cell = TODAYS,
        layer: Callable | None = None,
        use_resource: bool = True,
    ):
        """Makes the variables, or takes those that the graph has.

        Args:
          config: has `vocab_size`, `hidden_size`, `num_layers` and `rnn_mode`.
          cell: how the model's cell computes, see `tf1_checkpoints.Cell`.
          layer: as for `network.Network`; if the cell clips, it has `cell_clip`, too.
          use_resource: resource variables, which TensorFlow before 2.8 cannot read from a
            SavedModel; otherwise reference variables.
        """
        self._config, self._cell = config, cell
        layer = clipping(None if cell.one_state else layer, cell)  # which reads word by word
        scope = trained_model.SCOPE
        with tf1.variable_scope(scope, reuse=tf1.AUTO_REUSE, use_resource=use_resource):
            self._network = network.Network(config, layer=layer)

    def state_placeholders(self) -> tuple:
        """Placeholders of the state before a window."""
        shape = [None, self._config.hidden_size]
        return tuple(
            lstm.LSTMStateTuple(*(tf1.placeholder(tf.float32, shape) for _ in "ch"))
            for _ in range(self._config.num_layers)
        )

    def read(self, words: tf.Tensor, state: tuple) -> tuple[tf.Tensor, tuple]:
        """Reads a window of words.

        Args:
          words: int32 `[num_steps, batch]`; with `LevelsLayer`, the words that its places are of.
          state: see the module.

        Returns:
          `(outputs, state)`: float32 `[num_steps * batch, hidden_size]`, and the state after it.
        """
        if not self._cell.one_state:
            return self._network.read(words, state)
        # As the TF1 script tested: in windows of one word, each of which begins with one state.
        none = tf.zeros([tf.shape(words)[1], self._config.hidden_size])
        outputs, states = tf.scan(
            lambda before, word: self._network.read(word[None], with_one_state(before[1])),
            words,
            (none, state),
        )
        outputs = tf.reshape(outputs, [-1, self._config.hidden_size])
        return outputs, tf.nest.map_structure(lambda each: each[-1], states)

    def log_probabilities(self, outputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """The log-probability of each target word, in nats.

        Args:
          outputs: see `read`.
          targets: int32 `[num_steps, batch]`; the result for a negative one is 0.

        Returns:
          Float32 `[num_steps, batch]`.
        """
        losses = self._network.losses(outputs, targets)
        return tf.reshape(-losses, tf.shape(targets))

    def log_probabilities_at(
        self, outputs: tf.Tensor, rows: tf.Tensor, targets: tf.Tensor
    ) -> tf.Tensor:
        """The log-probabilities of any number of words after each output, in nats.

        Args:
          outputs: see `read`; `[rows, hidden_size]`.
          rows: int64 `[words]`, the output that each word follows.
          targets: int64 `[words]`.

        Returns:
          Float32 `[words]`.
        """
        p = tf.nn.softmax(self._network.logits(outputs))
        p_target = tf.gather_nd(p, tf.stack([rows, targets], axis=1))
        # As in `softmax.cross_entropy`: the few whose probability has underflowed, once more.
        places = tf.where(p_target < np.finfo(np.float32).tiny)
        rows, targets = tf.gather(rows, places[:, 0]), tf.gather(targets, places[:, 0])
        logits = self._network.logits(tf.gather(outputs, rows))
        exact = tf.gather(logits, targets, batch_dims=1) - tf.reduce_logsumexp(logits, axis=1)
        return tf.tensor_scatter_nd_update(tf.math.log(p_target), places, exact)

    def logits(self, outputs: tf.Tensor) -> tf.Tensor:
        """The logits of every word, float32 `[num_steps * batch, vocab_size]`."""
        return self._network.logits(outputs)


def unpack(packed: tf.Tensor) -> tuple:
    """The state in one tensor, float32 `[batch, 2 * num_layers, hidden_size]`: c and h in turn."""
    layers = tf.unstack(packed, axis=1)
    return tuple(map(lstm.LSTMStateTuple, layers[0::2], layers[1::2]))


def pack(state: tuple) -> tf.Tensor:
    """The reverse of `unpack`."""
    return tf.stack(tf.nest.flatten(state), axis=1)


def stream_layer(
    inputs: tf.Tensor,
    state: lstm.LSTMStateTuple,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    precision: Precision,
    cell_clip: float = 0.0,
) -> tuple[tf.Tensor, lstm.LSTMStateTuple]:
    """A layer, as for `LanguageModel`, that reads one text fast; see `lstm.basic_layer`.

    For one text, to start an operation takes longer than to compute it. So there are fewer of them
    than in `lstm.block_layer`: one product a step for all four gates.
    """
    num_steps, _, size = inputs.shape
    kernel_x, kernel_h = tf.split(kernel, 2)
    all_x_gates = precision.product(tf.reshape(inputs, [-1, size]), kernel_x) + bias
    outputs = []
    for x_gates in tf.unstack(tf.reshape(all_x_gates, [num_steps, -1, 4 * size])):
        gates = x_gates + precision.product(state.h, kernel_h)
        state = _next_state(gates, state.c, cell_clip)
        outputs.append(state.h)
    return tf.stack(outputs), state


def _next_state(gates, c, cell_clip):
    """The state after a step; `gates` are before their nonlinearities."""
    i, j, f, o = tf.split(gates, 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(j)
    if cell_clip:
        c = tf.clip_by_value(c, -cell_clip, cell_clip)
    return lstm.LSTMStateTuple(c=c, h=tf.sigmoid(o) * tf.tanh(c))


class LevelsLayer:
    """A layer, as for `LanguageModel`, that reads levels of a `prefix_tree.PrefixTree`.

    Several of a level's nodes may follow one node of the level before. Nodes that end with the same
    word have the same input to the first layer, so that its product is computed for each different
    word of the levels.
    """

    def __init__(self, places: Sequence[tf.Tensor], parents: Sequence[tf.Tensor]):
        """Takes the nodes of each level.

        Args:
          places: int32 `[nodes]` for each level, where each node's word is among those that are
            read; they are all different.
          parents: int32 `[nodes]` for each level, each node's parent in the level before; for the
            first level, in the state.
        """
        self._places: Sequence[tf.Tensor] | None = places
        self._parents = parents

    def __call__(
        self,
        inputs: tf.Tensor,
        state: lstm.LSTMStateTuple,
        kernel: tf.Tensor,
        bias: tf.Tensor,
        precision: Precision,
        cell_clip: float = 0.0,
    ) -> tuple[tf.Tensor, lstm.LSTMStateTuple]:
        """See `lstm.basic_layer`; inputs and outputs are of rank 2, and of all levels together."""
        kernel_x, kernel_h = tf.split(kernel, 2)
        all_x_gates = precision.product(inputs, kernel_x) + bias
        if self._places is not None:
            levels = [tf.gather(all_x_gates, place) for place in self._places]
            self._places = None  # the next layer has an input for each node
        else:
            sizes = tf.stack([tf.size(parents) for parents in self._parents])
            levels = tf.split(all_x_gates, sizes, num=len(self._parents))
        outputs = []
        for x_gates, parents in zip(levels, self._parents):
            gates = x_gates + precision.product(tf.gather(state.h, parents), kernel_h)
            state = _next_state(gates, tf.gather(state.c, parents), cell_clip)
            outputs.append(state.h)
        return tf.concat(outputs, axis=0), state
