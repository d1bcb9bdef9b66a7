"""What is looked after between two training steps, in the thread that trains.

Saves at intervals, summaries, a wish to stop (Ctrl-C, a signal), and a look at the numbers. None of
it runs beside training, as a Supervisor's services would: a save in the middle of a step is of a
state that training was never in, and a summary that reads a window takes it away from training.
"""

import contextlib
import math
import signal
import threading
import time

import tensorflow as tf

from program.command_line import Interrupted, UserError, say
from saved import inference, run_directory, trained
from saved.checkpoints import CheckpointError, Checkpoints, Progress, reason
from training import cluster

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
EXPLOSION = 10.0  # times the best perplexity so far


class TrainingError(UserError):
    """Numbers that went wrong; the message says where, and what to do."""


class OutputError(UserError):
    """Nobody can read the numbers any more; the message says what is saved."""


class Guard:
    """Looks after the training in one session; as a context manager, it catches signals.

    Attributes:
      progress: `checkpoints.Progress`, what a save now would hold.
      unsaved: the `CheckpointError` of the last save if it failed, or None.
      learning_rate: float, the epoch's, to be set by whoever begins one.
    """

    def __init__(
        self, session, saver, summaries, progress, save_every_secs, summary_steps, sample_words
    ):
        """Describes what to look after.

        Args:
          session: the `Session` that trains the current graph.
          saver: a `checkpoints.Checkpoints`, or None to save nothing.
          summaries: a `run_directory.Summaries`.
          progress: a `checkpoints.Progress`, where training begins.
          save_every_secs: seconds between two saves within an epoch.
          summary_steps: windows between two summaries within an epoch.
          sample_words: how many words of text to sample after each epoch.
        """
        self.progress, self.unsaved, self.learning_rate = progress, None, None
        self._session, self._saver, self._summaries = session, saver, summaries
        self._fetch_step = session.make_callable(tf.compat.v1.train.get_global_step())
        self._save_every_secs, self._summary_steps = save_every_secs, summary_steps
        self._sample_words, self._sampler = sample_words, None
        self._next_save = time.monotonic() + save_every_secs
        self._saved = progress
        self._signal = None
        self._best = {}
        self._warned = False

    def __enter__(self):
        self._handlers = {}
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
            # What is ignored stays so: that is what nohup does.
            heeded = [each for each in numbers if signal.getsignal(each) != signal.SIG_IGN]
            self._handlers = {number: signal.signal(number, self._note) for number in heeded}
        return self

    def __exit__(self, _, error, traceback):
        try:
            if isinstance(error, OSError):  # of standard output: every other file has its own error
                self.heed_signal()
                self.save()
                raise OutputError(f"standard output: {error.strerror}; {self._what_is_saved()}")
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)

    def _note(self, number, _):
        if self._signal:  # who asks twice does not want to wait for the end of a step
            raise Interrupted(number, self._what_is_saved())
        self._signal = number

    def step(self):
        """The global step, an int."""
        return int(self._fetch_step())

    def after_training_window(self, progress, perplexity, speed, grad_norm):
        """Looks at a window's numbers; saves, writes summaries or stops if it is time to.

        Args:
          progress: the `checkpoints.Progress` after the window.
          perplexity: float, of the epoch so far.
          speed: float, words per second.
          grad_norm: float, the global norm of the window's gradients.

        Raises:
          TrainingError: cost or norm is not finite.
          Interrupted: a signal came; all is saved.
        """
        if not (math.isfinite(progress.total_cost) and math.isfinite(grad_norm)):
            raise TrainingError(
                f"epoch {progress.epoch}, step {self.step()}, learning rate "
                f"{self.learning_rate:.3g}: perplexity {perplexity}, norm of the gradients "
                f"{grad_norm}; {self._what_is_saved()}; try a lower learning rate or init_scale, "
                "another --seed, or float32 if this is not"
            )
        self.progress = progress
        if progress.window % self._summary_steps == 0:
            self._warn_of_explosion("Train", perplexity)
            self._summaries.write(
                self.step(), perplexity=perplexity, words_per_second=speed, grad_norm=grad_norm
            )
        self.heed_signal()
        if time.monotonic() >= self._next_save:
            self.save()

    def heed_signal(self, *_):
        """Saves and raises Interrupted if a signal came; called after an evaluation's windows."""
        if self._signal:
            self.save()
            raise Interrupted(self._signal, self._what_is_saved())

    def after_epoch(self, train_perplexity, valid_perplexity):
        """Writes the finished epoch's perplexities for TensorBoard, and saves it."""
        self._warn_of_explosion("Train", train_perplexity)
        self._warn_of_explosion("Valid", valid_perplexity)
        # Written before it is saved: whoever is killed in between does both again, not one alone.
        self._summaries.write(
            self.step(),
            learning_rate=self.learning_rate,
            train_perplexity=train_perplexity,
            valid_perplexity=valid_perplexity,
        )
        self.progress = Progress(epoch=self.progress.epoch + 1)
        self.save()
        self._write_sample()

    def _write_sample(self):
        """Writes a text that the model just saved makes up, for TensorBoard.

        A failure is said once; training goes on without.
        """
        if not self._saver or self.unsaved or not self._sample_words:
            return
        try:
            if self._sampler:
                self._sampler.restore(self._saver.newest)
            else:
                model = trained.find(self._saver.newest)
                self._sampler = inference.Sampler(model, forbidden=model.unknown_ids)
            text = self._sampler.text(self._sample_words)
        except (UserError, tf.errors.OpError) as error:
            say(f"no more samples: {reason(error)}; training goes on")
            self._sample_words = 0
            return
        self._summaries.write_text(self.step(), "sample", text)

    def after_training(self, test_perplexity):
        """Writes the last perplexity for TensorBoard."""
        self._summaries.write(self.step(), test_perplexity=test_perplexity)

    def save(self):
        """Saves the progress; a failure is said, and training goes on: the next may succeed."""
        if self._saver and self._saved is not self.progress:
            try:
                self._saver.save(self._session, self.step(), self.progress)
                self._saved, self.unsaved = self.progress, None
            except CheckpointError as error:
                say(f"{error}; training goes on")
                self.unsaved = error
        self._next_save = time.monotonic() + self._save_every_secs

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


