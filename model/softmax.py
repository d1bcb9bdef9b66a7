"""The softmax layer and its cross-entropy: a large part of the work in a small model.

With a large vocabulary it is nearly all of the work. So training may score each target against a
sample of the words (`sampled_cross_entropy`), and evaluation computes a few rows at a time
(`cross_entropy_in_pieces`).

The weights are `[hidden, vocab_size]`, as a checkpoint has them, or with `by_word` their transpose,
`[vocab_size, hidden]`: a row for each word. A sparse update needs rows.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from model import saved_layouts
from model.candidate_sampler import Sample
from model.precision import FLOAT32, Precision

NAME = "softmax_w"
NAME_BY_WORD = "softmax_w_by_word"
# The most logits that evaluation computes at once, 128 MiB; but not fewer rows than these, because
# each time it reads all weights.
MAX_LOGITS = 1 << 25
MIN_ROWS = 128


def logits(
    outputs: tf.Tensor,
    softmax_w: tf.Tensor,
    softmax_b: tf.Tensor,
    precision: Precision = FLOAT32,
    by_word: bool = False,
) -> tf.Tensor:
    """The logarithms of the words' probabilities, up to a constant in each row.

    Args:
      outputs, softmax_w, softmax_b, precision, by_word: as in `cross_entropy`, `softmax_w` rounded
        already.

    Returns:
      Float32 `[rows, vocab_size]`.
    """
    return precision.product(outputs, softmax_w, transpose_b=by_word) + softmax_b


def cross_entropy(
    outputs: tf.Tensor,
    softmax_w: tf.Tensor,
    softmax_b: tf.Tensor,
    targets: tf.Tensor,
    precision: Precision = FLOAT32,
    by_word: bool = False,
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
      by_word: whether `softmax_w` is `[vocab_size, hidden]` instead.

    Returns:
      Float32 `[rows]`, in nats.
    """

    @tf.custom_gradient
    def losses(outputs, softmax_w, softmax_b, targets):
        return _cross_entropy(outputs, softmax_w, softmax_b, targets, precision, by_word)

    return _is_word(targets) * losses(outputs, softmax_w, softmax_b, tf.maximum(targets, 0))


def cross_entropy_in_pieces(
    outputs: tf.Tensor,
    softmax_w: tf.Tensor,
    softmax_b: tf.Tensor,
    targets: tf.Tensor,
    precision: Precision = FLOAT32,
    by_word: bool = False,
) -> tf.Tensor:
    """`cross_entropy` in bounded memory, without a gradient.

    At most `MAX_LOGITS` logits exist at once, or those of `MIN_ROWS` rows. Where all rows are known
    to fit, they are computed at once.

    Arguments and results are those of `cross_entropy`.
    """
    most = max(MIN_ROWS, MAX_LOGITS // int(softmax_b.shape[0]))
    num_rows = tf.compat.dimension_value(outputs.shape[0])
    if num_rows is not None and num_rows <= most:
        return cross_entropy(outputs, softmax_w, softmax_b, targets, precision, by_word)
    weights, words = precision.widen(tf.cast(softmax_w, outputs.dtype)), tf.maximum(targets, 0)
    num_rows = tf.shape(outputs)[0]
    num_pieces = tf.maximum(1, (num_rows + most - 1) // most)
    size = (num_rows + num_pieces - 1) // num_pieces

    def score(outputs, _):
        return logits(outputs, weights, softmax_b, precision, by_word)

    def add_piece(start, losses):
        piece = slice(start, start + size)
        more, _, _ = _losses(score, outputs[piece], words[piece])
        return start + size, tf.concat([losses, more], axis=0)

    _, losses = tf.while_loop(
        lambda start, _: start < num_rows,
        add_piece,
        (tf.constant(0), tf.zeros([0])),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None])),
        parallel_iterations=1,
    )
    return _is_word(targets) * losses


def sampled_cross_entropy(
    outputs: tf.Tensor,
    softmax_w: tf.Tensor,
    softmax_b: tf.Tensor,
    sample: Sample,
    precision: Precision = FLOAT32,
) -> tf.Tensor:
    """An estimate of the cross-entropy of each target word, by scoring few other words.

    The loss of a target `t` is `log(Z) - s[t]`, where `s` are the logits and `Z`, the sum of their
    exponentials over the vocabulary, is estimated. With the drawn words `S` and their probabilities
    `q` to be drawn,

        Z = exp(s[t]) + sum of exp(s[k]) / q[k] over the k in S that are not t

    The target's own term is known, so it is not estimated. The mean of this `Z` over many draws is
    that of all words. If all words are drawn, loss and gradient are those of `cross_entropy`.
    (`tf.nn.sampled_softmax_loss` divides the target's term by its expected count, too. The mean of
    its `Z` is another one.)

    Args:
      outputs, precision: as in `cross_entropy`.
      softmax_w: float32 `[words, hidden]`, the rows of the sample's words.
      softmax_b: float32 `[words]`, likewise.
      sample: the words.

    Returns:
      Float32 `[rows]`, in nats. The gradient is that of the sampled words' rows.
    """

    @tf.custom_gradient
    def losses(outputs, softmax_w, softmax_b, targets):
        return _cross_entropy(
            outputs, softmax_w, softmax_b, targets, precision, True, sample.corrections
        )

    targets = tf.maximum(sample.targets, 0)
    return _is_word(sample.targets) * losses(outputs, softmax_w, softmax_b, targets)


