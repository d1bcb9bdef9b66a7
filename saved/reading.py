"""Reads what is in a checkpoint, without a graph: that it is whole, its variables, its run."""

import contextlib
import json

import numpy as np
import tensorflow as tf

from program.errors import UserError
from saved import finding, tensors, tf1_checkpoints

SCOPES = (f"{tf1_checkpoints.SCOPE}/", f"{tf1_checkpoints.FIRST_SCOPE}/", *tf1_checkpoints.OURS)
RUN = tf1_checkpoints.RUN  # the description of the run that saved it

tf1 = tf.compat.v1


class CheckpointError(UserError):
    """Checkpoints that a run cannot be continued from; the message says what to do."""


def reason(error: Exception) -> str:
    """The message of an error of TensorFlow or the operating system, in one line."""
    lines = str(getattr(error, "message", None) or error).splitlines() or [repr(error)]
    for before, line in zip(lines, lines[1:]):
        if before.startswith("Node: "):  # the message follows the Python lines that made the node
            return line
    return lines[0]


@contextlib.contextmanager
def _naming_damage(path):
    try:
        yield
    except Exception as error:  # TensorFlow raises many kinds of errors for damaged files
        raise CheckpointError(f"{path}: is damaged: {reason(error)}") from None


def read_shapes(path: str) -> dict:
    """Reads a whole checkpoint, checking every tensor's checksum.

    Returns:
      Dict of variable name to shape, a list of int.

    Raises:
      CheckpointError: it is damaged, or a file of it is missing, or a number of a model in it is
        not finite.
    """
    if missing := finding.missing_shards(path):
        raise CheckpointError(f"{path}: is damaged: {missing[0]} is missing")
    with _naming_damage(path):
        # load_checkpoint would read the newest checkpoint of a directory with that name instead.
        checkpoint = tf1.train.NewCheckpointReader(path)
        shapes = checkpoint.get_variable_to_shape_map()
        values = tensors.read(path, sorted(shapes))
        # Each value is read, even if its numbers do not matter: this checks the checksums.
        bad = [name for name, value in values if _is_read(name, shapes) and not _is_finite(value)]
    if bad:
        raise CheckpointError(
            f"{path}: {bad[0]} has numbers that are infinite or NaN; take an earlier checkpoint"
        )
    return shapes


def _is_read(name, shapes):
    """Whether a variable is a model's or a run's own: no optimizer's slot, nor a best value."""
    return name.startswith(SCOPES) and not tf1_checkpoints.is_slot(name, shapes)


def _is_finite(value):
    try:
        return bool(np.isfinite(value).all())
    except TypeError:  # a string
        return True


def read_names(path: str) -> dict:
    """The names of a checkpoint's variables, with their shapes; only the names are looked at.

    Raises:
      CheckpointError: they cannot be read.
    """
    with _naming_damage(path):
        return tf1.train.NewCheckpointReader(path).get_variable_to_shape_map()


def read_run(path: str) -> dict | None:
    """The description, in a whole checkpoint, of the run that saved it; None if it has none.

    Checkpoints of the TF1 script and of older versions of this project have none.

    Raises:
      CheckpointError: it holds something else under that name, or is damaged.
    """
    with _naming_damage(path):
        checkpoint = tf1.train.NewCheckpointReader(path)
        content = checkpoint.get_tensor(RUN) if checkpoint.has_tensor(RUN) else None
    if content is None:
        return None
    try:
        return dict(json.loads(content))
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path}: {RUN} in it is not a run's description: {error}") from None
