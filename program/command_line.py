"""What the command-line programs share: a quiet start, and mistakes answered in one line.

It imports no TensorFlow, so that a program can call `import_tensorflow` before anything does.
"""

import contextlib
import datetime
import os
import platform
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

from absl import app, flags

from program import standard_streams

# What asks a program to end; Windows has no SIGHUP.
SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]


class UserError(ValueError):
    """An error that the user can correct; the message is one line that says how."""

    def __str__(self):
        """The message; what files and servers may have put into it is shown, not obeyed."""
        return standard_streams.one_line(super().__str__())


class RequestError(UserError):
    """A request that cannot be met; the message names the flag and says what to do."""


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


def say(message: str) -> None:
    """Prints a line on standard error; ignores a closed standard error."""
    try:
        print(message, file=sys.stderr, flush=True)
    except OSError:
        standard_streams.discard(sys.stderr)


@contextlib.contextmanager
def no_standard_error() -> Iterator[None]:
    """Redirects file descriptor 2, which TensorFlow's C++ writes to, to nowhere."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def turn_on_onednn() -> None:
    """Turns on oneDNN's kernels on x86, unless the user has set them; call before TensorFlow loads.

    TensorFlow leaves them off on x86 processors without AVX512_VNNI or newer, where a training step
    takes up to 1.28 times as long without them. Other processors were not measured, and keep
    TensorFlow's own choice.
    """
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def import_tensorflow() -> None:
    """Imports TensorFlow with oneDNN, and without its start-up and deprecation messages.

    The environment variable `TF_CPP_MIN_LOG_LEVEL=0` keeps all messages. 1 and 2 keep those that
    TensorFlow's C++ prints at that level, later on.
    """
    standard_streams.open_closed()
    turn_on_onednn()
    quiet = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "0"
    # The import takes seconds. Within TensorFlow's C++, the exception of Ctrl-C may get lost or be
    # taken for another. Nothing needs to be tidied up yet, so the process ends at once.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, lambda number, _: os._exit(128 + number))
    try:
        # TensorFlow prints some messages before it reads the level.
        with no_standard_error() if quiet else contextlib.nullcontext():
            import tensorflow as tf

            if quiet:
                tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    finally:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)


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


def ignore_signals(numbers: Iterable[int] = SIGNALS) -> None:
    """Ignores further signals, so that a program that is ending can finish."""
    # A function first: Python prints a message about a signal that it has received, but not yet
    # handled, when it becomes ignored.
    for action in (_do_nothing, signal.SIG_IGN):
        for number in numbers:
            signal.signal(number, action)


def _do_nothing(*_):
    pass


def _interrupt(number, _):
    ignore_signals()
    raise Interrupted(number)


def run(main: Callable) -> NoReturn:
    """Parses the flags and calls `main`, without arguments; never returns.

    A `UserError` ends the program with one line on standard error and status 1. A signal ends it
    with status 128 + the signal's number, as shells expect.
    """
    program = os.path.basename(sys.argv[0])
    # The terminal's encoding may lack a word.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # by default, some end it without a line
            signal.signal(number, _interrupt)
    try:
        try:
            app.run(lambda _: main(), flags_parser=_parse_flags)
        finally:
            ignore_signals()
    except (UserError, flags.Error) as error:
        say(f"{program}: {error}")
        sys.exit(1)
    except Interrupted as error:
        say(f"{program}: {error}")
        sys.exit(error.status)
    except OSError as error:  # from standard output: other files raise errors of their own
        if not isinstance(error, BrokenPipeError):  # the reader closed it on purpose
            say(f"{program}: standard output: {error.strerror}")
        sys.exit(1)
    finally:
        try:
            sys.stdout.flush()
        except OSError:  # Python would flush once more at its end, and fail
            standard_streams.discard(sys.stdout)


def _parse_flags(argv):
    """Parses the flags for absl, which by itself prints more than one line about a mistake."""
    try:
        rest = flags.FLAGS(argv)[1:]
    except flags.Error as error:
        message = re.sub(r"invalid literal for int\(\) .*", "must be a whole number", str(error))
        message = re.sub(r"could not convert string to float.*", "must be a number", message)
        raise flags.Error(f"{message} (--help explains the flags)") from None
    except SystemExit:  # --help; absl would end with status 1
        sys.stdout.flush()
        sys.exit(0)
    if rest:
        raise flags.Error(f"{rest[0]} is not a flag (--help explains the flags)")
    return argv[:1]
