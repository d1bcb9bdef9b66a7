"""Draws the learning curves of one or several runs: perplexity over epochs.

    python curves.py --out=curves.png --run=runs/small --run=runs/medium

Solid lines show training, dashed lines validation. The legend has the test perplexity of each
finished run. The numbers come from the event files that a run writes for TensorBoard. The ending of
--out chooses the format: .png, .svg or .pdf. The script needs Matplotlib, which training does not:
pip install -r requirements-extras.txt
"""

if __name__ == "__main__":
    from program import command_line
    from script_flags import curves as script_flags

    command_line.start(script_flags.define, script_flags.check)

import glob
import math
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from absl import flags

from program import command_line, errors
from program.messages import say
from saved import finding, run_directory

tf1 = tf.compat.v1


class Curve(NamedTuple):
    """What a run has reached.

    Attributes:
      train, valid: lists of float, the perplexity of each epoch.
      test: float, or None if the run is not finished.
      epochs: list of int, the numbers of the epochs; empty: from 1 on.
    """

    train: list
    valid: list
    test: float | None
    epochs: Sequence = ()


class Epoch(NamedTuple):
    """What an event file says of an epoch: its perplexities, and its number, if it says that."""

    train: float
    valid: float
    number: int | None


def read_events(path: str) -> Iterator:
    """Yields the events of a file.

    The last one may be incomplete, if the run was killed. Other damage ends the file, too; it is
    said on standard error.
    """
    try:
        yield from tf1.train.summary_iterator(path)
    except tf.errors.DataLossError as error:
        if "truncated" not in error.message:
            say(f"{path}: is damaged ({error.message}); what follows there is not drawn")
    except tf.errors.OpError as error:
        raise errors.RequestError(f"{path}: cannot be read: {error.message}") from None


def _started(path):
    """When a run's process began to write a file: its name says it, whatever its content."""
    found = re.search(r"tfevents\.([0-9]+(?:\.[0-9]+)?)", os.path.basename(path))
    return (float(found[1]) if found else 0.0, path)


def read_curve(run: str) -> Curve:
    """Reads a run's event files.

    Where a run was interrupted and continued, later files replace the epochs of earlier ones. What
    is missing or damaged is said on standard error.

    Args:
      run: the run's `--save_path`.

    Raises:
      errors.RequestError: it has no event files, or no epoch is finished.
    """
    paths = glob.glob(os.path.join(glob.escape(run), "events.out.tfevents.*"))
    epochs, test = _read_epochs(sorted(paths, key=_started))
    if not epochs:
        fault = "no epoch is finished" if paths else "holds no event files of a run"
        if not os.path.isdir(run):
            fault = "no such directory"
        raise errors.RequestError(f"--run={run}: {fault}")
    steps_per_epoch = _steps_per_epoch(epochs)
    numbered = {epoch.number or round(step / steps_per_epoch): epoch for step, epoch in epochs}
    numbers, last_step = sorted(numbered), epochs[-1][0]
    if missing := set(range(1, numbers[-1])) - set(numbers):
        say(f"{run}: no event file has the epochs {', '.join(map(str, sorted(missing)))}")
    if _goes_on(run, numbers[-1], last_step + steps_per_epoch):
        test = None
    train, valid = ([getattr(numbered[n], name) for n in numbers] for name in ("train", "valid"))
    return Curve(train, valid, test, numbers)


