"""How far training has come: what a checkpoint holds beside the variables, to go on exactly."""

import io
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from saved import finding
from saved.reading import CheckpointError, reason

PROGRESS = "Training/progress"

tf1 = tf.compat.v1


class Progress(NamedTuple):
    """How far training has come, between two windows.

    Attributes:
      epoch: int, from 1; one more than the last if training is finished.
      window: int, the epoch's next window.
      total_cost: float, the costs of the epoch's windows so far, summed.
      state: the final state of the window before, flat: a list of float32 arrays; empty at the
        start of an epoch.
    """

    epoch: int = 1
    window: int = 0
    total_cost: float = 0.0
    state: Sequence = ()

    def done(self) -> str:
        """What is done, in words."""
        if self.window:
            return f"epoch {self.epoch}, window {self.window}"
        return f"epoch {self.epoch - 1}"

    def to_bytes(self) -> bytes:
        """The progress as bytes, without loss."""
        file = io.BytesIO()
        np.savez(file, np.array([self.epoch, self.window, self.total_cost]), *self.state)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Progress":
        """Reads what `to_bytes` wrote; CheckpointError if the bytes are something else."""
        try:
            numbers, *state = np.load(io.BytesIO(content)).values()
            epoch, window, total_cost = numbers.tolist()
            progress = cls(int(epoch), int(window), float(total_cost), _by_layer(state))
            fits = epoch >= 1 and window >= 0 and math.isfinite(total_cost)
            fits = fits and progress[:2] == (epoch, window)
            if not (fits and all(array.dtype == np.float32 for array in state)):
                raise ValueError("no epoch, window, cost and state")
        except Exception as error:  # NumPy raises many kinds of errors for other bytes
            raise CheckpointError(f"{PROGRESS} in it cannot be read: {reason(error)}") from None
        return progress


def _by_layer(state):
    """The state with an array for each layer's c and h.

    Older versions of this project kept cuDNN's as two arrays, `[num_layers, batch, hidden]`.
    """
    layers = [array.reshape(-1, *array.shape[-2:]) for array in state]
    pairs = (pair for c, h in zip(layers[0::2], layers[1::2]) for pair in zip(c, h))
    return [array for pair in pairs for array in pair]


def read_progress(path: str, steps_per_epoch: int, state: list) -> Progress:
    """Reads how far training had come when it saved a checkpoint.

    Args:
      path: of a whole checkpoint.
      steps_per_epoch: int, the steps of an epoch. They tell the epoch of a checkpoint without a
        progress in it, such as one of the TF1 script.
      state: list of the tensors that carry the state.

    Raises:
      CheckpointError: it was saved within an epoch by a run with a state of other shapes, or the
        progress in it cannot be read.
    """
    checkpoint = tf1.train.NewCheckpointReader(path)
    if not checkpoint.has_tensor(PROGRESS):
        step = finding.step_of(path)
        return Progress(epoch=step // steps_per_epoch + 1)
    try:
        progress = Progress.from_bytes(checkpoint.get_tensor(PROGRESS))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}; move this checkpoint away") from None
    shapes = [array.shape for array in progress.state]
    if progress.state and shapes != [tuple(tensor.shape) for tensor in state]:
        raise CheckpointError(
            f"{path}: was saved within epoch {progress.epoch} with another --num_gpus or number of "
            "machines; continue with those until the epoch is done, or move the checkpoints of the "
            "epoch away"
        )
    return progress
