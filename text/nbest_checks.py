"""Refuses lists with more than words in their hypotheses, or something else; see `nbest_lines.py`.

Such lists are of other tools, or have a column too many. What the model knows is a word here,
whatever it looks like.
"""

import re
from collections.abc import Container, Sequence

from text.nbest_format import ADVICE
from text.nbest_lines import KALDI, LINES, NbestError, parse, without_annotations

NAME_AFTER = re.compile(r".*\((?=\S*\d)\S*[^\W\d_]\S*(?:\s+-?[.\d]+)?\)")
SCORE = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+|-\d+")
WORD_NUMBER = re.compile(r"\d+")
# Of what is no word: code, tables, times; but not `[noise]`, nor a word with its punctuation.
STRANGE = re.compile(
    r"-\d+|<[-+.\d]+>|[-+]?\d*\.\d+(?:[eE][-+]?\d+)?"  # a number, but not that of people
    r"|.*[\[({][\[({'\"].*|.*[\])}][\])}].*"
    r"|[^\w\s]*[\[\](){}|=<>/\\#*+][^\w\s]*"
    r"|.*[^\s][=\[\]{}|\\<>#\"():;_/,][^\s].*"
)
NOT_STRANGE = re.compile(
    r"[<\[({][^\W\d_][\w' -]*[>\])}]|\d+(?:,\d{3})+|\d+:\d\d|[^\W\d_]+/[^\W\d_]+"
)
# What stands beside the words if each line has it: `[utt1]`, `(0.95)`, `95%`, `HYP:`.
BESIDE_WORDS = re.compile(r"[<\[({].*\d.*[>\])}]|\d+(?:\.\d+)?%|[^\W\d]\w*(?:\[\d+\])?:")
MARKS = re.compile(r"[^\w]+")
AROUND_WORDS = "\"'“”„«»¿¡"
STRANGE_SHARE = 0.25
MAX_EXAMINED = 100  # characters of a word: the time may grow with the square of them


def check(lines: Sequence[str], form: str, vocabulary: Container[str]) -> None:
    """Refuses lines that have a score or an id beside the words, or something else than words.

    Args:
      lines, vocabulary: as in `nbest_format.guess`.
      form: the lines' format, one of `nbest_format.ANY_LINE`.

    Raises:
      NbestError: they have.
    """
    hypotheses = [hypothesis.words for line in lines if (hypothesis := parse(line, form))]
    if len(hypotheses) > 1 and all(
        NAME_AFTER.fullmatch(each[-2 * MAX_EXAMINED :]) for each in hypotheses
    ):
        raise NbestError(
            "and others have a name in brackets after the words, as in the format trn; write it "
            f"before the words, without brackets (--nbest_format={KALDI}), or say "
            f"--nbest_format={LINES} if it is a word"
        )
    rows = [each.split() for each in hypotheses if each.strip()]
    _refuse_numbers(rows, vocabulary)
    if form == LINES and len(hypotheses) > 1 and all("\t" in line.strip() for line in lines):
        raise NbestError(f"and others have columns, with tabs between them; {ADVICE}")
    if len(rows) > 1 and min(map(len, rows)) > 1:
        _refuse_columns(rows, vocabulary)
    bare = (without_annotations(" ".join(row), vocabulary)[0] for row in rows)
    words = [word for text in bare for word in text.split()]
    strange = [word for word in words if _is_strange(word[:MAX_EXAMINED], vocabulary)]
    if len(strange) > 1 and len(strange) >= STRANGE_SHARE * len(words):
        raise NbestError(f"and others have more than words, such as {strange[0]:.40}; {ADVICE}")


def _refuse_numbers(rows, vocabulary):
    """Refuses numbers in place of words, and a column of scores."""
    words = [word for row in rows for word in row]
    if len(words) > len(rows) and all(
        WORD_NUMBER.fullmatch(word) and word not in vocabulary for word in words
    ):
        raise NbestError(
            "and others have numbers in place of words; Kaldi's int2sym.pl makes words of them"
        )
    for place, where in ((0, "before"), (-1, "after")):
        column = [row[place] for row in rows if len(row) > 1]
        is_whole = len(column) == len(rows) and len(set(column)) > 1
        if is_whole and all(SCORE.fullmatch(word) and word not in vocabulary for word in column):
            raise NbestError(
                f"and others have a number {where} the words, such as {column[0]}, which seems to "
                f"be a score; {ADVICE}"
            )


def _refuse_columns(rows, vocabulary):
    """Refuses numbers and marks that stand at the same place of each line, and are no words."""

    def are(matches, column):
        return all(word not in vocabulary and matches(word[:MAX_EXAMINED]) for word in column)

    firsts, seconds, lasts = ([row[place] for row in rows] for place in (0, 1, -1))
    have_numbers = are(WORD_NUMBER.fullmatch, seconds)
    if have_numbers and are(WORD_NUMBER.fullmatch, firsts):
        raise NbestError(f"and others have two numbers before the words; {ADVICE}")
    for column in (firsts, seconds, lasts):
        if are(BESIDE_WORDS.fullmatch, column):
            raise NbestError(f"and others have {column[0]:.40} beside the words; {ADVICE}")
    if are(MARKS.fullmatch, firsts):
        raise NbestError(f"and others have {firsts[0]:.40} before the words; {ADVICE}")
    if have_numbers and len(set(seconds)) > 1 and max(map(len, rows)) == 2:
        raise NbestError(f"and others are a word and a number; {ADVICE}")


def _is_strange(word, vocabulary):
    if word in vocabulary or NOT_STRANGE.fullmatch(word):
        return False
    word = word.strip(AROUND_WORDS)
    bare = word.lstrip("([").rstrip(".,;:!?…)]")
    return bool(STRANGE.fullmatch(bare or word) or STRANGE.fullmatch(word.rstrip(".,;:!?…")))
