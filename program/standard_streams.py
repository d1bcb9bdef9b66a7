"""What every program does with its standard streams, those in `data/` included.

It imports nothing beyond Python's own library.
"""

import os
import sys
from typing import TextIO


def open_closed() -> None:
    """Opens standard streams that are closed, or the next file opened would get their output.

    To read from one, or to write to it, is an error then, so that no result is lost in silence.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The wrong way round. It takes the lowest free number.
            os.open(os.devnull, os.O_WRONLY if number == 0 else os.O_RDONLY)
            setattr(sys, name, open(number, "r" if number == 0 else "w"))  # noqa: SIM115


def prepare_output() -> None:
    """Makes standard output UTF-8 with line feeds, as all files are, unless it is a terminal.

    Windows would write another encoding, which depends on the country. A terminal keeps its own; a
    character that it lacks is escaped.
    """
    if sys.stdout.isatty():
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    else:
        sys.stdout.reconfigure(  # type: ignore[union-attr]
            encoding="utf-8", errors="backslashreplace", newline="\n"
        )


def discard(stream: TextIO) -> None:
    """Redirects a standard stream to nowhere, with what it still has in its buffer."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
