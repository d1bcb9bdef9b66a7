"""Keeps TensorFlow's start-up and deprecation chatter off the user's screen.

For programs, not for libraries: a script calls `import_tensorflow` before anything imports
TensorFlow. Whoever sets `TF_CPP_MIN_LOG_LEVEL` wants to read the chatter, and does.
"""

import contextlib
import os
import sys


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
    """Imports TensorFlow, saying nothing unless it fails."""
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with _no_standard_error():  # some messages come before the level is looked at
        import tensorflow as tf

        tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
