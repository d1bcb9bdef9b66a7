"""The log-probabilities of given words, computed with a trained model, or with several."""

import concurrent.futures
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

import reader
from model import devices
from trained import trained_model
from trained.language_model import LanguageModel

tf1 = tf.compat.v1

# The sizes of window that a text is cut into. Larger windows are faster; any text fits size 1.
WINDOW_SIZES = (64, 16, 4, 1)
MAX_BATCH_SIZE = 128


class Scorer:
    """A trained model in a session of its own, to score words with.

    To read one stream is a chain of small products, which keeps one core busy. Another thread
    computes the softmax of the window before at the same time.
    """

    def __init__(self, trained: trained_model.TrainedModel):
        """Builds the graph and restores the weights of a `trained_model.TrainedModel`."""
        self._state_shape = [2 * trained.config.num_layers, trained.config.hidden_size]
        self._thread = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        with tf.Graph().as_default():
            model = LanguageModel(trained.config, trained.cell)
            session = tf1.Session(config=devices.session_config())
            state = model.state_placeholder()
            self._read = {}
            for size in WINDOW_SIZES:
                words = tf1.placeholder(tf.int32, [size, None])
                self._read[size] = session.make_callable(model.read(words, state), [words, state])
            outputs = tf1.placeholder(tf.float32, [None, trained.config.hidden_size])
            targets = tf1.placeholder(tf.int32, [None, None])
            log_probabilities = model.log_probabilities(outputs, targets)
            self._log_probabilities = session.make_callable(log_probabilities, [outputs, targets])
            trained_model.restore_weights(session, trained)

    def score(
        self, first: Sequence[int], targets: np.ndarray, state: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores words, each given all the words before it in its column.

        Args:
          first: int `[batch]`, the words to read before the targets.
          targets: int32 `[num_words, batch]`, the words to predict, which are then read, too;
            `reader.NO_WORD` where a column has ended.
          state: the state before `first`, or None for zeros.

        Returns:
          `(log_probabilities, state)`: float32 `[num_words, batch]`, 0 where there is no word, and
          the state after all the targets but the last.
        """
        if state is None:
            state = np.zeros([len(first), *self._state_shape], np.float32)
        words = np.maximum(np.concatenate([[first], targets[:-1]]), 0)
        scores, start = [], 0
        for size, read in self._read.items():
            while start + size <= len(targets):
                span = slice(start, start + size)
                outputs, state = read(words[span], state)
                score = self._thread.submit(self._log_probabilities, outputs, targets[span])
                scores.append(score)
                start += size
        nothing = np.zeros([0, len(first)], np.float32)
        return np.concatenate([nothing, *(score.result() for score in scores)]), state


class Mixture:
    """Several models whose probabilities of each word are averaged, as in Zaremba et al., table 1.

    It is used like a `Scorer`; its state is a list of their states.
    """

    def __init__(self, scorers: list):
        """Takes a list of `Scorer`, of models with the same vocabulary."""
        self._scorers = scorers

    def score(
        self, first: Sequence[int], targets: np.ndarray, state: list | None = None
    ) -> tuple[np.ndarray, list]:
        """See `Scorer.score`."""
        before = state or [None] * len(self._scorers)
        results = [each.score(first, targets, s) for each, s in zip(self._scorers, before)]
        log_probabilities, after = zip(*results)
        return np.logaddexp.reduce(log_probabilities) - np.log(len(after)), list(after)


def score_batch(scorer: Scorer | Mixture, first: int, sequences: list) -> list:
    """Scores independent sequences; those of similar length share a batch.

    Args:
      scorer: a `Scorer` or `Mixture`.
      first: int, the word to read before each sequence.
      sequences: list of int32 arrays.

    Returns:
      List of float32 arrays, the log-probabilities of each sequence's words.
    """
    results: list = [None] * len(sequences)
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
    for start in range(0, len(order), MAX_BATCH_SIZE):
        batch = order[start : start + MAX_BATCH_SIZE]
        longest = max(len(sequences[i]) for i in batch)
        longest += -longest % WINDOW_SIZES[-2]  # a few steps more are faster than windows of one
        targets = np.full([longest, len(batch)], reader.NO_WORD, np.int32)
        for column, i in enumerate(batch):
            targets[: len(sequences[i]), column] = sequences[i]
        log_probabilities, _ = scorer.score([first] * len(batch), targets)
        for column, i in enumerate(batch):
            results[i] = log_probabilities[: len(sequences[i]), column]
    return results
