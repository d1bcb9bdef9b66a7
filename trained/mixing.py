"""A trained model's probabilities mixed with another language model's, word by word.

    p(word) = weight * p_ours(word) + (1 - weight) * p_other(word)

is a probability again, and often a better one than either: an n-gram model knows rare phrases, an
LSTM long contexts. Both must predict the same events: each word of a line, and its end. The other
model is an n-gram model, which `kenlm` reads, or a file with the probability of each word.
"""

import functools
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

import reader
from program import errors, messages, optional_packages, tensorflow_import
from text import sentences
from trained import text_reader

# A word's line in the output of SRILM's `ngram -debug 2`, and one of `query -v word` of KenLM.
SRILM_WORD = re.compile(r"^\s*p\(.* \|.*\)\s*=\s*\[.*\]\s*(\S+)\s*\[\s*\S+\s*\]")
KENLM_WORD = re.compile(r"\S+=\d+ \d+ (-?\d\S*)")
PLAIN = re.compile(r"^\s*(.*?)\s*$")
# How many lines tell which of them a file is: SRILM prints a sentence first, KenLM may tell of
# its loading.
NUM_LINES = 20
KENLM_REASON = re.compile(r"threw \w+(?: because `.*?')?\. +(.*?)\.?\s*(?:Byte: \d+)?\)$", re.S)
# The longest chains of rounded logarithms may end a little above 0.
TOLERANCE = 1e-4


