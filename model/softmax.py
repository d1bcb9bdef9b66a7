"""The softmax layer and its cross-entropy, which on a small model are half of the work."""

import numpy as np
import tensorflow as tf

from model.matmul import operand, product


def logits(outputs, softmax_w, softmax_b):
    """The logarithms of the words' probabilities, but for a constant of each row.

    Args:
      outputs, softmax_w, softmax_b: as in `cross_entropy`.

    Returns:
      Float32 `[rows, vocab_size]`.
    """
    return product(outputs, softmax_w) + softmax_b


def cross_entropy(outputs, softmax_w, softmax_b, targets):
    """The cross-entropy of each target word, `-log(softmax(outputs @ softmax_w + softmax_b))`.

    The logits are the step's largest tensor, `[rows, vocab_size]`. Both ways, everything that can
    be done to the narrow `[rows, hidden]` or to a vector is done there, and not to them:

        p         = softmax(logits)
        loss      = -log(p[target])     (logsumexp(logits) - logits[target], where p underflows)
        d_logits  = d_loss * (p - one_hot(target))
        d_outputs = d_loss * ((p - one_hot) @ softmax_w^T)
        d_w       = (d_loss * outputs)^T @ (p - one_hot)
        d_b       = d_loss^T @ (p - one_hot)

    Args:
      outputs: `[rows, hidden]`, float32 or a 16-bit type.
      softmax_w: `[hidden, vocab_size]`, float32; rounded to the outputs' dtype here, and not in
        `logits`.
      softmax_b: float32 `[vocab_size]`.
      targets: int32 `[rows]`, word ids; of a negative one, which is no word, the loss is 0.

    Returns:
      Float32 `[rows]`, in nats.
    """
    is_word = tf.cast(tf.greater_equal(targets, 0), tf.float32)
    return is_word * _cross_entropy(outputs, softmax_w, softmax_b, tf.maximum(targets, 0))


def _exact_where_tiny(losses, p_target, outputs, softmax_w, softmax_b, targets):
    """Replaces the losses of the rows, usually none, whose float32 probability has underflowed.

    It computes their logits again: keeping all rows' would make the softmax, which is computed in
    their place, allocate as much again.
    """
    rows = tf.where(p_target < np.finfo(np.float32).tiny)
    outputs, targets = tf.gather_nd(outputs, rows), tf.gather_nd(targets, rows)
    scores = logits(outputs, softmax_w, softmax_b)
    exact = tf.reduce_logsumexp(scores, axis=1) - tf.gather(scores, targets, batch_dims=1)
    return tf.tensor_scatter_nd_update(losses, rows, exact)


@tf.custom_gradient
def _cross_entropy(outputs, softmax_w, softmax_b, targets):
    with tf.control_dependencies([outputs]):  # no memory for what has to wait
        weights = operand(tf.cast(softmax_w, outputs.dtype))
    p = tf.nn.softmax(logits(outputs, weights, softmax_b))
    p_target = tf.gather(p, targets, batch_dims=1)
    losses = -tf.math.log(p_target)
    losses = _exact_where_tiny(losses, p_target, outputs, weights, softmax_b, targets)

    def gradient(d_losses):
        rows = tf.range(tf.shape(targets)[0])
        # In p's own memory, since nothing reads that any more; tensor_scatter_nd_sub would copy it.
        with tf.control_dependencies([p_target]):
            errors = tf.raw_ops.ScatterNdNonAliasingAdd(
                input=p, indices=tf.stack([rows, targets], axis=1), updates=-tf.ones_like(d_losses)
            )
        errors = operand(tf.cast(errors, outputs.dtype))
        d_losses = tf.cast(d_losses, outputs.dtype)[:, None]
        d_outputs = d_losses * product(errors, weights, outputs.dtype, transpose_b=True)
        # What the LSTM waits for comes first: this then fills the core that its chain leaves idle.
        with tf.control_dependencies([d_outputs]):
            d_w = product(d_losses * outputs, errors, softmax_w.dtype, transpose_a=True)
        d_b = product(d_losses, errors, transpose_a=True)[0]
        return d_outputs, d_w, d_b, None

    return losses, gradient
