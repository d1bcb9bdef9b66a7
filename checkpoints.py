"""Which checkpoint of a directory a run continues from."""

import glob
import os
import sys

import tensorflow as tf

PREFIX = "model.ckpt"


class CheckpointError(ValueError):
    """Checkpoints that a run cannot be continued from; the message says what to do."""


def reason(error):
    """The first line of what TensorFlow or the operating system says of an error."""
    return str(getattr(error, "message", None) or error).splitlines()[0]


def find(save_path):
    """The checkpoints `model.ckpt-STEP` in a directory, the newest first."""
    pattern = os.path.join(glob.escape(save_path), f"{PREFIX}-*.index")
    paths = [path.removesuffix(".index") for path in glob.glob(pattern) if os.path.isfile(path)]
    steps = {path: path.rpartition("-")[2] for path in paths}
    return sorted((p for p in paths if steps[p].isdigit()), key=lambda p: -int(steps[p]))


def read_shapes(path):
    """Reads a whole checkpoint, checking every tensor's checksum.

    Returns:
      Dict of variable name to shape, a list of int.

    Raises:
      CheckpointError: it is damaged, or a file of it is missing.
    """
    try:
        checkpoint = tf.train.load_checkpoint(path)
        shapes = checkpoint.get_variable_to_shape_map()
        for name in shapes:
            checkpoint.get_tensor(name)
    except Exception as error:  # a damaged file makes TensorFlow's reader raise nearly anything
        raise CheckpointError(f"{path}: is damaged: {reason(error)}") from None
    return shapes


def _expected_shapes():
    """What the current graph's Saver restores: variable name to shape."""
    shapes = {v.op.name: v.shape.as_list() for v in tf.compat.v1.global_variables()}
    for saveable in tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.SAVEABLE_OBJECTS):
        shapes |= {spec.name: spec.tensor.shape.as_list() for spec in saveable.specs}
    return shapes


def choose(save_path):
    """Has the directory's `checkpoint` file name the newest checkpoint that is whole.

    That file is where a Supervisor looks; it may be gone, or name a checkpoint that a full disk or
    a power failure left damaged. Each damaged one is named on standard error.

    Args:
      save_path: the directory of the current graph's checkpoints.

    Raises:
      CheckpointError: there are checkpoints, but none is whole, or they are another model's.
    """
    paths = find(save_path)
    for number, path in enumerate(paths):
        try:
            shapes = read_shapes(path)
        except CheckpointError as error:
            print(f"{error}; trying the one before", file=sys.stderr)
            continue
        for name, shape in _expected_shapes().items():
            if shapes.get(name) != shape:
                raise CheckpointError(
                    f"{path}: has {name} of shape {shapes.get(name)}, but the model's is {shape}; "
                    "choose another --save_path"
                )
        older_first = paths[number:][::-1]
        tf.compat.v1.train.update_checkpoint_state(save_path, path, older_first)
        return
    if paths or os.path.exists(os.path.join(save_path, "checkpoint")):
        raise CheckpointError(
            f"{save_path}: no checkpoint is whole; restore one, or choose another --save_path"
        )


def save(saver, session, save_path, step):
    """Saves a session's variables as `model.ckpt-STEP`.

    Raises:
      CheckpointError: it cannot be written. What was saved before is as it was.
    """
    path = os.path.join(save_path, PREFIX)
    try:
        saver.save(session, path, global_step=step)
    except (tf.errors.OpError, ValueError, OSError) as error:
        raise CheckpointError(f"{path}-{step}: cannot be written: {reason(error)}") from None
