"""Restores a graph's variables: which is which in a checkpoint, of today or of the TF1 script."""

import os

import tensorflow as tf

from saved import tensors, tf1_checkpoints
from saved.reading import CheckpointError

tf1 = tf.compat.v1


def _expected_shapes():
    """What the current graph's Saver restores: a dict of variable name to shape."""
    shapes = {v.op.name: v.shape.as_list() for v in tf1.global_variables()}
    for saveable in tf1.get_collection(tf1.GraphKeys.SAVEABLE_OBJECTS):
        shapes |= {spec.name: spec.tensor.shape.as_list() for spec in saveable.specs}
    return shapes


def _refuse_other_layers(path, shapes, layout, num_layers):
    """Refuses a checkpoint of more layers or fewer, of which a Saver would leave some out.

    Args:
      path, shapes: as for `names_in`.
      layout: the `tf1_checkpoints.Layout`; None if the variables have today's names.
      num_layers: int, the model's.
    """
    known = tf1_checkpoints.count_layers(path, shapes, layout)
    if known not in (None, num_layers):
        raise CheckpointError(
            f"{path}: has {known} layers, and the model {num_layers}; continue it with "
            f"--num_layers={known}, or choose another --save_path"
        )


def names_in(path: str, shapes: dict) -> dict:
    """Where a checkpoint has the current graph's variables: dict of name to its name there.

    Args:
      path: the checkpoint, for messages.
      shapes: dict of its variables' names to their shapes.

    Raises:
      CheckpointError: it is another model's.
    """
    expected = _expected_shapes()
    names = {name: name for name in expected}
    has_todays_names = names.keys() <= shapes.keys()
    try:
        tf1_checkpoints.refuse_other_cells(path, shapes)
        layout = None if has_todays_names else tf1_checkpoints.match(path, shapes)
        num_layers = sum(name.endswith("/kernel") for name in expected)
        if num_layers:
            _refuse_other_layers(path, shapes, layout, num_layers)
    except tf1_checkpoints.EraError as error:
        raise CheckpointError(f"{error}; choose another --save_path") from None
    if layout is not None:
        if layout.may_share:
            layout = tf1_checkpoints.with_layers(layout, num_layers)
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


class _Restorer(tf1.train.Saver):  # type: ignore[name-defined]
    """A Saver that restores from a checkpoint with other names, dtypes or format."""

    def __init__(self, names: dict):
        """Adds to the graph what sets the variables; `names` as of `names_in`."""
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
        for operation, wanted in self._assign:
            values = dict(tensors.read(save_path, set(wanted.values())))
            sess.run(operation, {x: values[name] for x, name in wanted.items()})


def restorer_of(path: str | None) -> tf.compat.v1.train.Saver:
    """What restores the current graph's variables from a checkpoint; see `Checkpoints.restorer`."""
    if path is None:
        return tf1.train.Saver(save_relative_paths=True)
    checkpoint = tf1.train.NewCheckpointReader(path)
    names = names_in(path, checkpoint.get_variable_to_shape_map())
    dtypes = checkpoint.get_variable_to_dtype_map()
    usual = (tf.float32, tf.int64)  # a Saver restores no other dtype into these variables
    is_old = any(name != old or dtypes[old] not in usual for name, old in names.items())
    if is_old or not os.path.isfile(f"{path}.index"):
        return _Restorer(names)
    return tf1.train.Saver(save_relative_paths=True)
