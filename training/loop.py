"""Runs one window after another: truncated back-propagation, and an epoch's perplexity."""

import math
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import reader
from program.messages import report
from program.progress_bar import progress_bar
from saved.progress import Progress


class WindowResult(NamedTuple):
    """The result of an epoch's windows so far.

    Attributes:
      progress: `progress.Progress`, how far the epoch has come.
      perplexity: float, of the epoch so far.
      speed: float, words per second since the first window that was run.
      grad_norm: float, the global norm of the window's gradients; nan if not in training.
    """

    progress: Progress
    perplexity: float
    speed: float
    grad_norm: float


def run_windows(
    session: tf.compat.v1.Session, model: Any, eval_op: Any = None, progress: Progress | None = None
) -> Iterator[WindowResult]:
    """Runs a model over its text, and yields a `WindowResult` after each window.

    Truncated back-propagation: the final state of a window is fed as the initial state of the
    next. No gradient flows back through it.

    Args:
      session: a `Session` with the model's variables initialized.
      model: a `PTBModel`, or the `util.ModelOps` of one.
      eval_op: an operation to run with every window, such as the model's `train_op`.
      progress: a `progress.Progress` to go on from, or None to begin at the first window.
    """
    streams, epoch_size = model.streams, model.streams.epoch_size
    fetches = {"cost": model.cost, "state": tf.nest.flatten(model.final_state)}
    if eval_op is not None:
        fetches["eval_op"] = eval_op
        if model.grad_norm is not None:
            fetches["grad_norm"] = model.grad_norm
    initial_state = tf.nest.flatten(model.initial_state)
    progress = progress or Progress()
    if not progress.state:
        progress = progress._replace(state=session.run(initial_state))
    first_words = streams.words_until(progress.window)
    start_time = time.perf_counter()
    name = (streams.name or "Windows").removesuffix("Input")
    with progress_bar(epoch_size, name, progress.window) as bar:
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
            bar.update()


def bar_of_all_epochs(config: Any, model: Any, progress: Progress) -> Any:
    """A `progress_bar` of all epochs' windows, of which some are done."""
    epoch_size = model.streams.epoch_size
    done = (progress.epoch - 1) * epoch_size + progress.window
    return progress_bar(config.max_max_epoch * epoch_size, "All epochs", done)


def perplexity(progress: Progress, streams: reader.Streams) -> float:
    """`exp(sum of costs / number of time steps)`; each cost is already a mean over the streams."""
    with np.errstate(over="ignore"):  # the result may be infinite
        return np.exp(np.float64(progress.total_cost / streams.steps_until(progress.window)))


def print_now_and_then(result: WindowResult, epoch_size: int) -> None:
    """Prints perplexity and speed after about every tenth of an epoch."""
    window, interval = result.progress.window - 1, max(epoch_size // 10, 1)
    if window % interval == min(10, interval - 1):
        report(
            f"{window / epoch_size:.3f} perplexity: {result.perplexity:.3f} "
            f"speed: {result.speed:.0f} wps"
        )


class EpochResult(NamedTuple):
    """The result of an epoch: its number, from 1; its learning rate; its perplexities."""

    epoch: int
    learning_rate: float
    train_perplexity: float
    valid_perplexity: float
