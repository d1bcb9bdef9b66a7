"""Opens a TF1 session for training, with a Supervisor, on this machine or on several."""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

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
      device: str, where variables and text are; None: TensorFlow decides.
      step_timeout_secs: float; if a step takes longer, a machine counts as lost; 0: no limit.
    """

    target: str = ""
    device: str | None = None
    step_timeout_secs: float = 0


HERE = Server()


@contextlib.contextmanager
def open_session(
    logdir: str | None,
    restorer: Any,
    session_config: tf.compat.v1.ConfigProto,
    server: Server = HERE,
) -> Iterator[tf.compat.v1.Session]:
    """Opens a session with the current graph's variables initialized or restored.

    A Supervisor opens it, without its services. Those are threads: they would save in the middle of
    a step, and their summaries would read windows that training then misses.

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
    # Its prepare_or_wait_for_session does both, but fails in TensorFlow 2.20 with protobuf 7.
    session = supervisor.session_manager.prepare_session(
        server.target, supervisor.init_op, restorer, logdir, config=session_config
    )
    try:
        if logdir:
            _write_graph(logdir)
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


def _write_graph(directory):
    """Writes the current graph as text, for people."""
    path = os.path.join(directory, "graph.pbtxt")
    with open(f"{path}.tmp", "w", encoding="utf-8") as file:
        file.write(str(tf1.get_default_graph().as_graph_def(add_shapes=True)))
    os.replace(f"{path}.tmp", path)


def _close(session):
    with contextlib.suppress(tf.errors.OpError):
        session.close()
