"""The rows of the result: of a word, of a line, of all the text."""

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from program import errors
from trained.text_reader import Piece


class Sum:
    """Sums over the words so far.

    Attributes:
      log_probability: float, in nats.
      num_words: int, words predicted, with `<eos>`.
      num_unknown: int, words that are not in the vocabulary.
    """

    def __init__(self):
        """Begins with no words."""
        self.log_probability, self.num_words, self.num_unknown = 0.0, 0, 0

    def add(self, piece: Piece, log_probabilities: np.ndarray) -> None:
        """Adds a `Piece`'s log-probabilities, of which NaN does not count."""
        total = float(np.add.reduce(log_probabilities, dtype=np.float64))
        num_words = len(log_probabilities)
        if total != total:
            total = float(np.nansum(log_probabilities, dtype=np.float64))
            num_words = int(np.count_nonzero(~np.isnan(log_probabilities)))
        self.log_probability += total
        self.num_words += num_words
        self.num_unknown += piece.num_unknown

    def row(self, name: int | str) -> dict:
        """The row of the result; `name` is the line's number, or what to call the sum."""
        perplexity = math.nan
        if self.num_words:
            try:
                perplexity = math.exp(-self.log_probability / self.num_words)
            except OverflowError:
                perplexity = math.inf
        return {
            "line": name,
            "log_probability": self.log_probability,
            "words": self.num_words,
            "unknown": self.num_unknown,
            "perplexity": perplexity,
        }


def _word_rows(number, piece, log_probabilities, word_to_id):
    """Yields a row, a dict, for each word that can be scored."""
    if len(piece.ids) < len(piece.words):  # unknown words were left out
        piece = piece._replace(words=[word for word in piece.words if word in word_to_id])
    for word, log_probability in zip(piece.words, log_probabilities):
        yield {"line": number, "word": word, "log_probability": float(log_probability)}


def rows(
    scored: Iterable[tuple[Piece, np.ndarray]], word_to_id: Mapping[str, int], verbose: bool
) -> Iterator[dict]:
    """Yields a row for each line (with `verbose`, those of its words before it), and the total.

    Args:
      scored: see `scoring.score_pieces`.
      word_to_id: the words of the model.
      verbose: whether words have rows.

    Raises:
      errors.RequestError: there is no word to predict.
    """
    number, line, total = 1, Sum(), Sum()
    for piece, log_probabilities in scored:
        if verbose:
            yield from _word_rows(number, piece, log_probabilities, word_to_id)
        for each in (line, total):
            each.add(piece, log_probabilities)
        if piece.ends_line:
            yield line.row(number)
            number, line = number + 1, Sum()
    if not total.num_words:
        raise errors.RequestError("--text: holds no word to predict")
    yield total.row("total")
