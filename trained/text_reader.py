"""Texts read as the words of a model: lines of a text, or the hypotheses of lists."""

import collections
import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

import reader
from program import errors, messages
from program.progress_bar import progress_bar, size_of_files
from text import (
    beside_words,
    files,
    nbest_format,
    nbest_lines,
    other_formats,
    other_tokenizers,
    preparation,
    sentences,
    words_of_lines,
)
from text.nbest_reader import ListReader

# How much is read at once: lines that come together are scored together.
BLOCK_BYTES = 1 << 18
# How much of a list waits for its end: what its hypotheses have in common is then read once.
MAX_LIST_WORDS = 1 << 17
# How many unknown words are looked at to tell whether the text is raw, and how many must seem so.
MAX_EXAMINED, MIN_RAW_SHARE = 1000, 0.02
# How many lines show whether there are words alone in them, how much of each, and how many must.
NUM_FIRST_LINES, MAX_LENGTH, MIN_STRANGE_SHARE = 100, 300, 0.25


class Piece(NamedTuple):
    """A line, or a part of a very long one: memory stays bounded whatever its length.

    Attributes:
      words: list of str; with `<eos>` where the line ends.
      ids: int32 array, those of the words that can be scored.
      num_unknown: int, how many words are not in the vocabulary.
      ends_line: bool.
      hypothesis: a `nbest_lines.Hypothesis`, where lines are such.
      ends_list: bool, it is known to be the last hypothesis of its list.
    """

    words: list
    ids: np.ndarray
    num_unknown: int
    ends_line: bool
    hypothesis: nbest_lines.Hypothesis | None = None
    ends_list: bool = False


NO_PIECE = Piece([], np.zeros(0, np.int32), 0, True)


def read_text(path, flag="--text", block_bytes=None, keeps_returns=False):
    """Yields the text of the file that a flag names, block by block; `-` is standard input.

    Args:
      path: str.
      flag: str, to name in messages.
      block_bytes, keeps_returns: see `files.read_blocks`.

    Raises:
      errors.RequestError: it cannot be read, or is no text.
    """
    try:
        yield from files.read_blocks(path, block_bytes, keeps_returns=keeps_returns)
    except files.TextError as error:
        raise errors.RequestError(f"{flag}={path}: {error}") from None
    except OSError as error:
        message = f"{flag}={path}: cannot be read: {error.strerror}"
        raise errors.RequestError(message) from None


