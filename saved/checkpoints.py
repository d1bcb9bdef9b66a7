"""What a run saves to continue as if it had never stopped, and which checkpoint it continues from.

A checkpoint holds the variables and two strings beside them. `Training/progress` is the `Progress`:
how far training has come, and what it carries from window to window. `Training/run` says which run
it is of, see `description`.
"""

import contextlib
import functools
import glob
import io
import json
import math
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from program.errors import UserError
from program.messages import say
from program.whole_files import write_whole
from saved import description, eras, finding
from saved.finding import PREFIX

PROGRESS = "Training/progress"
RUN = "Training/run"
GRAPH_FILE = "graph.pbtxt"

tf1 = tf.compat.v1


class CheckpointError(UserError):
    """Checkpoints that a run cannot be continued from; the message says what to do."""


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


def reason(error: Exception) -> str:
    """The message of an error of TensorFlow or the operating system, in one line."""
    lines = str(getattr(error, "message", None) or error).splitlines() or [repr(error)]
    for before, line in zip(lines, lines[1:]):
        if before.startswith("Node: "):  # the message follows the Python lines that made the node
            return line
    return lines[0]


def read_shapes(path: str) -> dict:
    """Reads a whole checkpoint, checking every tensor's checksum.

    Returns:
      Dict of variable name to shape, a list of int.

    Raises:
      CheckpointError: it is damaged, or a file of it is missing, or a number in it is not finite.
    """
    try:
        # load_checkpoint would read the newest checkpoint of a directory with that name instead.
        checkpoint = tf1.train.NewCheckpointReader(path)
        shapes = checkpoint.get_variable_to_shape_map()
        bad = [name for name in sorted(shapes) if not _is_finite(checkpoint.get_tensor(name))]
    except Exception as error:  # TensorFlow raises many kinds of errors for damaged files
        raise CheckpointError(f"{path}: is damaged: {reason(error)}") from None
    if bad:
        raise CheckpointError(
            f"{path}: {bad[0]} has numbers that are infinite or NaN; take an earlier checkpoint"
        )
    return shapes


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
    try:
        return tf1.train.NewCheckpointReader(path).get_variable_to_shape_map()
    except Exception as error:  # as in `read_shapes`
        raise CheckpointError(f"{path}: is damaged: {reason(error)}") from None


def read_run(path: str) -> dict | None:
    """The description, in a whole checkpoint, of the run that saved it; None if it has none.

    Checkpoints of the TF1 script and of older versions of this project have none.

    Raises:
      CheckpointError: it holds something else under that name, or is damaged.
    """
    try:
        checkpoint = tf1.train.NewCheckpointReader(path)
        content = checkpoint.get_tensor(RUN) if checkpoint.has_tensor(RUN) else None
    except Exception as error:  # as in `read_shapes`
        raise CheckpointError(f"{path}: is damaged: {reason(error)}") from None
    if content is None:
        return None
    try:
        return dict(json.loads(content))
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path}: {RUN} in it is not a run's description: {error}") from None


def _check_run(path, run):
    """Checks that a checkpoint is of this run, or does not say; CheckpointError."""
    saved_run = read_run(path) or {}
    if name := description.first_difference(saved_run, run):
        raise CheckpointError(
            f"{path}: {description.change(name, saved_run, run)}; continue with the old one, or "
            "choose another --save_path"
        )


def remove_unfinished(save_path: str) -> None:
    """Removes the files that an interrupted save left behind."""
    patterns = [
        f"{PREFIX}-*.tempstate*",
        f"{PREFIX}-*.meta.tmp*",
        "checkpoint.tmp*",
        f"{GRAPH_FILE}.tmp*",
    ]
    for pattern in patterns:
        for path in glob.glob(os.path.join(glob.escape(save_path), pattern)):
            with contextlib.suppress(OSError):
                os.remove(path)


