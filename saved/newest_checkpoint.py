"""Which checkpoint a run goes on from: the newest that is whole, of this run and of this model."""

import os

import tensorflow as tf

from program.messages import say
from saved import finding, restoring, run_identity
from saved.finding import PREFIX
from saved.reading import CheckpointError, read_run, read_shapes, reason

tf1 = tf.compat.v1


def _check_run(path, run):
    """Checks that a checkpoint is of this run, or does not say; CheckpointError."""
    saved_run = read_run(path) or {}
    if name := run_identity.first_difference(saved_run, run):
        raise CheckpointError(
            f"{path}: {run_identity.change(name, saved_run, run)}; continue with the old one, or "
            "choose another --save_path"
        )


def choose(save_path: str, run: dict | None = None) -> list:
    """Makes the directory's `checkpoint` file name the newest checkpoint that is whole.

    A Supervisor reads that file. It may be missing. It may name a checkpoint that a full disk or a
    power failure has damaged, or one of the directory that this directory was copied from. Each
    damaged checkpoint is named on standard error.

    Args:
      save_path: the directory of the current graph's checkpoints.
      run: the description of the run that they must be of; None for any.

    Returns:
      The paths of the checkpoints to go on from, the newest last; empty if there is none yet.

    Raises:
      CheckpointError: there are checkpoints, but none is whole, or the newest is another run's or
        another model's; or the directory cannot be written.
    """
    paths = finding.list_newest_first(save_path)
    for number, path in enumerate(paths):
        try:
            shapes = read_shapes(path)
        except CheckpointError as error:
            say(f"{error}; trying the one before")
            continue
        _check_run(path, run or {})
        restoring.names_in(path, shapes)
        if choice := finding.describe_choice(save_path, path, paths[number + 1 :]):
            say(choice)
        older_first = paths[number:][::-1]
        # Names without the directory: it may be moved or copied.
        names = [os.path.relpath(each, save_path) for each in older_first]
        try:
            tf1.train.update_checkpoint_state(os.path.abspath(save_path), names[-1], names)
        except tf.errors.OpError as error:
            raise CheckpointError(f"{save_path}: cannot be written: {reason(error)}") from None
        return older_first
    _refuse_to_begin_anew(save_path, paths)
    return []


def _refuse_to_begin_anew(save_path, paths):
    """Refuses a directory that has checkpoints, or parts of some, of which none can be read."""
    begun = os.path.exists(os.path.join(save_path, finding.STATE_FILE))
    parts = finding.list_parts(save_path)
    if os.path.exists(os.path.join(save_path, "config.json")):
        # A first save that was killed leaves such parts.
        parts = [path for path in parts if not os.path.basename(path).startswith(f"{PREFIX}-")]
    if paths or begun or parts:
        named = f" ({', '.join(map(os.path.basename, parts))})" if parts else ""
        raise CheckpointError(
            f"{save_path}: no checkpoint is whole{named}; restore one, or choose another "
            "--save_path"
        )
    if others := finding.list_other_models(save_path):
        raise CheckpointError(
            f"{save_path}: holds {', '.join(others[:3])}, but no checkpoint to continue; choose "
            "another --save_path, or that of the checkpoint"
        )
