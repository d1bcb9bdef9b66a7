"""What went wrong when a text was made of another: escapes, lost characters, broken words.

All of this is told from the text's beginning, and said: the text is read as it is.
"""

import re
from collections.abc import Callable, Iterable, Iterator

import regex

SEVERAL = 5  # of what is no chance
MANY = 10  # of what prose has, too
ESCAPED_TWICE = re.compile(r"&amp;(?:#\d{2,5}|[a-z]{2,6});")
ESCAPE = re.compile(r"&(?:#\d+|#x[\dA-Fa-f]+|(?!amp;)[A-Za-z]{2,8}\d{0,2});")
WITHOUT_AMPERSAND = re.compile(r"(?<![&;])#\d{2,5};|(?<![&;\w])(?:quot|amp|lt|gt);")  # AG News's
# What reading UTF-8 as Windows-1252 makes of the bytes after the first, 0x80 to 0xBF; what reading
# it as Windows-1251 does, of those that Russian words have not; and as Mac Roman.
AFTER_FIRST_BYTE = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
IN_1251 = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’•™љ›њќћџЎўЈ¤ҐЄ¬®Ї°±Ііґµ¶·єјЅѕї"
IN_MAC_ROMAN = "†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…"
MISREAD = re.compile(
    f"â€[{AFTER_FIRST_BYTE}]|[ÂÃÐÑ][{AFTER_FIRST_BYTE}]|(?:[РС][{IN_1251}]){{2}}"
    f"|‚Ä[ôúùìîò¶]|(?<=[A-Za-z])√[{IN_MAC_ROMAN}]|[\x80-\x84\x86-\x9f]"
)
LOST = re.compile("\\S{0,20}\ufffd\\S{0,20}")
ESCAPED = re.compile(
    r"\\[nrt](?![a-z])|\\u[\dA-Fa-f]{4}|(?:\\x[\dA-Fa-f]{2}){2}|\\[\"']|<U\+[\dA-F]{4,6}>"
    r"|(?:%[89A-F][\dA-F]){2}"
)
# Not `l\'eau`, in which an apostrophe is escaped.
TEX_ACCENT = re.compile(
    r"[A-Za-z]?\\[\"'^`~]\{[A-Za-z]\}[a-z]*|[A-Za-z]\\[\"^`~][aeiouynAEIOUYN][a-z]*"
)
QUOTED_PRINTABLE = re.compile(r"=[89A-F][\dA-F]=[89A-F][\dA-F]")
GLYPH = re.compile(r"\S{0,20}\(cid:\d+\)\S{0,20}")
# Marks that no language has within words; and others, as in Hawai‘i, in contractions of English.
OTHER_APOSTROPHE = regex.compile(
    r"\p{L}{1,20}(?:[´＇]\p{L}{1,20}|[`‘ʼ](?:t|s|re|ve|ll|d|m)(?!\p{L}))"
)
JOINED_MARK = re.compile(
    r"(?:</?s>|<\|endoftext\|>|<eos>)(?=[^\s<])\S{0,20}|\S{0,20}[^\s>](?:</?s>|<\|endoftext\|>|<eos>)"
)
ITALICS = regex.compile(r"(?<![\w_])_\p{L}[^_\n]{0,200}_(?!\w)")
QUOTED_LINE = regex.compile(r'(?m)^"(?:[^"\n]++|"")++"$')
JOINED_SENTENCES = regex.compile(
    r"(?<!\S)\p{L}{0,30}\p{Ll}{2}[.!?]\p{Lu}\p{Ll}*(?![\p{L}\p{N}_(.])"
)
END_OF_SENTENCE = regex.compile(r"\p{Ll}[.!?](?=\s)")
JOINED = 0.05  # of the ends that have a space
BROKEN_WORD = regex.compile(r"\p{L}{1,30}(?<=\p{Ll})[-‐\u00ad¬⸗](?=[ \t]{0,3}\r?\n\s{0,9}\p{Ll})")
BROKEN = 0.03  # of the lines


def _find(pattern: re.Pattern | regex.Pattern) -> Callable[[str], str | None]:
    """A function that returns the first of several matches in a text; None if they are few."""

    def find(sample: str) -> str | None:
        found = pattern.findall(sample)
        return found[0] if len(found) >= SEVERAL else None

    return find


