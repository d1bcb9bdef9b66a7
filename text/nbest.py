"""N-best lists, as speech recognition and translation write them: one hypothesis a line.

lines    the words alone; an empty line ends each list
kaldi    `utt-1 words`: lines that follow one another with the same id are a list
kaldi_n  `utt-1-2 words`: likewise, after the last `-` and number are taken off the id
moses    `0 ||| words ||| scores`: likewise, of the same number
"""

import re
from typing import NamedTuple

from program.errors import UserError

LINES, KALDI, KALDI_N, MOSES = FORMATS = ("lines", "kaldi", "kaldi_n", "moses")
SEPARATOR = "|||"  # Moses's
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d{1,2})?")


def guess_format(line: str) -> str:
    """The format of lists without ids, or `moses`, to judge by the first line."""
    return MOSES if SEPARATOR in line.split() else LINES


class NbestError(UserError):
    """A line that is no hypothesis in the format that was asked for."""


class Hypothesis(NamedTuple):
    """A hypothesis.

    Attributes:
      line: str, as it came, without its line end.
      key: str, the same for all of a list; empty where empty lines tell the lists apart.
      words: str, its words.
      score: float, an acoustic or translation score, the larger the better; None if it has none.
    """

    line: str
    key: str
    words: str
    score: float | None = None


def parse(line: str, form: str) -> Hypothesis | None:
    """Takes a line apart.

    Args:
      line: without its line end.
      form: one of `FORMATS`.

    Returns:
      A `Hypothesis`; None for an empty line, which ends a list.

    Raises:
      NbestError: the line is no hypothesis; the message does not say which line.
    """
    if not line.strip():
        return None
    if form == LINES:
        return Hypothesis(line, "", line)
    if form == MOSES:
        key, *fields = (field.strip() for field in line.split(SEPARATOR))
        if not fields:
            raise NbestError(f"has no {SEPARATOR} after its number")
        return Hypothesis(line, key, fields[0], _moses_score(fields[1:]))
    key, *words = line.split(maxsplit=1)
    if form == KALDI_N:
        stem, _, number = key.rpartition("-")
        if not (stem and number.isdecimal()):
            raise NbestError(f"{key} does not end with - and the hypothesis's number")
        key = stem
    return Hypothesis(line, key, words[0] if words else "")


def _moses_score(fields):
    """The total, which is alone in the last field; or else the only number that there is."""
    for field in reversed(fields):
        numbers = [float(word) for word in field.split() if NUMBER.fullmatch(word)]
        if len(numbers) == 1:
            return numbers[0]
    return None
