"""One window after another: truncated back-propagation, and what an epoch comes to."""

import math
import time
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from program.command_line import LiveLine
from saved.checkpoints import Progress


class WindowResult(NamedTuple):
    """What came out of an epoch's windows so far.

    Attributes:
      progress: `checkpoints.Progress`, from which to go on after the window.
      perplexity: float, of the epoch so far.
      speed: float, words per second since the first window that was run.
      grad_norm: float, the global norm of the window's gradients; nan if not in training.
    """

    progress: Progress
    perplexity: float
    speed: float
    grad_norm: float


def run_windows(session, model, eval_op=None, progress=None):
    """Runs a model over its text, and yields a `WindowResult` after each window.

    Truncated back-propagation: the final state of a window is fed as the initial state of the
    next, where no gradient flows back through it.

    Args:
      session: a `Session` with the model's variables initialized.
      model: a `PTBModel`, or the `util.ModelOps` of one.
      eval_op: an operation to run with every window, such as the model's `train_op`.
      progress: a `checkpoints.Progress` to go on from, or None to begin at the first window.
    """
    streams, epoch_size = model.streams, model.streams.epoch_size
    fetches = {"cost": model.cost, "state": tf.nest.flatten(model.final_state)}
    if eval_op is not None:
        fetches["eval_op"] = eval_op
        if eval_op is model.train_op:
            fetches["grad_norm"] = model.grad_norm
    initial_state = tf.nest.flatten(model.initial_state)
    progress = progress or Progress()
    if not progress.state:
        progress = progress._replace(state=session.run(initial_state))
    first_words = streams.words_until(progress.window)
    start_time = time.perf_counter()
    with LiveLine(epoch_size) as live_line:
        for window in range(progress.window, epoch_size):
            feed_dict = dict(zip(initial_state, progress.state))
            feed_dict.update((position, window) for position in model.positions)
            values = session.run(fetches, feed_dict)
            progress = progress._replace(
                window=window + 1,
                total_cost=progress.total_cost + float(values["cost"]),
                state=values["state"],
            )
            words = streams.words_until(window + 1) - first_words
            speed = words / (time.perf_counter() - start_time)
            so_far = perplexity(progress, streams)
            yield WindowResult(progress, so_far, speed, values.get("grad_norm", math.nan))
            live_line.show(window + 1)


def perplexity(progress, streams):
    """`exp(sum of costs / number of time steps)`: a cost is a mean over the streams already."""
    with np.errstate(over="ignore"):  # infinite is what it is
        return np.exp(np.float64(progress.total_cost / streams.steps_until(progress.window)))


def print_now_and_then(result, epoch_size):
    """Prints perplexity and speed after about every tenth of an epoch."""
    window, interval = result.progress.window - 1, max(epoch_size // 10, 1)
    if window % interval == min(10, interval - 1):
        print(
            f"{window / epoch_size:.3f} perplexity: {result.perplexity:.3f} "
            f"speed: {result.speed:.0f} wps",
            flush=True,
        )


class EpochResult(NamedTuple):
    """What an epoch came to: its number, from 1, learning rate and perplexities, floats."""

    epoch: int
    learning_rate: float
    train_perplexity: float
    valid_perplexity: float
