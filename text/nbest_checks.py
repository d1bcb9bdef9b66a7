"""Refuses lists with more than words in their hypotheses, or something else; see `nbest_lines.py`.

Such lists are of other tools, or have a column too many. What the model knows is a word here,
whatever it looks like.
"""

import re
from collections.abc import Container, Sequence

from text.nbest_format import ADVICE, NUMBERED, SCORE
from text.nbest_lines import (
    KALDI,
    LINES,
    NbestError,
    parse,
    without_annotations,
    without_escapes,
)
from text.words_of_lines import BEGINNINGS, ENDS

NAME_AFTER = re.compile(r".*\((?=\S*\d)\S*[^\W\d_]\S*(?:\s+-?[.\d]+)?\)")
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
# What stands beside the words if each line has it: `[utt1]`, `(0.95)`, `95%`, `HYP:`, `score=-1.5`,
# `-1.5:`, `day,-1.5`, `day|-1.5`.
BESIDE_WORDS = re.compile(
    r"[<\[({].*\d.*[>\])}]:?|\d+(?:\.\d+)?%|[^\W\d]\w*(?:\[\d+\])?:"
    r"|[^\W\d]\w*=[-+]?\d\S*|[-+]?\d*\.\d+[:,;|]"
    r"|(?:\S*[^\W\d_][\"']?[,;]-?\d+(?:\.\d+)?|[\"']?[^\W\d_]\S*[|:]-?\d*\.\d+)(?:[eE]-?\d+)?"
)
# Likewise, if they differ: `#1`, `a)`, `1/3`.
NUMBERING = re.compile(r"#\d+[:.)]?|[^\W\d_]\)|\d+/\d+|\d+[>\]]")
RANK = re.compile(r"\d+ ?[:.)]")  # after a word that all lines have, such as `Hypothesis 1:`
# A number that may be a score if others are; with a decimal comma or a minus sign, too.
MAYBE_SCORE = re.compile(r"[-+−]?(?:\d+[.,]?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+−]?(?i:inf|nan)")
CLEAR_SCORE = re.compile(rf"{SCORE.pattern}|[-−]\d+(?:,\d+)?(?:\.\d+)?|\d+,\d+")
COST = re.compile(r"\d{3}|2[2-9]\d\d|[3-9]\d{3}|\d{5,}")  # no year, nor what people count
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
# Times, ids and scores, such as `[0.00s -> 2.00s]`; in a line alone, several numbers.
GROUP = re.compile(r"\[[^\]]*\d[^\]]*\]|\([^)]*\d[^)]*\)|\{[^}]*\d[^}]*\}|<[^>]*\d[^>]*>")
NUMBERS = re.compile(r"\d[^\d]+\d")
SENTENCE_MARKS = frozenset((*BEGINNINGS, *ENDS))
MARKS = re.compile(r"[^\w]+")
OPENING = re.compile(r"[\"'`“‘„‚«‹]+")
AROUND_WORDS = "\"'“”„«»¿¡"
STRANGE_SHARE = 0.25
MAX_EXAMINED = 100  # characters of a word: the time may grow with the square of them
WAY_OUT = f"say --nbest_format={LINES} if all of it is words"


def check(lines: Sequence[str], form: str, vocabulary: Container[str]) -> None:
    """Refuses lines that have a score or an id beside the words, or something else than words.

    Args:
      lines, vocabulary: as in `nbest_format.guess`.
      form: the lines' format, one of `nbest_format.ANY_LINE`.

    Raises:
      NbestError: they have.
    """
    hypotheses = [hypothesis for line in lines if (hypothesis := parse(line, form))]
    if not hypotheses:
        return
    bare = [_bare(hypothesis.words, vocabulary) for hypothesis in hypotheses]
    if len(bare) > 1 and all(
        NAME_AFTER.fullmatch(" ".join(row)[-2 * MAX_EXAMINED :]) for row in bare
    ):
        raise NbestError(
            "and others have a name in brackets after the words, as in the format trn; write it "
            f"before the words, without brackets (--nbest_format={KALDI}), or say "
            f"--nbest_format={LINES} if it is a word"
        )
    rows = [row for row in bare if row]
    _refuse_numbers(rows, vocabulary)
    advice = f"{ADVICE}; or {WAY_OUT}" if form == LINES else ADVICE
    try:
        _refuse_scores(rows, vocabulary, form)
        if form != LINES:
            _refuse_ranks(
                [each.key for each, row in zip(hypotheses, bare) if row], rows, vocabulary
            )
        _refuse_tabs([each.words for each in hypotheses])
        _refuse_quotation_marks(rows, vocabulary)
        if len(rows) > 1 and min(map(len, rows)) > 1:
            _refuse_columns(rows, vocabulary)
        _refuse_strange(rows, vocabulary)
        _refuse_groups(rows, vocabulary)
    except NbestError as error:
        raise NbestError(f"{error}; {advice}") from None


