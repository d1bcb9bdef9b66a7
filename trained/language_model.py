"""A trained model's network, with its state in one tensor.

The state is one float32 array `[batch, 2 * num_layers, hidden_size]`: each layer's c and h. It is
zeros before the first word.
"""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from model import lstm, network
from saved.eras import Cell
from trained import trained_model

tf1 = tf.compat.v1

TODAYS = Cell()


def clipping(layer: Callable | None, cell: Cell) -> Callable | None:
    """A layer that clips as an old cell did; the layer itself, or None, for today's cell."""
    if not cell.clip:
        return layer
    return functools.partial(layer or lstm.basic_layer, cell_clip=cell.clip)


class LanguageModel:
    """A trained model's network in the current graph, with its state in one tensor."""

    def __init__(self, config: Any, cell: Cell = TODAYS, layer: Callable | None = None):
        """Makes the variables, or takes those that the graph has.

        Args:
          config: has `vocab_size`, `hidden_size`, `num_layers` and `rnn_mode`.
          cell: how the model's cell computes, see `eras.Cell`.
          layer: as for `network.Network`; if the cell clips, it has `cell_clip`, too.
        """
        self._config, self._cell = config, cell
        layer = clipping(None if cell.one_state else layer, cell)  # which reads word by word
        with tf1.variable_scope(trained_model.SCOPE, reuse=tf1.AUTO_REUSE, use_resource=True):
            self._network = network.Network(config, layer=layer)

    def state_placeholder(self) -> tf.Tensor:
        """A placeholder of the state before a window."""
        config = self._config
        return tf1.placeholder(tf.float32, [None, 2 * config.num_layers, config.hidden_size])

    def read(self, words: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Reads a window of words.

        Args:
          words: int32 `[num_steps, batch]`.
          state: see the module.

        Returns:
          `(outputs, state)`: float32 `[num_steps * batch, hidden_size]`, and the state after it.
        """
        if not self._cell.one_state:
            return self._read(words, state)
        # As the TF1 script tested: in windows of one word, each of which begins with one state.
        none = tf.zeros([tf.shape(words)[1], self._config.hidden_size])
        outputs, states = tf.scan(
            lambda before, word: self._read(word[None], self._with_one_state(before[1])),
            words,
            (none, state),
        )
        return tf.reshape(outputs, [-1, self._config.hidden_size]), states[-1]

    def _with_one_state(self, state):
        """The state with the last layer's c and h in every layer."""
        return tf.tile(state[:, -2:], [1, self._config.num_layers, 1])

    def _read(self, words, state):
        layers = tf.unstack(state, axis=1)
        initial_state = tuple(map(lstm.LSTMStateTuple, layers[0::2], layers[1::2]))
        outputs, final_state = self._network.read(words, initial_state)
        return outputs, tf.stack(tf.nest.flatten(final_state), axis=1)

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

    def logits(self, outputs: tf.Tensor) -> tf.Tensor:
        """The logits of every word, float32 `[num_steps * batch, vocab_size]`."""
        return self._network.logits(outputs)
