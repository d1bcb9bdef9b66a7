"""TensorFlow imported fast, and quiet. Nothing here imports it before it is asked for."""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator

from program import hardware, standard_streams


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
    if hardware.is_x86():
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def without(*packages: str) -> Iterator[None]:
    """Within it, packages that are not imported yet are as if they were not installed."""
    missing = [name for name in packages if name not in sys.modules]
    for name in missing:
        sys.modules[name] = None  # type: ignore[assignment]  # makes its import fail
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Within it no garbage is looked for, nor ever again among what is there at its end."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _take_the_message_of_the_first_session(tf):
    """Runs a session where TensorFlow 2.18 to 2.20 tell, at any log level, what they do not do."""
    if tf.__version__.startswith(("2.18.", "2.19.", "2.20.")):
        # On a GPU, it would take the memory.
        without_gpu = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
        with tf.Graph().as_default(), tf.compat.v1.Session(config=without_gpu) as session:
            session.run(tf.no_op())


def import_tensorflow() -> None:
    """Imports TensorFlow with oneDNN, and without its start-up and deprecation messages.

    The environment variable `TF_CPP_MIN_LOG_LEVEL=0` keeps all messages. 1 and 2 keep those that
    TensorFlow's C++ prints at that level, later on.
    """
    standard_streams.open_closed()
    turn_on_onednn()
    # What NumPy multiplies here are vectors. Its threads would spend the time waiting for others.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    quiet = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "0"
    # The import takes seconds. Within TensorFlow's C++, the exception of Ctrl-C may get lost or be
    # taken for another. Nothing needs to be tidied up yet, so the process ends at once.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, lambda number, _: os._exit(128 + number))
    try:
        # TensorFlow prints some messages before it reads the level.
        with no_standard_error() if quiet else contextlib.nullcontext():
            # It would import them if they are there, and do nothing with them here. The collector
            # would take a fifth of the time, and later look at TensorFlow's objects now and then.
            is_there = "tensorflow" in sys.modules
            collector = contextlib.nullcontext() if is_there else without_garbage_collection()
            with without("jax", "matplotlib"), collector:
                import tensorflow as tf

            if quiet:
                _take_the_message_of_the_first_session(tf)
                tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    finally:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
