"""The lines of n-best lists, taken apart in the format that is asked for or guessed."""

import collections
from collections.abc import Container, Iterable, Iterator

from text import nbest_checks, nbest_format, nbest_lines, nbest_separators, other_tokenizers

GUESS = "guess"  # in place of a format
MANY_HYPOTHESES = 20  # of a list


class ListReader:
    """Takes the lines of lists apart, and remembers what there is to say of them."""

    def __init__(self, form: str, vocabulary: Container[str]):
        """Takes the format.

        Args:
          form: one of `nbest_lines.FORMATS`, or `GUESS`.
          vocabulary: the words of the model.
        """
        self._form, self._vocabulary = form, vocabulary
        self._first_lines: list[str] = []
        self._num_lines = 0
        # Lines that the user calls words are words.
        self._is_checked = form != nbest_lines.LINES
        self._are_columns_checked = not self._is_checked
        self._checked_lines: list[str] | None = []  # of all lists, until they are checked
        self._num_hypotheses, self._has_empty_line = 0, False
        self._notes: list[str] = []
        self._removed: collections.Counter[str] = collections.Counter()
        self._escaped: collections.Counter[str] = collections.Counter()
        self._separators = nbest_separators.Separators(vocabulary)
        self._num_sampled = 0
        self._unknown: collections.Counter[str] = collections.Counter()  # of the first lines

    def with_format(self, blocks: Iterable[list[str]]) -> Iterator[list[str]]:
        """Yields the lists of lines in `blocks`, none before their format is known.

        Raises:
          nbest_lines.NbestError: it is none that can be read; the message says in which line.
        """
        waiting: list[list[str]] = []
        for lines in blocks:
            waiting.append(lines)
            if self._form == GUESS and self._has_enough(lines):
                self._guess()
            if self._form != GUESS:
                yield from waiting
                waiting = []
        if waiting and self._first_lines:
            self._guess()
        yield from waiting

    def _has_enough(self, lines):
        """Adds to the first lines; returns whether the format can be guessed from them.

        This depends on the lines alone, and not on how many come together.
        """
        for line in lines:
            self._num_lines += 1
            if line.strip():
                self._first_lines.append(line.removesuffix("\n"))
                if self._sign(line) and len(self._first_lines) == 1:
                    return True
            elif self._first_lines:
                return True
            if len(self._first_lines) >= nbest_format.NUM_LINES:
                return True
        return False

    def _sign(self, line):
        try:
            return nbest_format.sign(line)
        except nbest_lines.NbestError as error:
            raise nbest_lines.NbestError(f"line {self._num_lines} {error}") from None

    def _guess(self):
        first_lines, self._first_lines = self._first_lines, []
        self._form = form = nbest_format.guess(first_lines, self._vocabulary)
        what = nbest_format.IN_WORDS[form]
        self._notes.append(f"--nbest: the text is taken as {what} (--nbest_format={form})")
        if form == nbest_lines.LINES and (hint := nbest_format.hint(first_lines, self._vocabulary)):
            self._notes.append(f"--nbest: {hint}")

    def parse(self, line: str) -> nbest_lines.Hypothesis | None:
        """Takes a line apart.

        Args:
          line: without its line end.

        Returns:
          The hypothesis, without what a decoder wrote into its words; None for an empty line and
          for one that is passed over.

        Raises:
          nbest_lines.NbestError: the line is no hypothesis; the message does not say which line.
        """
        if self._form in nbest_format.ANY_LINE and self._is_checked:
            nbest_format.check(line, self._form)
            self._check_columns(line)
            self._check_lists(line)
            if self._form == nbest_lines.LINES:
                self._separators.add(line)
        hypothesis = nbest_lines.parse(line, self._form)
        if not hypothesis:
            self._has_empty_line = self._has_empty_line or not line.strip()
            return None
        self._num_hypotheses += 1
        words, removed = nbest_lines.without_annotations(hypothesis.words, self._vocabulary)
        words, escaped = nbest_lines.without_escapes(words, self._vocabulary)
        if removed or escaped:
            self._removed.update(removed)
            self._escaped.update(escaped)
            hypothesis = hypothesis._replace(words=words)
        if self._num_sampled < nbest_format.NUM_LINES:
            self._num_sampled += 1
            self._unknown.update(w for w in words.split() if w not in self._vocabulary)
        return hypothesis

    def _check_columns(self, line):
        """Looks for scores and numbers beside the words, once the first lines are there."""
        if self._are_columns_checked:
            return
        if line.strip():
            self._first_lines.append(line)
        is_enough = len(self._first_lines) >= nbest_format.NUM_LINES
        if is_enough or (not line.strip() and self._first_lines):
            self._check_first_lines()

    def _check_lists(self, line):
        """Looks for scores in the first lines of all lists, once there are enough."""
        if self._checked_lines is None or not line.strip():
            return
        self._checked_lines.append(line)
        if len(self._checked_lines) >= nbest_format.NUM_LINES:
            self._check_checked_lines()

    def _check_checked_lines(self):
        lines, self._checked_lines = self._checked_lines, None
        if lines:
            nbest_checks.check_most(lines, self._form, self._vocabulary)

    def _check_first_lines(self):
        if not self._are_columns_checked and self._form in nbest_format.ANY_LINE:
            self._are_columns_checked = True
            nbest_checks.check(self._first_lines, self._form, self._vocabulary)

    def end(self) -> None:
        """Ends the text.

        Raises:
          nbest_lines.NbestError: its lines are not what they were taken for.
        """
        self._check_first_lines()
        self._check_checked_lines()
        self._separators.end()

    def notes(self) -> list[str]:
        """What to say of the lines, once they have all been read."""
        notes = list(self._notes)
        is_flat = self._form == nbest_lines.LINES and not self._has_empty_line
        if is_flat and self._num_hypotheses > MANY_HYPOTHESES:
            notes.append(
                f"--nbest: no line is empty, so that all {self._num_hypotheses} lines are one list"
            )
        if self._removed:
            notes.append(
                f"annotations, which are no words, were left out ({sum(self._removed.values())}), "
                f"such as {', '.join(list(self._removed)[:3])}"
            )
        if self._escaped:
            notes.append(
                f"Moses's escapes were undone in {sum(self._escaped.values())} words, such as "
                f"{next(iter(self._escaped))}"
            )
        if what := other_tokenizers.about_pieces(self._unknown):
            notes.append(f"--nbest: hypotheses have {what}")
        return notes
