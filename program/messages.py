"""Messages to the user: a line on standard error."""

import sys

from program import standard_streams


def one_line(message: str) -> str:
    """A message in which what files and servers have put into it is shown, not obeyed."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)


def say(message: str) -> None:
    """Prints a line on standard error; ignores a closed standard error."""
    try:
        print(message, file=sys.stderr, flush=True)
    except OSError:
        standard_streams.discard(sys.stderr)
