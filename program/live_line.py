"""A line on the terminal that says how much is done."""

import datetime
import sys
import time


class LiveLine:
    """A line on the terminal that is overwritten: how much of an epoch is done, and the time left.

    It is shorter than the lines of progress that are printed over it. It is shown only if standard
    output and standard error are terminals.
    """

    def __init__(self, total, shown=None):
        """Takes the number of windows there are, and whether to show it, if the caller decides."""
        self._total = total
        self._first = None
        self._shown = 0.0
        self._terminal = sys.stdout.isatty() and sys.stderr.isatty() if shown is None else shown

    def show(self, done: int) -> None:
        """Shows how many windows are done, at most five times a second."""
        now = time.monotonic()
        self._first = self._first or (now, done)
        if not self._terminal or now < self._shown + 0.2:
            return
        self._shown = now
        start, first_done = self._first
        text = f"{done / self._total:.0%}"
        if done > first_done:
            seconds = (now - start) / (done - first_done) * (self._total - done)
            text += f", {datetime.timedelta(seconds=round(seconds))} left"
        self._write(f"\033[K{text}\r")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Removes it."""
        if self._terminal:
            self._write("\033[K")

    def _write(self, text):
        """Writes to the terminal, until that fails: the terminal may be gone."""
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._terminal = False
