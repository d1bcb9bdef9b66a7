"""The arrays in a checkpoint's files, of today's format or of the one before TensorFlow 0.12."""

import os
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1


def read(path: str, names: Iterable[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yields variables of a checkpoint, `(name, array)`.

    Args:
      path: the checkpoint's prefix; in the older format, the file.
      names: of the variables.

    Raises:
      tf.errors.OpError, RuntimeError: one cannot be read, or is not there as a whole.
    """
    checkpoint = tf1.train.NewCheckpointReader(path)
    if os.path.exists(f"{path}.index"):
        yield from ((name, checkpoint.get_tensor(name)) for name in names)
        return
    # There a partitioned variable is in slices, which the reader does not put together.
    dtypes = checkpoint.get_variable_to_dtype_map()
    without_gpu = tf1.ConfigProto(device_count={"GPU": 0})
    with tf.Graph().as_default(), tf1.Session(config=without_gpu) as session:
        for name in names:
            restored = tf.raw_ops.RestoreV2(
                prefix=path, tensor_names=[name], shape_and_slices=[""], dtypes=[dtypes[name]]
            )
            yield name, session.run(restored[0])
