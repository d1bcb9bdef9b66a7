"""Finds out what this machine can do, before anything is built.

(oneDNN is turned on before TensorFlow is imported: `program/command_line.py`.)
"""

import os

import tensorflow as tf

from model.precision import Precision
from program.errors import RequestError

NVIDIA_DRIVER = "/proc/driver/nvidia/version"  # on Linux
# The value of ONEDNN_MAX_CPU_ISA, and the instructions for bfloat16 that oneDNN then does not use.
KEPT_FROM = {
    **dict.fromkeys(("SSE41", "AVX", "AVX2", "AVX2_VNNI"), {"avx512_bf16", "amx_bf16"}),
    **dict.fromkeys(("AVX512_CORE", "AVX512_CORE_VNNI"), {"avx512_bf16", "amx_bf16"}),
    **dict.fromkeys(("AVX512_CORE_BF16", "AVX512_CORE_FP16"), {"amx_bf16"}),
}


def usable_gpus(num_gpus: int | None = None) -> list:
    """The GPUs that training may use; an empty list if `num_gpus` is 0."""
    # device_lib.list_local_devices would take all their memory: CUDA_ERROR_OUT_OF_MEMORY.
    return [] if num_gpus == 0 else tf.config.list_physical_devices("GPU")


def has_cudnn(num_gpus: int | None = None) -> bool:
    """Whether training may use an NVIDIA GPU, on which `--rnn_mode=cudnn` is the fastest mode."""
    return bool(usable_gpus(num_gpus)) and tf.test.is_built_with_cuda()


def unused_gpu() -> bool:
    """Whether there is an NVIDIA GPU that TensorFlow does not find, though nothing hides it."""
    hidden = "CUDA_VISIBLE_DEVICES" in os.environ
    return os.path.exists(NVIDIA_DRIVER) and not hidden and not usable_gpus()


def count_replicas(num_gpus: int | None, needs_gpu: bool) -> int:
    """How many replicas to train: one for each GPU asked for, or one on the CPU.

    Args:
      num_gpus: the GPUs asked for, or None for one if there is one.
      needs_gpu: whether the model cannot run on a CPU (`--rnn_mode=cudnn`).

    Raises:
      RequestError: this machine has too few GPUs.
    """
    available = len(usable_gpus(num_gpus))
    if num_gpus is not None and num_gpus > available:
        raise RequestError(
            f"--num_gpus={num_gpus}: TensorFlow can use {available} here (docs/gpu.md says how to "
            "install CUDA); leave the flag out to train on what there is"
        )
    if needs_gpu and not available:
        raise RequestError(
            "--rnn_mode=cudnn: needs an NVIDIA GPU, and CUDA (docs/gpu.md); --rnn_mode=block "
            "computes the same on a CPU"
        )
    return num_gpus or 1


def check_memory(num_layers: int, hidden_size: int) -> None:
    """Refuses a model whose LSTM alone cannot fit into the memory; RequestError.

    TensorFlow would notice after minutes, or the system would end the program, or another.
    """
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return  # a system that does not tell
    num_bytes = 4 * num_layers * 2 * hidden_size * 4 * hidden_size
    if num_bytes > memory:
        raise RequestError(
            f"--hidden_size={hidden_size}: the LSTM's weights need {num_bytes // 10**9:,} GB, and "
            f"this machine has {memory // 10**9:,} GB; choose fewer units or layers"
        )


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


def choose_precision(
    use_fp16: bool = False, use_bf16: bool = False, num_gpus: int | None = None
) -> Precision:
    """The precision asked for, with the products that are fast on this machine.

    Args:
      use_fp16, use_bf16: ask for a 16-bit type; without either it is float32.
      num_gpus: as in `count_replicas`.

    Raises:
      RequestError: both are asked for, or bfloat16 on a machine that does not multiply it.
    """
    if use_fp16 and use_bf16:
        raise RequestError("--use_fp16 --use_bf16: choose one of the two")
    gpus = usable_gpus(num_gpus)
    if use_bf16:
        _check_bfloat16(gpus)
    dtype = tf.bfloat16 if use_bf16 else tf.float16 if use_fp16 else tf.float32
    return precision_for(dtype, num_gpus)


def precision_for(dtype: tf.DType | Precision, num_gpus: int | None = None) -> Precision:
    """The precision that computes in a dtype, with the products that are fast on this machine.

    Args:
      dtype: float32, float16 or bfloat16; a `Precision` is returned as it is.
      num_gpus: as in `count_replicas`.
    """
    if isinstance(dtype, Precision):
        return dtype
    dtype = tf.as_dtype(dtype)
    is_fast = usable_gpus(num_gpus) or multiplies_fast(dtype)
    return Precision(dtype, dtype if is_fast else tf.float32)


def _check_bfloat16(gpus):
    """Refuses bfloat16 on a machine that does not multiply it; RequestError."""
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    if any(each.get("compute_capability", (0, 0)) >= (8, 0) for each in details):
        return
    processor = _usable_processor()
    capable = not processor or processor & {"avx512_bf16", "amx_bf16"}
    if gpus and capable:
        raise RequestError(
            "--use_bf16: the GPU here does not multiply bfloat16, but the processor does: add "
            "--num_gpus=0, or leave --use_bf16 out"
        )
    if not capable:
        raise RequestError(
            "--use_bf16: neither a GPU nor the processor here multiplies bfloat16; leave it out, "
            "or continue a run of bfloat16 on the machine where it was begun"
        )


def multiplies_fast(dtype: tf.DType) -> bool:
    """Whether the processor multiplies matrices of a 16-bit dtype faster than those of float32.

    AMX and AMD's AVX512_BF16 are faster in bfloat16. Intel's processors since 2023, which have
    AVX512_FP16, have half of float32's speed if a virtual machine hides their AMX (measured on
    one). No processor is known to be faster in float16. On 64-bit Arm TensorFlow does not use the
    instructions that Linux calls `bf16`.
    """
    processor = _usable_processor()
    slow = {"GenuineIntel", "avx512_fp16"} <= processor
    fast = "avx512_bf16" in processor and not slow
    return dtype == tf.bfloat16 and bool(fast or "amx_bf16" in processor)


def _usable_processor() -> set:
    """The words of `_processor`, without the instructions that ONEDNN_MAX_CPU_ISA forbids oneDNN.

    TensorFlow does not look at that variable: it would ask for them nevertheless, and abort.
    """
    return _processor() - KEPT_FROM.get(os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper(), set())


def _processor() -> set:
    """The words of Linux's description of the processor; empty elsewhere."""
    try:
        with open("/proc/cpuinfo") as file:
            return set(file.read().split())
    except OSError:
        return set()
