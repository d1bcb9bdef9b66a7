"""A TF1 session that trains: begun by a Supervisor, on this machine or on several."""

import contextlib
import threading
from typing import NamedTuple

import tensorflow as tf

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
      device: str, where variables and text are; None: where TensorFlow puts them.
      step_timeout_secs: float, a step that takes longer has lost a machine; 0: no limit.
    """

    target: str = ""
    device: str | None = None
    step_timeout_secs: float = 0


HERE = Server()


@contextlib.contextmanager
def open_session(logdir, restorer, session_config, server=HERE):
    """Opens a session with the current graph's variables initialized or restored.

    It is a Supervisor's, without the Supervisor's services. Those are threads: they would save in
    the middle of a step, and evaluate summaries by reading windows that training then misses.

    Args:
      logdir: the directory of the checkpoints, or None.
      restorer: a `Saver` to restore the newest checkpoint with, or None.
      session_config: a `ConfigProto`.
      server: a `Server`.

    Yields:
      The `Session`.
    """
    if server.step_timeout_secs:
        session_config = tf1.ConfigProto.FromString(session_config.SerializeToString())
        session_config.operation_timeout_in_ms = int(1000 * server.step_timeout_secs)
    supervisor = tf1.train.Supervisor(
        logdir=logdir, saver=restorer, summary_op=None, summary_writer=None, save_model_secs=0
    )
    session = supervisor.prepare_or_wait_for_session(server.target, session_config)
    try:
        yield session
    except LOST:
        # To close a session takes all its machines, the lost one, too: until that is back.
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
