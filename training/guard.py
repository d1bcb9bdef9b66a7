"""The work between two training steps: saves, summaries, signals, and a check of the numbers.

All of it runs in the thread that trains. A Supervisor's services run beside training: a save in the
middle of a step holds a state that training was never in, and a summary that reads a window takes
it away from training.
"""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf

import configs
import reader
from model import devices
from model.precision import Precision
from program.command_line import SIGNALS, Interrupted, UserError, ignore_signals, say
from saved import description, run_directory
from saved.checkpoints import (
    CheckpointError,
    Checkpoints,
    Progress,
    reason,
    remove_unfinished,
)
from text.preparation import Preparation
from trained import inference, trained_model
from training.loop import EpochResult, WindowResult
from training.session import HERE, LOST, Server, open_session
from training.summaries import Summaries

EXPLOSION = 10.0  # times the best perplexity so far


class TrainingError(UserError):
    """The cost or the gradients are not finite; the message says where, and what to do."""


class OutputError(UserError):
    """Standard output cannot be written to; the message says what is saved."""


class RunOptions(NamedTuple):
    """How often a run saves and reports.

    Attributes:
      save_every_secs: float, seconds between two saves within an epoch; each epoch is saved at its
        end.
      summary_steps: int, windows between two summaries within an epoch.
      sample_words: int, words of text to sample after each epoch, for TensorBoard.
    """

    save_every_secs: float = 600
    summary_steps: int = 100
    sample_words: int = 50


class Guard:
    """Saves, reports and checks the training in one session; its context catches signals.

    Attributes:
      progress: `checkpoints.Progress`, how far training has come.
      unsaved: the `CheckpointError` of the last save if it failed, or None.
    """

    def __init__(
        self,
        session: tf.compat.v1.Session,
        saver: Checkpoints | None,
        summaries: Summaries,
        session_config: tf.compat.v1.ConfigProto,
        options: RunOptions = RunOptions(),  # noqa: B008  it never changes
    ) -> None:
        """Begins with the progress of the saver's checkpoint.

        Args:
          session: the `Session` that trains the current graph.
          saver: finds and saves checkpoints; None to save nothing.
          summaries: writes the summaries.
          session_config: the `ConfigProto` of further sessions, which make samples.
          options: how often to save and report.
        """
        self.progress = saver.progress if saver else Progress()
        self.unsaved: CheckpointError | None = None
        self._session, self._saver, self._summaries = session, saver, summaries
        self._session_config, self._options = session_config, options
        self._fetch_step = session.make_callable(tf.compat.v1.train.get_global_step())
        self._sampler: inference.Sampler | None = None
        self._can_sample = bool(saver and options.sample_words)
        self._next_save = time.monotonic() + options.save_every_secs
        self._saved = self.progress
        self._signal: int | None = None
        self._best: dict[str, float] = {}
        self._warned = False

    def __enter__(self):
        self._handlers = {}
        if threading.current_thread() is threading.main_thread():  # others may not set handlers
            # nohup ignores a signal before the program starts; it stays ignored.
            heeded = [each for each in SIGNALS if signal.getsignal(each) != signal.SIG_IGN]
            self._handlers = {number: signal.signal(number, self._on_signal) for number in heeded}
        return self

    def __exit__(self, _, error, traceback):
        try:
            # Standard output raised it: the other files have errors of their own.
            if isinstance(error, OSError):
                self.heed_signal()
                self.save(then="")
                raise OutputError(f"standard output: {error.strerror}; {self._what_is_saved()}")
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)

    def _on_signal(self, number, _):
        if self._signal:  # a second signal does not wait for the end of the step
            ignore_signals(self._handlers)
            raise Interrupted(number, self._what_is_saved())
        self._signal = number

    def step(self) -> int:
        """The global step."""
        return int(self._fetch_step())

    def note(self, window: WindowResult, learning_rate: float) -> None:
        """Takes over the progress of a window of training, and checks the window's numbers.

        Args:
          window: the window's result.
          learning_rate: for the message.

        Raises:
          TrainingError: the cost or the norm of the gradients is not finite.
        """
        progress = window.progress
        if not (math.isfinite(progress.total_cost) and math.isfinite(window.grad_norm)):
            raise TrainingError(
                f"epoch {progress.epoch}, step {self.step()}, learning rate {learning_rate:.3g}: "
                f"perplexity {window.perplexity}, norm of the gradients {window.grad_norm}; "
                f"{self._what_is_saved()}; try a lower learning rate or init_scale, another "
                "--seed, or float32 if this is 16 bit"
            )
        self.progress = progress

    def write_summary(self, window: WindowResult) -> None:
        """Writes a window's numbers for TensorBoard, once in `summary_steps` windows."""
        if window.progress.window % self._options.summary_steps == 0:
            self._warn_of_explosion("Train", window.perplexity)
            self._summaries.write(
                self.step(),
                perplexity=window.perplexity,
                words_per_second=window.speed,
                grad_norm=window.grad_norm,
            )

    def heed_signal(self) -> None:
        """Saves and raises Interrupted if a signal came."""
        if self._signal:
            self.save(then="")
            raise Interrupted(self._signal, self._what_is_saved())

    def save_if_due(self) -> None:
        """Saves if the last save is `save_every_secs` ago."""
        if time.monotonic() >= self._next_save:
            self.save()

    def end_epoch(self, result: EpochResult) -> None:
        """Writes the finished epoch's `loop.EpochResult` for TensorBoard, and saves it."""
        self._warn_of_explosion("Train", result.train_perplexity)
        self._warn_of_explosion("Valid", result.valid_perplexity)
        # Written before the save: a run that is killed in between does both again.
        self._summaries.write(
            self.step(),
            learning_rate=result.learning_rate,
            train_perplexity=result.train_perplexity,
            valid_perplexity=result.valid_perplexity,
        )
        self.progress = Progress(epoch=self.progress.epoch + 1)
        self.save()
        self._write_sample()

    def _write_sample(self):
        """Writes a text for TensorBoard, sampled from the checkpoint just saved.

        A failure is reported once; training goes on without samples.
        """
        newest = self._saver.newest if self._saver else None
        if not (newest and self._can_sample) or self.unsaved:
            return
        try:
            if self._sampler:
                self._sampler.load_weights(newest)
            else:
                trained = trained_model.read(newest)
                self._sampler = inference.Sampler(
                    trained, forbidden=trained.unknown_ids, session_config=self._session_config
                )
            text = self._sampler.text(self._options.sample_words)
        except (UserError, tf.errors.OpError) as error:
            say(f"no more samples: {reason(error)}; training goes on")
            self._can_sample = False
            return
        self._summaries.write_text(self.step(), "sample", text)

    def end_training(self, test_perplexity: float) -> None:
        """Writes the test perplexity for TensorBoard; tries again to save what is not saved."""
        self.save(then="")
        self._summaries.write(self.step(), test_perplexity=test_perplexity)

    def save(self, then: str = "; training goes on") -> None:
        """Saves what is not saved yet. A failure is reported, with what happens `then`."""
        if self._saver and self._saved is not self.progress:
            try:
                self._saver.save(self._session, self.step(), self.progress)
                self._saved, self.unsaved = self.progress, None
            except CheckpointError as error:
                say(f"{error}{then}")
                self.unsaved = error
        self._next_save = time.monotonic() + self._options.save_every_secs

    def _what_is_saved(self):
        if not self._saver:
            return "nothing is saved without --save_path"
        if not self._saver.newest:
            return "nothing is saved yet"
        return f"the newest checkpoint is {self._saver.newest}"

    def _warn_of_explosion(self, name, perplexity):
        best = self._best[name] = min(self._best.get(name, math.inf), perplexity)
        if perplexity > EXPLOSION * best and not self._warned:
            self._warned = True  # once is enough
            say(
                f"Epoch: {self.progress.epoch} {name} Perplexity: {perplexity:.3f} is far above "
                f"{best:.3f}, the best so far: a lower learning rate may help"
            )


