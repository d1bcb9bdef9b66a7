import os
import platform

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import test_util

from graphs import models_in_session, random_corpus, tiny_config, train_epochs
from model import devices
from model.precision import Precision
from program import hardware
from program.errors import RequestError
from training import from_flags

tf1 = tf.compat.v1


def skip_what_ends_the_process(multiplied_as):
    kept_from = os.environ.get("ONEDNN_MAX_CPU_ISA") and test_util.IsMklEnabled()
    if multiplied_as == tf.bfloat16 and kept_from:
        pytest.skip("asked for what it is kept from, oneDNN ends the process")


def random_product(precision):
    """Two float32 matrices, and their product after they were rounded to 16 bits."""
    skip_what_ends_the_process(precision.multiplied_as)
    rng = np.random.default_rng(0)
    matrices = [rng.normal(size=shape).astype(np.float32) for shape in [(20, 64), (64, 48)]]
    with tf.Graph().as_default(), tf1.Session() as session:
        factors = [tf1.placeholder(tf.float32, matrix.shape) for matrix in matrices]
        result = precision.product(*(tf.cast(factor, precision.dtype) for factor in factors))
        return matrices, session.run(result, dict(zip(factors, matrices)))


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_factors_multiplied_as_float32_are_16_bit_numbers(dtype):
    # That is: no optimization of the graph takes the rounding away.
    matrices, actual = random_product(Precision(dtype, tf.float32))
    a, b = (x.astype(dtype.as_numpy_dtype).astype(np.float64) for x in matrices)
    np.testing.assert_allclose(actual, a @ b, rtol=1e-5, atol=1e-5)


def test_both_ways_differ_by_how_the_result_becomes_16_bits():
    _, as_float32 = random_product(Precision(tf.bfloat16, tf.float32))
    _, as_is = random_product(Precision(tf.bfloat16, tf.bfloat16))
    # Some kernels round the sum to the 8 bits of a bfloat16, others cut it off, which errs by twice
    # as much.
    np.testing.assert_allclose(as_is, as_float32, rtol=1.01 * 2**-7, atol=1e-5)


@pytest.mark.parametrize("rnn_mode", ["basic", "block"])
def test_a_model_learns_the_same_both_ways(rnn_mode):
    config = tiny_config(rnn_mode=rnn_mode, hidden_size=32)
    perplexities = []
    for multiplied_as in (tf.float32, tf.bfloat16):
        skip_what_ends_the_process(multiplied_as)
        precision = Precision(tf.bfloat16, multiplied_as)
        with models_in_session(config, random_corpus(), precision) as (models, session):
            perplexities.append(train_epochs(session, models["Train"], 3))
    np.testing.assert_allclose(*perplexities, rtol=2e-3)


AMX, PLAIN = "GenuineIntel amx_bf16", "GenuineIntel avx2"


@pytest.fixture
def machine(monkeypatch):
    """Gives the machine a processor, and GPUs of some compute capabilities."""

    def set_up(processor, *capabilities, architecture="x86_64"):
        details = dict(enumerate({"compute_capability": each} for each in capabilities))
        for name in ("ONEDNN_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(hardware, "_processor", lambda: set(processor.split()))
        monkeypatch.setattr(platform, "machine", lambda: architecture)
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(details))
        monkeypatch.setattr(tf.config.experimental, "get_device_details", details.get)

    return set_up


@pytest.mark.parametrize(
    ("processor", "newest", "bfloat16"),
    [
        ("GenuineIntel avx512f avx512_bf16 avx512_fp16 amx_bf16", "", True),
        ("GenuineIntel avx512f avx512_bf16 avx512_fp16 amx_bf16", "AVX2", False),
        ("GenuineIntel avx512f avx512_bf16 avx512_fp16", "", False),  # a virtual one
        ("GenuineIntel avx512f", "", False),
        ("AuthenticAMD avx512f avx512_bf16", "", True),
        ("AuthenticAMD avx512f avx512_bf16", "avx512_core_bf16", True),
        ("AuthenticAMD avx512f avx512_bf16", "AVX512_CORE", False),
        ("", "", False),  # not Linux
    ],
)
def test_processors_multiply_as_measured(machine, monkeypatch, processor, newest, bfloat16):
    machine(processor)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", newest)
    assert devices.multiplies_fast(tf.bfloat16) == bfloat16
    assert not devices.multiplies_fast(tf.float16)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")  # Eigen's products are slow
    assert not devices.multiplies_fast(tf.bfloat16)


@pytest.mark.parametrize(
    ("processor", "capabilities", "num_gpus", "multiplied_as"),
    [
        (PLAIN, [(8, 0)], None, tf.bfloat16),
        (PLAIN, [(8, 0)], 0, tf.float32),
        (PLAIN, [], None, tf.float32),
        (AMX, [(7, 0)], None, tf.float32),
        (AMX, [(8, 0), (7, 0)], None, tf.float32),  # replicas on both
        (AMX, [(7, 0)], 0, tf.bfloat16),  # the processor decides
        ("AuthenticAMD avx512_bf16", [], None, tf.bfloat16),
        ("GenuineIntel avx512_bf16 avx512_fp16", [], None, tf.float32),
        ("GenuineIntel avx512_bf16 avx512_fp16", [(8, 0)], 0, tf.float32),
        ("", [], None, tf.float32),
    ],
)
def test_bfloat16_is_computed_everywhere(machine, processor, capabilities, num_gpus, multiplied_as):
    machine(processor, *capabilities)
    assert devices.precision_for(tf.bfloat16, num_gpus) == Precision(tf.bfloat16, multiplied_as)


def test_on_arm_the_word_bf16_does_not_mean_that_tensorflow_is_fast(machine):
    machine("fp asimd bf16 i8mm", architecture="aarch64")
    assert devices.precision_for(tf.bfloat16) == Precision(tf.bfloat16, tf.float32)


def test_no_gpus_means_no_gpu(machine):
    machine(PLAIN, (8, 0), (8, 0))
    assert devices.session_config(num_gpus=0).device_count["GPU"] == 0
    assert devices.session_config(2, 2).gpu_options.visible_device_list == "0,1"
    assert devices.session_config(None, 1).gpu_options.visible_device_list == "0"
    assert devices.session_config(None, 3).gpu_options.visible_device_list == "0,1"
    assert from_flags.count_replicas(2, needs_gpu=True) == 2
    with pytest.raises(RequestError, match="--rnn_mode=cudnn: needs an NVIDIA GPU"):
        from_flags.count_replicas(0, needs_gpu=True)


@pytest.mark.parametrize(
    ("driver", "hidden", "capabilities", "unused"),
    [
        ("driver", False, [], True),
        ("driver", False, [(8, 0)], False),
        ("driver", True, [], False),
        ("none", False, [], False),
    ],
)
def test_a_gpu_that_tensorflow_does_not_find_is_noticed(
    machine, monkeypatch, tmp_path, driver, hidden, capabilities, unused
):
    machine(PLAIN, *capabilities)
    (tmp_path / "driver").touch()
    monkeypatch.setattr(hardware, "NVIDIA_DRIVER", str(tmp_path / driver))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    if hidden:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert devices.unused_gpu() == unused
