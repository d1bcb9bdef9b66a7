"""Lines and sentences: where a text is cut, in any language and within bounded memory."""

import itertools
from collections.abc import Iterable, Iterator

import regex

# A longer line or sentence comes in several pieces.
MAX_LENGTH = 1 << 16
# How far a sentence's beginning is looked at before it is known to be one.
MAX_LOOKAHEAD = 64

IDEOGRAPH = r"[\p{Han}\p{Hiragana}\p{Katakana}]"
# Quotation marks, brackets, and the dash that begins a line of dialogue.
OPENING = r"""(?:["'\p{Ps}\p{Pi}\p{Pf}¿¡—–]\s*|-\s+)*+"""
BOUNDARY = regex.compile(
    rf"""
    # Marks that need no space after them, such as the danda and those of Chinese and Japanese.
    (?: [\p{{STerm}}--[.!?．]] | (?<={IDEOGRAPH})[.!?](?=\s*+{IDEOGRAPH}) )
    [\p{{STerm}}…]*+ ["'\p{{Pe}}\p{{Pf}}]*+ \s*+ (?![\p{{Ll}}\p{{Pe}}\p{{Pf}},،、，;؛:…])
  | # Other marks, if white space and a capital follow, or a letter of a script without case.
    (?P<mark> [.!?…\N{{GREEK QUESTION MARK}}] | (?<=\p{{Greek}}\p{{M}}*); ) [.!?…]*+
    ["'\p{{Pe}}\p{{Pf}}\p{{Pi}}]*+ (?:\s+[»”"](?=\s))? \s+ (?={OPENING}[\p{{Lu}}\p{{Lt}}\p{{Lo}}])
  | \n [^\S\n]*+ \n \s*+
    """,
    regex.VERBOSE | regex.V1,
)
# A period after these ends no sentence: titles; and initials and abbreviations of single letters,
# unless a word follows that sentences often begin with.
TITLE = regex.compile(
    r"(?i)(?:mrs?|ms|messrs|drs?|prof|st|sen|rep|gen|gov|col|capt|lt|sgt|rev|hon|mme|mlle|sra?|vs|cf)"
)
INITIALS = regex.compile(r"\p{Lu}|(?:\p{L}\.)+\p{L}")
FREQUENT_STARTER = regex.compile(
    r"""["'“‘(]*(?:The|An?|He|She|It|We|They|You|This|That|There|In|But|And)\s"""
)
LAST_WORD = regex.compile(r"(?r)(?<![\p{L}\p{M}\p{N}_'’.])[\p{L}\p{M}.]+")


def cut(text: str, end: int) -> int:
    """Where to cut a text off before `end`: after white space, or else before no mark."""
    found = regex.search(r"(?r)\s(?=\S)", text, endpos=end, partial=False)
    if not found:
        found = regex.search(r"(?r).(?=[^\p{M}\p{Cf}])", text, regex.DOTALL, endpos=end)
    return found.end() if found else end


def with_last_line_end(blocks: Iterable[str]) -> Iterator[str]:
    """Yields the text of `blocks`, and a line end if the last line has none."""
    last = "\n"
    for block in blocks:
        last = block[-1:] or last
        yield block
    if last != "\n":
        yield "\n"


def split_lines(blocks: Iterable[str]) -> Iterator[str]:
    """Cuts text into lines, one after another; see `split_lines_of_blocks`."""
    return itertools.chain.from_iterable(split_lines_of_blocks(blocks))


def split_lines_of_blocks(blocks: Iterable[str]) -> Iterator[list[str]]:
    """Cuts text into lines, those of a block together, as soon as they have come.

    Args:
      blocks: the parts of the text.

    Yields:
      Lists of lines, each with its line end, which the last one may lack; a line of more than
      `MAX_LENGTH` characters in several pieces, cut between words if it has any.
    """
    rest = ""
    for block in blocks:
        *lines, rest = (rest + block).split("\n")
        pieces = [f"{line}\n" for line in lines]
        while len(rest) > MAX_LENGTH:
            end = cut(rest, MAX_LENGTH)
            pieces.append(rest[:end])
            rest = rest[end:]
        if pieces:
            yield pieces
    if rest:
        yield [rest]


def _is_within_sentence(text, boundary):
    """Whether a `BOUNDARY` is only behind an abbreviation's period, and the sentence goes on."""
    mark = boundary.start("mark")
    if mark < 0 or text[mark : mark + 2].rstrip() != ".":
        return False
    word = LAST_WORD.match(text, max(0, mark - MAX_LOOKAHEAD), mark)
    if not word:
        return False
    if INITIALS.fullmatch(word[0]):
        return not FREQUENT_STARTER.match(text, boundary.end())
    return TITLE.fullmatch(word[0]) is not None


def split_sentences(blocks: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Cuts text into sentences, which end at blank lines too.

    A sentence ends at any script's marks: at `.`, `!`, `?` or `…` if a capital follows, or a letter
    of a script without case; quotation marks and brackets that close there belong to it.

    Args:
      blocks: the parts of the text.

    Yields:
      `(text, ends)`: text, and whether the sentence ends with it; a sentence of more than
      `MAX_LENGTH` characters comes in several pieces, cut between words if it has any.
    """
    rest, is_begun = "", False
    for block in itertools.chain(blocks, [None]):
        rest += block or ""
        known = len(rest) - (0 if block is None else MAX_LOOKAHEAD)
        start = 0
        for boundary in BOUNDARY.finditer(rest):
            if boundary.end() > known:
                break
            if not _is_within_sentence(rest, boundary):
                sentence = rest[start : boundary.end()].strip()
                if sentence or is_begun:
                    yield sentence, True
                start, is_begun = boundary.end(), False
        rest = rest[start:]
        while len(rest) > 2 * MAX_LENGTH:
            end = cut(rest, MAX_LENGTH)
            yield rest[:end], False
            rest, is_begun = rest[end:], True
    if rest.strip() or is_begun:
        yield rest.strip(), True