class Run(NamedTuple):
    """What a run saves, where, and how often.

    Attributes:
      save_path: str, where checkpoints and summaries go; None to save nothing.
      description: dict, see `description.describe`; None without a `save_path`, as `words`.
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
    **options: Any,
) -> Run:
    """Describes a run.

    Args:
      save_path: see `Run`.
      config, dtype, seed, corpus: as in `description.describe`.
      **options: fields of `RunOptions`.
    """
    if save_path is None:
        return Run(options=RunOptions(**options))
    run = description.describe(config, devices.precision_for(dtype).dtype, seed, corpus)
    return Run(save_path, run, corpus.words, RunOptions(**options), corpus.preparation)


def _open_directory(run, model_ops):
    """Opens a run's directory, new or to be continued; returns its `Checkpoints`.

    Raises:
      UserError: it belongs to another run, or cannot be continued.
    """
    run_directory.check_vocabulary(run.save_path, run.words)
    saver = Checkpoints(run.save_path, model_ops, run.description)
    run_directory.check_config(run.save_path, run.description, saver.newest, saver.saved_run)
    # Not before the checkpoints are known to fit.
    run_directory.write(run.save_path, run.description, run.words, run.preparation)
    if saver.newest:
        say(f"{saver.newest}: continued after {saver.progress.done()}")
    return saver


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
        try:
            session = stack.enter_context(
                open_session(run.save_path, saver and saver.restorer, session_config, server)
            )
        except (tf.errors.OpError, OSError) as error:
            if server.target and isinstance(error, LOST):
                raise
            if run.save_path is not None:
                remove_unfinished(run.save_path)
            what = saver.newest if saver and saver.newest else "the session"
            raise CheckpointError(f"{what}: cannot be started: {reason(error)}") from None
        step = session.run(tf.compat.v1.train.get_global_step())
        summaries = stack.enter_context(Summaries(run.save_path, step))
        guard = Guard(session, saver, summaries, session_config, run.options)
        yield session, stack.enter_context(guard)
    if guard.unsaved:
        raise guard.unsaved