def _bare(text, vocabulary):
    """The words of a hypothesis, without what is no word of its sentence."""
    text, _ = without_annotations(text, vocabulary)
    text, _ = without_escapes(text, vocabulary)
    return without_marks(text.split(), vocabulary)


def without_marks(words: list[str], vocabulary: Container[str]) -> list[str]:
    """Words without the marks of a sentence's beginning and end that `vocabulary` does not know."""
    return [word for word in words if word not in SENTENCE_MARKS or word in vocabulary]


def _who(lines):
    # The line that the message is prefixed with may be the empty one after the list.
    return "and others have" if len(lines) > 1 else "ends a list of one line, which has"


def _refuse_numbers(rows, vocabulary):
    """Refuses numbers in place of words."""
    words = [word for row in rows for word in row]
    if len(words) > len(rows) and all(
        WORD_NUMBER.fullmatch(word) and word not in vocabulary for word in words
    ):
        raise NbestError(
            "and others have numbers in place of words; Kaldi's int2sym.pl makes words of them"
        )


def _refuse_scores(rows, vocabulary, form):
    """Refuses a column of scores; of an empty hypothesis, there may be the score alone."""
    for place, where in ((0, "before"), (-1, "after")):
        is_score = MAYBE_SCORE.fullmatch if form == LINES or place else SCORE.fullmatch
        column = [row[place] for row in rows]
        clear = [w for w in column if CLEAR_SCORE.fullmatch(w) and not THOUSANDS.fullmatch(w)]
        differ = len(set(column)) > 1 or all(word[0] in "-−" for word in clear)
        all_differ = len(set(column)) == len(rows) > 2
        are_costs = place == -1 and all_differ and all(map(COST.fullmatch, column))
        if (
            max(map(len, rows), default=0) > 1 < len(rows)
            and all(is_score(word) and word not in vocabulary for word in column)
            and (clear and differ or are_costs)
        ):
            example = next(iter(clear), column[0])
            raise NbestError(
                f"and others have a number {where} the words, such as {example}, which seems to "
                "be a score"
            )


def check_most(lines: Sequence[str], form: str, vocabulary: Container[str]) -> None:
    """Refuses lines of several lists, of which most have a score beside the words.

    Args:
      lines, form, vocabulary: as in `check`.

    Raises:
      NbestError: they have.
    """
    hypotheses = [hypothesis for line in lines if (hypothesis := parse(line, form))]
    rows = [row for each in hypotheses if len(row := _bare(each.words, vocabulary)) > 1]
    for place, where in ((0, "before"), (-1, "after")):
        scores = [
            row[place]
            for row in rows
            if SCORE.fullmatch(row[place]) and row[place] not in vocabulary
        ]
        if len(set(scores)) > 2 and len(scores) > len(rows) / 2:
            raise NbestError(
                f"comes after {len(scores)} of {len(rows)} lines with a number {where} the words, "
                f"such as {scores[0]}, which seems to be a score; {ADVICE}; or {WAY_OUT}"
            )


def _refuse_tabs(texts):
    """Refuses columns; a tab at the end is one before an empty cell, unless all have it."""
    have_tabs = all("\t" in text.strip(" ") for text in texts)
    if have_tabs and any("\t" in text.strip() for text in texts):
        raise NbestError(f"{_who(texts)} columns, with tabs between them")


