"""Lists of hypotheses sorted, the best first."""

from collections.abc import Iterator
from typing import NamedTuple

import reader
from program import errors, messages
from text import nbest_lines
from text.nbest_scores import Scores, doubt
from trained.results import Sum


class Ranking(NamedTuple):
    """How hypotheses are sorted.

    Attributes:
      leaves_out: bool, unknown words are left out: the model has no `<unk>`.
      lm_weight: float, of the log-probability; None to sort by it alone.
      word_penalty: float, for each word.
      scores: one for each hypothesis, instead of those in the lines; or None.
      verbose: bool, what was taken for id, words and score is a row of its own.
    """

    leaves_out: bool = False
    lm_weight: float | None = None
    word_penalty: float = 0.0
    scores: Scores | None = None
    verbose: bool = False

    def score(self, hypothesis: nbest_lines.Hypothesis, number: int) -> float | None:
        """The score of the hypothesis in line `number`; None if nothing asks for it.

        Raises:
          errors.UserError: there is none, or it is no number.
        """
        where = f"line {number} of --text"
        if self.scores:
            return self.scores.take(hypothesis, where)
        if self.lm_weight is None:
            return None
        if hypothesis.score is None:
            raise errors.RequestError(f"--lm_weight: {where} has no score; --scores names a file")
        try:
            return nbest_lines.read_number(hypothesis.score)
        except ValueError:
            raise errors.RequestError(
                f"--lm_weight: {where} has {hypothesis.score or 'nothing'} where its score should "
                "be, which is no finite number"
            ) from None

    def combined(self, row: dict, num_words: int, score: float | None) -> float:
        """What to sort by.

        Args:
          row: of `Sum.row`.
          num_words: without `<eos>`.
          score: see `Ranking.score`.
        """
        penalty = self.word_penalty * num_words
        if self.lm_weight is None or score is None:
            return row["log_probability"] - penalty
        return score + self.lm_weight * row["log_probability"] - penalty


class _Entry(NamedTuple):
    """A hypothesis in its list.

    Attributes:
      list_number: int, of lists that empty lines tell apart; 0 for lists with ids.
      hypothesis: `nbest_lines.Hypothesis`.
      score: see `Ranking.score`.
      order: what to sort by, the least first.
      num_lost: int, words that were left out.
      row: dict.
      taken: dict, the row that says what was taken from the line; None without `verbose`.
      ends_list: bool, see `text_reader.Piece`.
    """

    list_number: int
    hypothesis: nbest_lines.Hypothesis
    score: float | None
    order: tuple
    num_lost: int
    row: dict
    taken: dict | None
    ends_list: bool

    @property
    def list(self):
        return self.list_number, self.hypothesis.key


def _entries(scored, ranking):
    """Yields an `_Entry` for each hypothesis."""
    list_number = 0
    for number, (piece, log_probabilities) in enumerate(scored, start=1):
        hypothesis = piece.hypothesis
        if not hypothesis:
            list_number += 1
            continue
        line = Sum()
        line.add(piece, log_probabilities)
        row = line.row(number)
        num_words = line.num_words - piece.words.count(reader.END_OF_SENTENCE)
        score = ranking.score(hypothesis, number)
        combined = ranking.combined(row, num_words, score)
        if ranking.lm_weight is not None or ranking.word_penalty:
            row["combined"] = combined
        row["text"] = hypothesis.line
        taken = _taken(piece, number, score) if ranking.verbose else None
        num_lost = piece.num_unknown if ranking.leaves_out else 0
        numbered = 0 if hypothesis.key else list_number
        order = num_lost, -combined
        yield _Entry(numbered, hypothesis, score, order, num_lost, row, taken, piece.ends_list)


def _lists(entries):
    """Yields the entries of each list, as soon as it is known to have ended."""
    those: list[_Entry] = []
    for entry in entries:
        if those and entry.list != those[-1].list:
            yield those
            those = []
        those.append(entry)
        if entry.ends_list:
            yield those
            those = []
    if those:
        yield those


def _taken(piece, number, score):
    """The row of what was taken from a line."""
    return {
        "line": number,
        "id": piece.hypothesis.id,
        "score": piece.hypothesis.score if score is None else score,
        "taken": " ".join(piece.words[:-1]),  # without the <eos> of the line's end
    }


def ranked_rows(scored: Iterator, ranking: Ranking = Ranking()) -> Iterator:  # noqa: B008
    """Yields `(key, rows)`, each list's key and its rows, the best hypothesis first.

    Args:
      scored: see `scoring.score_pieces`; of hypotheses.
      ranking: how to sort.

    Raises:
      errors.UserError: there is no hypothesis, the scores are not theirs, or the lines of a list
        are not together.
    """
    num_lists = num_hypotheses = num_damaged = 0
    ended: set[str] = set()
    has_scores = ranking.lm_weight is not None and not ranking.scores
    smallest = largest = 0.0
    for entries in _lists(_entries(scored, ranking)):
        key = entries[0].hypothesis.key
        _check_list(entries, ended)
        ended.add(key)
        if has_scores:
            smallest = min(smallest, *(entry.score for entry in entries))
            largest = max(largest, *(entry.score for entry in entries))
        num_lists += 1
        num_hypotheses += len(entries)
        num_damaged += sum(entry.num_lost > 0 for entry in entries)
        entries.sort(key=lambda entry: entry.order)
        yield key, [row for entry in entries for row in (entry.taken, entry.row) if row]
    if not num_hypotheses:
        raise errors.RequestError("--text: holds no hypothesis")
    if ranking.scores and (message := ranking.scores.end()):
        messages.say(message)
    if has_scores and num_hypotheses > 1 and (message := doubt(smallest, largest)):
        messages.say(f"--text: {message}")
    if num_lists == num_hypotheses > 1:
        messages.say("every list has one hypothesis only, so that there is nothing to choose from")
    if num_damaged:
        messages.say(
            f"{num_damaged} hypotheses have words that were left out, and come last in their lists"
        )


def _check_list(entries, ended):
    """Refuses a list of an id that another list had, and two hypotheses of one id."""
    first = entries[0]
    if not first.hypothesis.key:
        return
    if first.hypothesis.key in ended:
        raise errors.RequestError(
            f"--text: line {first.row['line']} is of the list {first.hypothesis.key}, which ended "
            "before; sort the lines, so that those of a list are together"
        )
    seen: set[str] = set()
    for entry in entries:
        name = entry.hypothesis.id
        if name != entry.hypothesis.key and name in seen:
            raise errors.RequestError(
                f"--text: line {entry.row['line']} is a second hypothesis called {name}"
            )
        seen.add(name)