def _expected_shapes():
    """What the current graph's Saver restores: a dict of variable name to shape."""
    shapes = {v.op.name: v.shape.as_list() for v in tf1.global_variables()}
    for saveable in tf1.get_collection(tf1.GraphKeys.SAVEABLE_OBJECTS):
        shapes |= {spec.name: spec.tensor.shape.as_list() for spec in saveable.specs}
    return shapes


def _names_in(path, shapes, expected):
    """Where a checkpoint has the current graph's variables: dict of name to its name there.

    Raises:
      CheckpointError: it is another model's.
    """
    names = {name: name for name in expected}
    has_todays_names = names.keys() <= shapes.keys()
    try:
        eras.refuse_other_cells(path, shapes)
        layout = None if has_todays_names else eras.match(path, shapes)
    except eras.EraError as error:
        raise CheckpointError(f"{error}; choose another --save_path") from None
    if layout is not None:
        num_layers = sum(name.endswith("/kernel") for name in expected)
        if layout.num_cells == 1 and layout.era.may_share:
            layout = eras.with_layers(layout, num_layers)
        names |= layout.names
        step = tf1.train.get_global_step()
        if step is not None and layout.step is None:
            raise CheckpointError(
                f"{path}: does not say how long it was trained; import_checkpoint.py "
                "--epochs_done=N makes a run of it that can be continued"
            )
        if step is not None:
            names[step.op.name] = layout.step
    for name, shape in expected.items():
        if shapes.get(names[name]) != shape:
            raise CheckpointError(
                f"{path}: has {name} of shape {shapes.get(names[name])}, but the model's is "
                f"{shape}; choose another --save_path, or train with the old sizes"
            )
    return names


def name_newest_whole(save_path: str, run: dict | None = None) -> list:
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
        _names_in(path, shapes, _expected_shapes())
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


class _Restorer(tf1.train.Saver):  # type: ignore[name-defined]
    """A Saver that restores from a checkpoint with other names, dtypes or format."""

    def __init__(self, names: dict):
        """Adds to the graph what sets the variables; `names` as of `_names_in`."""
        super().__init__(save_relative_paths=True)
        self._assign = []  # pairs of an operation and a dict of tensors to feed to names to read
        for variable in tf1.global_variables():
            name = names[variable.op.name]
            self._assign.append((variable.initializer, {variable.initial_value: name}))
        for saveable in tf1.get_collection(tf1.GraphKeys.SAVEABLE_OBJECTS):
            fed = [tf1.placeholder(spec.dtype, spec.tensor.shape) for spec in saveable.specs]
            read = [names[spec.name] for spec in saveable.specs]
            self._assign.append((saveable.restore(fed, None), dict(zip(fed, read))))

    def restore(self, sess: tf.compat.v1.Session, save_path: str) -> None:
        """Sets the variables in a session."""
        checkpoint = tf1.train.NewCheckpointReader(save_path)
        for operation, wanted in self._assign:
            sess.run(operation, {x: checkpoint.get_tensor(n) for x, n in wanted.items()})


def _restorer_of(path):
    """What restores the current graph's variables from a checkpoint, or None; see `Checkpoints`."""
    if path is None:
        return tf1.train.Saver(save_relative_paths=True)
    checkpoint = tf1.train.NewCheckpointReader(path)
    names = _names_in(path, checkpoint.get_variable_to_shape_map(), _expected_shapes())
    dtypes = checkpoint.get_variable_to_dtype_map()
    usual = (tf.float32, tf.int64)  # a Saver restores no other dtype into these variables
    is_old = any(name != old or dtypes[old] not in usual for name, old in names.items())
    if is_old or not os.path.isfile(f"{path}.index"):
        return _Restorer(names)
    return tf1.train.Saver(save_relative_paths=True)


def _is_ours(path):
    """Whether this program wrote a checkpoint, so that it may also delete it in time."""
    try:
        return tf1.train.NewCheckpointReader(path).has_tensor(PROGRESS)
    except Exception:  # noqa: BLE001  TensorFlow raises many kinds of errors for damaged files
        return False


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