def _refuse_quotation_marks(rows, vocabulary):
    """Refuses lines in quotation marks, as CSV has them."""
    if len(rows) > 1 and all(
        len(row) > 1
        and len(row[0]) > 1 < len(row[-1])
        and row[0].startswith('"')
        and row[-1].endswith('"')
        and sum(word.count('"') for word in row) == 2
        and not (row[0] in vocabulary or row[-1] in vocabulary)
        for row in rows
    ):
        raise NbestError(f"and others are in quotation marks, such as {rows[0][0]:.40}")


def _refuse_ranks(keys, rows, vocabulary):
    """Refuses numbers between ids and words, unless a list's hypotheses have the same."""
    firsts = [row[0] for row in rows]
    if (
        sum(len(row) > 1 for row in rows) > len(rows) / 2
        and len(set(zip(keys, firsts))) > max(1, len(rows) / 2)
        and all(NUMBERED.fullmatch(word) or SCORE.fullmatch(word) for word in firsts)
        and any(word not in vocabulary for word in firsts)
    ):
        raise NbestError(
            f"and others have a number after the id, such as {firsts[0]}, which seems to be a rank "
            "or a score"
        )


def _refuse_columns(rows, vocabulary):
    """Refuses numbers and marks that stand at the same place of each line, and are no words."""

    def are(matches, column):
        return all(word not in vocabulary and matches(word[:MAX_EXAMINED]) for word in column)

    firsts, seconds, lasts = ([row[place] for row in rows] for place in (0, 1, -1))
    have_numbers = are(WORD_NUMBER.fullmatch, seconds)
    if have_numbers and are(WORD_NUMBER.fullmatch, firsts):
        raise NbestError("and others have two numbers before the words")
    ranks = [" ".join(row[1 : 3 if MARKS.fullmatch("".join(row[2:3])) else 2]) for row in rows]
    if len(set(firsts)) == 1 < len(set(seconds)) and are(RANK.fullmatch, ranks):
        raise NbestError(f"and others have {firsts[0]:.40} {ranks[0]} before the words")
    if len(set(firsts)) == len(rows) and are(NUMBERING.fullmatch, firsts):
        raise NbestError(f"and others have {firsts[0]:.40} before the words")
    thirds = [row[2] for row in rows] if min(map(len, rows)) > 3 else lasts
    for column in (firsts, seconds, thirds, lasts):
        if are(BESIDE_WORDS.fullmatch, column):
            raise NbestError(f"and others have {column[0]:.40} beside the words")
    if are(MARKS.fullmatch, firsts) and not OPENING.fullmatch(firsts[0]):
        raise NbestError(f"and others have {firsts[0]:.40} before the words")
    if have_numbers and len(set(seconds)) > 1 and max(map(len, rows)) == 2:
        raise NbestError("and others are a word and a number")


def _refuse_strange(rows, vocabulary):
    words = [word for row in rows for word in row]
    strange = [word for word in words if _is_strange(word[:MAX_EXAMINED], vocabulary)]
    if len(strange) > 1 and len(strange) >= STRANGE_SHARE * len(words):
        raise NbestError(f"{_who(rows)} more than words, such as {strange[0]:.40}")


def _is_strange(word, vocabulary):
    if word in vocabulary or NOT_STRANGE.fullmatch(word):
        return False
    word = word.strip(AROUND_WORDS)
    bare = word.lstrip("([").rstrip(".,;:!?…)]")
    return bool(STRANGE.fullmatch(bare or word) or STRANGE.fullmatch(word.rstrip(".,;:!?…")))


def _refuse_groups(rows, vocabulary):
    """Refuses lines that begin with a number in brackets, of any number of words."""
    texts = [" ".join(row[:MAX_EXAMINED])[: 2 * MAX_EXAMINED] for row in rows]
    groups = [match[0] for text in texts if (match := GROUP.match(text))]
    is_clear = len(rows) > 1 or (groups and NUMBERS.search(groups[0]))
    if is_clear and len(groups) == len(rows) and not any(row[0] in vocabulary for row in rows):
        raise NbestError(f"{_who(rows)} {groups[0]:.40} before the words")