class TextReader:
    """Reads lines as words of a vocabulary, and remembers what there is to say of them."""

    def __init__(self, word_to_id, how=None, raw=False, nbest_format=None, leave_out=False):
        """Takes what the text is.

        Args:
          word_to_id: dict of str to int.
          how: the `preparation.Preparation` of the model's corpus; None if it is not known.
          raw: bool, prepare lines so; otherwise their words are separated by white space.
          nbest_format: one of `nbest_lines.FORMATS` or `nbest_reader.GUESS`, if the lines are
            hypotheses.
          leave_out: bool, leave out unknown words even if there is an `<unk>`.
        """
        self._leave_out = leave_out or reader.UNKNOWN not in word_to_id
        self._word_to_id, self._how = word_to_id, how
        self._prepare = how if raw else None
        self._num_words = self._num_unknown = self._num_examined = self._num_raw = 0
        self._marks = words_of_lines.Marks(word_to_id)
        self._line = 0
        self._first_lines: list[str] = []
        self._unknown: collections.Counter = collections.Counter()  # the first ones
        self._lists = ListReader(nbest_format, word_to_id) if nbest_format else None

    def read(self, paths, complete_last_line=False):
        """Yields lists of `Piece`, line by line, as soon as lines have come.

        Args:
          paths: list of str, see `read_text`; all but the last file's last line ends with an
            `<eos>` although no line end is there.
          complete_last_line: bool, so does the last file's.

        Raises:
          errors.RequestError: a file cannot be read, or its lines are no hypotheses.
        """

        def watched(path: str) -> Iterator[str]:
            for block in read_text(path, block_bytes=BLOCK_BYTES):
                yield block
                if not bar.disable:
                    bar.update(len(block.encode()))

        with progress_bar(size_of_files(paths), "Scored") as bar:
            for number, path in enumerate(paths, start=1):
                blocks, self._line = watched(path), 0
                if complete_last_line or number < len(paths):
                    blocks = sentences.with_last_line_end(blocks)
                pieces = self._blocks_of_pieces(self._lines_of_blocks(blocks))
                yield from _whole_lists(pieces) if self._lists else pieces
                if self._lists:
                    with self._naming_line():
                        self._lists.end()

    def _lines_of_blocks(self, blocks):
        """Yields lists of lines."""
        lines_of_blocks = sentences.split_lines_of_blocks(blocks)
        if not self._lists:
            yield from lines_of_blocks
            return
        try:
            yield from self._lists.with_format(lines_of_blocks)
        except nbest_lines.NbestError as error:
            raise errors.RequestError(f"--text: {error}") from None

    def _blocks_of_pieces(self, lines_of_blocks):
        """Yields lists of `Piece`: those of a block's whole lines, and each of a longer line's."""
        read = (
            (line, number == len(those_of_block))
            for those_of_block in lines_of_blocks
            for number, line in enumerate(those_of_block, start=1)
        )
        pieces = []
        for line, is_last_of_block in read:
            self._line += 1
            if line.endswith("\n"):
                pieces.append(self._whole_line(line))
            else:
                yield from [pieces] if pieces else []
                pieces = []
                for piece in self._pieces_of_line(line, (each for each, _ in read)):
                    yield [piece]
            if is_last_of_block and pieces:
                yield pieces
                pieces = []
        if pieces:
            yield pieces

    def _whole_line(self, line):
        """The `Piece` of a line."""
        hypothesis = None
        if self._lists:
            with self._naming_line():
                hypothesis = self._lists.parse(line.removesuffix("\n"))
            if not hypothesis:
                return NO_PIECE
            line = f"{hypothesis.words}\n"
        else:
            self._remember(line)
        parts = words_of_lines.words_of_line([line], self._marks, self._prepare)
        return self._piece([word for words, _ in parts for word in words], True, hypothesis)

    def _remember(self, line):
        if len(self._first_lines) < NUM_FIRST_LINES and line.strip():
            self._first_lines.append(line.strip()[:MAX_LENGTH])

    def _pieces_of_line(self, beginning, following):
        """Yields the `Piece`s of a line, of which more is to be read than its beginning."""
        if self._lists:
            with self._naming_line():
                raise nbest_lines.NbestError("is too long a hypothesis")
        self._remember(beginning)
        ends_line = False
        for words, ends_line in words_of_lines.words_of_line(
            words_of_lines.whole_line(beginning, following), self._marks, self._prepare
        ):
            yield self._piece(words, ends_line)
        if not ends_line:  # and neither does the text
            yield self._piece(self._marks.last_words(), True)

    def _piece(self, words, ends_line, hypothesis=None):
        ids, num_unknown, _ = reader.words_to_ids([words], self._word_to_id, self._leave_out)
        self._num_words += len(words)
        self._num_unknown += num_unknown
        if num_unknown and self._num_examined < MAX_EXAMINED:
            self._examine(words)
        return Piece(words, ids, num_unknown, ends_line, hypothesis)

    def read_joined(self, paths):
        """Like `read`, with line ends as in the TF1 script: in words like `man<eos>the`.

        Such a word belongs to the line that it begins in.
        """
        pending: list[str] = []
        is_unfinished = False
        texts = (block for path in paths for block in read_text(path, keeps_returns=True))
        for line in sentences.split_lines(texts):
            joined = reader.join_line_ends(line)
            words = joined.split()
            if is_unfinished and words and not joined[0].isspace():
                pending[-1] += words.pop(0)
            if words:
                if pending:
                    yield [self._joined_piece(pending)]
                pending = words
            is_unfinished = not joined[-1].isspace()
        if pending:
            yield [self._joined_piece(pending)]

    def _joined_piece(self, words):
        ids, num_unknown, _ = reader.words_to_ids([words], self._word_to_id, self._leave_out)
        self._num_words += len(words)
        self._num_unknown += num_unknown
        return Piece(words, ids, num_unknown, True)

    @contextlib.contextmanager
    def _naming_line(self):
        """Says which line a list's fault is in."""
        try:
            yield
        except nbest_lines.NbestError as error:
            raise errors.RequestError(f"--text: line {max(1, self._line)} {error}") from None

    def _examine(self, words):
        """Counts the unknown words, and those of them that would be known if they were prepared."""
        unknown = [word for word in words if word not in self._word_to_id]
        self._num_examined += len(unknown)
        self._unknown.update(unknown)
        if self._prepare:
            return
        how = self._how
        if how in (None, preparation.TOKENIZED):
            how = preparation.Preparation()
        self._num_raw += sum(how.makes_known(word, self._word_to_id) for word in unknown)

    def report(self):
        """Says on standard error what became of words that are not the model's."""
        for note in self._lists.notes() if self._lists else ():
            messages.say(note)
        if self._num_unknown:
            fate = f"became {reader.UNKNOWN}"
            if self._leave_out:
                fate = "were left out"
            messages.say(f"{self._num_unknown} words are not in the vocabulary and {fate}")
        if self._marks.counts:
            messages.say(self._marks.in_words())
        # Of lists, their reader says it.
        pieces = "" if self._lists else other_tokenizers.about_pieces(self._unknown)
        if pieces:
            messages.say(f"--text: has {pieces}")
        elif what := _beside_words(self._first_lines, self._word_to_id):
            messages.say(f"--text: {what}")
        elif self._num_raw > 1 and self._num_raw > MIN_RAW_SHARE * self._num_words:
            remedy = "--raw_text prepares the text as the corpus was"
            if self._how in (None, preparation.TOKENIZED):
                remedy = (
                    "prepare the text as the corpus was, which does not say how (no "
                    f"{preparation.FILE})"
                )
            messages.say(
                f"{self._num_raw} words are unknown only for their case or punctuation: {remedy}"
            )


