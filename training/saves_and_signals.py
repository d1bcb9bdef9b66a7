"""The work between two training steps: saves, summaries, signals, and a check of the numbers.

All of it runs in the thread that trains. A Supervisor's services run beside training: a save in the
middle of a step holds a state that training was never in, and a summary that reads a window takes
it away from training.
"""

import signal
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from program import messages
from program.errors import UserError
from program.messages import say
from program.signals import SIGNALS, Interrupted, ignore_signals, interrupt
from saved.checkpoints import Checkpoints
from saved.progress import Progress
from saved.reading import CheckpointError
from training import divergence
from training.loop import EpochResult, WindowResult
from training.session import LOST
from training.summaries import Summaries


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
      progress: `progress.Progress`, how far training has come.
      unsaved: the `CheckpointError` of the last save if it failed, or None.
    """

    def __init__(
        self,
        session: tf.compat.v1.Session,
        saver: Checkpoints | None,
        summaries: Summaries,
        options: RunOptions = RunOptions(),  # noqa: B008  it never changes
        weights_are_finite: tf.Tensor | None = None,
        fingerprints: Sequence = (),
    ) -> None:
        """Begins with the progress of the saver's checkpoint.

        Args:
          session: the `Session` that trains the current graph.
          saver: finds and saves checkpoints; None to save nothing.
          summaries: writes the summaries.
          options: how often to save and report.
          weights_are_finite: bool scalar, to be looked at before a save; None: not looked at.
          fingerprints: list of tensors, of several machines' weights, see `ring.FINGERPRINTS`. They
            must be equal at each save and at the end of each epoch.
        """
        self._weights_are_finite, self._fingerprints = weights_are_finite, fingerprints
        self.progress = saver.progress if saver else Progress()
        self.unsaved: CheckpointError | None = None
        self._session, self._saver, self._summaries = session, saver, summaries
        self._options = options
        self._fetch_step = session.make_callable(tf.compat.v1.train.get_global_step())
        self._next_save = time.monotonic() + options.save_every_secs
        self._saved = self.progress
        self._signal: int | None = None
        self._explosion = divergence.ExplosionWarning()

    def __enter__(self):
        self._handlers = {}
        if threading.current_thread() is threading.main_thread():  # others may not set handlers
            # nohup ignores a signal before the program starts; it stays ignored.
            # Nor are those taken that a program in C handles, in which Python runs.
            kept = (signal.SIG_IGN, None)
            heeded = [each for each in SIGNALS if signal.getsignal(each) not in kept]
            self._handlers = {number: signal.signal(number, self._on_signal) for number in heeded}
        return self

    def __exit__(self, _, error, traceback):
        try:
            if isinstance(error, messages.OutputError):
                self.heed_signal()
                self.save(then="")
                raise OutputError(f"standard output: {error.strerror}; {self._what_is_saved()}")
            if isinstance(error, LOST) and self._signal:  # which came while the step hung
                raise Interrupted(self._signal, self._what_is_saved())
        finally:
            for number, handler in self._handlers.items():
                if handler is interrupt and isinstance(error, Interrupted):
                    ignore_signals([number])  # one more would replace the error, and what it says
                else:
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
          divergence.TrainingError: see `divergence.check_window`.
        """
        divergence.check_window(window, learning_rate, self.step, self._what_is_saved)
        self.progress = window.progress
        # Later epochs begin with few words, whose perplexity means little.
        if self.progress.epoch == 1:
            self._explosion.look_at("Train", window.perplexity, self.progress)

    def check_held_out(self, window: WindowResult) -> None:
        """See `divergence.check_held_out`."""
        divergence.check_held_out(window, self.step, self._what_is_saved)

    def write_summary(self, window: WindowResult) -> None:
        """Writes a window's numbers for TensorBoard, if they are due."""
        if self._summaries.is_due(window):
            self._explosion.look_at("Train", window.perplexity, window.progress)
            self._summaries.write_window(self.step(), window)

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
        self._explosion.look_at("Train", result.train_perplexity, self.progress)
        self._explosion.look_at("Valid", result.valid_perplexity, self.progress)
        # Written before the save: a run that is killed in between does both again.
        self._summaries.write_epoch(self.step(), result)
        self.progress = Progress(epoch=self.progress.epoch + 1)
        self.save()
        if self._saver and self._saver.newest and not self.unsaved:
            self._summaries.write_sample(self.step(), self._saver.newest)

    def end_training(self, test_perplexity: float) -> None:
        """Writes the test perplexity for TensorBoard; tries again to save what is not saved."""
        self.save(then="")
        self._summaries.write_test(self.step(), test_perplexity)

    def save(self, then: str = "; training goes on") -> None:
        """Saves what is not saved yet. A failure is reported, with what happens `then`.

        Raises:
          divergence.TrainingError: the weights or the state are not finite, or the machines' copies
            of the weights are not equal; they are not saved.
        """
        if self._saved is not self.progress:
            self._check_copies()
        if self._saver and self._saved is not self.progress:
            self._check_weights()
            try:
                self._saver.save(self._session, self.step(), self.progress)
                self._saved, self.unsaved = self.progress, None
            except CheckpointError as error:
                say(f"{error}{then}")
                self.unsaved = error
        self._next_save = time.monotonic() + self._options.save_every_secs

    def _check_copies(self):
        values = self._session.run(list(self._fingerprints))
        pairs = zip(self._fingerprints, values)
        others = [tensor.device for tensor, value in pairs if not np.array_equal(value, values[0])]
        if others:
            specs = map(tf.DeviceSpec.from_string, others)
            names = ", ".join(f"{spec.job} {spec.task}" for spec in specs)
            raise divergence.TrainingError(
                f"step {self.step()}: the weights of {names} are no longer those of the driver, "
                f"bit for bit: the memory of a machine may be faulty; {self._what_is_saved()}"
            )

    def _check_weights(self):
        are_finite = self._weights_are_finite is None or self._session.run(self._weights_are_finite)
        state, saved = self.progress.state, self._what_is_saved
        divergence.check_to_save(state, are_finite, self.step, saved)

    def _what_is_saved(self):
        if not self._saver:
            return "nothing is saved without --save_path"
        if not self._saver.newest:
            return "nothing is saved yet"
        return f"the newest checkpoint is {self._saver.newest}"