def _forget_shapes(graph_def):
    for node in graph_def.node:
        node.attr.pop("_output_shapes", None)


def write_graph(save_path: str) -> None:
    """Writes the current graph as text, `graph.pbtxt`, as a Supervisor does.

    Raises:
      CheckpointError: it cannot be written.
    """
    path = os.path.join(save_path, GRAPH_FILE)
    try:
        write_whole(path, str(tf1.get_default_graph().as_graph_def()))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written: {error.strerror}") from None


class Checkpoints:
    """Finds and saves the current graph's checkpoints: its variables, `Progress` and description.

    Attributes:
      progress: the `Progress` to go on from.
      newest: path of the newest checkpoint that is whole, or None.
      saved_run: the description in the checkpoint to go on from, see `read_run`; or None.
      restorer: a `Saver` of only the variables, or the like for an old checkpoint, with which a
        Supervisor restores.
    """

    def __init__(self, save_path: str, model: Any, run: dict | None = None):
        """Chooses the checkpoint to go on from, and adds to the graph what saving needs.

        Args:
          save_path: the directory.
          model: the `util.ModelOps` of the model in training, in the current graph.
          run: the description of the run; None to save none.

        Raises:
          CheckpointError: there are checkpoints, but none can be continued.
        """
        self._prefix = os.path.join(save_path, PREFIX)
        remove_unfinished(save_path)
        paths = name_newest_whole(save_path, run)
        self.progress = Progress()
        self.newest: str | None = None
        self.saved_run: dict | None = None
        if paths:
            self.newest = paths[-1]
            self.saved_run = read_run(self.newest)
            streams = model.streams
            steps_per_epoch = streams.epoch_size * streams.num_replicas
            state = tf.nest.flatten(model.initial_state)
            self.progress = read_progress(self.newest, steps_per_epoch, state)
        self.restorer = _restorer_of(self.newest)
        # In no collection, so that it is not one of the model's variables for other Savers.
        self._content = tf1.placeholder(tf.string, shape=[])
        values = {PROGRESS: self._content}
        if run is not None:
            values[RUN] = json.dumps(run)
        strings = [
            tf1.Variable(value, trainable=False, collections=[], use_resource=False, name=name)
            for name, value in values.items()
        ]
        self._assign = [variable.initializer for variable in strings]
        saveables = tf1.get_collection(tf1.GraphKeys.SAVEABLE_OBJECTS)
        variables = [*tf1.global_variables(), *saveables, *strings]
        self._saver = tf1.train.Saver(variables, save_relative_paths=True)
        # It deletes them when there are five newer ones: only its own.
        self._saver.recover_last_checkpoints([path for path in paths if _is_ours(path)])

    @functools.cache  # noqa: B019  it lives as long as the run
    def _metagraph(self):
        """The graph as TensorFlow's Saver writes it, but without what an import works out again."""
        metagraph = self._saver.export_meta_graph(strip_default_attrs=True)
        _forget_shapes(metagraph.graph_def)
        return metagraph.SerializeToString()

    def save(self, session: tf.compat.v1.Session, step: int, progress: Progress) -> None:
        """Saves a session's variables, and the progress, as `model.ckpt-STEP`.

        Raises:
          CheckpointError: it cannot be written. The checkpoints saved before are unchanged.
        """
        session.run(self._assign, {self._content: progress.to_bytes()})
        try:
            self.newest = self._saver.save(
                session, self._prefix, global_step=step, write_meta_graph=False
            )
            write_whole(f"{self.newest}.meta", self._metagraph())
        except (tf.errors.OpError, ValueError, OSError) as error:
            remove_unfinished(os.path.dirname(self._prefix))
            message = f"{self._prefix}-{step}: cannot be written: {reason(error)}"
            raise CheckpointError(message) from None
