"""Which format n-best lists are in, to judge by several lines; see `nbest.py`."""

import itertools
import re
from collections.abc import Container, Sequence

from text.nbest import (
    FAIRSEQ,
    FAIRSEQ_LINE,
    JSONL,
    KALDI,
    KALDI_N,
    LINES,
    MOSES,
    SEPARATOR,
    NbestError,
    parse,
    without_annotations,
)

# How many lines the guess looks at.
NUM_LINES = 100

IN_WORDS = {
    LINES: "a hypothesis a line, with an empty line between two lists",
    KALDI: "Kaldi's lists, an id before the words",
    KALDI_N: "Kaldi's lists, an id and the hypothesis's number before the words",
    MOSES: "Moses's lists",
    FAIRSEQ: "fairseq's lists, of which the lines H- are read",
    JSONL: "lists of JSON, an object a line",
}
# Formats in which any line can be read.
ANY_LINE = (LINES, KALDI, KALDI_N)
# How lines of other tools begin, which cannot be read.
UNREADABLE = (
    (r"NBestList\d", "the header of an n-best list of SRILM"),
    (r"\(-?\d+(?:\.\d+)?\)\s", "of an n-best list of SRILM"),
    (r"-?\d+\.\d+\s+-?\d+(?:\.\d+)?\s+\d+\s", "of an n-best list of SRILM"),
    (r"#!MLF!#", "the header of a label file of HTK"),
    (r"VERSION=\d", "the header of a lattice of HTK"),
    (r"\S+\s+\S+\s+\d+\.\d+\s+\d+\.\d+\s+\S+(?:\s+\S+)?$", "of a CTM file, a word a line"),
    (r"\d+\s+\d+\s+\S+\s+[-+.\de]+,[-+.\de]+,", "of a lattice of Kaldi"),
    (r"sentence\d+:\s", "of the output of Julius"),
    (r"<\?xml|<!DOCTYPE|<(?:mteval|srcset|tstset|refset|doc|seg)\b", "XML or SGML"),
    (r"[{\[]\s*$|\{\s*\"utts\"", "JSON over several lines, such as ESPnet's"),
    (r"\[.*\]\s*$", "a list in JSON"),
    (r"[HD]-\d+ +-?\d+\.\d+(?:e-?\d+)?\s", "of fairseq's lists, of which the tabs are lost"),
    (r"\S+\s+\S+\s+\S+\s+\d+\.\d+\s+\d+\.\d+\s+<\S*>\s", "of an STM file"),
    (r"(?:\d+:)?\d+:\d\d[.,]\d{3}\s+-->|WEBVTT", "of subtitles"),
    (r"(?i:(?:id|utt|utterance|text|hyp|hypothesis|score|start)(?:_id)?[,;\t]\S+$)",
     "a table's header"),
    (r"\d+:\d\d:\d\d\.\d+,\d+:", "of subtitles"),
    (r"(?:LOG|WARNING|ERROR) \(", "of a log of Kaldi"),
    (r"File type = ", "the header of a TextGrid of Praat"),
    (r"numaligns \d+$", "of a confusion network of SRILM"),
    (r"\S+\s+(?:ref\s\s|#csid\s)|%WER\s|id: \(\S+\)$|Scores: \(#C", "of a table of errors"),
)  # fmt: skip
UNREADABLE_LINE = re.compile("|".join(f"({pattern})" for pattern, _ in UNREADABLE))
ADVICE = "write the words alone, or as --nbest_format allows, and scores to a file for --scores"

NUMBERED_ID = re.compile(r"(.+)-(0|[1-9]\d*)")
# Such as utt1, spk-7, 1089-134686-0000 or a/b.wav.
NAME = re.compile(r"(?=.*\d)(?=.*[^\W\d_])[^\[\](){}<>\"=]*|\d+(?:[-_/:]\d+){2,}|\S+/\S+[/.]\S+")
NAME_ALONE = re.compile(r"[^\W\d_].*\d.*|\d+(?:[-_/:]\d+){2,}|\S+/\S+[/.]\S+")
NAME_AFTER = re.compile(r".*\((?=\S*\d)\S*[^\W\d_]\S*(?:\s+-?[.\d]+)?\)")
SCORE = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+|-\d+")
WORD_NUMBER = re.compile(r"\d+")
NUMBERED = re.compile(r"\d+[.):]?")
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
AROUND_WORDS = "\"'“”„«»¿¡"
STRANGE_SHARE = 0.25
MAX_EXAMINED = 100  # characters of a word, of which the time may grow with the square


