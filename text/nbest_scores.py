"""Scores of hypotheses from a file of their own: `id score` or `score`, a line each."""

import collections
from collections.abc import Iterable, Iterator

from program.errors import UserError
from text import nbest_lines


def doubt(smallest: float, largest: float) -> str:
    """What to say of scores between these two, which may be costs or probabilities; or nothing."""
    if smallest < 0 or not largest:
        return ""
    if largest <= 1:
        return (
            "all scores are between 0 and 1, as probabilities are; scores are added, so take the "
            "logarithm of probabilities"
        )
    return (
        "no score is negative, as no cost is; the larger a score the better, so change the sign of "
        "costs"
    )


class ScoresError(UserError):
    """Scores that do not fit their hypotheses; the message names the file and says where."""


class Scores:
    """Scores, taken one after another for the hypotheses of a text.

    Where both sides have ids they are joined by them, in any order; several scores of one id are
    its hypotheses', in order. Otherwise the order of the lines joins them. Scores are held in
    memory only as long as the hypotheses are in another order.
    """

    def __init__(self, lines: Iterable[str], name: str):
        """Takes the lines of the file, of which empty ones are passed over, and its name."""
        self._name = name
        self._rest = self._read(lines)
        self._waiting: dict[str, collections.deque] = collections.defaultdict(collections.deque)
        self._has_ids: bool | None = None
        self._smallest = self._largest = 0.0
        self._num_lines = 0

    def _refuse(self, message):
        raise ScoresError(f"{self._name}: {message}")

    def _read(self, lines: Iterable[str]) -> Iterator[tuple[str, float]]:
        """Yields `(id, score)`, the id empty if there is none."""
        for self._num_lines, line in enumerate(lines, start=1):
            words = line.split()
            if not words:
                continue
            where = f"line {self._num_lines}"
            if len(words) > 2:
                self._refuse(f"{where} has {len(words)} columns; write `id score`, or `score`")
            if self._has_ids is None:
                self._has_ids = len(words) == 2
            if self._has_ids != (len(words) == 2):
                self._refuse(f"{where} has {'no' if self._has_ids else 'an'} id, unlike others")
            try:
                score = nbest_lines.read_number(words[-1])
            except ValueError:
                self._refuse(f"{where} does not end with a number")
            self._smallest, self._largest = min(self._smallest, score), max(self._largest, score)
            yield (words[0] if self._has_ids else ""), score

    def take(self, hypothesis: nbest_lines.Hypothesis, where: str) -> float:
        """The score of a hypothesis, the next one of its id or the next of all.

        Args:
          hypothesis: see `nbest`.
          where: which it is, to say in a message.

        Raises:
          ScoresError: there is none, or a line is no score.
        """
        name = hypothesis.id
        if name and self._waiting.get(name):
            return self._taken(name)
        for other, score in self._rest:
            if not (name and other):
                self._check_column(other)
                return score
            if other == name:
                return score
            self._waiting[other].append(score)
        if name and self._has_ids:
            self._refuse(f"has no score of {name} for {where}")
        return self._refuse(f"has too few scores: {self._num_lines} lines, and none for {where}")

    def _taken(self, name):
        scores = self._waiting[name]
        score = scores.popleft()
        if not scores:
            del self._waiting[name]
        return score

    def _check_column(self, word):
        """Refuses a first column of scores where the hypotheses have no ids to compare it with."""
        try:
            has_sign = word.startswith("-") or "." in word
            is_score = has_sign and nbest_lines.read_number(word) is not None
        except ValueError:
            return
        if is_score:
            self._refuse(f"line {self._num_lines} has two scores, {word} before the last")

    def end(self) -> str | None:
        """Ends the hypotheses; returns what to say of the scores, if anything.

        Raises:
          ScoresError: there are scores left.
        """
        left = next(iter(self._waiting), None)
        if left is None:
            left = next((other or "the last ones" for other, _ in self._rest), None)
        if left is not None:
            self._refuse(f"has more scores than --text has hypotheses; of {left}, for example")
        what = doubt(self._smallest, self._largest)
        return f"{self._name}: {what}" if what and self._num_lines > 1 else None
