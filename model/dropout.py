"""Dropout, and the random numbers of a training step, which a continued run draws again."""

from typing import NamedTuple

import tensorflow as tf


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
