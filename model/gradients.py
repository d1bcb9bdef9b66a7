"""The gradients of a training step, their norm, and the update: plain SGD, with clipping."""

from typing import Any

import tensorflow as tf

from model.precision import Precision

tf1 = tf.compat.v1

# In 16 bit, small gradients would become 0. A power of two loses no accuracy.
LOSS_SCALE_16_BIT = 128.0


def add_update(
    cost: tf.Tensor, lr: tf.Tensor, max_norm: float, precision: Precision, global_step: tf.Variable
) -> tuple[tf.Operation, tf.Tensor]:
    """Adds the gradients and an update of all trainable variables to the current graph.

    Args:
      cost: float32 scalar.
      lr: float32 scalar, the learning rate.
      max_norm: float, to which the gradients' global norm is clipped.
      precision: that of the activations.
      global_step: int64 scalar variable, counted up by one.

    Returns:
      `(update, norm)`: the operation; float32 scalar, the global norm before clipping.
    """
    scale = LOSS_SCALE_16_BIT if precision.dtype.size == 2 else 1.0
    variables = tf1.trainable_variables()
    gradients = tf.gradients(scale * cost, variables)
    norm = tf.linalg.global_norm(gradients) / scale
    # Clipping scales all gradients alike. To scale the learning rate does the same, faster.
    clipped_lr = lr * (max_norm / tf.maximum(norm, max_norm))
    # Without locks, two replicas that update one row at the same moment would lose one update.
    optimizer = tf1.train.GradientDescentOptimizer(clipped_lr / scale, use_locking=True)
    with tf.control_dependencies([cost]):  # that of the weights before the update
        pairs = zip(map(each_row_once, gradients), variables)
        return optimizer.apply_gradients(pairs, global_step), norm


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
    count = tf.compat.dimension_value(gradient.indices.shape[0])
    if count is None or count < at_least:
        return gradient
    words, places = tf.unique(gradient.indices)
    sums = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(words))
    return tf.IndexedSlices(sums, words)
