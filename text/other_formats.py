"""What a text is in that is no text: markup, tables, subtitles, words with tags, and the like.

Cut into words, such a text becomes a corpus of tags and numbers. All of this is told from the
text's beginning, and only if much of it shows it: prose has a tag or a table now and then.
"""

import collections
import re
from collections.abc import Callable
from typing import NamedTuple

import regex

MIN_PIECES = 10  # that show it; fewer may be chance
MIN_LINES = 10  # of a table
SEVERAL = 3  # of what is no chance
MOST = 0.8  # of the lines, for columns to be in them
MAX_WORD_LENGTH = 25  # characters; a longer piece is a sentence of a script without spaces


class Sign(NamedTuple):
    """What shows a format.

    Attributes:
      pattern: of what shows it.
      share: of a text's pieces or lines that must match as a whole.
      what: what the text has, or is, to be said.
    """

    pattern: re.Pattern
    share: float
    what: str


HEADER = (
    r"(?:From|To|Subject|Date|Path|Newsgroups|Xref|Organization|Message-I[Dd]|Return-Path|Received"
    r"|Delivered-To|MIME-Version|X-[\w-]{1,30}): "
)
# How whole files begin.
BEGINNINGS = (
    (r"\{\\rtf", "is RTF"),
    (r"<\?xml|<!DOCTYPE|<html|<mediawiki", "is XML or HTML"),
    (r"\\data\\", "is an n-gram model"),
    (r"#!MLF!#", "is a label file of HTK"),
    (r"File type = \"ooTextFile", "is a TextGrid of Praat"),
    (r"WEBVTT|\[Script Info\]", "is a file of subtitles"),
    (r"-DOCSTART-|# (?:sent_id|newdoc|global\.columns)\b", "is a table, a word a line"),
    (r"\{\s*\"[^\"\n]{0,200}\"\s*:|\[\s*(?:\{\s*\"|([\"'])[^\n]{0,800}?\1\s*[,\]])", "has JSON"),
    (r"# ::(?:id|snt)\b", "is AMR, the meanings of sentences"),
    (r"WARC/\d", "is a WARC archive"),
    (r"version https://git-lfs", "is a pointer of Git LFS, and not the file itself"),
    (rf"From \S+@\S+\s|{HEADER}[^\n]*\n(?:[ \t][^\n]*\n)*[A-Z][\w-]+: ", "has headers of e-mail"),
)  # fmt: skip
CLOCK = r"\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d{1,3})?"
NOON = r"(?:\s?[AaPp]\.?[Mm]\.?)?"
# Bounded, so that the time is linear in the text's length.
TAG = (
    r"</[A-Za-z][\w:.-]{0,50}>|<[A-Za-z][\w:.-]{0,50}\s[^<>=]{0,200}=[^<>]{0,1000}>"
    r"|<(?:[Pp]|[bh]r|g)\s{0,9}/?>|<[A-Za-z]\w{0,9}\s[A-Z\d][A-Z\d:.-]{0,20}>"  # <w NN1>
)
SENTENCE_TAG = re.compile(r"</[sSw]>")  # or that of a word, as BPE marks it
MARKUP = (
    (re.compile(TAG), 0.01, "tags of XML or HTML"),
    (re.compile(r"\b(?:_[A-Z]{2,20}){2,4}_\b|_NEWLINE_"), 0.002, "marks of paragraphs"),  # wiki40b
    (re.compile(r"\\[A-Za-z]+(?=[{\[])"), 0.01, "commands of TeX"),
    (re.compile(r"\[\[[^\[\]]+\]\]"), 0.02, "markup of a wiki"),
    (
        re.compile(
            r"(?m)^#{1,6}[^\S\n](?!\w+ = )\S|^```|\*\*[^\s*][^*\n]{0,200}\*\*"
            r"|\[[^\[\]\n]{1,200}\]\([^()\s]{1,300}\)"
        ),
        0.01,
        "markup of Markdown",
    ),
    (re.compile(r"__eo[ut]__|<newline>|(?<=\w)_comma_"), 0.002, "marks of turns or lines"),
    (
        re.compile(
            r"\[/(?:[biu]|url|img|quote|code|size|color)\]"
            r"|\[(?:url|quote|size|color)=[^\[\]\n]{1,300}\]"
        ),
        0.01,
        "BBCode",
    ),
    (
        re.compile(r"\{\\(?:an?\d|[ibus][01]|pos|fad|fn|fs\d|c&|k\d|move)[^{}\n]{0,100}\}"),
        0.005,
        "commands of subtitles",
    ),
    (re.compile(r"《[\u3041-\u30ff]{1,20}》|［＃"), 0.01, "readings of characters"),  # Aozora's
    (re.compile(r"<\|im_(?:start|end)\|>"), 0.002, "marks of turns or lines"),
    (re.compile(r"\x1b\[[\d;]{0,20}m"), 0.002, "colours of a terminal"),
    (re.compile(r".\x08."), 0.002, "letters that are printed twice, as by man"),
    (re.compile(rf"\[{CLOCK}\]"), 0.005, "times in brackets"),
)
# How marks are called, where they are read aloud.
MARKS = (
    "COMMA|PERIOD|POINT|COLON|HYPHEN|DASH|QUOTE|UNQUOTE|MARK|PAREN|BRACE|ELLIPSIS|SLASH|PERCENT|"
    "AMPERSAND|SIGN|APOSTROPHE"
)
# Of the words.
PIECES = (
    Sign(re.compile(r"[^\s|]+(?:\|[^\s|]+)+"), 0.5, "words with factors"),  # owl|NN
    Sign(re.compile(r"[^\s￨]+(?:￨[^\s￨]+)+"), 0.5, "words with factors"),  # owl￨L
    *(
        Sign(re.compile(rf"[^\s]+{mark}[^\s{mark}]+"), 0.5, "words with tags")
        for mark in "/_#"  # owl/NN
    ),
    Sign(re.compile(r"\((?:[A-Z]+(?:[-=$][-=\w$]*)?|\d)"), 0.2, "parse trees"),  # (NP (NN owl))
    Sign(re.compile(r"\|\|\||\+{3}\$\+{3}"), 0.01, "several columns"),  # an owl ||| eine Eule
    Sign(re.compile(r"__label__\S+"), 0.01, "labels of fastText"),
    Sign(re.compile(r"(?:_[^\s_]+|[^\s_]+_)"), 0.3, "pieces of words"),  # _the _ow l
    Sign(re.compile(r"@@\S+"), 0.02, "pieces of words"),  # ow @@l
    Sign(re.compile(r"[^\s:]+:(?:O|[BIES]-\S+)"), 0.5, "words with tags"),
    Sign(
        re.compile(rf"[^\w\s]{{1,2}}(?:[A-Z]+-)*(?:{MARKS})(?:-[A-Z]+)*"),
        0.02,
        "marks with their names",
    ),
    Sign(re.compile(r"[^\W\d]+[+~]|[+~][^\W\d]+"), 0.1, "pieces of words"),  # ow+ +l
)
# Lines that are a tag and its content, as in the talks of IWSLT; a few are no chance.
TAGGED_LINES = (
    Sign(
        re.compile(r"<(?![sS]>)([A-Za-z][\w:.-]*)(?:\s[^<>]*)?>.*</\1>"),
        0.01,
        "tags of XML or HTML",
    ),
    # A tag alone, as between the articles of an encyclopedia.
    Sign(
        re.compile(r"</(?![sSw]>)[A-Za-z][\w:.-]*>|<[A-Za-z][\w:.-]*\s[^<>=]*=[^<>]*>"),
        0.002,
        "tags of XML or HTML",
    ),
)
JSON = (
    r"\{.*[\"'].*\},?|\"\w+\":.*|\".*\","
    r"|\[\s*(?:[\"'\[{]|-?\d[\d.]*,).*\],?"  # a list, but not [CLS] an owl [SEP]
)
# Of the lines.
LINES = (
    Sign(re.compile(r".*\d\d?:\d\d[.,:]\d+.*-->.*"), 0.1, "subtitles"),
    Sign(re.compile(r"\d+:\d\d:\d\d\.\d+,\d+:\d\d:\d\d\.\d+"), 0.1, "subtitles"),
    Sign(re.compile(JSON), 0.3, "JSON"),
    Sign(re.compile(r"\|.*\|"), 0.4, "tables"),
    Sign(re.compile(r"(?:msgid|msgstr)\s\".*"), 0.3, "messages of gettext"),
    Sign(re.compile(rf"(?:(?:[^\W\d_a-z][\w.'-]*|\d+)\s+){{0,4}}\W?{CLOCK}{NOON}\W{{0,2}}"), 0.25,
         "times on lines of their own"),
    Sign(re.compile(r"\d{1,5}"), 0.25, "numbers on lines of their own"),
    Sign(re.compile(r"b(['\"]).*\1|tf\.Tensor\(.*"), 0.3, "bytes as Python prints them"),
    Sign(re.compile(r"A -?\d+ -?\d+\|\|\|.*"), 0.1, "edits, as M2 files have"),
    Sign(re.compile(r"\S+\s\S+\s\S+\s\d+\.\d+\s\d+\.\d+\s<\S*>\s.*"), 0.3, "lines of an STM file"),
    Sign(re.compile(r"[A-Z]{3,5}:[a-z]+\s.*"), 0.8, "labels"),  # TREC's NUM:date
    Sign(re.compile(rf".{{1,40}}(?:\[\d+[./]\d+[./]\d+ {CLOCK}\]|— \w+ at {CLOCK}{NOON})"), 0.2,
         "names and times on lines of their own"),  # Telegram's, Discord's
    Sign(re.compile(r"INSERT INTO .*"), 0.1, "SQL"),
    Sign(re.compile(r"\.(?:TH|SH|SS|PP|TP|IP|BR)\b.*|=(?:head\d|over|item|back|cut)\b.*"
                    r"|@(?:node|chapter|section|item|end|cindex)\b.*|commit [\da-f]{40}"), 0.05,
         "commands of documentation"),
    Sign(re.compile(r"[^\s\",]{1,40},\"[^\s\",].*|.*[^\s\",]\",[^\s\",]{1,40}"), 0.1,
         "columns with commas between them"),
)  # fmt: skip
# Commas of prose that have no space after them: `1,000`, `3,5`, `"No," he`.
COMMA_WITHIN = r"""(?<=\d,)(?:\d{3}|\d{1,9}(?!\d|[.,]\S))|["']+(?:\s|$)"""
COMMAS = "commas"
# What stands between columns, the same number of times in each line.
SEPARATORS = (
    (regex.compile(r"\t"), "tabs"),
    (regex.compile(r"(?<!<)\|(?!>|$)"), "bars"),  # Hindi may end with one, for a danda
    # Not that of &amp; or of one that lost its &.
    (regex.compile(r"(?<![&#]#?\w{1,8}|\b(?:quot|amp|lt|gt));(?!\s|$)"), "semicolons"),
    (regex.compile(rf"(?<=[!-?A-~]),(?=[!-?A-~])(?!{COMMA_WITHIN})"), COMMAS),
)
SHORT_CELL = re.compile(r"\S*|\".*\"")
TAG_ALONE = re.compile(r"[A-Z][A-Z0-9$.:_-]*|_")
FRACTION = re.compile(r"[-+]?\d+\.\d+")
UNSPACED_SCRIPT = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def what_it_has(sample: str) -> tuple[str, str] | None:
    """What a text has beside words alone.

    Args:
      sample: the beginning of the text.

    Returns:
      `(what, example)`, such as `("has tags of XML or HTML", "<p>")`; None if it has nothing.
    """
    beginning = sample.lstrip()[:1000]
    for pattern, what in BEGINNINGS:
        if match := re.match(pattern, beginning):
            return what, match[0].partition("\n")[0]
    pieces = sample.split()
    lines = [line.strip() for line in sample.split("\n") if line.strip()]
    ends = [line if len(line) < 300 else f"{line[:150]}{line[-150:]}" for line in lines]
    found = (
        _markup(sample, len(pieces))
        or _find(PIECES, pieces, MIN_PIECES)
        or _find(TAGGED_LINES, ends, SEVERAL)
        or _find(LINES, ends, MIN_LINES // 2)
        or _columns(lines)
        or _table_of_words(lines)
    )
    return (f"has {found[0]}", found[1]) if found else None


def _markup(sample, num_pieces):
    for pattern, share, what in MARKUP:
        found = [tag for tag in pattern.findall(sample) if not SENTENCE_TAG.fullmatch(tag)]
        if len(found) >= max(share * num_pieces, MIN_PIECES // 2):
            return what, found[0]
    return None


def _find(signs, texts, least):
    """The first sign that enough of the texts show, `(what, example)`; or None."""
    for sign in signs:
        found = [text for text in texts if sign.pattern.fullmatch(text)]
        if len(found) >= max(sign.share * len(texts), least):
            return sign.what, found[0]
    return None


def _columns(lines):
    """The columns of most lines, as many in each; tabs, which prose has hardly, may differ."""
    if len(lines) < MIN_LINES:
        return None
    for pattern, name in SEPARATORS:
        numbers = collections.Counter(len(pattern.findall(line)) for line in lines)
        number, how_often = numbers.most_common(1)[0]
        has_tabs = name == "tabs" and len(lines) - numbers[0] >= 0.4 * len(lines)
        are_columns = number > 0 and how_often >= MOST * len(lines)
        if name == COMMAS and are_columns:
            are_columns = _has_short_column([pattern.split(line) for line in lines], number + 1)
        if has_tabs or are_columns:
            example = next(line for line in lines if pattern.search(line))
            return f"columns with {name} between them", example
    return None


def _has_short_column(rows, width):
    """Whether a column has one word in most rows, or what stands in quotation marks."""
    columns = zip(*(row for row in rows if len(row) == width))
    return any(
        sum(1 for cell in column if SHORT_CELL.fullmatch(cell)) >= MOST * len(rows)
        for column in columns
    )


def _is_column_of(matches: Callable, rows: list, place: int) -> bool:
    return sum(1 for row in rows if matches(row[place])) >= 0.95 * len(rows)


def _table_of_words(lines):
    """A word a line, perhaps with its tags; or a number in each line."""
    rows = [line.split() for line in lines]
    if len(rows) < 2 * MIN_LINES:
        return None
    width, how_often = collections.Counter(map(len, rows)).most_common(1)[0]
    if width == 1 and how_often >= 0.9 * len(rows):
        words = [row[0] for row in rows]
        is_long = max(map(len, words)) > MAX_WORD_LENGTH
        # As people write, whatever their lines.
        has_ends = sum(len(w) > 1 and w[-1] in ".!?" for w in words) >= 0.02 * len(words)
        is_prose = is_long or has_ends or any(map(UNSPACED_SCRIPT.search, words))
        if len(rows) >= 5 * MIN_LINES and not is_prose:
            return "one word a line", words[0]
    elif 1 < width < 12 and how_often >= 0.9 * len(rows):
        same = [row for row in rows if len(row) == width]
        for word, count in ((0, 1), (1, 0)) if width == 2 else ():
            differ = len({row[word] for row in same}) >= 0.95 * len(same)
            if differ and _is_column_of(lambda cell: cell.isdecimal(), same, count):
                return "a word and its count in each line", " ".join(same[0])
        tags = [_is_column_of(TAG_ALONE.fullmatch, same, place) for place in range(width)]
        if tags[-1] and not all(tags):
            return "columns", " ".join(same[0])
    long = [row for row in rows if len(row) > 2]
    for place in range(3):
        if len(long) >= 0.9 * len(rows) and _is_column_of(FRACTION.fullmatch, long, place):
            return "a number in each line", long[0][place]
    return None