def sign(line: str) -> str | None:
    """The format that a line by itself shows to be in; None if it may be words, or words and id.

    Raises:
      NbestError: it is a line of another tool's format, which cannot be read.
    """
    line = line.strip()
    if match := UNREADABLE_LINE.match(line):
        what = UNREADABLE[(match.lastindex or 1) - 1][1]
        raise NbestError(f"seems to be {what}; {ADVICE}")
    if line.startswith("{") and line.endswith("}"):
        return JSONL
    if FAIRSEQ_LINE.fullmatch(line):
        return FAIRSEQ
    return MOSES if SEPARATOR in line else None


def check(line: str, form: str) -> None:
    """Refuses a line that shows another format than the one its text is read in.

    Args:
      line: without its line end.
      form: one of `ANY_LINE`.

    Raises:
      NbestError: the message does not say which line.
    """
    found = sign(line)
    if found:
        raise NbestError(
            f"seems to be of {IN_WORDS[found]} (--nbest_format={found}), but the text is taken as "
            f"{IN_WORDS[form]} (--nbest_format={form})"
        )


def guess(lines: Sequence[str], vocabulary: Container[str]) -> str:
    """The format of a text's first lines.

    Args:
      lines: none is empty, and there is at least one; they end before an empty line, at the end of
        the text, or after `NUM_LINES`.
      vocabulary: the model's words. What is one of them is taken for a word.

    Returns:
      One of `nbest.FORMATS`.

    Raises:
      NbestError: the lines are in different formats, or in one that cannot be read.
    """
    signs = [sign(line) for line in lines]
    found = next((each for each in signs if each), None)
    if found == FAIRSEQ:
        return found  # what else it may write is passed over
    if len(set(signs)) > 1:
        raise NbestError(
            "the first lines are in different formats, one of them seems to be of "
            f"{IN_WORDS[found or LINES]}; take out what is no hypothesis, or name --nbest_format"
        )
    return found or _guess_by_ids([line.split()[0] for line in lines], vocabulary)


def _guess_by_ids(first_words, vocabulary):
    """`kaldi_n`, `kaldi` or `lines`: whether the lines' first words are ids."""
    if any(word in vocabulary for word in first_words):
        return LINES
    numbered = [match for word in first_words if (match := NUMBERED_ID.fullmatch(word))]
    if len(numbered) == len(set(first_words)) == len(first_words) > 1:
        stems = {match[1] for match in numbered}
        if len(stems) < len(first_words) and numbered[0][2] in ("0", "1"):
            return KALDI_N
    _refuse_ambiguous(first_words)
    are_names = all(NAME.fullmatch(word) for word in first_words)
    return KALDI if are_names and len(set(first_words)) > 1 else LINES


def _refuse_ambiguous(first_words):
    """Refuses lines that begin with what may be an id, a number of a list, or a word."""
    runs = [(word, len(list(run))) for word, run in itertools.groupby(first_words)]
    are_together = len(set(first_words)) == len(runs) > 1 and min(n for _, n in runs) > 1
    are_numbers = all(map(NUMBERED.fullmatch, first_words)) and len(runs) > 1
    if are_numbers or (are_together and not all(map(NAME.fullmatch, first_words))):
        raise NbestError(
            f"the first lines begin with {first_words[0]} and {runs[1][0]}, which the model does "
            f"not know; if that is an id, say --nbest_format={KALDI}, if it is a word, "
            f"--nbest_format={LINES}"
        )


def hint(lines: Sequence[str], vocabulary: Container[str]) -> str | None:
    """What to say of lines taken as `lines`: that all of them begin with what may be an id."""
    first_words = {line.split()[0] for line in lines}
    if len(lines) < 2 or any(word in vocabulary for word in first_words):
        return None
    what = min(first_words)
    if len(first_words) > 1 and all(map(str.isdecimal, first_words)):
        what = "a number"
    elif len(first_words) > 1 or not NAME_ALONE.fullmatch(what):
        return None
    return f"each line begins with {what}; if that is an id, say --nbest_format={KALDI}"


