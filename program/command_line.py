"""How a script runs: its flags are parsed, TensorFlow is imported, and `main` is called."""

import builtins
import re
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags

from program import exit_status, standard_streams, tensorflow_import
from program.signals import (
    SIGNALS,
    ignore_signals,
    interrupt,
    repeat_if_dropped,
)

OWN_FLAGS = ("script_flags.", "program.")  # how the modules are called that define flags


def start(define: Callable[[], None], check: Callable[[flags.FlagValues], None]) -> None:
    """Parses the flags, and then imports TensorFlow, which takes seconds.

    `--help` and a mistake of the user's are answered before that, as in `run`.

    Args:
      define: defines the script's flags, in absl's own registry.
      check: raises UserError if values are impossible, or files missing.
    """
    with exit_status.ending_in_one_line():
        standard_streams.open_closed()
        standard_streams.prepare_output()
        app.define_help_flags()
        _forget_flags()
        known = set(flags.FLAGS)
        define()
        for name in set(flags.FLAGS) - known:  # --help shows the script's own flags
            flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])
        _parse_flags(sys.argv)
        check(flags.FLAGS)
    tensorflow_import.import_tensorflow()


def run(main: Callable[[], None]) -> NoReturn:
    """Calls `main` after `start`; never returns.

    A `UserError` ends the program with one line on standard error and status 1. A signal ends it
    with status 128 + the signal's number, as shells expect.
    """
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        # Not what is ignored, or handled by a program in C around this one.
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, interrupt)  # by default, some end it without a line
    sys.unraisablehook = repeat_if_dropped
    with exit_status.ending_in_one_line():
        try:
            app.run(lambda _: main(), flags_parser=lambda argv: argv[:1])
        finally:
            ignore_signals()
            if hasattr(builtins, "__IPYTHON__"):  # where `%run` ends, the process goes on
                for number, handler in handlers.items():
                    if handler is not None:  # that of a program in C cannot be set from here
                        signal.signal(number, handler)
    sys.exit(0)


def _forget_flags():
    """Removes the flags of a script that ran before in this process, as by IPython's `%run`."""
    for name in list(flags.FLAGS):
        if str(flags.FLAGS.find_module_defining_flag(name)).startswith(OWN_FLAGS):
            delattr(flags.FLAGS, name)


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
