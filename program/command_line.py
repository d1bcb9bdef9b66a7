"""How a script runs: its flags are parsed, and a mistake is answered in one line."""

import os
import re
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags

from program import standard_streams
from program.errors import UserError
from program.messages import say
from program.signals import SIGNALS, Interrupted, ignore_signals, interrupt


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
            signal.signal(number, interrupt)
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
