"""What the command-line programs share: a quiet start, and mistakes answered in one line.

It imports no TensorFlow, so that a program can call `import_tensorflow` before anything does.
"""

import contextlib
import os
import sys

from absl import app, flags


class RequestError(ValueError):
    """A request that cannot be met; the message names the flag and says what to do."""


@contextlib.contextmanager
def _no_standard_error():
    """Closes file descriptor 2, which TensorFlow's C++ writes to past `sys.stderr`."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def import_tensorflow():
    """Imports TensorFlow without its start-up and deprecation chatter.

    Whoever sets `TF_CPP_MIN_LOG_LEVEL` wants to read the chatter, and does.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with _no_standard_error():  # some messages come before the level is looked at
        import tensorflow as tf

        tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)


def run(main, user_errors):
    """Parses the flags and calls `main`; never returns.

    A mistake of the user's ends the program with one line on standard error and status 1, an
    interrupt with status 130.

    Args:
      main: called without arguments.
      user_errors: tuple of the exceptions that are the user's mistakes.
    """
    program = os.path.basename(sys.argv[0])

    def parse_flags(argv):
        try:
            rest = flags.FLAGS(argv)[1:]
        except flags.Error as error:
            sys.exit(f"{program}: {error} (--help explains the flags)")
        if rest:
            sys.exit(f"{program}: {rest[0]} is no flag (--help explains the flags)")
        return argv[:1]

    def call_main(_):
        try:
            main()
        except user_errors as error:
            sys.exit(f"{program}: {error}")
        except KeyboardInterrupt:
            print(f"{program}: interrupted", file=sys.stderr)
            sys.exit(130)
        except BrokenPipeError:  # whoever read standard output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    app.run(call_main, flags_parser=parse_flags)
