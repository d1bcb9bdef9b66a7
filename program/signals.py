"""Signals that ask a program to end."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

# What asks a program to end; Windows has no SIGHUP.
SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]

REPEAT_SECS = 0.01


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


def repeat_if_dropped(unraisable: Any) -> None:
    """The `sys.unraisablehook` of programs whose handler is `interrupt`.

    Python drops what is raised while it deletes an object, and goes on. So the signal comes again.
    """
    if not isinstance(unraisable.exc_value, Interrupted):
        sys.__unraisablehook__(unraisable)
        return
    number = unraisable.exc_value.status - 128
    signal.signal(number, interrupt)
    # A moment later: what is raised within the hook is dropped, too.
    threading.Timer(REPEAT_SECS, _send_to_main_thread, [number]).start()


def _send_to_main_thread(number):
    """Sends a signal, so that the main thread does not go on sleeping; Windows cannot do that."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


@contextlib.contextmanager
def last_resort(first_secs: float, second_secs: float) -> Iterator[None]:
    """Ends the program some time after a signal if it still runs: C may not return to Python.

    Python's handlers run only between two of Python's instructions. But Python's part in C notes
    each signal at once, and a thread learns of it.

    Args:
      first_secs: how long after the first signal.
      second_secs: how long after a second one.
    """
    if threading.current_thread() is not threading.main_thread():  # others may not watch signals
        yield
        return
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    threading.Thread(target=_watch, args=[receiver, first_secs, second_secs], daemon=True).start()
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        sender.close()


def _watch(receiver, *limits):
    """Reads the numbers of signals; ends the program when the time after one is over."""
    deadline, number, waits = None, 0, list(limits)
    while True:
        receiver.settimeout(deadline and max(deadline - time.monotonic(), 0.001))
        try:
            received = receiver.recv(1)
        except TimeoutError:
            os._exit(128 + number)
        if not received:  # what was watched is over
            return
        if waits and received[0] in SIGNALS:
            number, limit = received[0], waits.pop(0)
            deadline = time.monotonic() + limit
