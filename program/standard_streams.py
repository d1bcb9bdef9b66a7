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


def discard(stream: TextIO) -> None:
    """Redirects a standard stream to nowhere, with what it still has in its buffer."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
