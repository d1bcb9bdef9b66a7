"""Which format n-best lists are in, to judge by several lines; see `nbest_lines.py`."""

import itertools
import re
from collections.abc import Container, Sequence

from text.nbest_lines import (
    FAIRSEQ,
    FAIRSEQ_LINE,
    JSONL,
    KALDI,
    KALDI_N,
    LINES,
    MOSES,
    SEPARATOR,
    TAGS,
    NbestError,
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
    (r"\[\s*(?:[\"'\[\d-].*)?\]\s*$|\[\s*\{", "a list in JSON"),
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
    (r"\S+\sS\s-?\d+\sT\s-?\d+\sA\s-?\d+\sL\s-?\d+\s", "of segments of PocketSphinx"),
    (r"\[sample: |\|[TP]\|: ", "of the output of wav2letter"),
    (r"wav\s+\S+$|candidate\s+-?\d+\.\d+\s", "of WeNet's lists"),
    (r"(?i:id|utt(?:erance)?|file|audio)\s?[:=]\s*\S+$", "the name of a list"),
)  # fmt: skip
UNREADABLE_LINE = re.compile("|".join(f"({pattern})" for pattern, _ in UNREADABLE))
ADVICE = "write the words alone, or as --nbest_format allows, and scores to a file for --scores"

NUMBERED_ID = re.compile(r"(.+)-(0|[1-9]\d*)")
# Such as utt1, spk-7, 1089-134686-0000 or a/b.wav.
NAME = re.compile(r"(?=.*\d)(?=.*[^\W\d_])[^\[\](){}<>\"=]*|\d+(?:[-_/:]\d+){2,}|\S+/\S+[/.]\S+")
NAME_ALONE = re.compile(r"[^\W\d_].*\d.*|\d+(?:[-_/:]\d+){2,}|\S+/\S+[/.]\S+")
NUMBERED = re.compile(r"\d+[.):]?")
SCORE = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+|-\d+")
# What may be an id and a word without a space; but a comma between digits is a number's.
JOINT = re.compile(r"(\S*?[^\s,;|])([;|]|,(?!\d)|(?<!\d),)[\"']?\w\S*")


def sign(line: str) -> str | None:
    """The format that a line by itself shows to be in; None if it may be words, or words and id.

    Raises:
      NbestError: it is a line of another tool's format, which cannot be read.
    """
    line = line.strip()
    if match := UNREADABLE_LINE.match(line):
        what = UNREADABLE[(match.lastindex or 1) - 1][1]
        raise NbestError(f"seems to be {what}; {ADVICE}")
    if line.startswith("{") and line.endswith(("}", "},")):
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
      One of `nbest_lines.FORMATS`.

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
    return found or _guess_by_ids(lines, vocabulary)


def _first_word(line, vocabulary):
    """The first of a line's words, without its factors."""
    first, *others = line.split()
    bare = without_annotations(line, vocabulary)[0].split()
    is_of_first = bare and (first.startswith(bare[0]) or TAGS.match(first))
    return bare[0] if others and is_of_first else first


def _guess_by_ids(lines, vocabulary):
    """`kaldi_n`, `kaldi` or `lines`: whether the lines' first words are ids."""
    first_words = [_first_word(line, vocabulary) for line in lines]
    num_known = sum(word in vocabulary for word in first_words)
    # An id may be a word by chance.
    if 2 * num_known >= len(first_words) or all(map(SCORE.fullmatch, first_words)):
        return LINES
    if any(len(line.split()) > 1 for line in lines):
        _refuse_joints(first_words, vocabulary)
    numbered = [match for word in first_words if (match := NUMBERED_ID.fullmatch(word))]
    if len(numbered) == len(set(first_words)) == len(first_words) > 1:
        stems = {match[1] for match in numbered}
        if len(stems) < len(first_words) and numbered[0][2] in ("0", "1"):
            return KALDI_N
    if not num_known:
        _refuse_ambiguous(first_words)
    are_names = all(NAME.fullmatch(word) for word in first_words)
    return KALDI if are_names and len(set(first_words)) > 1 else LINES


def _refuse_joints(first_words, vocabulary):
    """Refuses lines of which each begins with an id and a word without a space between them."""
    joints = [match for word in first_words if (match := JOINT.fullmatch(word))]
    are_all = len(joints) == len(first_words) > 1
    if are_all and not all(match[1] in vocabulary for match in joints):
        raise NbestError(
            f"the first lines have {joints[0][2]} within their first words, such as "
            f"{first_words[0]:.40}; write a space between an id and the words, or say "
            f"--nbest_format={KALDI} if all of that is an id, --nbest_format={LINES} if it is a "
            "word"
        )


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
    if len(first_words) > 1 or not NAME_ALONE.fullmatch(what):
        return None
    return f"each line begins with {what}; if that is an id, say --nbest_format={KALDI}"
