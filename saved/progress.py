"""How far training has come: what a checkpoint holds beside the variables, to go on exactly."""

import io
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from program.messages import say
from saved import finding, tf1_checkpoints
from saved.reading import CheckpointError, reason

PROGRESS = tf1_checkpoints.PROGRESS

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


def _steps_per_epoch(path, streams):
    """The steps of an epoch in the script that saved a checkpoint, by the `.meta` file beside it.

    Where that does not say how long the windows were, they are taken to be those of today.
    """
    facts = tf1_checkpoints.read_facts(path)
    tf1_checkpoints.refuse_forget_bias(path, facts)
    windows = (facts.batch_size, facts.num_steps) if facts else (None, None)
    if None not in windows and windows != (streams.batch_size, streams.num_steps):
        say(
            f"{path}: its epochs are counted in windows of {windows[0]} streams by {windows[1]} "
            "steps, which its .meta file shows"
        )
        streams = streams._replace(batch_size=windows[0], num_steps=windows[1])
    return streams.epoch_size * streams.num_replicas


def read_progress(path: str, streams: Any, state: list) -> Progress:
    """Reads how far training had come when it saved a checkpoint.

    Args:
      path: of a whole checkpoint.
      streams: the `reader.Streams` of the training text. They tell the epoch of a checkpoint
        without a progress in it, such as one of the TF1 script.
      state: list of the tensors that carry the state.

    Raises:
      CheckpointError: it was saved within an epoch by a run with a state of other shapes, or the
        progress in it cannot be read.
      tf1_checkpoints.EraError: the script's cells added something to the forget gate.
    """
    checkpoint = tf1.train.NewCheckpointReader(path)
    if not checkpoint.has_tensor(PROGRESS):
        step = finding.step_of(path)
        return Progress(epoch=step // _steps_per_epoch(path, streams) + 1)
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
