import os

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import test_util

from graphs import models_in_session, random_corpus, tiny_config, train_epochs
from model import devices, matmul

tf1 = tf.compat.v1


@pytest.fixture
def multiply_as_is(monkeypatch):
    """Says whether 16-bit numbers are to be multiplied as they are, or as float32."""

    def choose(value):
        if value and os.environ.get("ONEDNN_MAX_CPU_ISA") and test_util.IsMklEnabled():
            pytest.skip("asked for what it is kept from, oneDNN ends the process")
        monkeypatch.setattr(devices, "multiplies_fast", lambda dtype: value)

    return choose


def random_product(dtype):
    """Two float32 matrices, and their product after they were rounded to a 16-bit type."""
    rng = np.random.default_rng(0)
    matrices = [rng.normal(size=shape).astype(np.float32) for shape in [(20, 64), (64, 48)]]
    with tf.Graph().as_default(), tf1.Session() as session:
        factors = [tf1.placeholder(tf.float32, matrix.shape) for matrix in matrices]
        result = matmul.product(*(tf.cast(factor, dtype) for factor in factors))
        return matrices, session.run(result, dict(zip(factors, matrices)))


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_factors_multiplied_as_float32_are_16_bit_numbers(multiply_as_is, dtype):
    # That is: no optimization of the graph takes the rounding away.
    multiply_as_is(False)
    matrices, actual = random_product(dtype)
    a, b = (x.astype(dtype.as_numpy_dtype).astype(np.float64) for x in matrices)
    np.testing.assert_allclose(actual, a @ b, rtol=1e-5, atol=1e-5)


def test_both_ways_differ_by_how_the_result_becomes_16_bits(multiply_as_is):
    results = []
    for value in (False, True):
        multiply_as_is(value)
        results.append(random_product(tf.bfloat16)[1])
    as_float32, as_is = results
    # Some kernels round the sum to the 8 bits of a bfloat16, others cut it off, which errs by twice
    # as much.
    np.testing.assert_allclose(as_is, as_float32, rtol=1.01 * 2**-7, atol=1e-5)


@pytest.mark.parametrize("rnn_mode", ["basic", "block"])
def test_a_model_learns_the_same_both_ways(multiply_as_is, rnn_mode):
    config = tiny_config(rnn_mode=rnn_mode, hidden_size=32)
    perplexities = []
    for value in (False, True):
        multiply_as_is(value)
        with models_in_session(config, random_corpus(), tf.bfloat16) as (models, session):
            perplexities.append(train_epochs(session, models["Train"], 3))
    np.testing.assert_allclose(*perplexities, rtol=2e-3)


@pytest.mark.parametrize(
    ("processor", "newest", "float16", "bfloat16"),
    [
        ("GenuineIntel avx512f avx512_bf16 avx512_fp16 amx_bf16", "", False, True),
        ("GenuineIntel avx512f avx512_bf16 avx512_fp16 amx_bf16", "AVX2", False, False),
        ("GenuineIntel avx512f avx512_bf16 avx512_fp16", "", False, False),  # a virtual one
        ("GenuineIntel avx512f", "", False, False),
        ("AuthenticAMD avx512f avx512_bf16", "", False, True),
        ("AuthenticAMD avx512f avx512_bf16", "avx512_core_bf16", False, True),
        ("AuthenticAMD avx512f avx512_bf16", "AVX512_CORE", False, False),
        ("", "", False, False),  # not Linux
    ],
)
def test_processors_multiply_as_measured(monkeypatch, processor, newest, float16, bfloat16):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", newest)
    monkeypatch.setattr(devices, "_processor", lambda: set(processor.split()))
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    multiplies_fast = devices.multiplies_fast.__wrapped__
    assert (multiplies_fast(tf.float16), multiplies_fast(tf.bfloat16)) == (float16, bfloat16)
