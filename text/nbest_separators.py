"""Refuses lines that stand between lists, or name them, in lists that empty lines tell apart.

Such a line is marks alone, or a number, or a name; as a hypothesis, it would often be the best.
"""

import re
from collections.abc import Container

from text.nbest_checks import MARKS, WAY_OUT, without_marks
from text.nbest_format import NUM_LINES
from text.nbest_lines import KALDI, NbestError

LETTER, DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"\d")
RULER = re.compile(r"([-=*#/~+_])\1\1+|--")  # grep's is --
MAX_APART = 3  # words and marks of a line that is no hypothesis
# How long hypotheses are beside such a line, and how much of them is known.
MIN_LENGTH, MIN_KNOWN_SHARE = 2.5, 0.5


class Separators:
    """Looks at the lines of a text for what tells its lists apart in place of an empty line.

    That is a line of marks or of a number between hypotheses, or a line that begins each list. The
    model knows no word of such a line.
    """

    def __init__(self, vocabulary: Container[str]):
        """Begins a text of hypotheses, a line each; `vocabulary` is of the model."""
        self._vocabulary = vocabulary
        self._num_lines = self._num_words = self._num_known = 0  # of hypotheses
        self._headers: list[str] = []  # of the first lists, as long as each has one
        self._num_lists = 0
        self._begin_list()

    def _begin_list(self):
        self._is_begun = self._has_hypothesis = self._was_apart = self._has_number = False
        self._apart: set[str] = set()

    def add(self, line: str) -> None:
        """Takes the next line; an empty one ends a list.

        Raises:
          NbestError: it is no hypothesis; the message does not say which line.
        """
        if not line.strip():
            self.end()
            return
        words = without_marks(line.split(), self._vocabulary)
        was_apart, self._was_apart = self._was_apart, self._is_apart(words)
        if self._was_apart:
            self._add_apart(" ".join(words), was_apart)
        else:
            self._has_hypothesis = True
            if self._num_lines < NUM_LINES:
                self._num_lines += 1
                self._num_words += len(words)
                self._num_known += sum(word in self._vocabulary for word in words)
        self._is_begun = True

    def _add_apart(self, line, was_apart):
        if self._has_hypothesis and self._is_between(line, was_apart):
            raise NbestError(
                f"is {line:.40} alone, between hypotheses; an empty line ends a list; or {WAY_OUT}"
            )
        self._apart.add(line)
        self._has_number = self._has_number or bool(DIGIT.search(line))
        if not self._is_begun and len(self._headers) == self._num_lists:
            self._headers.append(line)

    def _is_apart(self, words):
        """Whether a line is marks alone, or marks and an unknown word or number."""
        if not 0 < len(words) <= MAX_APART or all(word in self._vocabulary for word in words):
            return False
        no_marks = [word for word in words if not MARKS.fullmatch(word)]
        return len(no_marks) < 2 and not any(word in self._vocabulary for word in no_marks)

    def _is_between(self, line, was_apart):
        """Whether a line tells lists apart, by what came before it in its list."""
        is_seen = not was_apart and line in self._apart
        if MARKS.fullmatch(line) or RULER.fullmatch(line):
            return is_seen or bool(RULER.fullmatch(line.replace(" ", "")))
        is_another = not was_apart and self._has_number and bool(DIGIT.search(line))
        return (is_seen or is_another) and self._are_hypotheses_longer()

    def _are_hypotheses_longer(self):
        """Whether the hypotheses so far are sentences that the model knows, unlike a line apart."""
        return (
            self._num_words >= MIN_LENGTH * self._num_lines
            and self._num_known >= MIN_KNOWN_SHARE * self._num_words
        )

    def end(self) -> None:
        """Ends a list, or the text.

        Raises:
          NbestError: the first two lists begin with a line of their own.
        """
        if not self._has_hypothesis:
            self._headers = self._headers[: self._num_lists]
            self._begin_list()
            return
        self._num_lists += 1
        are_names = len(set(self._headers)) == 1 or not any(
            LETTER.search(each) and not DIGIT.search(each) for each in self._headers
        )
        if (
            self._num_lists == len(self._headers) == 2
            and are_names
            and self._are_hypotheses_longer()
        ):
            first, second = self._headers
            raise NbestError(
                f"ends a list that begins with {second:.40} alone, as the one before it begins "
                f"with {first:.40}; leave such lines out, or write an id before the words of each "
                f"line (--nbest_format={KALDI}); or {WAY_OUT}"
            )
        self._begin_list()
