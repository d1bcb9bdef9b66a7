"""Finds out what TensorFlow can do on this machine, before anything is built.

(What can be told without TensorFlow: `program/hardware.py`. oneDNN is turned on before TensorFlow
is imported: `program/tensorflow_import.py`.)
"""

import tensorflow as tf

from model.precision import Precision
from program import hardware

BFLOAT16_CAPABILITY = (8, 0)  # of the GPUs that multiply bfloat16


def usable_gpus(num_gpus: int | None = None) -> list:
    """The GPUs that training may use; an empty list if `num_gpus` is 0."""
    # device_lib.list_local_devices would take all their memory: CUDA_ERROR_OUT_OF_MEMORY.
    return [] if num_gpus == 0 else tf.config.list_physical_devices("GPU")


def has_cudnn(num_gpus: int | None = None) -> bool:
    """Whether training may use an NVIDIA GPU, on which `--rnn_mode=cudnn` is the fastest mode."""
    return bool(usable_gpus(num_gpus)) and tf.test.is_built_with_cuda()


def unused_gpu() -> bool:
    """Whether there is an NVIDIA GPU that TensorFlow does not find, though nothing hides it."""
    return hardware.has_nvidia_driver() and not usable_gpus()


def session_config(num_gpus: int | None = None, num_replicas: int = 1) -> tf.compat.v1.ConfigProto:
    """The `ConfigProto` of a session that uses the GPUs asked for, and no memory of others."""
    config = tf.compat.v1.ConfigProto(allow_soft_placement=True)
    if num_gpus == 0:
        config.device_count["GPU"] = 0
    elif gpus := usable_gpus():
        visible = range(min(num_replicas, len(gpus)))
        config.gpu_options.visible_device_list = ",".join(map(str, visible))
        # Takes memory as it is needed, and leaves the rest to other programs.
        config.gpu_options.allow_growth = True
    return config


def precision_for(dtype: tf.DType | Precision, num_gpus: int | None = None) -> Precision:
    """The precision that computes in a dtype, with the products that are fast on this machine.

    Every machine computes in every dtype. Where its products are slow or missing, the rounded
    numbers are multiplied as float32.

    Args:
      dtype: float32, float16 or bfloat16; a `Precision` is returned as it is.
      num_gpus: as in `usable_gpus`.
    """
    if isinstance(dtype, Precision):
        return dtype
    dtype = tf.as_dtype(dtype)
    return Precision(dtype, dtype if multiplies_fast(dtype, num_gpus) else tf.float32)


def multiplies_fast(dtype: tf.DType, num_gpus: int | None = None) -> bool:
    """Whether the device that trains multiplies matrices of a 16-bit dtype faster than float32."""
    gpus = usable_gpus(num_gpus)
    if dtype != tf.bfloat16:
        return bool(gpus)  # no processor is known to be faster in float16
    if not gpus:
        return hardware.multiplies_bfloat16_fast()
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return all(
        each.get("compute_capability", BFLOAT16_CAPABILITY) >= BFLOAT16_CAPABILITY
        for each in details
    )