def _read_epochs(paths):
    """What files, the oldest first, say of a run.

    Returns:
      `(epochs, test)`: pairs of an epoch's last step and its `Epoch`, in order; and the test
      perplexity, None if the run was not finished, or continued.
    """
    epochs: dict[int, Epoch] = {}
    test = None
    for path in paths:
        numbers_all = True
        for event in read_events(path):
            if event.session_log.status == tf1.SessionLog.START:
                epochs = {step: epoch for step, epoch in epochs.items() if step < event.step}
                test = None
            values = {value.tag: _scalar(value) for value in event.summary.value}
            if "train_perplexity" in values:
                number = values.get("epoch", math.nan)
                number = round(number) if math.isfinite(number) else None
                numbers_all = numbers_all and number is not None
                epochs[event.step] = Epoch(
                    values["train_perplexity"], values.get("valid_perplexity", math.nan), number
                )
            test = values.get("test_perplexity", test)
        if not numbers_all:
            say(f"{path}: does not number its epochs, as older versions did not; its steps tell")
    return sorted(epochs.items()), test


def _scalar(value):
    """A scalar as TF1's summaries have it, or as TF2's and tensorboardX's do: in a tensor."""
    if value.WhichOneof("value") != "tensor":
        return value.simple_value
    array = tf.make_ndarray(value.tensor)
    return float(array) if array.ndim == 0 and np.issubdtype(array.dtype, np.number) else math.nan


def _steps_per_epoch(epochs):
    """The steps of an epoch: of one whose number is known, or what the ends have in common."""
    known = (step / epoch.number for step, epoch in epochs if epoch.number)
    return next(known, math.gcd(*(step for step, _ in epochs))) or 1


def _goes_on(run, last_epoch, next_end):
    """Whether a run has more epochs than its event files: to come, or in a file that is missing."""
    newest = next(iter(finding.list_newest_first(run)), "")
    if newest and finding.step_of(newest) >= next_end:
        say(f"{run}: has {os.path.basename(newest)}, but no event file has that epoch")
        return True
    max_max_epoch = (run_directory.read_config(run) or {}).get("max_max_epoch")
    return isinstance(max_max_epoch, int) and max_max_epoch > last_epoch


def names(runs: list[str]) -> dict[str, str]:
    """Names runs by their directories, or by whole paths if two directories have the same name.

    Args:
      runs: paths.

    Returns:
      Dict of name to path; each path is there once.
    """
    paths = dict.fromkeys(os.path.abspath(run) for run in runs)
    named = {os.path.basename(path): path for path in paths}
    return named if len(named) == len(paths) else {path: path for path in paths}


def draw(curves: dict[str, Curve], out: str) -> None:
    """Draws curves to a file.

    Args:
      curves: dict of a run's name to its `Curve`.
      out: path of the file.

    Raises:
      errors.RequestError: Matplotlib is missing, or the file cannot be written.
    """
    try:
        from matplotlib import figure, ticker
    except ImportError:
        raise errors.RequestError(
            "Matplotlib is missing: pip install -r requirements-extras.txt"
        ) from None
    drawing = figure.Figure(figsize=(7, 4.5), layout="constrained")
    axes = drawing.subplots()
    for number, (name, curve) in enumerate(curves.items()):
        epochs = curve.epochs or range(1, len(curve.train) + 1)
        name = name.replace("$", r"\$")  # "$" would begin a formula
        name = f" {name}" if name.startswith("_") else name  # Matplotlib hides "_..."
        test = "" if curve.test is None else f" (test {curve.test:.1f})"
        style: dict[str, Any] = {"color": f"C{number}", "marker": "o", "markersize": 3}
        axes.plot(epochs, curve.train, "-", label=f"{name}: train", **style)
        axes.plot(epochs, curve.valid, "--", label=f"{name}: valid{test}", **style)
    axes.set(xlabel="epoch", ylabel="perplexity", yscale="log", title="Learning curves")
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    axes.grid(alpha=0.3)
    axes.legend()
    try:
        drawing.savefig(out, dpi=110)
    except OSError as error:
        raise errors.RequestError(f"--out={out}: {error.strerror}") from None


def main() -> None:
    """Draws what the flags ask for; RequestError if it cannot be done."""
    arguments = flags.FLAGS
    draw({name: read_curve(run) for name, run in names(arguments.run).items()}, arguments.out)


if __name__ == "__main__":
    command_line.run(main)
