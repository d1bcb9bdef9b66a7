"""Signals that ask a program to end."""

import signal
from collections.abc import Iterable

# What asks a program to end; Windows has no SIGHUP.
SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


class Interrupted(KeyboardInterrupt):
    """A signal asked the program to end.

    Attributes:
      status: the exit status that shells expect, 128 + the signal's number.
    """

    def __init__(self, number, detail=None):
        """Takes the signal's number, and what the user should know."""
        message = f"stopped by {signal.Signals(number).name}"
        super().__init__(f"{message}; {detail}" if detail else message)
        self.status = 128 + number


def ignore_signals(numbers: Iterable[int] = SIGNALS) -> None:
    """Ignores further signals, so that a program that is ending can finish."""
    # A function first: Python prints a message about a signal that it has received, but not yet
    # handled, when it becomes ignored.
    for action in (_do_nothing, signal.SIG_IGN):
        for number in numbers:
            signal.signal(number, action)


def _do_nothing(*_):
    pass


def interrupt(number, _):
    """The handler that ends a program, of the signals of `SIGNALS`."""
    ignore_signals()
    raise Interrupted(number)
