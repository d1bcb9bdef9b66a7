"""Draws the words that a sampled softmax scores a window's targets against.

Words are drawn without repeats, from the log-uniform distribution: word `k` with a probability in
proportion to `log((k + 2) / (k + 1))`. Word ids are by falling count, and the counts of natural
text fall in nearly that way (Zipf's law).

Systematic sampling (Madow 1949) does it with one random number. Each word is given an interval as
long as its probability to be drawn; the intervals lie side by side and are `N` long in all. The
words at `u, u + 1, ..., u + N - 1` are drawn, with `u` uniform between 0 and 1. No interval is
longer than 1, so no word is drawn twice, and its probability is exact. The intervals' sums
telescope, so each drawn word has a formula.
"""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Sample(NamedTuple):
    """The words that a window's targets are scored against.

    Attributes:
      words: int32 `[words]`, all different: the drawn words in rising order, then the targets that
        were not drawn.
      corrections: float32 `[words]`, what is added to the logits of other words than the target:
        minus the logarithm of each word's probability to be drawn; minus infinity for a target that
        was not drawn, which no other row may count.
      targets: int32 `[rows]`, where in `words` each target is; -1 where there is no word.
    """

    words: tf.Tensor
    corrections: tf.Tensor
    targets: tf.Tensor


def count_certain(num_drawn: int, vocab_size: int) -> int:
    """How many words, the most frequent ones, are always drawn.

    They are the words that would have an interval longer than 1. The others share the rest.

    Args:
      num_drawn: how many words are drawn; at least 1 and at most `vocab_size`.
      vocab_size: the words to draw from.
    """
    word = np.arange(num_drawn)
    share = np.log((word + 2) / (word + 1)) / np.log((vocab_size + 1) / (word + 1))
    return int(np.argmax((num_drawn - word) * share <= 1))


def draw(num_drawn: int, vocab_size: int, uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws different words.

    With `m` words that are always drawn, and `L = log((vocab_size + 1) / (m + 1))`, another word
    `k` is drawn with the probability `(num_drawn - m) * log((k + 2) / (k + 1)) / L`.

    Args:
      num_drawn, vocab_size: as in `count_certain`.
      uniform: float64 scalar, at least 0 and below 1.

    Returns:
      `(words, log_probabilities)`: int32 `[num_drawn]`, rising; and float32 `[num_drawn]`, the
      logarithm of each word's probability to be drawn.
    """
    certain = count_certain(num_drawn, vocab_size)
    length = math.log((vocab_size + 1) / (certain + 1))
    num_others = num_drawn - certain
    places = (tf.range(num_others, dtype=tf.float64) + uniform) / num_others
    others = tf.minimum(tf.floor((certain + 1) * tf.exp(length * places)) - 1, vocab_size - 1)
    log_probabilities = tf.math.log(num_others / length * tf.math.log1p(1 / (others + 1)))
    return (
        tf.concat([tf.range(certain), tf.cast(others, tf.int32)], axis=0),
        tf.concat([tf.zeros([certain]), tf.cast(log_probabilities, tf.float32)], axis=0),
    )


def sample(num_drawn: int, vocab_size: int, targets: tf.Tensor, uniform: tf.Tensor) -> Sample:
    """Draws words, and adds the targets that are not among them.

    Args:
      num_drawn, vocab_size, uniform: as in `draw`.
      targets: int32 `[rows]`, word ids; negative where there is no word.
    """
    drawn, log_probabilities = draw(num_drawn, vocab_size, uniform)
    wanted, number = tf.unique(tf.maximum(targets, 0))
    place = tf.minimum(tf.searchsorted(drawn, wanted), num_drawn - 1)
    is_missing = tf.not_equal(tf.gather(drawn, place), wanted)
    missing = tf.boolean_mask(wanted, is_missing)
    place = tf.where(is_missing, num_drawn - 1 + tf.cumsum(tf.cast(is_missing, tf.int32)), place)
    excluded = tf.fill(tf.shape(missing), np.float32(-np.inf))
    return Sample(
        words=tf.concat([drawn, missing], axis=0),
        corrections=tf.concat([-log_probabilities, excluded], axis=0),
        targets=tf.where(targets < 0, -1, tf.gather(place, number)),
    )