def check_columns(lines: Sequence[str], form: str, vocabulary: Container[str]) -> None:
    """Refuses lines that have a score or an id beside the words, or numbers in place of words.

    Args:
      lines, vocabulary: as in `guess`.
      form: the lines' format, one of `ANY_LINE`.

    Raises:
      NbestError: they have.
    """
    hypotheses = [hypothesis for line in lines if (hypothesis := parse(line, form))]
    if len(hypotheses) > 1 and all(NAME_AFTER.fullmatch(each.words) for each in hypotheses):
        raise NbestError(
            "and others have a name in brackets after the words, as in the format trn; write it "
            f"before the words, without brackets (--nbest_format={KALDI}), or say "
            f"--nbest_format={LINES} if it is a word"
        )
    words = [hypothesis.words.split() for hypothesis in hypotheses]
    words = [each for each in words if each]
    flat = [word for each in words for word in each]
    if len(flat) > len(words) and all(
        WORD_NUMBER.fullmatch(word) and word not in vocabulary for word in flat
    ):
        raise NbestError(
            "and others have numbers in place of words; Kaldi's int2sym.pl makes words of them"
        )
    for place, where in ((0, "before"), (-1, "after")):
        column = [each[place] for each in words if len(each) > 1]
        if (
            len(set(column)) > 1
            and len(column) == len(words)
            and all(SCORE.fullmatch(word) and word not in vocabulary for word in column)
        ):
            raise NbestError(
                f"and others have a number {where} the words, such as {column[0]}, which seems to "
                f"be a score; {ADVICE}"
            )
    if form == LINES and len(hypotheses) > 1 and all("\t" in line.strip() for line in lines):
        raise NbestError(f"and others have columns, with tabs between them; {ADVICE}")
    _refuse_columns(words, vocabulary)
    bare = [without_annotations(" ".join(each), vocabulary)[0] for each in words]
    flat = [word for each in bare for word in each.split()]
    strange = [word for word in flat if _is_strange(word, vocabulary)]
    if len(strange) > 1 and len(strange) >= STRANGE_SHARE * len(flat):
        raise NbestError(f"and others have more than words, such as {strange[0]:.40}; {ADVICE}")


def _is_strange(word, vocabulary):
    word = word[:MAX_EXAMINED]
    if word in vocabulary or NOT_STRANGE.fullmatch(word):
        return False
    word = word.strip(AROUND_WORDS)
    bare = word.lstrip("([").rstrip(".,;:!?…)]")
    return bool(STRANGE.fullmatch(bare or word) or STRANGE.fullmatch(word.rstrip(".,;:!?…")))


def _refuse_columns(words, vocabulary):
    """Refuses numbers or marks that stand at the same place of each line, and are no words."""
    rows = [each for each in words if len(each) > 1]
    if len(rows) < max(2, len(words)):
        return
    firsts, seconds = ([row[place] for row in rows] for place in (0, 1))
    unknown = [word for word in {*firsts, *seconds} if word not in vocabulary]
    numbers = set(filter(WORD_NUMBER.fullmatch, unknown))
    marks = {word for word in unknown if not any(map(str.isalnum, word))}
    if numbers.issuperset(firsts) and numbers.issuperset(seconds):
        raise NbestError(f"and others have two numbers before the words; {ADVICE}")
    lasts = [row[-1] for row in rows]
    for column in ([word[:MAX_EXAMINED] for word in each] for each in (firsts, seconds, lasts)):
        if all(BESIDE_WORDS.fullmatch(word) and word not in vocabulary for word in column):
            raise NbestError(f"and others have {column[0]:.40} beside the words; {ADVICE}")
    if marks and set(firsts) <= marks:
        raise NbestError(f"and others have {firsts[0]} before the words; {ADVICE}")
    if numbers.issuperset(seconds) and len(set(seconds)) > 1 and max(map(len, rows)) == 2:
        raise NbestError(f"and others are a word and a number; {ADVICE}")
