"""Texts read as the words of a model: lines of a text, or the hypotheses of lists."""

import collections
import contextlib
import os
import sys
from typing import NamedTuple

import numpy as np

import reader
from program import errors, live_line, messages
from text import files, nbest, preparation, sentences
from text.list_reader import ListReader

# What some corpora begin and end a line with; here the line's end is the end.
START_OF_LINE, END_OF_LINE = "<s>", ("</s>", reader.END_OF_SENTENCE)
# How many unknown words are looked at to tell whether the text is raw, and how many must seem so.
MAX_EXAMINED, MIN_RAW_SHARE = 1000, 0.02


class Piece(NamedTuple):
    """A line, or a part of a very long one: memory stays bounded whatever its length.

    Attributes:
      words: list of str; with `<eos>` where the line ends.
      ids: int32 array, those of the words that can be scored.
      num_unknown: int, how many words are not in the vocabulary.
      ends_line: bool.
      hypothesis: a `nbest.Hypothesis`, where lines are such.
    """

    words: list
    ids: np.ndarray
    num_unknown: int
    ends_line: bool
    hypothesis: nbest.Hypothesis | None = None


NO_PIECE = Piece([], np.zeros(0, np.int32), 0, True)


def read_text(path, flag="--text"):
    """Yields the text of the file that a flag names, block by block; `-` is standard input.

    Raises:
      errors.RequestError: it cannot be read, or is no text.
    """
    try:
        yield from files.read_blocks(path)
    except files.TextError as error:
        raise errors.RequestError(f"{flag}={path}: {error}") from None
    except OSError as error:
        message = f"{flag}={path}: cannot be read: {error.strerror}"
        raise errors.RequestError(message) from None


class TextReader:
    """Reads lines as words of a vocabulary, and remembers what there is to say of them."""

    def __init__(self, word_to_id, how=None, raw=False, nbest_format=None):
        """Takes what the text is.

        Args:
          word_to_id: dict of str to int.
          how: the `preparation.Preparation` of the model's corpus; None if it is not known.
          raw: bool, prepare lines so; otherwise their words are separated by white space.
          nbest_format: one of `nbest.FORMATS` or `list_reader.GUESS`, if the lines are
            hypotheses.
        """
        self._word_to_id, self._how = word_to_id, how
        self._prepare = how.tokens_of_line if raw and how else None
        self._num_words = self._num_unknown = self._num_examined = self._num_raw = 0
        self._marks: collections.Counter[str] = collections.Counter()
        self._line = 0
        self._lists = ListReader(nbest_format, word_to_id) if nbest_format else None

    def read(self, paths, complete_last_line=False):
        """Yields lists of `Piece`, line by line, as soon as lines have come.

        Args:
          paths: list of str, see `read_text`; all but the last file's last line ends with an
            `<eos>` although no line end is there.
          complete_last_line: bool, so does the last file's.
        """
        total = sum(map(os.path.getsize, paths)) if all(map(os.path.isfile, paths)) else 0
        shown = bool(total) and sys.stderr.isatty() and not sys.stdout.isatty()
        done = 0
        with live_line.LiveLine(total, shown) as line_of_progress:
            for number, path in enumerate(paths, start=1):
                blocks, self._line = read_text(path), 0
                if complete_last_line or number < len(paths):
                    blocks = sentences.with_last_line_end(blocks)
                is_ended = True
                for lines in self._lines_of_blocks(blocks):
                    pieces = []
                    for line in lines:
                        pieces.append(self._piece(line, is_ended))
                        is_ended = pieces[-1].ends_line
                    yield pieces
                    done += sum(len(line.encode()) for line in lines) if shown else 0
                    line_of_progress.show(done)
                if not is_ended:
                    yield [NO_PIECE]
                self._end_lists()

    def _lines_of_blocks(self, blocks):
        lines_of_blocks = sentences.split_lines_of_blocks(blocks)
        if not self._lists:
            yield from lines_of_blocks
            return
        try:
            yield from self._lists.with_format(lines_of_blocks)
        except nbest.NbestError as error:
            raise errors.RequestError(f"--text: {error}") from None

    def _piece(self, line, begins_line):
        """The `Piece` of a line or a part of it; `begins_line` if the line begins with it."""
        ends_line, hypothesis = line.endswith("\n"), None
        self._line += begins_line
        if self._lists:
            hypothesis = self._parse(self._lists, line, begins_line and ends_line)
            if not hypothesis:
                return NO_PIECE
            line = hypothesis.words
        if self._prepare:
            words = self._prepare(line, between=[reader.END_OF_SENTENCE])
        else:
            words = line.split()
        if ends_line:
            words = [*self._without_marks(words, begins_line), reader.END_OF_SENTENCE]
        ids, num_unknown, _ = reader.words_to_ids([words], self._word_to_id)
        self._num_words += len(words)
        self._num_unknown += num_unknown
        if num_unknown and not self._prepare and self._num_examined < MAX_EXAMINED:
            self._examine(words)
        return Piece(words, ids, num_unknown, ends_line, hypothesis)

    def _parse(self, lists, line, is_whole):
        """The `Hypothesis` of a line; None if it has none."""
        if not is_whole:
            self._refuse("is too long a hypothesis")
        with self._naming_line():
            return lists.parse(line.removesuffix("\n"))

    def _refuse(self, message):
        raise errors.RequestError(f"--text: line {max(1, self._line)} {message}") from None

    @contextlib.contextmanager
    def _naming_line(self):
        """Says which line a list's fault is in."""
        try:
            yield
        except nbest.NbestError as error:
            self._refuse(error)

    def _end_lists(self):
        if self._lists:
            with self._naming_line():
                self._lists.end()

    def _without_marks(self, words, begins_line):
        """Leaves out what marks a line's beginning and end, unless it is a word of the model's."""
        is_end = words and words[-1] in END_OF_LINE
        if is_end and (words[-1] == reader.END_OF_SENTENCE or words[-1] not in self._word_to_id):
            self._marks[words[-1]] += 1
            words = words[:-1]
        if begins_line and words[:1] == [START_OF_LINE] and START_OF_LINE not in self._word_to_id:
            self._marks[START_OF_LINE] += 1
            words = words[1:]
        return words

    def _examine(self, words):
        """Counts the unknown words that would be known if the text was prepared."""
        how = self._how
        if how in (None, preparation.TOKENIZED):
            how = preparation.Preparation()
        self._num_examined += sum(word not in self._word_to_id for word in words)
        self._num_raw += sum(how.makes_known(word, self._word_to_id) for word in words)

    def report(self):
        """Says on standard error what became of words that are not the model's."""
        if self._num_unknown:
            fate = f"became {reader.UNKNOWN}"
            if reader.UNKNOWN not in self._word_to_id:
                fate = "were left out"
            messages.say(f"{self._num_unknown} words are not in the vocabulary and {fate}")
        if self._lists and (message := self._lists.in_words()):
            messages.say(message)
        if self._marks:
            marks = ", ".join(f"{mark} ({count})" for mark, count in self._marks.items())
            messages.say(f"taken for a line's beginning or end, not for words: {marks}")
        if self._num_raw > 1 and self._num_raw > MIN_RAW_SHARE * self._num_words:
            remedy = "--raw_text prepares the text as the corpus was"
            if self._how in (None, preparation.TOKENIZED):
                remedy = (
                    "prepare the text as the corpus was, which does not say how (no "
                    f"{preparation.FILE})"
                )
            messages.say(
                f"{self._num_raw} words are unknown only for their case or punctuation: {remedy}"
            )