def _misread(sample):
    if (found := _find(MISREAD)(sample)) is None:
        return None
    return "".join(each if each.isprintable() else f"U+{ord(each):04X}" for each in found)


def _escaped(sample):
    return None if _find(TEX_ACCENT)(sample) else _find(ESCAPED)(sample)


def _other_apostrophe(sample):
    return None if _find(MISREAD)(sample) else _find(OTHER_APOSTROPHE)(sample)


def _doubled_quotes(sample):
    found = [line for line in QUOTED_LINE.findall(sample) if '""' in line[1:-1]]
    return found[0] if len(found) >= SEVERAL else None


def _joined_sentences(sample):
    found = JOINED_SENTENCES.findall(sample)
    num_ends = len(END_OF_SENTENCE.findall(sample))
    return found[0] if len(found) >= max(MANY, JOINED * num_ends) else None


def _broken_word(sample):
    found = BROKEN_WORD.findall(sample)
    return found[0] if len(found) >= max(MANY, BROKEN * sample.count("\n")) else None


JOINED_MARKS = (
    _find(JOINED_MARK),
    "has marks that are joined to words, such as {}; write spaces around them",
)
# What finds an example, and what is said of it. The commands are for GNU sed.
FAULTS = (
    (
        _find(ESCAPED_TWICE),
        "has escapes of HTML that were escaped again, such as {}; Python's html.unescape, twice, "
        "makes characters of them",
    ),
    (
        _find(QUOTED_PRINTABLE),
        "has characters as e-mail writes them, such as {}; Python's quopri.decodestring makes "
        "characters of them",
    ),
    (
        _find(TEX_ACCENT),
        "has accents of TeX, such as {}; pylatexenc's latex2text makes characters of them",
    ),
    (
        _find(GLYPH),
        "has glyphs of a PDF without a character, such as {}; take its text by another program",
    ),
    (
        _other_apostrophe,
        "has other marks in place of apostrophes, it seems, such as {}; "
        '`sed "s/[´\\`‘＇ʼ]/\'/g" FILE` makes apostrophes of them',
    ),
    JOINED_MARKS,
    (
        _find(ESCAPE),
        "has escapes of HTML, such as {}, which are cut as words are; Python's html.unescape makes "
        "characters of them",
    ),
    (
        _misread,
        "was read in another encoding than its own once, it seems, as its {} shows; ftfy mends it",
    ),
    (
        _find(WITHOUT_AMPERSAND),
        "has escapes of HTML that lost their &, such as {}, which are cut as words are; put it "
        "back, and Python's html.unescape makes characters of them",
    ),
    (
        _escaped,
        "has characters as programs write them, such as {}, which are cut as words are; "
        r"""`sed -E 's/\\(["'\''])/\1/g; s/\\[nrt]/ /g' FILE`, Python's json.loads or the like """
        "makes characters of them",
    ),
    (
        _find(LOST),
        "lost characters when it was decoded, as its {} shows; take what it was made from",
    ),
    (
        _find(ITALICS),
        "has words between underscores, such as {}, which become parts of the words; `tr -d _ < "
        "FILE` leaves them out",
    ),
    (
        _doubled_quotes,
        "has lines with doubled quotation marks in quotation marks, such as {:.60}, as CSV has; "
        "Python's csv makes text of them",
    ),
    (
        _joined_sentences,
        "has no space after many sentences, such as in {}, and none ends there; "
        r"`sed -E 's/([[:lower:]][.!?])([[:upper:]])/\1 \2/g' FILE` puts one there",
    ),
    (
        _broken_word,
        "has words that are cut at the end of a line, it seems, such as {}, and each becomes two; "
        r"`sed -zE 's/([[:alpha:]])(-|‐|¬|⸗|\xc2\xad)[ \r]*\n *([[:lower:]])/\1\3/g' FILE` joins "
        "them",
    ),
)


def in_words(sample: str, faults: Iterable[tuple[Callable, str]] = FAULTS) -> Iterator[str]:
    """Yields what to say of the text that a sample is the beginning of, such as "has escapes"."""
    for find, what in faults:
        if example := find(sample):
            yield what.format(example)
