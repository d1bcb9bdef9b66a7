"""What this machine has, as far as it can be told without TensorFlow."""

import os
import platform

from program.errors import RequestError

ADDRESSABLE = 1 << 47  # bytes, by any processor; for systems that do not tell how many there are
NVIDIA_DRIVER = "/proc/driver/nvidia/version"  # on Linux
X86 = ("x86_64", "AMD64")
# The value of ONEDNN_MAX_CPU_ISA, and the instructions for bfloat16 that oneDNN then does not use.
KEPT_FROM = {
    **dict.fromkeys(("SSE41", "AVX", "AVX2", "AVX2_VNNI"), {"avx512_bf16", "amx_bf16"}),
    **dict.fromkeys(("AVX512_CORE", "AVX512_CORE_VNNI"), {"avx512_bf16", "amx_bf16"}),
    **dict.fromkeys(("AVX512_CORE_BF16", "AVX512_CORE_FP16"), {"amx_bf16"}),
}


def memory() -> int | None:
    """The bytes of memory; None on a system that does not tell, such as Windows."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def check_memory(num_layers: int, hidden_size: int) -> None:
    """Refuses a model whose LSTM alone cannot fit into the memory; RequestError.

    TensorFlow would notice after minutes, or the system would end the program, or another.
    """
    available = memory() or ADDRESSABLE
    num_bytes = 4 * num_layers * 2 * hidden_size * 4 * hidden_size
    if num_bytes > available:
        raise RequestError(
            f"--hidden_size={hidden_size}: the LSTM's weights need {num_bytes // 10**9:,} GB, and "
            f"this machine has {available // 10**9:,} GB; choose fewer units or layers"
        )


def has_nvidia_driver() -> bool:
    """Whether there is an NVIDIA GPU with a driver that nothing hides; False if not on Linux."""
    return os.path.exists(NVIDIA_DRIVER) and "CUDA_VISIBLE_DEVICES" not in os.environ


def is_x86() -> bool:
    """Whether the processor is one of Intel's or AMD's, of 64 bits."""
    return platform.machine() in X86


def multiplies_bfloat16_fast() -> bool:
    """Whether the processor multiplies matrices of bfloat16 faster than those of float32.

    AMX and AMD's AVX512_BF16 do, through oneDNN. Intel's processors since 2023, which have
    AVX512_FP16, have half of float32's speed if a virtual machine hides their AMX (measured on
    one). On Arm, TensorFlow does not use the instructions that `/proc/cpuinfo` calls `bf16`.
    """
    if not is_x86() or os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return False
    # TensorFlow does not look at this variable: it would ask for the instructions nevertheless.
    newest = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    processor = _processor() - KEPT_FROM.get(newest, set())
    is_slow = {"GenuineIntel", "avx512_fp16"} <= processor
    return "amx_bf16" in processor or ("avx512_bf16" in processor and not is_slow)


def _processor() -> set:
    """The words of Linux's description of the processor; empty elsewhere."""
    try:
        with open("/proc/cpuinfo") as file:
            return set(file.read().split())
    except OSError:
        return set()
