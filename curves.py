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
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf
from absl import flags

from program import command_line, errors

tf1 = tf.compat.v1


class Curve(NamedTuple):
    """What a run has reached.

    Attributes:
      train, valid: lists of float, the perplexity of each epoch.
      test: float, or None if the run is not finished.
    """

    train: list
    valid: list
    test: float | None


def read_events(path: str) -> Iterator:
    """Yields the events of a file. The last one may be incomplete, if the run was killed."""
    try:
        yield from tf1.train.summary_iterator(path)
    except tf.errors.DataLossError:
        return
    except tf.errors.OpError as error:
        raise errors.RequestError(f"{path}: cannot be read: {error.message}") from None


def _started(path):
    return next((event.wall_time for event in read_events(path)), 0.0)


def read_curve(run: str) -> Curve:
    """Reads a run's event files.

    Where a run was interrupted and continued, later files replace the epochs of earlier ones.

    Args:
      run: the run's `--save_path`.

    Raises:
      errors.RequestError: it has no event files, or no epoch is finished.
    """
    paths = glob.glob(os.path.join(glob.escape(run), "events.out.tfevents.*"))
    tags = ("train_perplexity", "valid_perplexity", "test_perplexity")
    values: dict[str, dict[int, float]] = {tag: {} for tag in tags}
    for path in sorted(paths, key=_started):
        for event in read_events(path):
            if event.session_log.status == tf1.SessionLog.START:
                for steps in values.values():
                    for step in [step for step in steps if step >= event.step]:
                        del steps[step]
            for value in event.summary.value:
                if value.tag in values:
                    values[value.tag][event.step] = value.simple_value
    if not values["train_perplexity"]:
        fault = "no epoch is finished" if paths else "holds no event files of a run"
        if not os.path.isdir(run):
            fault = "no such directory"
        raise errors.RequestError(f"--run={run}: {fault}")
    train, valid, test = values.values()
    ends = sorted(train)  # each epoch's last step
    # Not the test perplexity of an earlier epoch, which was the last before the run was lengthened.
    return Curve([train[s] for s in ends], [valid[s] for s in ends], test.get(ends[-1]))


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
        epochs = range(1, len(curve.train) + 1)
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
