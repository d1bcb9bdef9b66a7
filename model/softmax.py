"""The softmax layer and its cross-entropy: a large part of the work in a small model."""

import numpy as np
import tensorflow as tf

from model.precision import FLOAT32, Precision


def logits(
    outputs: tf.Tensor,
    softmax_w: tf.Tensor,
    softmax_b: tf.Tensor,
    precision: Precision = FLOAT32,
) -> tf.Tensor:
    """The logarithms of the words' probabilities, up to a constant in each row.

    Args:
      outputs, softmax_w, softmax_b, precision: as in `cross_entropy`, `softmax_w` rounded already.

    Returns:
      Float32 `[rows, vocab_size]`.
    """
    return precision.product(outputs, softmax_w) + softmax_b


def cross_entropy(
    outputs: tf.Tensor,
    softmax_w: tf.Tensor,
    softmax_b: tf.Tensor,
    targets: tf.Tensor,
    precision: Precision = FLOAT32,
) -> tf.Tensor:
    """The cross-entropy of each target word, `-log(softmax(outputs @ softmax_w + softmax_b))`.

    The logits are the largest tensor of the step, `[rows, vocab_size]`. Scaling is therefore done
    on the narrow `[rows, hidden]` or on a vector, never on a tensor of the logits' size:

        p         = softmax(logits)
        loss      = -log(p[target])     (logsumexp(logits) - logits[target], where p underflows)
        d_logits  = d_loss * (p - one_hot(target))
        d_outputs = d_loss * ((p - one_hot) @ softmax_w^T)
        d_w       = (d_loss * outputs)^T @ (p - one_hot)
        d_b       = d_loss^T @ (p - one_hot)

    Args:
      outputs: `[rows, hidden]`, of the precision's dtype.
      softmax_w: float32 `[hidden, vocab_size]`; rounded to the precision's dtype here.
      softmax_b: float32 `[vocab_size]`.
      targets: int32 `[rows]`, word ids. A negative id means no word: its loss is 0.
      precision: a `Precision`.

    Returns:
      Float32 `[rows]`, in nats.
    """
    is_word = tf.cast(tf.greater_equal(targets, 0), tf.float32)

    @tf.custom_gradient
    def losses(outputs, softmax_w, softmax_b, targets):
        return _cross_entropy(outputs, softmax_w, softmax_b, targets, precision)

    return is_word * losses(outputs, softmax_w, softmax_b, tf.maximum(targets, 0))


def _exact_where_tiny(losses, p_target, outputs, softmax_w, softmax_b, targets, precision):
    """Replaces the losses of the few rows, if any, whose float32 probability has underflowed.

    It computes the logits of these rows again. To keep the logits of all rows would double the
    memory of the softmax, which overwrites them.
    """
    rows = tf.where(p_target < np.finfo(np.float32).tiny)
    # Not gather_nd, which has no GPU kernel for int32.
    outputs, targets = tf.gather(outputs, rows[:, 0]), tf.gather(targets, rows[:, 0])
    scores = logits(outputs, softmax_w, softmax_b, precision)
    exact = tf.reduce_logsumexp(scores, axis=1) - tf.gather(scores, targets, batch_dims=1)
    return tf.tensor_scatter_nd_update(losses, rows, exact)


def _cross_entropy(outputs, softmax_w, softmax_b, targets, precision):
    """The losses, and the function of their gradient, as `tf.custom_gradient` wants them."""
    product = precision.product
    # Delays the rounding, and the memory that it takes, until the outputs exist.
    with tf.control_dependencies([outputs]):
        weights = precision.widen(tf.cast(softmax_w, outputs.dtype))
    p = tf.nn.softmax(logits(outputs, weights, softmax_b, precision))
    p_target = tf.gather(p, targets, batch_dims=1)
    losses = -tf.math.log(p_target)
    losses = _exact_where_tiny(losses, p_target, outputs, weights, softmax_b, targets, precision)

    def gradient(d_losses):
        rows = tf.range(tf.shape(targets)[0])
        # Overwrites p, which is not read again; tensor_scatter_nd_sub would copy it.
        with tf.control_dependencies([p_target]):
            errors = tf.raw_ops.ScatterNdNonAliasingAdd(
                input=p, indices=tf.stack([rows, targets], axis=1), updates=-tf.ones_like(d_losses)
            )
        errors = precision.widen(tf.cast(errors, outputs.dtype))
        d_losses = tf.cast(d_losses, outputs.dtype)[:, None]
        d_outputs = d_losses * product(errors, weights, outputs.dtype, transpose_b=True)
        # The LSTM waits for d_outputs, so it comes first. d_w is then computed at the same time as
        # the LSTM's steps, which keep only one core busy.
        with tf.control_dependencies([d_outputs]):
            d_w = product(d_losses * outputs, errors, softmax_w.dtype, transpose_a=True)
        d_b = product(d_losses, errors, transpose_a=True)[0]
        return d_outputs, d_w, d_b, None

    return losses, gradient
