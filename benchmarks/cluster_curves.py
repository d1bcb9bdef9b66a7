"""Draws docs/scaling.png: how much faster N machines are, by the formulas of docs/scaling.md.

    python benchmarks/cluster_curves.py --out=docs/scaling.png

Solid lines are the ring's, dashed ones those of weights that one machine holds for all.
"""

import argparse
import os
import sys
from typing import NamedTuple

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from arguments import path  # noqa: E402

MACHINES = range(1, 9)
LINKS = {"1 Gb/s": 1000, "10 Gb/s": 10000}
COPYING_MS = 1.0  # for each MB


class Model(NamedTuple):
    """What decides: the ms of a step, and the MB of its dense gradients and of its rows."""

    step: float
    dense: float
    rows: float


MODELS = {"small": Model(45, 10.6, 0.3), "medium": Model(326, 53.0, 1.8)}


def ring(model, count):
    """The MB that the busiest direction of a link carries in a step."""
    return 2 * (count - 1) / count * model.dense + (count - 1) * model.rows


def one_holds_the_weights(model, count):
    """Likewise, the weights out and then the gradients in: one waits for the other."""
    return 2 * (count - 1) * (model.dense + model.rows)


def speedup(model, count, megabits, megabytes):
    """How much faster `count` machines are than one."""
    exchange = megabytes(model, count) * (8000 / megabits + COPYING_MS)
    return count * model.step / (model.step + exchange)


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=path, default="scaling.png")
    arguments = parser.parse_args()
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(MODELS), figsize=(9, 3.5), sharey=True)
    for axis, (name, model) in zip(axes, MODELS.items()):
        for color, (link, megabits) in zip(("tab:orange", "tab:blue"), LINKS.items()):
            for style, way in (("-", ring), ("--", one_holds_the_weights)):
                values = [speedup(model, count, megabits, way) for count in MACHINES]
                label = f"{link}, {'ring' if way is ring else 'one holds the weights'}"
                axis.plot(MACHINES, values, style, color=color, label=label)
        axis.axhline(1, color="gray", linewidth=0.5)
        axis.set(title=name, xlabel="machines")
    axes[0].set_ylabel("times as fast as one machine")
    axes[0].legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(arguments.out, dpi=80)


if __name__ == "__main__":
    main()
