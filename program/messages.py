"""What the user is told: results on standard output, messages on standard error."""

import sys

from program import standard_streams
from program.progress_bar import printing


class OutputError(OSError):
    """Standard output cannot be written to."""


def one_line(message: str) -> str:
    """A message in which what files and servers have put into it is shown, not obeyed."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)


def say(message: str) -> None:
    """Prints a line on standard error; ignores a closed standard error."""
    try:
        with printing():
            print(message, file=sys.stderr, flush=True)
    except OSError:
        standard_streams.discard(sys.stderr)


def report(text: str, end: str = "\n") -> None:
    """Prints a line of the results on standard output, at once.

    Raises:
      OutputError: that cannot be done. It is an OSError of its own, so that no other file's error
        is taken for it.
    """
    try:
        with printing():
            print(text, end=end, flush=True)
    except OSError as error:
        raise OutputError(error.errno, error.strerror, "standard output") from None
