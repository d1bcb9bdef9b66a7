"""The language model: embedding, stacked LSTM, softmax. Its variables, and what they compute."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

import configs
from model import candidate_sampler, devices, lstm, saved_layouts, softmax
from model.dropout import Draws, Dropout
from model.precision import FLOAT32, Precision

tf1 = tf.compat.v1

# In `Draws.seed_of`, the number of the sampled words; dropout's numbers are those of the layers.
SAMPLED_WORDS = -1

LAYERS = {configs.BASIC: lstm.basic_layer, configs.BLOCK: lstm.block_layer}


class Network:
    """The variables of the model in the current variable scope, and what they compute.

    Attributes:
      precision: the `Precision` of the activations.
      global_step: int64 scalar variable, the steps of training; None if not in training.
      saved_otherwise: dict of the variables that are saved in another layout, see `saved_layouts`:
        with cuDNN `rnn_params`, its vector; with sampling `softmax_by_word`, the softmax's weights
        as a row for each word.
    """

    def __init__(
        self,
        config: Any,
        is_training: bool = False,
        dtype: tf.DType | Precision = FLOAT32,
        layer: Callable | None = None,
    ):
        """Makes the variables, float32, or takes those that the scope has.

        Args:
          config: has `vocab_size`, `hidden_size`, `num_layers`, `rnn_mode` and `sampled_softmax`.
          is_training: count steps; keep what cuDNN's gradient needs.
          dtype: of the activations and matrix products, or a `Precision`.
          layer: a function with the arguments and results of `lstm.basic_layer`, to compute the
            layers with; by default that of the configuration's `rnn_mode`.
        """
        self.precision, self._hidden_size = devices.precision_for(dtype), config.hidden_size
        shape = [config.vocab_size, config.hidden_size]
        self._embedding = tf1.get_variable("embedding", shape)
        self._num_sampled, self.saved_otherwise = config.sampled_softmax, {}
        if self._num_sampled:
            self._softmax_w = saved_layouts.get_variable(softmax.NAME_BY_WORD, shape)
            softmax.save_canonically(self._softmax_w)
            self.saved_otherwise["softmax_by_word"] = self._softmax_w
        else:
            self._softmax_w = tf1.get_variable(softmax.NAME, shape[::-1])
        self._softmax_b = tf1.get_variable("softmax_b", [config.vocab_size])
        sizes = config.num_layers, config.hidden_size
        if config.rnn_mode == configs.CUDNN and layer is None:
            self._stack: Any = lstm.CudnnStack(*sizes, is_training)
            self.saved_otherwise["rnn_params"] = self._stack.opaque_params
        else:
            self._stack = lstm.CellStack(*sizes, layer or LAYERS[config.rnn_mode], self.precision)
        # The global variables' initializer skips these. The embedding's runs theirs first.
        known = self._embedding.initializer.control_inputs
        others = [variable.initializer for variable in self.saved_otherwise.values()]
        self._embedding.initializer._add_control_inputs([op for op in others if op not in known])
        self.global_step = None
        if is_training:
            with tf.device("/cpu:0"):  # where the dropout's seeds need it
                self.global_step = tf1.get_variable(
                    "global_step",
                    initializer=tf.constant(0, tf.int64),
                    trainable=False,
                    collections=[tf1.GraphKeys.GLOBAL_VARIABLES, tf1.GraphKeys.GLOBAL_STEP],
                )

    def zero_state(self, batch_size: int) -> tuple:
        """The state before the first word: tuple of `LSTMStateTuple`, one for each layer."""
        return self._stack.zero_state(batch_size)

    def read(
        self,
        words: tf.Tensor,
        state: tuple,
        dropout: Dropout = Dropout(),  # noqa: B008  it never changes
    ) -> tuple[tf.Tensor, tuple]:
        """Reads a window of words.

        Args:
          words: int32 `[num_steps, batch]`.
          state: like that of `zero_state`.
          dropout: on the embedded words and on the output of every layer.

        Returns:
          `(outputs, state)`: `[num_steps * batch, hidden_size]` of the precision's dtype, and the
          state after the window.
        """
        vectors = tf.nn.embedding_lookup(self._embedding, words)
        vectors = dropout(tf.cast(vectors, self.precision.dtype), layer=0)
        outputs, final_state = self._stack.add_layers(vectors, state, dropout)
        return tf.reshape(outputs, [-1, self._hidden_size]), final_state

    def losses(
        self, outputs: tf.Tensor, targets: tf.Tensor, draws: Draws | None = None
    ) -> tf.Tensor:
        """The cross-entropy of each target word, in nats.

        Args:
          outputs: see `read`.
          targets: int32 `[num_steps, batch]`. A negative id means no word: its loss is 0.
          draws: of the training step. If the configuration samples words, the result is an
            estimate. Without it, the result is exact, and has no gradient where it does not fit
            into memory at once.

        Returns:
          Float32 `[num_steps * batch]`.
        """
        targets, weights = tf.reshape(targets, [-1]), (self._softmax_w, self._softmax_b)
        if draws is None:
            return softmax.cross_entropy_in_pieces(
                outputs, *weights, targets, self.precision, by_word=self._num_sampled > 0
            )
        if not self._num_sampled:
            return softmax.cross_entropy(outputs, *weights, targets, self.precision)
        with tf.device("/cpu:0"):  # as in `Draws`
            uniform = tf.random.stateless_uniform(
                [], draws.seed_of(SAMPLED_WORDS), 0, 1, tf.float64
            )
            vocab_size = int(self._softmax_b.shape[0])  # TF1 has a Dimension there
            sample = candidate_sampler.sample(self._num_sampled, vocab_size, targets, uniform)
        rows, biases = (tf.gather(each, sample.words) for each in weights)
        return softmax.sampled_cross_entropy(outputs, rows, biases, sample, self.precision)

    def logits(self, outputs: tf.Tensor) -> tf.Tensor:
        """The logits of every word, float32 `[num_steps * batch, vocab_size]`."""
        by_word = self._num_sampled > 0
        return softmax.logits(outputs, self._softmax_w, self._softmax_b, self.precision, by_word)