def _beside_words(lines, vocabulary):
    """What the first lines of a text have beside words, to be said; None if nothing."""
    scored = "and all of it was scored as words"
    if found := _lines_of_lists(lines):
        what, remedy = found
        return f"{what}, {scored}; {remedy}"
    found = other_formats.what_it_has("".join(f"{line}\n" for line in lines))
    if found and not all(word in vocabulary for word in found[1].split()):
        return f"{found[0]}, as its {found[1]:.40} shows, {scored}; leave only the words"
    beside = beside_words.find(lines, vocabulary)
    return beside_words.in_words(beside, "scored as words") if beside else None


def _lines_of_lists(lines):
    """What many of the lines are that may be hypotheses, and what to do; None if they are not."""
    signs: collections.Counter = collections.Counter()
    for line in lines:
        try:
            signs[nbest_format.sign(line)] += 1
        except nbest_lines.NbestError as error:
            signs[f"its lines seem {str(error).removeprefix('seems ').partition(';')[0]}"] += 1
    del signs[None]
    for sign, count in signs.most_common(1):
        if count >= MIN_STRANGE_SHARE * len(lines):
            if sign in nbest_lines.FORMATS:
                return f"seems to be {nbest_format.IN_WORDS[sign]}", "--nbest reads them"
            return sign, "leave only the words"
    return None


def _whole_lists(blocks):
    """Joins and cuts blocks of hypotheses where a list ends, unless it is a very long one."""
    held: list[Piece] = []
    num_words, key = 0, None
    for pieces in blocks:
        end = 0
        for number, piece in enumerate(pieces, start=len(held)):
            # An empty line ends a list without an id. With ids, it may be a line to pass over.
            here = piece.hypothesis.key if piece.hypothesis else key or None
            if here != key:
                key, end = here, number
        held += pieces
        num_words += sum(len(piece.ids) for piece in pieces)
        if end:
            last = next((i for i in reversed(range(end)) if held[i].hypothesis), None)
            if last is not None:
                held[last] = held[last]._replace(ends_list=True)
        elif num_words > MAX_LIST_WORDS:
            end = len(held)
        if end:
            yield held[:end]
            held = held[end:]
            num_words = sum(len(piece.ids) for piece in held)
    if held:
        yield held
