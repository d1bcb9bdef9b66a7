"""Lines and sentences: where a text is cut, in any language and within bounded memory."""

import itertools
from collections.abc import Iterable, Iterator

import regex

from text.sentence_ends import (
    BOUNDARY,
    MAX_LOOKAHEAD,
    MAX_LOOKBEHIND,
    first_undecided,
    is_within_sentence,
)

# A longer line or sentence comes in several pieces.
MAX_LENGTH = 1 << 16


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


def split_sentences(blocks: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Cuts text into sentences, which end at blank lines too.

    A sentence ends at any script's marks: at `.`, `!`, `?` or `…` if a capital follows, or a letter
    of a script without case; quotation marks and brackets that close there belong to it, and so do
    references to notes, such as `[1]`.

    Args:
      blocks: the parts of the text.

    Yields:
      `(text, ends)`: text, and whether the sentence ends with it; a sentence of more than
      `MAX_LENGTH` characters comes in several pieces, cut between words if it has any.
    """
    # `rest` has some text before the sentence, too, which begins at `start`; what looks like an end
    # is known up to `searched`, and all that does up to `known`.
    rest, start, searched, is_begun = "", 0, 0, False
    for block in itertools.chain(blocks, [None]):
        rest += block or ""
        known = len(rest) - (0 if block is None else MAX_LOOKAHEAD)
        undecided = known if block is None else first_undecided(rest, known)
        for boundary in BOUNDARY.finditer(rest, searched):
            if (end := boundary.end()) > known or boundary.start() > undecided:
                undecided = min(undecided, boundary.start())
                break
            searched = end
            while end - start > 2 * MAX_LENGTH:
                cut_off = start + cut(rest[start:end], MAX_LENGTH)
                yield rest[start:cut_off], False
                start, is_begun = cut_off, True
            if not is_within_sentence(rest, -1 if is_begun else start, boundary):
                sentence = rest[start:end].strip()
                if sentence or is_begun:
                    yield sentence, True
                start, is_begun = end, False
        while known - start > 2 * MAX_LENGTH:
            cut_off = start + cut(rest[start:], MAX_LENGTH)
            yield rest[start:cut_off], False
            start, is_begun = cut_off, True
        searched = max(searched, undecided)
        kept = max(0, start - MAX_LOOKBEHIND)
        rest, start, searched = rest[kept:], start - kept, max(searched, start) - kept
    if rest[start:].strip() or is_begun:
        yield rest[start:].strip(), True
