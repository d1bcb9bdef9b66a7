"""What the lines of a text have beside their words: ids, times, names, scores, quotation marks.

It is told from the first lines, and said, not refused: each may be a word. A few lines that are
otherwise, such as a comment or an utterance without words, change nothing.
"""

import collections
import re
from collections.abc import Container, Sequence

MIN_LINES = 10
MOST, MANY, SOME = 0.95, 0.8, 0.25  # of the lines
MAX_LENGTH = 200  # characters of a line's beginning and end that are looked at
ID_AT_END = re.compile(r"(?:.*\s)?\(\S*\d\S*\)")  # the owl (utt-1)
SCORE_AT_END = re.compile(r".*\s(?:[-+]?\d*\.\d+(?:[eE][-+]?\d+)?|-\d+)")
IN_QUOTATION_MARKS = re.compile(r'"[^"]*"|“[^”]*”')
JOINED_TO_WORD = re.compile(r"\S{0,60}\d[^\w\s/-]{1,4}([^\W\d_][^\W\d_'’-]*)[,.;:!?]?")  # [0:10]The
# What lines begin with. In a chat, most do; a Bible's verses go over several lines.
TIME = re.compile(r"\W?\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\b|\W?\d{1,2}:\d\d\b")
VERSE = re.compile(r"(?:(?:\d\s)?[^\W\d][^\W\d ]*\s)?\d{1,3}:\d{1,3}\b")  # Genesis 1:1
SPEAKER = re.compile(
    r"(?:- )?[^\W\d][\w .'-]{0,30}(?:\s\(?[\d:.]{1,12}\)?)?:\s"
    r"|<(?!(?i:s|unk|[bes]os)>)[^\W\d][\w-]{0,30}>\s"
)
NUMBER = re.compile(r"\d+[.)]?\s")
TWO_NUMBERS = re.compile(r"\d+\s+\d+\s+(?=\D)")  # samples or seconds, such as TIMIT's
BEGINNINGS = (
    (TIME, MANY, "dates or times"),
    (VERSE, SOME, "chapters and verses"),
    (SPEAKER, MANY, "names"),
    (TWO_NUMBERS, MANY, "numbers"),
    (NUMBER, MANY, "numbers"),
)


def find(lines: Sequence[str], vocabulary: Container[str] = ()) -> tuple[str, str] | None:
    """Looks at the first lines of a text.

    Args:
      lines: whole ones, of which empty ones do not count.
      vocabulary: of a model; what is one of its words is a word.

    Returns:
      `(what, remedy)`: what they have, such as "its lines begin with ids, it seems, such as utt-1";
      and what to do, which may be empty. None if they have words alone.
    """
    stripped = [line.strip() for line in lines if line.strip()]
    if len(stripped) < MIN_LINES:
        return None
    return (
        _at_ends(stripped)
        or _at_beginnings(stripped, vocabulary)
        or _what_begins(stripped, vocabulary)
    )


def _are(found, lines, share=MOST):
    return len(found) >= share * len(lines)


def _at_ends(lines):
    ends = [line[-MAX_LENGTH:] for line in lines]
    found = [end.split()[-1] for end in ends if ID_AT_END.fullmatch(end)]
    if _are(found, lines):
        what = f"its lines end with ids, it seems, such as {found[0]}"
        return what, "`sed -E 's/\\s*\\([^ ]*\\)\\s*$//' FILE` leaves them out"
    found = [end.split()[-1] for end in ends if SCORE_AT_END.fullmatch(end)]
    if _are(found, lines) and len(set(found)) > len(lines) / 2:
        what = f"its lines end with numbers, it seems, such as {found[0]}"
        return what, "`sed -E 's/(^|\\s+)\\S+\\s*$//' FILE` leaves them out"
    quoted = [line for line in lines if IN_QUOTATION_MARKS.fullmatch(line)]
    if _are(quoted, lines):
        what = f"its lines are in quotation marks, such as {quoted[0]:.40}"
        return what, "`sed -E 's/^\\s*[\"“]|[\"”]\\s*$//g' FILE` leaves them out"
    return None


def _at_beginnings(lines, vocabulary):
    """Ids, or what is joined to the first words."""
    rows = [line[:MAX_LENGTH].split() for line in lines]
    firsts = [row[0] for row in rows if row[0] not in vocabulary]
    joined = [match for word in firsts if (match := JOINED_TO_WORD.fullmatch(word))]
    # A file's name ends as others do.
    if _are(joined, lines) and len({match[1] for match in joined}) > 2:
        what = "its lines begin with what is joined to the first word, it seems, such as"
        return f"{what} {firsts[0]}", "leave it out, or write a space after it"
    ids = [word for word in firsts if any(map(str.isdecimal, word))]
    are_words = all(word.isdecimal() for row in rows for word in row)  # ids of words
    if _are(set(ids), lines) and not are_words:
        what = f"its lines begin with ids, it seems, such as {ids[0]}"
        return what, "`sed -E 's/^\\s*\\S+\\s*//' FILE` leaves them out"
    return None


def _what_begins(lines, vocabulary):
    for pattern, share, what in BEGINNINGS:
        found = [match[0] for line in lines if (match := pattern.match(line))]
        # A day is the same in many lines, and so may be what lasts equally long.
        differ = pattern in (TIME, TWO_NUMBERS) or len(set(found)) > 1
        if differ and len(found) >= MIN_LINES and _are(found, lines, share):
            return f"its lines begin with {what}, it seems, such as {found[0].strip()}", ""
    firsts = collections.Counter(line.split()[0] for line in lines if " " in line)
    for first, count in firsts.most_common(1):
        is_word = first[0].isalnum() or first in vocabulary
        if not is_word and count >= max(MANY * len(lines), 2 * MIN_LINES):
            return f"its lines begin with {first}, it seems", ""
    return None


def in_words(found: tuple[str, str], became: str) -> str:
    """What to say of what `find` found, and of what became of it, such as "scored as words"."""
    what, remedy = found
    return f"{what}, {became}" + (f"; {remedy}" if remedy else "")
