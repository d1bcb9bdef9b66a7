"""Opens a TF1 session for training, with a Supervisor, on this machine or on several."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf

import reader

tf1 = tf.compat.v1

# What a session raises if another machine was lost.
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.DeadlineExceededError,
    tf.errors.CancelledError,
)


class Server(NamedTuple):
    """The TensorFlow server that runs a session.

    Attributes:
      target: str, what the session connects to; empty for this process.
      device: str, where variables and text are; None: TensorFlow decides.
      step_timeout_secs: float; if a step takes longer, a machine counts as lost; 0: no limit.
    """

    target: str = ""
    device: str | None = None
    step_timeout_secs: float = 0


HERE = Server()


@contextlib.contextmanager
def open_session(
    checkpoint: str | None,
    restorer: Any,
    session_config: tf.compat.v1.ConfigProto,
    server: Server = HERE,
) -> Iterator[tf.compat.v1.Session]:
    """Opens a session with the current graph's variables initialized or restored, and its texts.

    A Supervisor opens it, without its services. Those are threads: they would save in the middle of
    a step, and their summaries would read windows that training then misses. Nor does it get the
    directory: it would choose the checkpoint by itself, and write a graph of twice the size.

    Args:
      checkpoint: the path of the checkpoint to restore, or None to initialize.
      restorer: a `Saver` to restore it with, or None.
      session_config: a `ConfigProto`.
      server: a `Server`.

    Yields:
      The `Session`.
    """
    if server.step_timeout_secs:
        session_config = tf1.ConfigProto.FromString(session_config.SerializeToString())
        session_config.operation_timeout_in_ms = int(1000 * server.step_timeout_secs)
    supervisor = tf1.train.Supervisor(
        saver=restorer, summary_op=None, summary_writer=None, save_model_secs=0
    )
    session = supervisor.session_manager.prepare_session(
        server.target,
        init_op=supervisor.init_op,
        saver=restorer,
        checkpoint_filename_with_path=checkpoint,
        config=session_config,
    )
    try:
        reader.load_texts(session)
        yield session
    except LOST:
        # In a thread: to close the session waits until the lost machine is back.
        threading.Thread(target=_close, args=[session], daemon=True).start()
        raise
    except BaseException:
        session.close()
        raise
    supervisor.stop()
    session.close()


def _close(session):
    with contextlib.suppress(tf.errors.OpError):
        session.close()
