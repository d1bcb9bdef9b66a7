"""Models written for other libraries, computed there. Libraries that are missing are skipped."""

import os
import re
import sys

import numpy as np
import pytest

import export
from exported import layouts
from graphs import ROOT, run_here, save_run, skip_without, text_corpus
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
    skip_without(name)
    packages = {"onnxruntime": "onnx", "torch": "safetensors"}
    skip_without(packages[name])
    flag = {"onnxruntime": "--format=onnx", "torch": "--format=pytorch"}[name]
    directory = export_here(run, tmp_path / "model", flag)
    words, scores = expected
    assert_scores(neighbour_readers.READERS[name](directory, words, EOS), scores)


@pytest.mark.parametrize("name", ["keras", "flax", "flax_optimized", "haiku", "mlx", "equinox"])
def test_another_library_s_layout_computes_the_same(name, run, expected, tmp_path):
    skip_without(name.split("_")[0])
    directory = export_here(run, tmp_path / "model", "--format=npz", f"--layout={name}")
    words, scores = expected
    assert_scores(neighbour_readers.READERS[name](directory, words, EOS), scores)


def example(title):
    """The Python example under a heading of docs/other-programs.md."""
    with open(os.path.join(ROOT, "docs", "other-programs.md"), encoding="utf-8") as file:
        section = file.read().split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]


def test_the_examples_in_the_pages_compute_the_same(tmp_path, monkeypatch):
    skip_without("onnx")
    skip_without("onnxruntime")
    corpus = text_corpus()
    corpus.words[3:6] = ["the", "company", "said"]
    (tmp_path / "run").mkdir()
    save_run(tmp_path / "run", corpus)
    scorer = scoring.Scorer(trained_model.read(str(tmp_path / "run")))
    export_here(tmp_path / "run", tmp_path / "onnx", "--format=onnx")
    monkeypatch.chdir(tmp_path)
    exec(example("How do I run a model with ONNX?"), names := {})
    expected, _ = scorer.score([EOS], np.array([[3, 4, 5, EOS]], np.int32).T)
    assert_scores(names["scores"], expected.T)
    skip_without("torch")
    export_here(tmp_path / "run", tmp_path / "torch", "--format=pytorch")
    exec(example("How do I load a model into PyTorch?"), names := {})
    words = names["words"].numpy().astype(np.int32)
    scores = names["log_probabilities"][:, :-1].detach().numpy()
    there = np.take_along_axis(scores, words[:, 1:, None], 2)[..., 0]
    expected, _ = scorer.score(words[:, 0], words[:, 1:].T)
    assert_scores(there, expected.T)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(sums, c):
    """The usual cell, of the sums of its gates by letter."""
    c = sigmoid(sums["f"]) * c + sigmoid(sums["i"]) * np.tanh(sums["g"])
    return sigmoid(sums["o"]) * np.tanh(c), c


def blocks(order, array):
    return dict(zip(order, np.split(array, 4)))


def rows_of(order, w, r, b, forget=0):
    """The gates' sums, of matrices `[4H, inputs]` and what a library adds to the forget gate."""

    def sums(x, h):
        gates = blocks(order, w @ x + r @ h + b)
        return {**gates, "f": gates["f"] + forget}

    return sums


def of_torch(a):
    bias = a["lstm.bias_ih_l0"] + a["lstm.bias_hh_l0"]
    return rows_of("ifgo", a["lstm.weight_ih_l0"], a["lstm.weight_hh_l0"], bias)


