"""Variables that are saved in another layout than they are computed in.

A checkpoint holds each weight under one name and in one shape, however a graph computes with it.
So a run can be continued, scored and exported in another way than it was trained: with cuDNN or
without, with a sampled softmax or without.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.training.saving import saveable_object

tf1 = tf.compat.v1


class CanonicalSaveable(saveable_object.SaveableObject):
    """Saves a variable as other tensors, and restores it from them."""

    def __init__(self, variable: Any, canonical: dict[str, tf.Tensor], pack: Callable):
        """Describes the variable.

        Args:
          variable: the variable, or its tensor by reference.
          canonical: dict of name to tensor, what to save instead.
          pack: computes the variable's value from the list of those tensors.
        """
        self._pack = pack
        specs = [saveable_object.SaveSpec(x, slice_spec="", name=n) for n, x in canonical.items()]
        super().__init__(variable, specs, name=variable.op.name)

    def restore(self, restored_tensors: list, restored_shapes: list | None) -> tf.Tensor:
        """The operation that packs restored tensors, in the order of the specs."""
        pairs = zip(restored_tensors, self.specs)
        tensors = [tf.ensure_shape(x, spec.tensor.shape) for x, spec in pairs]
        return tf1.assign(self.op, self._pack(tensors))


def get_variable(name: str, shape: list) -> tf.Variable:
    """Makes a trainable variable, or takes the scope's, that no Saver saves as it is.

    It is not among the global variables, so their initializer does not initialize it.
    """
    return tf1.get_variable(name, shape, collections=[tf1.GraphKeys.TRAINABLE_VARIABLES])


def _saveables():
    return tf1.get_collection_ref(tf1.GraphKeys.SAVEABLE_OBJECTS)


def save_as(variable: Any, unpack: Callable, pack: Callable) -> None:
    """Makes the current graph's Savers save a variable as other tensors.

    Further calls for the same variable change nothing.

    Args:
      variable: the variable, or its tensor by reference.
      unpack: computes the tensors to save from the variable: a dict of name to tensor. The names
        are relative to the variable's scope.
      pack: computes the variable's value from the list of those tensors.
    """
    name = variable.op.name
    if any(isinstance(each, CanonicalSaveable) and each.name == name for each in _saveables()):
        return
    scope = name[: name.rfind("/") + 1]
    canonical = {f"{scope}{key}": tensor for key, tensor in unpack(variable).items()}
    _saveables().append(CanonicalSaveable(variable, canonical, pack))


def forget_saveables() -> None:
    """Undoes `save_as` in the current graph: a metagraph cannot hold a Python object."""
    saveables = _saveables()
    saveables[:] = [each for each in saveables if not isinstance(each, CanonicalSaveable)]
