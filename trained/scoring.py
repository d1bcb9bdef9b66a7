"""The log-probabilities of given words, computed with a trained model, or with several."""

import collections
import concurrent.futures
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from model import devices
from trained import prefix_tree, trained_model
from trained.ensemble import Ensemble
from trained.language_model import LanguageModel, LevelsLayer, new_graph, stream_layer
from trained.text_reader import Piece

tf1 = tf.compat.v1

# The sizes of window that a text is cut into. Larger windows are faster; any text fits size 1.
WINDOW_SIZES = (64, 16, 4, 1)
# The levels of a tree that are read at once, and the most numbers in the states of their nodes.
NUM_LEVELS = 8
MAX_STATES = 1 << 21
# The most logits of a tree that are computed at once, 16 MiB: they stay in the processor's cache.
MAX_LOGITS = 1 << 22
# How many outputs of a stream are put together for the softmax, which is slower for fewer.
MIN_ROWS = 256
# How many such pieces may wait for the softmax: memory stays bounded.
MAX_WAITING = 64


class Scorer:
    """A trained model in a session of its own, to score words with.

    To read one stream is a chain of small products, which keeps one core busy. Another thread
    computes the softmax of what was read before at the same time.
    """

    def __init__(self, trained: trained_model.TrainedModel):
        """Makes the variables of a `trained_model.TrainedModel` and restores its weights."""
        self._config, self._cell = trained.config, trained.cell
        self._num_levels = 1 if trained.cell.one_state else NUM_LEVELS
        self._thread = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        self._graph = new_graph()
        self._callables: dict = {}
        with self._graph.as_default():
            self._model = LanguageModel(self._config, trained.cell, stream_layer)
            self._session = tf1.Session(config=devices.session_config())
            self._state = self._model.state_placeholders()
            shape = [None, self._config.hidden_size]
            self._outputs = tf1.placeholder(tf.float32, shape)
            trained_model.restore_weights(self._session, trained)

    def _callable(self, add, *arguments):
        """What `add` adds to the graph: only what is called for, because it takes a while."""
        key = add, *arguments
        if key not in self._callables:
            with self._graph.as_default():
                self._callables[key] = self._session.make_callable(*add(*arguments))
        return self._callables[key]

    def _add_window(self, size):
        words = tf1.placeholder(tf.int32, [size, None])
        return self._model.read(words, self._state), [words, *tf.nest.flatten(self._state)]

    def _add_log_probabilities(self):
        targets = tf1.placeholder(tf.int32, [None, None])
        result = self._model.log_probabilities(self._outputs, targets)
        return result, [self._outputs, targets]

    def _add_log_probabilities_at(self):
        rows, words = (tf1.placeholder(tf.int64, [None]) for _ in range(2))
        result = self._model.log_probabilities_at(self._outputs, rows, words)
        return result, [self._outputs, rows, words]

    def _add_levels(self, num_levels):
        words = tf1.placeholder(tf.int32, [None])
        places, parents = (
            [tf1.placeholder(tf.int32, [None]) for _ in range(num_levels)] for _ in range(2)
        )
        cell = self._cell._replace(one_state=False)  # `_read_tree` sees to that
        model = LanguageModel(self._config, cell, LevelsLayer(places, parents))
        feeds = [words, *places, *parents, *tf.nest.flatten(self._state)]
        return model.read(words, self._state), feeds

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
        scores, waiting, start = [], [], 0
        for size in WINDOW_SIZES:
            while start + size <= len(targets):
                span = slice(start, start + size)
                outputs, state = self._callable(self._add_window, size)(words[span], *after)
                after = tf.nest.flatten(state)
                start += size
                waiting.append(outputs)
                if sum(map(len, waiting)) >= MIN_ROWS or start == len(targets):
                    scores.append(self._begin_softmax(waiting, targets[:start]))
                    waiting = []
        nothing = np.zeros([0, len(first)], np.float32)
        return np.concatenate([nothing, *(score.result() for score in scores)]), tuple(after)

    def _begin_softmax(self, waiting, targets):
        """Begins to compute the log-probabilities of the last targets, given all their outputs."""
        outputs = np.concatenate(waiting)
        num_words = len(outputs) // targets.shape[1]
        log_probabilities = self._callable(self._add_log_probabilities)
        return self._thread.submit(log_probabilities, outputs, targets[-num_words:])

    def begin_tree(self, tree: prefix_tree.PrefixTree) -> Callable[[], np.ndarray]:
        """Begins to score a tree: reads it, while its first softmaxes are computed.

        Returns:
          A function that waits for the rest, and returns the log-probability of each edge, given
          all the words before it: float32.
        """
        scores: list = []
        waiting: collections.deque = collections.deque()
        log_probabilities_at = self._callable(self._add_log_probabilities_at)
        for outputs, start, stop in self._outputs_of_tree(tree):
            edges = slice(*np.searchsorted(tree.nodes, [start, stop]))
            places = tree.nodes[edges] - start
            waiting.append(
                self._thread.submit(log_probabilities_at, outputs, places, tree.targets[edges])
            )
            if len(waiting) > MAX_WAITING:
                scores.append(waiting.popleft().result())

        def wait() -> np.ndarray:
            scores.extend(score.result() for score in waiting)
            return np.concatenate([np.zeros(0, np.float32), *scores])

        return wait

    def _outputs_of_tree(self, tree):
        """Reads a tree; yields `(outputs, start, stop)` of consecutive nodes, in good portions."""
        state = self._zero_state(1)
        most = max(1, MAX_LOGITS // self._config.vocab_size)
        pieces, start, num_rows = [], 0, 0
        num_read = 0
        for levels in self._levels_at_once(tree):
            outputs, state = self._read_tree(levels, state)
            pieces.append(outputs)
            num_rows += len(outputs)
            num_read += len(levels)
            is_last = num_read == len(tree.levels)
            if num_rows < most and not is_last:
                continue
            outputs = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
            num_parts = -(-num_rows // most) if is_last else num_rows // most
            for part in np.array_split(outputs, num_parts):
                yield part, start, start + len(part)
                start += len(part)
            pieces, num_rows = [], 0

    def _levels_at_once(self, tree):
        """Yields the levels of a tree, several at once, or one if they are large."""
        start = 0
        while start < len(tree.levels):
            levels = tree.levels[start : start + self._num_levels]
            if sum(len(level.words) for level in levels) * self._config.hidden_size > MAX_STATES:
                levels = levels[:1]
            yield levels
            start += len(levels)

    def _read_tree(self, levels, state):
        """Reads some levels of a tree, given the state of each node of the level before."""
        if self._cell.one_state:
            state = state[-2:] * self._config.num_layers
        all_words = np.concatenate([level.words for level in levels])
        words, number = np.unique(all_words, return_inverse=True)
        ends = np.cumsum([len(level.words) for level in levels])[:-1]
        # At the end of a tree there may be fewer.
        num_levels = 1 if len(levels) == 1 else self._num_levels
        missing = [np.zeros(0, np.int32)] * (num_levels - len(levels))
        places = [*np.split(number, ends), *missing]
        parents = [*(level.parents for level in levels), *missing]
        read = self._callable(self._add_levels, num_levels)
        outputs, state = read(words, *places, *parents, *state)
        return outputs, tf.nest.flatten(state)


def begin_sequences(
    scorer: Scorer | Ensemble, first: int, sequences: list
) -> Callable[[], list[np.ndarray]]:
    """Begins to score sequences, see `score_sequences`; returns a function that waits for them."""
    tree = prefix_tree.build(first, sequences)
    wait = scorer.begin_tree(tree)
    ends = np.cumsum([len(sequence) for sequence in sequences], dtype=np.int64)[:-1]
    return lambda: np.split(wait()[tree.edges], ends) if sequences else []


def finished(begun: Iterable[Callable], reads_ahead: bool) -> Iterator:
    """Yields what functions return that wait for it, such as those of `begin_sequences`.

    Args:
      begun: the functions, each of which comes when its work has begun.
      reads_ahead: the next work begins before a function is called.
    """
    waiting: collections.deque = collections.deque()
    for wait in begun:
        waiting.append(wait)
        if len(waiting) > reads_ahead:
            yield waiting.popleft()()
    for wait in waiting:
        yield wait()


def score_sequences(scorer: Scorer | Ensemble, first: int, sequences: list) -> list:
    """Scores independent sequences; what they have in common at their beginnings is read once.

    Args:
      scorer: a `Scorer` or `Ensemble`.
      first: int, the word to read before each sequence.
      sequences: list of int32 arrays.

    Returns:
      List of float32 arrays, the log-probabilities of each sequence's words.
    """
    return begin_sequences(scorer, first, sequences)()


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


class _Lines:
    """Scores lines, each by itself."""

    def __init__(self, scorer, end_of_sentence):
        self._scorer, self._end_of_sentence = scorer, end_of_sentence
        self._begins_line = True
        # Of a line in several pieces: the last word, and the state before it.
        self._begun: Any = (end_of_sentence, None)

    def begin(self, pieces):
        """Begins to score pieces; returns a function that waits for the log-probabilities."""
        before = [self._begins_line, *(piece.ends_line for piece in pieces)]
        self._begins_line = before[-1]
        is_whole = [begins and piece.ends_line for begins, piece in zip(before, pieces)]
        whole = [piece.ids for piece in itertools.compress(pieces, is_whole)]
        wait = begin_sequences(self._scorer, self._end_of_sentence, whole)
        parts = [None if is_one else self._part(piece) for piece, is_one in zip(pieces, is_whole)]

        def scored() -> Iterator[tuple[Piece, np.ndarray]]:
            of_whole = iter(wait())
            return ((p, next(of_whole) if part is None else part) for p, part in zip(pieces, parts))

        return scored

    def _part(self, piece):
        """The log-probabilities of a part of a line."""
        first, state = self._begun
        scores, state = self._scorer.score([first], piece.ids[:, None], state)
        first = piece.ids[-1] if len(piece.ids) else first
        self._begun = (self._end_of_sentence, None) if piece.ends_line else (first, state)
        return scores[:, 0]


def score_lines(
    blocks: Iterable[list[Piece]],
    scorer: Scorer | Ensemble,
    end_of_sentence: int,
    reads_ahead: bool = False,
) -> Iterator[tuple[Piece, np.ndarray]]:
    """Scores each line by itself, after an `<eos>`; arguments and results as in `score_stream`.

    Args:
      end_of_sentence: int, the id of `<eos>`.
      reads_ahead: begin with a block before the one before it is yielded. Reading, the LSTM and
        what the caller does with the results then do not wait for the softmax. But if the next
        block has not come yet, the results wait for it.
    """
    lines = _Lines(scorer, end_of_sentence)
    for scored in finished(map(lines.begin, blocks), reads_ahead):
        yield from scored


def score_pieces(
    blocks: Iterable[list[Piece]],
    scorer: Scorer | Ensemble,
    word_to_id: Mapping[str, int],
    by_itself: bool,
    reads_ahead: bool = False,
) -> Iterator[tuple[Piece, np.ndarray]]:
    """Scores the pieces that a `text_reader.TextReader` reads.

    Args:
      blocks, scorer: see `score_stream`.
      word_to_id: the words of the model, or models.
      by_itself: each line is scored by itself; otherwise all the text is one stream.
      reads_ahead: see `score_lines`.

    Yields:
      Each `Piece` and its words' log-probabilities; see `score_stream`.
    """
    if by_itself:
        end_of_sentence = trained_model.end_of_sentence(word_to_id)
        return score_lines(blocks, scorer, end_of_sentence, reads_ahead)
    return score_stream(blocks, scorer)