# How each library computes the sums of the gates, from its own arrays of layer 0.
SUMS = {
    **dict.fromkeys(("torch", "paddle", "mindspore"), of_torch),
    "keras": lambda a: rows_of(
        "ifgo", *(a[f"lstm_0/{n}"].T for n in ("kernel", "recurrent_kernel", "bias"))
    ),
    "flax_optimized": lambda a: rows_of(
        "ifgo",
        a["lstm_0/dense_i/kernel"].T,
        a["lstm_0/dense_h/kernel"].T,
        a["lstm_0/dense_h/bias"],
    ),
    "flax": lambda a: (
        lambda x, h: {
            gate: x @ a[f"lstm_0/i{gate}/kernel"]
            + h @ a[f"lstm_0/h{gate}/kernel"]
            + a[f"lstm_0/h{gate}/bias"]
            for gate in "ifgo"
        }
    ),
    "mlx": lambda a: rows_of("ifgo", *(a[f"lstm.0.{n}"] for n in ("Wx", "Wh", "bias"))),
    "equinox": lambda a: rows_of(
        "ifgo", *(a[f"lstm.0.{n}"] for n in ("weight_ih", "weight_hh", "bias"))
    ),
    "tinygrad": lambda a: rows_of(
        "ifgo",
        a["lstm.0.weight_ih"],
        a["lstm.0.weight_hh"],
        a["lstm.0.bias_ih"] + a["lstm.0.bias_hh"],
    ),
    "onnx": lambda a: rows_of(
        "iofg", a["lstm_0/W"][0], a["lstm_0/R"][0], np.add(*np.split(a["lstm_0/B"][0], 2))
    ),
    "openvino": lambda a: rows_of("figo", *(a[f"lstm_0/{name}"][0] for name in "WRB")),
    "dynet": lambda a: rows_of("ifog", *(a[f"lstm/0/{n}"] for n in ("Wx", "Wh", "b")), forget=1),
    "haiku": lambda a: rows_of(
        "igfo", *np.split(a["lstm/linear/w"].T, 2, axis=1), a["lstm/linear/b"], forget=1
    ),
    "coreml": lambda a: rows_of(
        "ifog", *(a[f"lstm_0/{n}"] for n in ("weight_ih", "weight_hh", "bias"))
    ),
    "ncnn": lambda a: rows_of(
        "ifog", *(a[f"lstm_0/{n}"][0] for n in ("weight_xc", "weight_hc", "bias_c"))
    ),
    "mxnet": lambda a: rows_of(
        "ifgo",
        a["lstm.l0_i2h_weight"],
        a["lstm.l0_h2h_weight"],
        a["lstm.l0_i2h_bias"] + a["lstm.l0_h2h_bias"],
    ),
    # The four gates of a unit lie side by side.
    "chainer": lambda a: (
        lambda x, h: dict(
            zip(
                "gifo",
                (a["lstm_0/upward/W"] @ x + a["lstm_0/upward/b"] + a["lstm_0/lateral/W"] @ h)
                .reshape(-1, 4)
                .T,
            )
        )
    ),
    "chainer_nstep": lambda a: (
        lambda x, h: {
            gate: a[f"lstm/0/w{n}"] @ x
            + a[f"lstm/0/w{n + 4}"] @ h
            + a[f"lstm/0/b{n}"]
            + a[f"lstm/0/b{n + 4}"]
            for n, gate in enumerate("ifgo")
        }
    ),
    "litert": lambda a: (
        lambda x, h: {
            gate: a[f"lstm_0/input_{n + 1}"] @ x
            + a[f"lstm_0/input_{n + 5}"] @ h
            + a[f"lstm_0/input_{n + 12}"]
            for n, gate in enumerate("ifgo")
        }
    ),
}


@pytest.mark.parametrize("name", SUMS)
def test_a_layout_computes_the_cell(name):
    random, size = np.random.default_rng(1), 3
    kernel, bias = random.normal(size=[2 * size, 4 * size]), random.normal(size=[4 * size])
    arrays = layouts.lay_out_layer(kernel, bias, 0, layouts.LAYOUTS[name])
    sums, c, h, c_there, h_there = SUMS[name](arrays), *np.zeros([4, size])
    for x in random.normal(size=[5, size]):
        gates = np.concatenate([x, h]) @ kernel + bias
        h, c = lstm_step(blocks("igfo", gates), c)
        h_there, c_there = lstm_step(sums(x, h_there), c_there)
    np.testing.assert_allclose((h_there, c_there), (h, c), rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    save_run(directory)
    return trained_model.read_weights(trained_model.read(str(directory)))


@pytest.mark.parametrize("name", layouts.LAYOUTS)
def test_a_layout_has_all_weights_in_arrays_that_are_contiguous(name, values):
    arrays = layouts.lay_out(values, layouts.LAYOUTS[name])
    assert all(each.flags.c_contiguous and each.dtype == np.float32 for each in arrays.values())
    taken_off = 2 * 8 * layouts.LAYOUTS[name].added_to_forget  # two layers of eight units
    total = sum(each.astype(np.float64).sum() for each in arrays.values())
    assert total == pytest.approx(
        sum(v.astype(np.float64).sum() for v in values.values()) - taken_off
    )
    if name == "tf1":
        assert arrays.keys() == values.keys()
        assert all(np.array_equal(arrays[key], values[key]) for key in values)


def layout_row(name, layout):
    """A layout in the page's table."""
    sides = ["H", "I"] if layout.transposed else ["I", "H"]
    if isinstance(layout.input, str):
        sides[not layout.transposed] = "4H"
    if layout.input == layout.recurrent:
        sides[layout.transposed] = "I+H"
    shape = f"[{','.join(['1'] * layout.leading_axis + sides)}]"
    shape = shape if isinstance(layout.input, str) else f"four {shape}"
    shape += " by unit" if layout.interleaved else ""
    version = f"{name} ({layout.version.removeprefix(f'{name} ')})"
    num_biases = 1 + bool(layout.recurrent_bias)
    state = re.sub(r", (?=\w\b)", ",", layout.state)
    return f"    {version:60}{layout.gates:7}{shape:16}{num_biases:<8}{state}"


def test_the_page_has_all_layouts():
    with open(os.path.join(ROOT, "docs", "other-programs.md"), encoding="utf-8") as file:
        page = file.read()
    for name, layout in layouts.LAYOUTS.items():
        assert layout_row(name, layout) in page.splitlines()
    others = {name for name, layout in layouts.LAYOUTS.items() if layout.added_to_forget}
    assert others == {"haiku", "dynet"} and "Haiku and DyNet add 1 to the forget gate" in page
