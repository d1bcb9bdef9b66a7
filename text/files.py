"""Files of text, read block by block: the one place that knows how text lies in a file.

Text is UTF-8. A line ends with a line feed, which carriage returns may precede. A carriage return
alone is white space; only in a text without line feeds it ends a line, as on old Macs. Byte order
marks are left out, wherever they are: files that were put together have several.
"""

import codecs
import contextlib
import itertools
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from program.messages import say

STANDARD_INPUT = "-"
BLOCK_BYTES = 1 << 16
# How much text after a carriage return may lack a line feed before its lines are an old Mac's.
MAX_UNDECIDED = 1 << 20

BYTE_ORDER_MARK = "\ufeff"
SPARE = re.compile(r"(?<!\r)\r+(?=\n)")  # carriage returns of one line end


# How files begin that are no UTF-8 text, and what they are.
OTHER_FILES = (
    (b"\x1f\x8b", "is compressed by gzip; unpack it"),
    (b"BZh", "is compressed by bzip2; unpack it"),
    (b"\xfd7zXZ", "is compressed by xz; unpack it"),
    (b"\x28\xb5\x2f\xfd", "is compressed by zstd; unpack it"),
    (b"PK\x03\x04", "is a zip archive, or a document in one; take the text out"),
    (b"7z\xbc\xaf", "is a 7z archive; take the text out"),
    (b"%PDF", "is a PDF; take the text out, such as by pdftotext"),
    (b"PAR1", "is a Parquet table; write its column of text as lines"),
    (b"\x89HDF", "is an HDF5 file, no text"),
    (b"\x93NUMPY", "is a NumPy array, no text"),
    (b"\xff\xfe\x00\x00", "is UTF-32 text; save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "is UTF-32 text; save it as UTF-8"),
    (b"\xff\xfe", "is UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "is UTF-16 text; save it as UTF-8"),
)


class TextError(ValueError):
    """A file that is no UTF-8 text; the message says where and what to do."""


def read_blocks(
    path: str, block_bytes: int | None = None, says: bool = True, keeps_returns: bool = False
) -> Iterator[str]:
    """Yields a file's text, as much as there is to be had at once; all line ends are line feeds.

    Args:
      path: of UTF-8 text; `-` is standard input.
      block_bytes: the most to read at once; None: `BLOCK_BYTES`.
      says: say if it has the line ends of an old Mac.
      keeps_returns: leave carriage returns as they are.

    Raises:
      TextError: it is not UTF-8, or contains a NUL byte.
      OSError: it cannot be read.
    """
    blocks = _decoded_blocks(path, block_bytes or BLOCK_BYTES)
    if keeps_returns:
        yield from blocks
        return
    name = "standard input" if path == STANDARD_INPUT else path
    yield from _with_line_feeds(blocks, name if says else None)


def _decoded_blocks(path, block_bytes):
    decoder: Any = codecs.getincrementaldecoder("utf-8")()
    num_lines, beginning = 1, b""
    with contextlib.ExitStack() as stack:
        if path == STANDARD_INPUT:
            file: Any = sys.stdin.buffer
        else:
            file = stack.enter_context(open(path, "rb"))
        data = None
        while data != b"":
            data = file.read1(block_bytes)
            beginning = beginning or data[:8]
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                _refuse_other_file(beginning)
                num_lines += error.object[: error.start].count(b"\n")
                byte = error.object[error.start]
                raise TextError(
                    f"line {num_lines} is not UTF-8 text (byte {byte:#04x}); save it as UTF-8"
                ) from None
            if "\0" in text:
                _refuse_other_file(beginning)
                num_lines += text[: text.index("\0")].count("\n")
                raise TextError(
                    f"line {num_lines} contains a NUL byte; save it as plain UTF-8 text"
                )
            num_lines += text.count("\n")
            yield text.replace(BYTE_ORDER_MARK, "")


def _refuse_other_file(beginning):
    for magic, what in OTHER_FILES:
        if beginning.startswith(magic):
            raise TextError(what) from None


def _with_line_feeds(blocks: Iterable[str], name: str | None) -> Iterator[str]:
    """Yields text with a line feed for each of its line ends; `name` is the text's, in messages."""
    blocks = iter(blocks)
    undecided: list[str] = []
    num_undecided = 0
    for block in blocks:
        if "\n" in block or num_undecided > MAX_UNDECIDED:
            undecided.append(block)
            break
        if undecided or "\r" in block:
            undecided.append(block)
            num_undecided += len(block)
        else:
            yield block
    beginning = "".join(undecided)
    first = beginning.find("\r")
    has_mac_lines = first >= 0 and "\n" not in beginning[: first + MAX_UNDECIDED]
    if has_mac_lines and name:
        say(f"{name}: has carriage returns and no line feeds; each ends a line, as on old Macs")
    held = ""  # carriage returns at a block's end: a line feed may follow
    for block in itertools.chain([beginning], blocks):
        text = held + block
        end = len(text.rstrip("\r"))
        text, held = text[:end], text[end:]
        if "\r" in text:
            text = text.replace("\r\n", "\n")
            text = text.replace("\r", "\n") if has_mac_lines else SPARE.sub("", text)
        yield text
    if held:
        yield "\n" if has_mac_lines else held
