"""Tells that training diverges: numbers that are not finite, or a perplexity far above the best."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from program.errors import UserError
from program.messages import say
from saved.progress import Progress
from training.loop import WindowResult

EXPLOSION = 10.0  # times the best perplexity so far
LARGEST_COST = 2.0**24  # nats: above it, two float32 cannot differ by one nat
ADVICE = "try a lower learning rate or init_scale, another --seed, or float32 if this is 16 bit"


class TrainingError(UserError):
    """Cost, gradients or weights are not finite; the message says where, and what to do."""


def check_window(
    window: WindowResult, learning_rate: float, step: Callable[[], int], saved: Callable[[], str]
) -> None:
    """Checks a window of training.

    Args:
      window: the window's result.
      learning_rate: for the message.
      step, saved: give the global step and what is saved, for the message. They are called for it
        alone: to fetch the step takes a `session.run`, which each window would pay.

    Raises:
      TrainingError: the norm of the gradients is not finite, or the cost is not below
        `LARGEST_COST`.
    """
    if not (_has_sane_cost(window.progress) and math.isfinite(window.grad_norm)):
        raise TrainingError(
            f"epoch {window.progress.epoch}, step {step()}, learning rate {learning_rate:.3g}: "
            f"perplexity {window.perplexity}, norm of the gradients {window.grad_norm}; "
            f"{saved()}; {ADVICE}"
        )


def check_held_out(window: WindowResult, step: Callable[[], int], saved: Callable[[], str]) -> None:
    """Checks the cost of a window of Valid or Test, as `check_window` does; TrainingError.

    Training itself checks the weights before each update, so not those after the last one.
    """
    if not _has_sane_cost(window.progress):
        raise TrainingError(
            f"after step {step()}, held-out text has the perplexity {window.perplexity}; "
            f"{saved()}; {ADVICE}"
        )


def check_to_save(
    state: Sequence[np.ndarray],
    are_finite: bool,
    step: Callable[[], int],
    saved: Callable[[], str],
) -> None:
    """Checks what is about to be saved: the LSTM's state, and whether the weights are finite.

    Raises:
      TrainingError: one of them is not.
    """
    if not (are_finite and all(np.isfinite(array).all() for array in state)):
        raise TrainingError(
            f"step {step()}: the weights or the state became infinite or NaN; {saved()}; {ADVICE}"
        )


def _has_sane_cost(progress):
    """Whether the mean cost of a window is a number that float32 can tell from the next."""
    return progress.total_cost / progress.window < LARGEST_COST


class ExplosionWarning:
    """Says once that a perplexity is far above the best so far."""

    def __init__(self) -> None:
        """Begins without any perplexity."""
        self._best: dict[str, float] = {}
        self._warned = False

    def look_at(self, name: str, perplexity: float, progress: Progress) -> None:
        """Takes a perplexity.

        Args:
          name: `Train` or `Valid`; each has a best of its own.
          perplexity: of the epoch so far, or of a whole one.
          progress: how far training has come.
        """
        best = self._best[name] = min(self._best.get(name, math.inf), perplexity)
        if perplexity > EXPLOSION * best and not self._warned:
            self._warned = True  # once is enough
            say(
                f"Epoch: {progress.epoch} {name} Perplexity: {perplexity:.3f} is far above "
                f"{best:.3f}, the best so far; if it does not fall again, start anew with a "
                "smaller --max_grad_norm or --learning_rate"
            )
