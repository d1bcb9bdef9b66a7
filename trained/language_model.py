"""A trained model's network, with its state in one tensor.

The state is one float32 array `[batch, 2 * num_layers, hidden_size]`: each layer's c and h. It is
zeros before the first word.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from model import lstm, network
from trained import trained_model

tf1 = tf.compat.v1


class LanguageModel:
    """A trained model's network in the current graph, with its state in one tensor."""

    def __init__(self, config: Any, layer: Callable | None = None, use_resource: bool = True):
        """Makes the variables, or takes those that the graph has.

        Args:
          config: has `vocab_size`, `hidden_size`, `num_layers` and `rnn_mode`.
          layer: as for `network.Network`.
          use_resource: resource variables, which TensorFlow before 2.8 cannot read from a
            SavedModel; otherwise reference variables.
        """
        self._config = config
        scope = trained_model.SCOPE
        with tf1.variable_scope(scope, reuse=tf1.AUTO_REUSE, use_resource=use_resource):
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
