"""The language model: embedding, stacked LSTM, softmax. Its variables, and what they compute."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

import configs
from model import candidate_sampler, canonical, devices, lstm, softmax
from model.precision import FLOAT32, Precision

tf1 = tf.compat.v1

# In `Draws.seed_of`, the number of the sampled words; dropout's numbers are those of the layers.
SAMPLED_WORDS = -1

LAYERS = {configs.BASIC: lstm.basic_layer, configs.BLOCK: lstm.block_layer}


class Draws(NamedTuple):
    """The random numbers of a training step: what dropout drops, and which words are sampled.

    They depend only on these three numbers, so a continued run draws the same.

    Attributes:
      seed: int.
      step: int64 scalar tensor, the global step.
      replica: int32 scalar tensor.
    """

    seed: int = 0
    step: tf.Tensor | None = None
    replica: tf.Tensor | None = None

    def seed_of(self, part: int) -> tf.Tensor:
        """The seed, int64 `[2]`, for a stateless operation in a part of the step."""
        with tf.device("/cpu:0"):  # the operations that take the seed need it on the CPU
            seed = tf.stack([tf.constant(self.seed, tf.int64), self.step])
            for number in (self.replica, part):
                seed = tf.random.experimental.stateless_fold_in(seed, number)
        return seed


class Dropout(NamedTuple):
    """Dropout like that of `tf.contrib.rnn.DropoutWrapper`, but without a random state of its own.

    It is applied to the embedded input and to the output of every layer. It is never applied to the
    state that a layer carries from one time step to the next: that would erase within a few of them
    what the layer remembers (Zaremba et al. 2014, section 3.1).

    Attributes:
      keep_prob: float, the probability to keep a value; 1 is no dropout.
      draws: the step's `Draws`.
    """

    keep_prob: float = 1.0
    draws: Draws = Draws()

    def __call__(self, x: tf.Tensor, layer: int) -> tf.Tensor:
        """Drops values of `x`, and scales up the others to keep the mean."""
        if self.keep_prob >= 1:
            return x
        seed = self.draws.seed_of(layer)
        # In float32, so that a 16-bit run drops the same values.
        x32 = tf.cast(x, tf.float32)
        return tf.cast(tf.nn.experimental.stateless_dropout(x32, 1 - self.keep_prob, seed), x.dtype)


def each_row_once(gradient: Any, at_least: int = 1024) -> Any:
    """Adds up the rows of a sparse gradient that are of one word, if there are many.

    From 1,024 rows on, TensorFlow's `ScatterSub` works in several threads, and subtracts repeated
    rows in any order, so that the sum would be rounded in another way each time.

    Args:
      gradient: a tensor, which is returned, or `tf.IndexedSlices`. Rows of an unknown number are
        those of a sampled softmax, or were added up: they are of different words already.
      at_least: int, how many rows are many.
    """
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    count = gradient.indices.shape[0]
    if count is None or count < at_least:
        return gradient
    words, places = tf.unique(gradient.indices)
    sums = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(words))
    return tf.IndexedSlices(sums, words)


class Network:
    """The variables of the model in the current variable scope, and what they compute.

    Attributes:
      precision: the `Precision` of the activations.
      global_step: int64 scalar variable, the steps of training; None if not in training.
      saved_otherwise: dict of the variables that are saved in another layout, see `canonical`:
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
            self._softmax_w = canonical.get_variable(softmax.NAME_BY_WORD, shape)
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
            vocab_size = self._softmax_b.shape[0]
            sample = candidate_sampler.sample(self._num_sampled, vocab_size, targets, uniform)
        rows, biases = (tf.gather(each, sample.words) for each in weights)
        return softmax.sampled_cross_entropy(outputs, rows, biases, sample, self.precision)

    def logits(self, outputs: tf.Tensor) -> tf.Tensor:
        """The logits of every word, float32 `[num_steps * batch, vocab_size]`."""
        by_word = self._num_sampled > 0
        return softmax.logits(outputs, self._softmax_w, self._softmax_b, self.precision, by_word)