def saver_for(save_path, description, words, model):
    """Opens a run's directory, new or to be continued.

    Args:
      save_path: the directory, or None to save nothing.
      description: see `run_directory.describe`.
      words: list of str, the vocabulary.
      model: the `PTBModel` in training, in the current graph.

    Returns:
      `checkpoints.Checkpoints`, or None where there is no `save_path`.

    Raises:
      UserError: it belongs to another run, or cannot be continued.
    """
    if not save_path:
        return None
    known = run_directory.check(save_path, description, words)
    saver = Checkpoints(save_path, model)
    if saver.newest and not known:
        name = run_directory.CONFIG_FILE
        say(f"{saver.newest}: has no {name} beside it; that the run is the same cannot be checked")
    # Not before the checkpoints are known to fit.
    run_directory.write(save_path, description, words)
    return saver


@contextlib.contextmanager
def guarded_session(
    save_path=None,
    saver=None,
    session_config=None,
    save_every_secs=600,
    summary_steps=100,
    sample_words=50,
    target="",
):
    """Opens a session with the current graph's variables initialized or restored, guarded.

    Args:
      save_path: where checkpoints and summaries go, or None.
      saver: a `checkpoints.Checkpoints` of `save_path`, or None.
      session_config: a `ConfigProto`, or None for TensorFlow's own.
      save_every_secs: seconds between two saves within an epoch; each epoch is saved at its end.
      summary_steps: windows between two summaries within an epoch.
      sample_words: how many words of text to sample after each epoch, for TensorBoard.
      target: str, the server that runs the session; empty for this process.

    Yields:
      `(session, guard)`.

    Raises:
      CheckpointError: a checkpoint cannot be restored, or the last one could not be written.
      cluster.LOST: a worker was lost (only with a `target`).
    """
    progress = saver.progress if saver else Progress()
    if saver and saver.newest:
        say(f"{saver.newest}: continued after {progress.done()}")
    # The supervisor's own threads are off: they would save in the middle of a step, and evaluate
    # summaries that read a training window.
    supervisor = tf.compat.v1.train.Supervisor(
        logdir=save_path,
        saver=saver and saver.restorer,
        summary_op=None,
        summary_writer=None,
        save_model_secs=0,
    )
    with contextlib.ExitStack() as stack:
        try:
            session = stack.enter_context(
                cluster.managed_session(supervisor, target, session_config)
            )
        except (tf.errors.OpError, OSError) as error:
            if target and isinstance(error, cluster.LOST):
                raise
            raise CheckpointError(f"--save_path={save_path}: {reason(error)}") from None
        step = session.run(supervisor.global_step)
        summaries = stack.enter_context(run_directory.Summaries(save_path, step))
        intervals = save_every_secs, summary_steps, sample_words
        guard = Guard(session, saver, summaries, progress, *intervals)
        yield session, stack.enter_context(guard)
    if guard.unsaved:
        raise guard.unsaved
