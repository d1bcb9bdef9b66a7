"""What this machine can do, asked before anything is built."""

import functools
import os

import tensorflow as tf

from program.command_line import RequestError

# Value of ONEDNN_MAX_CPU_ISA to the instructions for bfloat16 that oneDNN then does without.
KEPT_FROM = {
    **dict.fromkeys(("SSE41", "AVX", "AVX2", "AVX2_VNNI"), {"avx512_bf16", "amx_bf16"}),
    **dict.fromkeys(("AVX512_CORE", "AVX512_CORE_VNNI"), {"avx512_bf16", "amx_bf16"}),
    **dict.fromkeys(("AVX512_CORE_BF16", "AVX512_CORE_FP16"), {"amx_bf16"}),
}


def count_replicas(num_gpus, needs_gpu):
    """How many replicas to train: one for each GPU asked for, and one without a GPU.

    Args:
      num_gpus: the GPUs asked for, or None for one if there is one.
      needs_gpu: bool, whether the CPU will not do (`--rnn_mode=cudnn`).

    Raises:
      RequestError: this machine has too few GPUs.
    """
    # Lists them without claiming their memory.
    available = len(tf.config.list_physical_devices("GPU"))
    if num_gpus is not None and num_gpus > available:
        raise RequestError(
            f"--num_gpus={num_gpus}: this machine has {available or 'no'} GPUs that TensorFlow can "
            "use; leave the flag out to train on what there is"
        )
    if needs_gpu and (not available or num_gpus == 0):
        raise RequestError(
            "--rnn_mode=cudnn: needs a GPU; --rnn_mode=block computes the same on a CPU"
        )
    return num_gpus or 1


def session_config(num_gpus, num_replicas):
    """The session's `ConfigProto`: it claims the GPUs asked for, and no other's memory."""
    config = tf.compat.v1.ConfigProto(allow_soft_placement=True)
    if num_gpus == 0:
        config.device_count["GPU"] = 0
    elif tf.config.list_physical_devices("GPU"):
        config.gpu_options.visible_device_list = ",".join(map(str, range(num_replicas)))
    return config


def choose_dtype(use_fp16, use_bf16):
    """The dtype of activations and matrix products.

    Raises:
      RequestError: both are asked for, or bfloat16 where it is not to be had.
    """
    if use_fp16 and use_bf16:
        raise RequestError("--use_fp16 --use_bf16: choose one of the two")
    if use_bf16:
        check_bfloat16()
    return tf.bfloat16 if use_bf16 else tf.float16 if use_fp16 else tf.float32


def check_bfloat16():
    """Refuses bfloat16 where neither a GPU nor the processor multiplies it; RequestError."""
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    if any(each.get("compute_capability", (0, 0)) >= (8, 0) for each in details):
        return
    processor = _usable_processor()
    if gpus or processor and not processor & {"avx512_bf16", "amx_bf16", "bf16"}:
        raise RequestError(
            "--use_bf16: neither a GPU nor the processor here multiplies bfloat16; leave it out, "
            "or continue a run of bfloat16 where it was begun"
        )


@functools.cache
def multiplies_fast(dtype):
    """Whether matrix products in a 16-bit dtype are faster here than in float32.

    On a GPU they are. Of the processors, AMX and AMD's AVX512_BF16 multiply bfloat16 faster, but
    Intel's of 2023 on, known by AVX512_FP16, at half of float32's speed if a virtual machine hides
    their AMX from it (measured on one). In float16 none is known to gain.
    """
    if tf.config.list_physical_devices("GPU"):
        return True
    processor = _usable_processor()
    slow = {"GenuineIntel", "avx512_fp16"} <= processor
    fast = processor & {"avx512_bf16", "bf16"} and not slow
    return dtype == tf.bfloat16 and bool(fast or "amx_bf16" in processor)


def _usable_processor():
    """The words of `_processor` without the instructions that the user keeps oneDNN from.

    TensorFlow looks at the processor alone: it would call for them all the same, and abort.
    """
    return _processor() - KEPT_FROM.get(os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper(), set())


def _processor():
    """The words of Linux's description of the processor; empty elsewhere."""
    try:
        with open("/proc/cpuinfo") as file:
            return set(file.read().split())
    except OSError:
        return set()
