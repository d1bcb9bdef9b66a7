"""Words and sentence ends: which words a text has, the same for training, scoring and preparing.

Words are what stands between white space, and a line end is the word `<eos>`. Some texts mark where
a sentence begins and ends by words as well. What marks a beginning is left out. What marks an end
becomes `<eos>`, and so does a line end; but the two together are one `<eos>`.
"""

import collections
import re
from collections.abc import Container, Iterable, Iterator

from text.preparation import Preparation
from text.tokenizer import END_OF_SENTENCE

BEGINNINGS = ("<s>", "<S>", "<bos>", "<BOS>", "<sos>", "<SOS>")
ENDS = (END_OF_SENTENCE, "<EOS>", "</s>", "</S>", "<|endoftext|>")
ANY_MARK = re.compile("|".join(map(re.escape, (*BEGINNINGS, *ENDS))))
# What a line end is: `<eos>`, a word of its own; or, as in the TF1 script, the characters `<eos>`
# without spaces, so that a line that does not end with a space makes a word like `man<eos>the`.
APART, JOINED = LINE_ENDS = ("apart", "joined")


class Marks:
    """Takes the marks of beginnings and ends out of the words of a text, and counts them.

    Attributes:
      counts: `Counter` of str, how often the text had each mark.
    """

    def __init__(self, vocabulary: Container[str] = ()):
        """Begins a text. A mark that is in `vocabulary` is a word like others, but for `<eos>`."""
        self._ends = {end for end in ENDS if end not in vocabulary or end == END_OF_SENTENCE}
        self._marks = self._ends.union(mark for mark in BEGINNINGS if mark not in vocabulary)
        self._has_words = False  # the sentence so far
        self._is_owed = False  # an `<eos>` for a mark, which a line end may pay
        self.counts: collections.Counter[str] = collections.Counter()

    def has_none(self, words: list[str], ends_line: bool) -> bool:
        """Whether `words` has no mark, so that what it returns is known; arguments as there."""
        if self._is_owed or not self._marks.isdisjoint(words):
            return False
        self._has_words = not ends_line and (self._has_words or bool(words))
        return True

    def words(self, words: list[str], ends_line: bool) -> list[str]:
        """The words of a line or of its next part, with `<eos>` where a sentence ends.

        Args:
          words: what stands between white space.
          ends_line: the line ends after them.
        """
        if not self.has_none(words, ends_line):
            words = self._without_marks(words)
        if not ends_line:
            return words
        self._has_words = self._is_owed = False
        return [*words, END_OF_SENTENCE]

    def _without_marks(self, words):
        kept = []
        for word in words:
            if word not in self._marks:
                kept += [END_OF_SENTENCE, word] if self._is_owed else [word]
                self._has_words, self._is_owed = True, False
                continue
            self.counts[word] += 1
            if word in self._ends and self._has_words:
                self._has_words, self._is_owed = False, True
        return kept

    def words_of_text(self, text: str) -> list[str]:
        """Likewise of any number of lines, and faster; `text` does not end within a word."""
        if self._is_owed or ANY_MARK.search(text):
            *lines, rest = text.split("\n")
            words = [word for line in lines for word in self.words(line.split(), True)]
            return words + self.words(rest.split(), False)
        words = text.replace("\n", f" {END_OF_SENTENCE} ").split()
        if words:
            self._has_words = words[-1] != END_OF_SENTENCE
        return words

    def last_words(self) -> list[str]:
        """The `<eos>` that is due at the end of a text whose last line has no line end."""
        is_owed, self._is_owed = self._is_owed, False
        return [END_OF_SENTENCE] if is_owed else []

    def in_words(self) -> str:
        """What to say of the marks; empty if there were none."""
        if not self.counts:
            return ""
        counts = ", ".join(f"{mark} ({count})" for mark, count in self.counts.items())
        return f"taken for a sentence's beginning or end, not for words: {counts}"


def words_of_blocks(blocks: Iterable[str], marks: Marks) -> Iterator[list[str]]:
    """Yields the words of a text, those of a block together.

    Args:
      blocks: the parts of the text, which may end within a word.
      marks: what takes the marks out.
    """
    unfinished = ""
    for block in blocks:
        text = unfinished + block
        unfinished = "" if text[-1:].isspace() else "".join(text.rsplit(maxsplit=1)[-1:])
        yield marks.words_of_text(text.removesuffix(unfinished))
    yield marks.words_of_text(unfinished) + marks.last_words()


def whole_line(beginning: str, pieces: Iterator[str]) -> Iterator[str]:
    """Yields a line's pieces: its beginning, and what follows of it in `pieces`."""
    piece: str | None = beginning
    while piece:
        yield piece
        piece = None if piece.endswith("\n") else next(pieces, None)


def words_of_line(
    pieces: Iterable[str], marks: Marks, how: Preparation | None = None
) -> Iterator[tuple[list[str], bool]]:
    """Yields `(words, ends_line)`, the words of a line in one part or more.

    Args:
      pieces: of the line, one after another; the last one has the line end, if it has any.
      marks: what takes the marks out.
      how: the line is raw text, to be prepared so; it may hold several sentences, and `<eos>` is
        between them. None: words stand between white space.
    """
    if how is None:
        for piece in pieces:
            ends_line = piece.endswith("\n")
            yield marks.words(piece.split(), ends_line), ends_line
        return
    ends_line = follows = False

    def watched() -> Iterator[str]:
        nonlocal ends_line
        for piece in pieces:
            ends_line = piece.endswith("\n")
            yield piece

    for tokens, ends in how.sentences_of(watched()):
        if follows:
            yield marks.words([], True), False
        yield marks.words(tokens, False), False
        follows = ends
    yield marks.words([], ends_line), ends_line
