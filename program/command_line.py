"""How a script runs: its flags are parsed, and a mistake is answered in one line."""

import contextlib
import errno
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from absl import app, flags

from program import standard_streams, tensorflow_start
from program.errors import UserError
from program.messages import one_line, say
from program.signals import (
    SIGNALS,
    Interrupted,
    ignore_signals,
    interrupt,
    repeat_if_dropped,
)


def start(define: Callable[[], None], check: Callable[[flags.FlagValues], None]) -> None:
    """Parses the flags, and then imports TensorFlow, which takes seconds.

    `--help` and a mistake of the user's are answered before that, as in `run`.

    Args:
      define: defines the script's flags, in absl's own registry.
      check: raises UserError if values are impossible, or files missing.
    """
    with _ending_in_one_line():
        standard_streams.open_closed()
        standard_streams.prepare_output()
        app.define_help_flags()
        known = set(flags.FLAGS)
        define()
        for name in set(flags.FLAGS) - known:  # --help shows the script's own flags
            flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])
        _parse_flags(sys.argv)
        check(flags.FLAGS)
    tensorflow_start.import_tensorflow()


def run(main: Callable[[], None]) -> NoReturn:
    """Calls `main` after `start`; never returns.

    A `UserError` ends the program with one line on standard error and status 1. A signal ends it
    with status 128 + the signal's number, as shells expect.
    """
    for number in SIGNALS:
        # Not what is ignored, or handled by a program in C around this one.
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, interrupt)  # by default, some end it without a line
    sys.unraisablehook = repeat_if_dropped
    with _ending_in_one_line():
        try:
            app.run(lambda _: main(), flags_parser=lambda argv: argv[:1])
        finally:
            ignore_signals()
    sys.exit(0)


@contextlib.contextmanager
def _ending_in_one_line() -> Iterator[None]:
    """Ends the program with one line, and the right status, at what is raised within."""
    program = os.path.basename(sys.argv[0])
    try:
        yield
    except (UserError, flags.Error) as error:
        say(f"{program}: {error}")
        sys.exit(1)
    except Interrupted as error:
        say(f"{program}: {error}")
        sys.exit(error.status)
    except OSError as error:
        if error.errno != errno.EPIPE:  # whoever reads standard output closed it on purpose
            place = f"{error.filename}: " if error.filename else ""
            say(f"{program}: {one_line(place)}{error.strerror or error}")
        sys.exit(1)
    finally:
        try:
            sys.stdout.flush()
        except OSError:  # Python would flush once more at its end, and fail
            standard_streams.discard(sys.stdout)


def _parse_flags(argv):
    """Parses the flags; absl by itself would print more than one line about a mistake."""
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