class NgramModel:
    """An n-gram model, of an ARPA file or KenLM's own format, that reads lines of a text."""

    def __init__(self, path: str, words: list[str], unknown: str = reader.UNKNOWN):
        """Reads the model, and says which words it does not know.

        Args:
          path: the file.
          words: our model's vocabulary.
          unknown: how the n-gram model writes `<unk>`. KenLM's `lmplz` refuses this word in a text,
            so a text that has it must have had another word in its place.

        Raises:
          errors.RequestError: the package kenlm is missing, or the file cannot be read.
        """
        self._kenlm: Any = optional_packages.import_package("kenlm", "--mix_arpa")
        try:
            with open(path, "rb"):
                pass
            with tensorflow_import.no_standard_error():  # where kenlm shows how far it is
                self._model = self._kenlm.Model(path)
        except (OSError, RuntimeError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or _what_kenlm_says(error)
            raise errors.RequestError(f"--mix_arpa={path}: cannot be read: {reason}") from None
        names = {reader.END_OF_SENTENCE: "</s>", reader.UNKNOWN: unknown}
        self._words = [names.get(word, word) for word in words]
        self._begin()
        if unknown == reader.UNKNOWN in words and not self._has_seen_unknown():
            messages.say(
                f"--mix_arpa={path}: our {unknown} gets the probability of its {unknown}, which is "
                "that of words it never saw; name the word for it in its text with --mix_unknown"
            )
        if reader.END_OF_SENTENCE in self._model:
            messages.say(
                f"--mix_arpa={path}: has the word {reader.END_OF_SENTENCE}, which is not asked "
                "for: a line ends with its </s> alone; make it of a text without this word"
            )
        strange = [
            word for word in self._words if word not in self._model and word != reader.UNKNOWN
        ]
        if strange:
            messages.say(
                f"--mix_arpa={path}: does not know {len(strange)} of the {len(words)} words, such "
                f"as {strange[0]}; each gets the probability of its <unk>"
            )

    def _has_seen_unknown(self):
        """Whether its text had `<unk>` as a word: then the word follows others in its n-grams."""
        state, after = self._kenlm.State(), self._kenlm.State()
        for word in ("<s>", *self._words):
            self._model.NullContextWrite(state)
            self._model.BaseScore(state, word, after)
            if self._model.BaseFullScore(after, reader.UNKNOWN, state).ngram_length > 1:
                return True
        return False

    def _begin(self):
        self._state = self._kenlm.State()
        self._model.BeginSentenceWrite(self._state)

    def score(self, ids: Sequence[int]) -> np.ndarray:
        """The natural log-probabilities of the text's next words, float64; `<eos>` ends a line."""
        scores = np.empty(len(ids))
        for place, i in enumerate(ids):
            after = self._kenlm.State()
            scores[place] = self._model.BaseScore(self._state, self._words[i], after)
            self._state = after
            if self._words[i] == "</s>":
                self._begin()
        return scores * math.log(10)

    def finish(self) -> None:
        """Begins a line anew, for another text."""
        self._begin()


def _what_kenlm_says(error):
    """The reason in kenlm's message, without the place in its source."""
    found = KENLM_REASON.search(str(error))
    if isinstance(error, UnicodeDecodeError) or not found:
        return "kenlm finds no n-gram model in it"
    return f"kenlm says: {' '.join(found[1].split())}"


class ProbabilityFile:
    """A file with the probability of each word of a text, `<eos>` included, in its order."""

    def __init__(self, path: str, flag: str, lines: Iterable[str]):
        """Takes the file's lines.

        Args:
          path, flag: the file's name, and that of the flag, for messages.
          lines: of one of the formats that `read_probabilities` reads.
        """
        self._name = f"--{flag}={path}"
        self._scores = read_probabilities(lines, self._name)

    def score(self, ids: Sequence[int]) -> np.ndarray:
        """The natural log-probabilities of the text's next words, float64.

        Raises:
          errors.RequestError: the file has fewer, or something else than probabilities.
        """
        scores = list(next(self._scores, None) for _ in ids)
        if None in scores:
            raise errors.RequestError(f"{self._name}: has fewer probabilities than the text words")
        return np.array(scores, np.float64)

    def finish(self) -> None:
        """Checks that the text has used all of it; RequestError."""
        if next(self._scores, None) is not None:
            raise errors.RequestError(f"{self._name}: has more probabilities than the text words")


def read_probabilities(lines: Iterable[str], name: str) -> Iterator[float]:
    """Yields natural logarithms of probabilities.

    A file is of one of three kinds, which its first lines tell apart: one probability a line; what
    KenLM's `query -v word` prints; what SRILM's `ngram -debug 2 -ppl` prints.

    Args:
      lines: the file's.
      name: of the file, for messages.

    Raises:
      errors.RequestError: a line is none of these, or no probability.
    """
    lines = iter(lines)
    first_lines = list(itertools.islice(lines, NUM_LINES))
    pattern = _pattern_of(first_lines, name)
    for number, line in enumerate(itertools.chain(first_lines, lines), start=1):
        if not line.strip():
            continue
        for match in pattern.finditer(line):
            value = _logarithm(match[1], is_log10=pattern is KENLM_WORD)
            if not value <= TOLERANCE:
                message = f"{name}: line {number} has no probability from 0 to 1: {match[1]}"
                raise errors.RequestError(message)
            yield value


def _pattern_of(first_lines, name):
    """What finds the words' numbers in a file that begins with some lines."""
    for pattern in (KENLM_WORD, SRILM_WORD):
        if any(map(pattern.search, first_lines)):
            return pattern
    for number, line in enumerate(first_lines, start=1):
        if len(line.split()) > 1:
            raise errors.RequestError(
                f"{name}: line {number} has more than a probability: {line.strip():.40}; leave one "
                "a line, or take what KenLM's `query -v word` or SRILM's `ngram -debug 2 -ppl` "
                "prints"
            )
    return PLAIN


def _logarithm(text, is_log10):
    """The natural logarithm of a probability; NaN if it is none."""
    try:
        number = float(text)
        if is_log10:
            return number * math.log(10)
        return math.log(number) if number else -math.inf
    except ValueError:
        return math.nan


def best_weight(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The weight of our model in the mixture that makes a text most probable.

    The text's log-probability is concave in the weight. So where its slope is 0, or at an end, it
    is the largest.

    Args:
      ours, theirs: float `[words]`, natural log-probabilities of a text's words, of which NaN does
        not count.
    """
    # Divided by the larger of the two, nothing overflows.
    counted = np.isfinite(ours) | np.isfinite(theirs)
    counted &= ~np.isnan(ours) & ~np.isnan(theirs)
    ours, theirs = (np.asarray(x, np.float64)[counted] for x in (ours, theirs))
    largest = np.maximum(ours, theirs)
    p, q = np.exp(ours - largest), np.exp(theirs - largest)
    low, high = 0.0, 1.0
    for _ in range(50):
        weight = (low + high) / 2
        slope = np.sum((p - q) / (weight * p + (1 - weight) * q))
        low, high = (weight, high) if slope > 0 else (low, weight)
    return (low + high) / 2


def mix(ours: np.ndarray, theirs: np.ndarray, weight: float) -> np.ndarray:
    """The mixture's log-probabilities; NaN where ours are NaN.

    Args:
      ours, theirs: natural log-probabilities.
      weight: of ours, from 0 to 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.log([weight, 1 - weight])
        return np.logaddexp(ours + shares[0], theirs + shares[1])


def mixed(
    scored: Iterable[tuple[Any, np.ndarray]], other: Any, weight: float
) -> Iterator[tuple[Any, np.ndarray]]:
    """Mixes what a model says of the pieces of a text with what another says.

    Args:
      scored: pairs of a piece, whose `ids` are those of its words, and its words' natural
        log-probabilities; NaN where a word is not predicted.
      other: an `NgramModel` or `ProbabilityFile`.
      weight: of the first model, from 0 to 1.

    Yields:
      The same pairs, of the mixture.
    """
    for piece, log_probabilities in scored:
        yield piece, mix(log_probabilities, other.score(piece.ids), weight)
    other.finish()


def find_weight(scored: Iterable[tuple[Any, np.ndarray]], other: Any) -> float:
    """The weight that makes a held-out text most probable; arguments as in `mixed`.

    Raises:
      errors.RequestError: no word of the text is predicted.
    """
    nothing = np.zeros(0)
    pairs = [(nothing, nothing), *((ours, other.score(piece.ids)) for piece, ours in scored)]
    other.finish()
    ours, theirs = map(np.concatenate, zip(*pairs))
    if not np.isfinite(ours).any():
        raise errors.RequestError("--mix_valid: holds no word to predict")
    return best_weight(ours, theirs)


def open_mixture(arguments: Any, words: list[str], score: Callable) -> Callable:
    """Opens the other model, and finds the weight if it is not given, which is then said.

    Args:
      arguments: the flags, of which `mix_arpa` or `mix_probabilities` is given.
      words: our model's vocabulary.
      score: scores a text, given its path, as `scoring.score_pieces` does.

    Returns:
      A function that takes what `scoring.score_pieces` yields, and yields it mixed.

    Raises:
      errors.RequestError: the other model cannot be read, or does not fit the text.
    """
    if arguments.mix_arpa:
        other: Any = NgramModel(arguments.mix_arpa, words, arguments.mix_unknown)
    else:
        other = _open_file("mix_probabilities", arguments)
    weight = arguments.mix_weight
    if weight is None:
        valid = other if arguments.mix_arpa else _open_file("mix_valid_probabilities", arguments)
        weight = find_weight(score(arguments.mix_valid), valid)
        messages.say(f"--mix_weight={weight:.4f} makes {arguments.mix_valid} most probable")

    return functools.partial(mixed, other=other, weight=weight)


def _open_file(flag, arguments):
    path = arguments[flag].value
    lines = sentences.split_lines(text_reader.read_text(path, f"--{flag}"))
    return ProbabilityFile(path, flag, lines)
