"""A run: what it saves and where, and its session, opened new or to be continued."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf

import configs
import reader
from model import devices
from model.precision import Precision
from program.messages import say
from saved import run_directory, run_identity
from saved.checkpoints import Checkpoints, remove_unfinished, write_graph
from saved.reading import CheckpointError, reason
from text.preparation import Preparation
from training import ring
from training.saves_and_signals import Guard, RunOptions
from training.session import HERE, LOST, Server, open_session
from training.summaries import Summaries


class Run(NamedTuple):
    """What a run saves, where, and how often.

    Attributes:
      save_path: str, where checkpoints and summaries go; None to save nothing.
      description: dict, see `run_identity.describe`; None without a `save_path`, as `words`.
      words: list of str, the vocabulary, or None.
      options: a `RunOptions`.
      preparation: as of the `reader.Corpus`.
    """

    save_path: str | None = None
    description: dict | None = None
    words: list | None = None
    options: RunOptions = RunOptions()
    preparation: Preparation | None = None


def describe_run(
    save_path: str | None,
    config: configs.SmallConfig,
    dtype: tf.DType | Precision,
    seed: int,
    corpus: reader.Corpus,
    options: RunOptions = RunOptions(),  # noqa: B008  it never changes
    **more: Any,
) -> Run:
    """Describes a run.

    Args:
      save_path: see `Run`.
      config, dtype, seed, corpus: as in `run_identity.describe`.
      options: how often to save and report.
      **more: what else the numbers depend on, see `run_identity.DEFAULTS`.
    """
    if save_path is None:
        return Run(options=options)
    run = run_identity.describe(config, devices.precision_for(dtype).dtype, seed, corpus)
    return Run(save_path, run | more, corpus.words, options, corpus.preparation)


def _open_directory(run, model_ops):
    """Opens a run's directory, new or to be continued; returns its `Checkpoints`.

    Raises:
      UserError: it belongs to another run, or cannot be continued.
    """
    run_directory.check_vocabulary(run.save_path, run.words)
    saver = Checkpoints(run.save_path, model_ops, run.description)
    if saver.newest:
        run_directory.say_what_is_unknown(run.description, saver.newest, saver.saved_run)
    # Not before the checkpoints are known to fit.
    run_directory.write(run.save_path, run.description, run.words, run.preparation)
    write_graph(run.save_path)
    if saver.newest:
        say(f"{saver.newest}: continued after {saver.progress.done()}")
    return saver


def _weights_are_finite():
    """Whether the current graph's weights are finite, a bool scalar."""
    variables = tf.compat.v1.trainable_variables()
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(each)) for each in variables])


@contextlib.contextmanager
def open_run(
    model_ops: Any,
    run: Run = Run(),  # noqa: B008  it never changes
    session_config: tf.compat.v1.ConfigProto | None = None,
    server: Server = HERE,
) -> Iterator[tuple[tf.compat.v1.Session, Guard]]:
    """Opens a guarded session that begins a run, or continues the one in a directory.

    Args:
      model_ops: the `util.ModelOps` of the model in training, in the current graph.
      run: what to save, and where.
      session_config: a `ConfigProto`, or None for `devices.session_config`'s.
      server: the TensorFlow server that runs the session.

    Yields:
      `(session, guard)`.

    Raises:
      UserError: the directory belongs to another run, another process is training in it, a
        checkpoint cannot be restored, or the last save failed.
      session.LOST: a machine was lost (only with a server of several).
    """
    num_replicas = model_ops.streams.num_replicas
    session_config = session_config or devices.session_config(num_replicas=num_replicas)
    with contextlib.ExitStack() as stack:
        saver = None
        if run.save_path is not None:
            stack.enter_context(run_directory.locked(run.save_path))
            saver = _open_directory(run, model_ops)
        # Before the session is opened, which makes the graph final.
        weights_are_finite = _weights_are_finite()
        fingerprints = tf.compat.v1.get_collection(ring.FINGERPRINTS)
        try:
            session = stack.enter_context(
                open_session(
                    saver and saver.newest, saver and saver.restorer, session_config, server
                )
            )
        except (tf.errors.OpError, OSError) as error:
            if server.target and isinstance(error, LOST):
                raise
            if run.save_path is not None:
                remove_unfinished(run.save_path)
            what = saver.newest if saver and saver.newest else "the session"
            raise CheckpointError(f"{what}: cannot be started: {reason(error)}") from None
        step = session.run(tf.compat.v1.train.get_global_step())
        summaries = stack.enter_context(
            Summaries(
                run.save_path,
                step,
                run.options.summary_steps,
                run.options.sample_words,
                session_config,
            )
        )
        guard = Guard(session, saver, summaries, run.options, weights_are_finite, fingerprints)
        yield session, stack.enter_context(guard)
    if guard.unsaved:
        raise guard.unsaved
