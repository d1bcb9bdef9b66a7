"""Models written for other libraries, computed there. Libraries that are missing are skipped."""

import os
import sys

import numpy as np
import pytest

import export
from graphs import ROOT, run_here, save_run, text_corpus
from trained import scoring, trained_model

sys.path.append(os.path.join(ROOT, "benchmarks"))
import neighbour_readers  # noqa: E402

EOS = 2
CHANGES = {"one layer": {"num_layers": 1}, "three layers": {"num_layers": 3, "sampled_softmax": 9}}


@pytest.fixture(scope="module", params=["one layer", "two layers", "three layers"])
def run(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    save_run(directory, **CHANGES.get(request.param, {}))
    return str(directory)


@pytest.fixture
def expected(run):
    """Some sentences, and their words' log-probabilities."""
    words = text_corpus().test[:24].reshape(2, 12).astype(np.int32)
    scores, _ = scoring.Scorer(trained_model.read(run)).score([EOS, EOS], words.T)
    return words, scores.T


def export_here(run, out, *flags):
    assert run_here(export, f"--save_path={run}", f"--out={out}", *flags) == (0, "", "")
    return str(out)


def assert_scores(scores, expected):
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["onnxruntime", "torch"])
def test_another_library_computes_the_same(name, run, expected, tmp_path):
    pytest.importorskip(name)
    packages = {"onnxruntime": "onnx", "torch": "safetensors"}
    pytest.importorskip(packages[name])
    flag = {"onnxruntime": "--format=onnx", "torch": "--format=pytorch"}[name]
    directory = export_here(run, tmp_path / "model", flag)
    words, scores = expected
    assert_scores(neighbour_readers.READERS[name](directory, words, EOS), scores)


@pytest.mark.parametrize("name", ["keras", "flax", "flax_optimized", "haiku", "mlx", "equinox"])
def test_another_library_s_layout_computes_the_same(name, run, expected, tmp_path):
    pytest.importorskip(name.split("_")[0])
    directory = export_here(run, tmp_path / "model", "--format=npz", f"--layout={name}")
    words, scores = expected
    assert_scores(neighbour_readers.READERS[name](directory, words, EOS), scores)
