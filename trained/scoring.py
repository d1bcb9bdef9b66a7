"""The log-probabilities of given words, computed with a trained model, or with several."""

import collections
import concurrent.futures
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from model import devices
from trained import prefix_tree, trained_model
from trained.ensemble import Ensemble
from trained.language_model import LanguageModel, LevelsLayer, stream_layer
from trained.text_reader import Piece

tf1 = tf.compat.v1

# The sizes of window that a text is cut into. Larger windows are faster; any text fits size 1.
WINDOW_SIZES = (64, 16, 4, 1)
# The levels of a tree that are read at once.
NUM_LEVELS = 8
# The most logits of a tree that are computed at once, 8 MiB: they stay in the processor's cache.
MAX_LOGITS = 1 << 21
# How many such pieces may wait for the softmax: memory stays bounded.
MAX_WAITING = 64


class Scorer:
    """A trained model in a session of its own, to score words with.

    To read one stream is a chain of small products, which keeps one core busy. Another thread
    computes the softmax of what was read before at the same time.
    """

    def __init__(self, trained: trained_model.TrainedModel):
        """Builds the graph and restores the weights of a `trained_model.TrainedModel`."""
        self._config, self._cell = trained.config, trained.cell
        config = self._config
        self._num_levels = 1 if trained.cell.one_state else NUM_LEVELS
        self._thread = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        with tf.Graph().as_default():
            model = LanguageModel(config, trained.cell, stream_layer)
            self._session = tf1.Session(config=devices.session_config())
            state = model.state_placeholders()
            self._read = {size: self._add_window(model, size, state) for size in WINDOW_SIZES}
            self._read_levels = self._add_levels(state)
            outputs = tf1.placeholder(tf.float32, [None, config.hidden_size])
            targets = tf1.placeholder(tf.int32, [None, None])
            self._log_probabilities = self._session.make_callable(
                model.log_probabilities(outputs, targets), [outputs, targets]
            )
            rows, words = (tf1.placeholder(tf.int64, [None]) for _ in range(2))
            self._log_probabilities_at = self._session.make_callable(
                model.log_probabilities_at(outputs, rows, words), [outputs, rows, words]
            )
            trained_model.restore_weights(self._session, trained)

    def _add_window(self, model, size, state):
        words = tf1.placeholder(tf.int32, [size, None])
        feeds = [words, *tf.nest.flatten(state)]
        return self._session.make_callable(model.read(words, state), feeds)

    def _add_levels(self, state):
        words = tf1.placeholder(tf.int32, [None])
        places, parents = (
            [tf1.placeholder(tf.int32, [None]) for _ in range(self._num_levels)] for _ in range(2)
        )
        cell = self._cell._replace(one_state=False)  # `_read_tree` sees to that
        model = LanguageModel(self._config, cell, LevelsLayer(places, parents))
        feeds = [words, *places, *parents, *tf.nest.flatten(state)]
        return self._session.make_callable(model.read(words, state), feeds)

    def _zero_state(self, batch_size):
        zeros = np.zeros([batch_size, self._config.hidden_size], np.float32)
        return [zeros] * (2 * self._config.num_layers)

    def score(
        self, first: Sequence[int], targets: np.ndarray, state: Any = None
    ) -> tuple[np.ndarray, Any]:
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
        after = tf.nest.flatten(state) if state else self._zero_state(len(first))
        words = np.maximum(np.concatenate([[first], targets[:-1]]), 0)
        scores, start = [], 0
        for size, read in self._read.items():
            while start + size <= len(targets):
                span = slice(start, start + size)
                outputs, state = read(words[span], *after)
                after = tf.nest.flatten(state)
                score = self._thread.submit(self._log_probabilities, outputs, targets[span])
                scores.append(score)
                start += size
        nothing = np.zeros([0, len(first)], np.float32)
        return np.concatenate([nothing, *(score.result() for score in scores)]), tuple(after)

    def score_tree(self, tree: prefix_tree.PrefixTree) -> np.ndarray:
        """The log-probability of each edge of a tree, given all the words before it: float32."""
        scores: list = []
        waiting: collections.deque = collections.deque()
        for outputs, start, stop in self._outputs_of_tree(tree):
            first, last = np.searchsorted(tree.nodes, [start, stop])
            edges = slice(first, last)
            waiting.append(
                self._thread.submit(
                    self._log_probabilities_at,
                    outputs,
                    tree.nodes[edges] - start,
                    tree.targets[edges],
                )
            )
            if len(waiting) > MAX_WAITING:
                scores.append(waiting.popleft().result())
        scores += [score.result() for score in waiting]
        return np.concatenate([np.zeros(0, np.float32), *scores])

    def _outputs_of_tree(self, tree):
        """Reads a tree; yields `(outputs, start, stop)` of consecutive nodes, in good portions."""
        state = self._zero_state(1)
        most = max(1, MAX_LOGITS // self._config.vocab_size)
        pieces, start, num_rows = [], 0, 0
        for first in range(0, len(tree.levels), self._num_levels):
            outputs, state = self._read_tree(tree.levels[first : first + self._num_levels], state)
            pieces.append(outputs)
            num_rows += len(outputs)
            is_last = first + self._num_levels >= len(tree.levels)
            if num_rows < most and not is_last:
                continue
            outputs = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
            num_parts = -(-num_rows // most) if is_last else num_rows // most
            for part in np.array_split(outputs, num_parts):
                yield part, start, start + len(part)
                start += len(part)
            pieces, num_rows = [], 0

    def _read_tree(self, levels, state):
        """Reads some levels of a tree, given the state of each node of the level before."""
        if self._cell.one_state:
            state = state[-2:] * self._config.num_layers
        all_words = np.concatenate([level.words for level in levels])
        words, number = np.unique(all_words, return_inverse=True)
        ends = np.cumsum([len(level.words) for level in levels])[:-1]
        missing = [np.zeros(0, np.int32)] * (self._num_levels - len(levels))
        places = [*np.split(number, ends), *missing]
        parents = [*(level.parents for level in levels), *missing]
        outputs, state = self._read_levels(words, *places, *parents, *state)
        return outputs, tf.nest.flatten(state)


def score_sequences(scorer: Scorer | Ensemble, first: int, sequences: list) -> list:
    """Scores independent sequences; what they have in common at their beginnings is read once.

    Args:
      scorer: a `Scorer` or `Ensemble`.
      first: int, the word to read before each sequence.
      sequences: list of int32 arrays.

    Returns:
      List of float32 arrays, the log-probabilities of each sequence's words.
    """
    tree = prefix_tree.build(first, sequences)
    log_probabilities = scorer.score_tree(tree)[tree.edges]
    ends = np.cumsum([len(sequence) for sequence in sequences], dtype=np.int64)[:-1]
    return np.split(log_probabilities, ends) if sequences else []


def score_stream(
    blocks: Iterable[list[Piece]], scorer: Scorer | Ensemble
) -> Iterator[tuple[Piece, np.ndarray]]:
    """Scores a text as one stream.

    Args:
      blocks: lists of `Piece`, those that have come together.
      scorer: a `Scorer` or `Ensemble`.

    Yields:
      Each `Piece` with the log-probabilities of its ids, a float32 array; NaN for the text's first
      word, which is not predicted.
    """
    first, state = None, None
    for pieces in blocks:
        ids = np.concatenate([piece.ids for piece in pieces])
        log_probabilities = np.full(len(ids), np.nan, np.float32)
        if len(ids):
            not_predicted = int(first is None)
            first = ids[0] if first is None else first
            scores, state = scorer.score([first], ids[not_predicted:, None], state)
            log_probabilities[not_predicted:] = scores[:, 0]
            first = ids[-1]
        ends = np.cumsum([len(piece.ids) for piece in pieces])
        yield from zip(pieces, np.split(log_probabilities, ends[:-1]))


def score_lines(
    blocks: Iterable[list[Piece]], scorer: Scorer | Ensemble, end_of_sentence: int
) -> Iterator[tuple[Piece, np.ndarray]]:
    """Scores each line by itself, after an `<eos>`; arguments and results as in `score_stream`.

    Args:
      end_of_sentence: int, the id of `<eos>`.
    """
    begins_line = True
    begun: Any = (
        end_of_sentence,
        None,
    )  # of a line in several pieces: the last word, the state before it
    for pieces in blocks:
        before = [begins_line, *(piece.ends_line for piece in pieces)]
        is_whole = [begins and piece.ends_line for begins, piece in zip(before, pieces)]
        sequences = [piece.ids for piece in itertools.compress(pieces, is_whole)]
        of_whole = iter(score_sequences(scorer, end_of_sentence, sequences))
        for piece, whole in zip(pieces, is_whole):
            if whole:
                yield piece, next(of_whole)
                continue
            first, state = begun
            scores, state = scorer.score([first], piece.ids[:, None], state)
            first = piece.ids[-1] if len(piece.ids) else first
            begun = (end_of_sentence, None) if piece.ends_line else (first, state)
            yield piece, scores[:, 0]
        begins_line = before[-1]


def score_pieces(
    blocks: Iterable[list[Piece]],
    scorer: Scorer | Ensemble,
    word_to_id: Mapping[str, int],
    by_itself: bool,
) -> Iterator[tuple[Piece, np.ndarray]]:
    """Scores the pieces that a `text_reader.TextReader` reads.

    Args:
      blocks, scorer: see `score_stream`.
      word_to_id: the words of the model, or models.
      by_itself: each line is scored by itself; otherwise all the text is one stream.

    Yields:
      Each `Piece` and its words' log-probabilities; see `score_stream`.
    """
    if by_itself:
        return score_lines(blocks, scorer, trained_model.end_of_sentence(word_to_id))
    return score_stream(blocks, scorer)