def save_canonically(weights_by_word: Any) -> None:
    """Makes the current graph's Savers save the transpose, as `softmax_w`.

    Args:
      weights_by_word: float32 `[vocab_size, hidden]`, the variable, or its tensor by reference.
    """
    saved_layouts.save_as(
        weights_by_word,
        unpack=lambda rows: {NAME: tf.transpose(rows)},
        pack=lambda tensors: tf.transpose(tensors[0]),
    )


def _is_word(targets):
    """1 for each target, 0 where there is no word: float32 `[rows]`."""
    return tf.cast(tf.greater_equal(targets, 0), tf.float32)


def _correct(outputs, weights, softmax_b, targets, precision, corrections):
    """The logits of a sample's words, corrected except for each row's target."""
    scores = logits(outputs, weights, softmax_b + corrections, precision, by_word=True)
    vectors = tf.cast(tf.gather(weights, targets), tf.float32)
    own = tf.reduce_sum(tf.cast(outputs, tf.float32) * vectors, axis=1)
    own += tf.gather(softmax_b, targets)
    # In int64: int32 would be sent from the GPU to the host to be stacked there.
    places = [tf.cast(x, tf.int64) for x in (tf.range(tf.shape(own)[0]), targets)]
    places = tf.stack(places, axis=1)
    return tf.tensor_scatter_nd_update(scores, places, own)


def _of_targets(matrix, targets):
    """Each row's number at its target, `[rows]`, of a matrix `[rows, vocab_size]`.

    TensorFlow 1.15, which may read an exported model, wants fewer batch axes than axes of indices.
    """
    columns = tf.cast(targets, tf.int64)[:, None]  # a GPU would send int32 back for a new axis
    return tf.gather(matrix, columns, batch_dims=1)[:, 0]


def _losses(score, outputs, targets):
    """The losses, with what the gradient needs.

    Args:
      score: computes the logits of some outputs, given those outputs' targets.
      outputs, targets: as in `cross_entropy`; no target is negative.

    Returns:
      `(losses, p, p_target)`: the losses; the probabilities of all words, `[rows, vocab_size]`; and
      of the targets, `[rows]`.
    """
    p = tf.nn.softmax(score(outputs, targets))
    p_target = _of_targets(p, targets)
    losses = -tf.math.log(p_target)
    # The losses of the few rows, if any, whose float32 probability has underflowed. Their logits
    # are computed again. To keep the logits of all rows would double the memory of the softmax,
    # which overwrites them.
    rows = tf.where(p_target < np.finfo(np.float32).tiny)
    # Not gather_nd, which has no GPU kernel for int32.
    outputs, targets = tf.gather(outputs, rows[:, 0]), tf.gather(targets, rows[:, 0])
    scores = score(outputs, targets)
    exact = tf.reduce_logsumexp(scores, axis=1) - _of_targets(scores, targets)
    return tf.tensor_scatter_nd_update(losses, rows, exact), p, p_target


def _cross_entropy(
    outputs, softmax_w, softmax_b, targets, precision, by_word=False, corrections=None
):
    """The losses, and the function of their gradient, as `tf.custom_gradient` wants them."""
    product = precision.product
    # Delays the rounding, and the memory that it takes, until the outputs exist.
    with tf.control_dependencies([outputs]):
        weights = precision.widen(tf.cast(softmax_w, outputs.dtype))

    def score(outputs, targets):
        if corrections is None:
            return logits(outputs, weights, softmax_b, precision, by_word)
        return _correct(outputs, weights, softmax_b, targets, precision, corrections)

    losses, p, p_target = _losses(score, outputs, targets)

    def gradient(d_losses):
        rows = tf.range(tf.shape(targets)[0])
        # Overwrites p, which is not read again; tensor_scatter_nd_sub would copy it.
        with tf.control_dependencies([p_target]):
            errors = tf.raw_ops.ScatterNdNonAliasingAdd(
                input=p, indices=tf.stack([rows, targets], axis=1), updates=-tf.ones_like(d_losses)
            )
        errors = precision.widen(tf.cast(errors, outputs.dtype))
        d_losses = tf.cast(d_losses, outputs.dtype)[:, None]
        d_outputs = d_losses * product(errors, weights, outputs.dtype, transpose_b=not by_word)
        factors = (errors, d_losses * outputs) if by_word else (d_losses * outputs, errors)
        # The LSTM waits for d_outputs, so it comes first. d_w is then computed at the same time as
        # the LSTM's steps, which keep only one core busy.
        with tf.control_dependencies([d_outputs]):
            d_w = product(*factors, softmax_w.dtype, transpose_a=True)
        d_b = product(d_losses, errors, transpose_a=True)[0]
        return d_outputs, d_w, d_b, None

    return losses, gradient
