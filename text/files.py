"""Files of text, read block by block."""

import codecs
import contextlib
import io
import sys
from collections.abc import Iterator
from typing import Any

STANDARD_INPUT = "-"
BLOCK_BYTES = 1 << 16


class TextError(ValueError):
    """A file that is no UTF-8 text; the message says where and what to do."""


def read_blocks(path: str) -> Iterator[str]:
    """Yields a file's text, as much as there is to be had at once; all line ends are line feeds.

    Args:
      path: of UTF-8 text, of which a byte order mark is left out; `-` is standard input.

    Raises:
      TextError: it is not UTF-8, or contains a NUL byte.
      OSError: it cannot be read.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), True)
    num_lines = 1
    with contextlib.ExitStack() as stack:
        if path == STANDARD_INPUT:
            file: Any = sys.stdin.buffer
        else:
            file = stack.enter_context(open(path, "rb"))
        data = None
        while data != b"":
            data = file.read1(BLOCK_BYTES)
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                num_lines += error.object[: error.start].count(b"\n")
                byte = error.object[error.start]
                raise TextError(
                    f"line {num_lines} is not UTF-8 text (byte {byte:#04x}); save it as UTF-8"
                ) from None
            if "\0" in text:
                num_lines += text[: text.index("\0")].count("\n")
                raise TextError(
                    f"line {num_lines} contains a NUL byte; save it as plain UTF-8 text"
                )
            num_lines += text.count("\n")
            yield text
