import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import export
from exported import saved_model
from graphs import run_here, run_program, save_run, text_corpus
from text import preparation
from trained import scoring, trained_model

EOS = 2
USE_WITHOUT_THE_PROJECT = """
import json, sys
import numpy as np, tensorflow as tf
words = np.array(json.load(sys.stdin), np.int32)
model = tf.saved_model.load("served/1")
assets = [asset.asset_path.numpy().decode() for asset in model.asset_paths]
(vocabulary,) = [path for path in assets if path.endswith("vocab.txt")]
def score(words):
    words = tf.constant(words, tf.int32)
    return model.signatures["score"](words=words)["log_probabilities"].numpy()
scores = score(words)
sentence = words[1, :8].tolist()
rows = [[-1] * 12 + sentence, sentence + [-1] * 12,
        sum(([word, -1] for word in sentence), [-1] * 4), [-1] * 20]
shapes = [list(score(np.zeros(shape)).shape) for shape in ((3, 0), (0, 4))]
padded = score(rows).tolist(), rows, shapes
interpreter = tf.lite.Interpreter("served/model.tflite").get_signature_runner("next_word")
stepwise = {"tensorflow": [], "lite": []}
for name, step in (("tensorflow", model.signatures["serving_default"]), ("lite", interpreter)):
    before, state = np.full([len(words)], 2, np.int32), np.zeros([len(words), 4, 8], np.float32)
    convert = tf.constant if name == "tensorflow" else np.array
    for column in np.insert(words.T, 3, -1, axis=0):  # somewhere there is no word
        result = step(words=convert(before), state=convert(state))
        p, state = np.array(result["probabilities"]), np.array(result["next_state"])
        if column.max() >= 0:
            stepwise[name].append(np.log(p[range(len(words)), column]).tolist())
        before = column
print(json.dumps([open(vocabulary).read().split(), scores.tolist(), stepwise, padded]))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    save_run(directory)
    return str(directory)


def test_the_model_computes_the_same_without_this_project(run, tmp_path):
    outputs = [f"--out={tmp_path}/served/1", f"--tflite={tmp_path}/served/model.tflite"]
    assert run_program("export.py", f"--save_path={run}", *outputs) == (0, "", "")
    text = text_corpus().test[:24]
    words = np.stack([text[:12], [*text[12:20], -1, -1, -1, -1]])
    (tmp_path / "served").rename(tmp_path / "moved")
    (tmp_path / "moved").rename(tmp_path / "served")
    process = subprocess.run(
        [sys.executable, "-c", USE_WITHOUT_THE_PROJECT],
        input=json.dumps(words.tolist()),
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert process.returncode == 0, process.stderr
    vocabulary, scores, stepwise, padded = json.loads(process.stdout.splitlines()[-1])
    assert vocabulary == text_corpus().words
    scorer = scoring.Scorer(trained_model.read(run))
    expected, _ = scorer.score([EOS, EOS], words.T.astype(np.int32))
    np.testing.assert_allclose(np.transpose(scores), expected, rtol=1e-4, atol=1e-5)
    is_word = words.T >= 0
    for each in stepwise.values():
        np.testing.assert_allclose(np.array(each)[is_word], expected[is_word], rtol=1e-4)
    padded_scores, rows, shapes = padded
    for row_scores, row in zip(padded_scores[:3], rows):
        places = np.array(row) >= 0
        np.testing.assert_allclose(np.array(row_scores)[places], expected[:8, 1], rtol=1e-4)
        assert not np.array(row_scores)[~places].any()
    assert (padded_scores[3], shapes) == ([0.0] * 20, [[3, 0], [0, 4]])


def test_the_preparation_goes_with_the_model(run, tmp_path):
    model = trained_model.read(run)._replace(preparation=preparation.PENN_TREEBANK)
    saved_model.write(model, str(tmp_path / "model"))
    assert preparation.read(tmp_path / "model" / "assets") == preparation.PENN_TREEBANK


@pytest.mark.parametrize(
    "out, tflite, message",
    [
        ("model", "lite/", "ends as a directory; name a file"),
        ("model", "model", "name a file outside --out, model"),
        ("model", "model/lite", "name a file outside --out, model"),
        ("model/1", "model", "name a file outside --out, model/1"),
        ("model", "a[1]", "TensorFlow cannot read checkpoints where a name has [; choose another"),
    ],
)
def test_a_tflite_in_the_way_of_out_is_refused_before_anything_is_written(
    run, tmp_path, monkeypatch, out, tflite, message
):
    monkeypatch.chdir(tmp_path)
    flags = f"--save_path={run}", f"--out={out}", f"--tflite={tflite}"
    assert run_here(export, *flags) == (1, "", f"export.py: --tflite={tflite}: {message}\n")
    assert not list(tmp_path.iterdir())


def test_what_tensorflow_could_not_read_back_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = run_here(export, f"--save_path={run}", "--out=a[1]")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("export.py: --out=a[1]: TensorFlow cannot read ")
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_overwritten(run, tmp_path):
    (tmp_path / "precious").write_text("")
    status, out, err = run_here(export, f"--save_path={run}", f"--out={tmp_path}/precious")
    assert (status, out) == (1, "")
    assert err == (
        f"export.py: --out={tmp_path}/precious: is there already; remove it, or name another\n"
    )


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--layout=keras"], "--layout: goes with --format=npz, not with saved_model"),
        (["--format=onnx", "--tflite=x.tflite"], "--tflite: goes with --format=saved_model"),
        (["--tflite_quantize=dynamic_range"], "--tflite_quantize: name the file to write with"),
        (["--tflite=x.tflite", "--tflite_quantize=int8"], "multiples of 1/256, so that most words"),
        (["--tflite=x.tflite", "--tflite_quantize=int4"], "is unknown; choose dynamic_range"),
        (["--format=npz", "--out=model.npz"], "--out=model.npz: name a directory"),
        (["--format=npz", "--layout=nonsense"], "--layout="),
    ],
)
def test_flags_that_do_not_go_together_are_refused(run, tmp_path, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = run_here(export, f"--save_path={run}", "--out=model", *flags)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert message in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package, flag", [("onnx", "onnx"), ("safetensors", "pytorch")])
def test_a_missing_package_is_named(run, tmp_path, monkeypatch, package, flag):
    for name in (package, f"{package}.numpy", f"{package}.parser"):
        monkeypatch.setitem(sys.modules, name, None)
    status, out, err = run_here(
        export, f"--save_path={run}", f"--out={tmp_path}/model", f"--format={flag}"
    )
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"export.py: --format={flag}: needs the package {package}, ")
    assert err.endswith(f": pip install {package}\n")
    assert not list(tmp_path.iterdir())


def test_arrays_are_written_with_the_vocabulary(run, tmp_path):
    out = tmp_path / "model"
    flags = f"--save_path={run}", f"--out={out}", "--format=npz"
    assert run_here(export, *flags) == (0, "", "")
    assert (out / "vocab.txt").read_text().split("\n")[:-1] == text_corpus().words
    arrays = np.load(out / "model.npz")
    values = trained_model.read_weights(trained_model.read(run))
    assert set(arrays) == set(values)
    assert all(np.array_equal(arrays[name], values[name]) for name in values)
    again = run_here(export, *flags)
    assert again[0] == 1 and "is there already" in again[2]


def test_vectors_are_written_exactly(run, tmp_path):
    flags = f"--save_path={run}", f"--out={tmp_path}/model", "--format=word2vec"
    assert run_here(export, *flags) == (0, "", "")
    first, *rows = (tmp_path / "model" / "vectors.txt").read_text().splitlines()
    assert first == "30 8"
    assert [row.split()[0] for row in rows] == text_corpus().words
    vectors = np.array([row.split()[1:] for row in rows], np.float32)
    embedding = trained_model.read_weights(trained_model.read(run))[trained_model.EMBEDDING]
    assert np.array_equal(vectors, embedding)


def signatures_of(directory):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        metagraph = tf.compat.v1.saved_model.load(session, ["serve"], str(directory))
    return metagraph


def test_a_saved_model_has_what_older_programs_and_converters_need(run, tmp_path):
    saved_model.write(trained_model.read(run), str(tmp_path / "new"))
    metagraph = signatures_of(tmp_path / "new")
    assert {"serving_default", "next_word", "score"} <= set(metagraph.signature_def)
    next_word = metagraph.signature_def["serving_default"]
    assert not set(next_word.inputs) & set(next_word.outputs)
    library = metagraph.graph_def.library.function
    nodes = [*metagraph.graph_def.node, *(node for f in library for node in f.node_def)]
    assert not [node.name for node in nodes if "debug_name" in node.attr]
    outside = {node.name for node in metagraph.graph_def.node}
    assert not outside & {node.name for function in library for node in function.node_def}
    saved_model.write(trained_model.read(run), str(tmp_path / "old"), next_state="state")
    outputs = signatures_of(tmp_path / "old").signature_def["next_word"].outputs
    assert set(outputs) == {"probabilities", "state"}


def test_a_quantized_model_is_smaller_and_nearly_the_same(tmp_path):
    save_run(tmp_path / "run", hidden_size=64)
    steps = {}
    for name, flags in (("float", []), ("small", ["--tflite_quantize=dynamic_range"])):
        file = tmp_path / f"{name}.tflite"
        out = [f"--out={tmp_path}/{name}", f"--tflite={file}", *flags]
        assert run_here(export, f"--save_path={tmp_path}/run", *out) == (0, "", "")
        step = tf.lite.Interpreter(str(file)).get_signature_runner("next_word")
        state = np.zeros([1, 4, 64], np.float32)
        steps[name] = file.stat().st_size, step(words=np.array([3], np.int32), state=state)
    (size, exact), (small_size, rounded) = steps.values()
    assert small_size < size / 2
    assert 0 < np.abs(rounded["probabilities"] - exact["probabilities"]).max() < 0.02
    assert rounded["probabilities"].min() > 0
