"""Every version's checkpoints of the TF1 script: read as it computed, or refused in one line."""

import os
import re
import shutil

import numpy as np
import pytest
import tensorflow as tf

import configs
import export
import generate
import import_checkpoint
import old_files
import ptb_word_lm
import reader
import score
from exported import signatures
from graphs import ROOT, run_here, save_run, text_corpus, tiny_config
from program.errors import UserError
from saved import finding, newest_checkpoint, reading, run_directory, tf1_checkpoints
from trained import numpy_model, scoring, tf1_vocabulary, trained_model

tf1 = tf.compat.v1
FLAGS = (
    *("--hidden_size=6", "--num_steps=5", "--batch_size=4", "--sample_words=0"),
    *("--learning_rate=0.1", "--max_epoch=9"),
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A corpus whose lines begin and end with a space, as the Penn Treebank's."""
    return old_files.write_corpus(tmp_path_factory.mktemp("corpus"), line=" {} ")


@pytest.fixture(scope="module")
def num_rows(corpus):
    return len(old_files.ids_of(corpus)[2])


def evaluate(path, data, *flags):
    """Valid and test perplexity as `--eval_only` prints them, and standard error."""
    arguments = [f"--save_path={path}", f"--data_path={data}", "--eval_only", *flags]
    status, out, err = run_here(ptb_word_lm, *arguments)
    assert (status, "Traceback" in err) == (0, False), err
    return [float(number) for number in re.findall(r"Perplexity: (\S+)", out)], err


def expected(weights, data, num_steps=20, batch_size=20, num_layers=2, **cell):
    valid, test, _ = old_files.ids_of(data)
    arguments = (weights, valid, num_layers, batch_size, num_steps)
    return [
        old_files.perplexity(*arguments, **cell),
        old_files.perplexity(weights, test, num_layers, 1, 1, **cell),
    ]


def read_values(path, data, answers=tf1_checkpoints.Answers()):  # noqa: B008
    """A checkpoint's valid and test perplexity, exactly."""
    with tf.Graph().as_default():
        return list(ptb_word_lm.evaluate(str(path), str(data), answers=answers).values())


VERSIONS = [
    ("0.12", {"scope": "model", "step": None}, True),
    ("0.12", {"scope": "model", "step": None}, False),
    ("0.12", {}, True),
    ("1.1", {}, False),
    *((version, {}, False) for version in ("basic", "block", "cudnn", "cudnn 1.15", "static_rnn")),
    ("block", {"dtype": np.float16}, False),
]


@pytest.mark.parametrize(("version", "how", "one_file"), VERSIONS)
def test_every_version_computes_what_it_did(version, how, one_file, corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows)
    values = old_files.as_named(weights, version, **how)
    old_files.save(tmp_path / "run-30", values, one_file)
    is_float16 = how.get("dtype") is np.float16
    trained = trained_model.read(str(tmp_path / "run-30"), str(corpus))
    assert trained.cell == tf1_checkpoints.Cell()
    found = tf1_checkpoints.read_weights(trained.path, trained.names)
    assert found.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-3 if is_float16 else 0, atol=1e-7)
    if version == "0.12" or is_float16:  # the others have the same weights, so the same numbers
        actual = read_values(tmp_path / "run-30", corpus)
        right = expected(weights, corpus)
        np.testing.assert_allclose(actual, right, rtol=2e-3 if is_float16 else 1e-5)


@pytest.mark.parametrize(
    ("version", "cell"),
    [("basic", {}), ("block", {"one_state": True}), ("block", {"clip": 0.3})],
)
def test_a_meta_file_tells_what_the_weights_do_not(version, cell, corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows, num_cells=1, scale=2)
    path = tmp_path / "run-30"
    old_files.save(path, old_files.as_named(weights, version))
    with pytest.raises(
        tf1_checkpoints.EraError, match="say how many: --num_layers=2, or --num_layers=1"
    ):
        trained_model.read(str(path), str(corpus))
    clip = cell.get("clip", -1.0)
    old_files.write_meta(path, 2, clip, cell.get("one_state", False), num_steps=5)
    right = expected(weights, corpus, num_steps=5, **cell)
    np.testing.assert_allclose(read_values(path, corpus), right, rtol=1e-5)
    with pytest.raises(tf1_checkpoints.EraError, match=r"--num_layers=1: .*run-30.meta: has 2"):
        trained_model.read(str(path), str(corpus), tf1_checkpoints.Answers(num_layers=1))
    if not cell:
        return
    trained = trained_model.read(str(path), str(corpus))
    test = np.array(old_files.ids_of(corpus)[1], np.int32)
    scores, _ = scoring.Scorer(trained).score(test[:1], test[1:, None])
    assert np.exp(-scores.mean(dtype=np.float64)) == pytest.approx(right[1], rel=1e-5)
    arguments = [f"--save_path={path}", f"--data_path={corpus}", f"--out={tmp_path}/exported"]
    status, _, err = run_here(export, *arguments)
    assert status == 0, err
    with tf.Graph().as_default(), tf1.Session() as session:
        loaded = tf1.saved_model.load(session, ["serve"], f"{tmp_path}/exported")
        score_ = loaded.signature_def["score"]
        words, result = score_.inputs["words"].name, score_.outputs["log_probabilities"].name
        (actual,) = session.run(result, {words: [test[:40]]})
        alone, _ = scoring.Scorer(trained).score([trained.start], test[:40, None])
        np.testing.assert_allclose(actual, alone[:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", [{"clip": 0.3}, {"one_state": True}])
def test_all_ways_of_scoring_honour_an_old_cell(cell, corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows, num_cells=1, scale=2)
    old_files.save(tmp_path / "run-30", old_files.as_named(weights, "block"))
    old_files.write_meta(tmp_path / "run-30", 2, **cell)
    trained = trained_model.read(str(tmp_path / "run-30"), str(corpus))
    start, lines = trained.start, [[3, 1, 4, 1, 5, 9], [3, 1, 2], [6]]

    def mean(line, **how):
        return -np.log(old_files.perplexity(weights, [start, *line], 2, 1, 1, **how))

    right = [mean(line, **cell) for line in lines]
    assert abs(right[0] - mean(lines[0])) > 1e-3
    scorer = scoring.Scorer(trained)
    by_stream = [scorer.score([start], np.int32(line)[:, None])[0].mean() for line in lines]
    by_tree = [scores.mean() for scores in scoring.score_sequences(scorer, start, lines)]
    by_numpy, model = [], numpy_model.NumpyModel(trained)
    for line in lines:
        state, scores = model.zero_state(), []
        for word, target in zip([start, *line], line):
            state = model.read(word, state)
            logits = model.logits(state)
            scores.append(logits[target] - np.logaddexp.reduce(logits))
        by_numpy.append(np.mean(scores))
    with tf.Graph().as_default(), tf1.Session() as session:
        feeds, results = signatures.add_score(trained.config, start, trained.cell)
        trained_model.restore_weights(session, trained)
        words = [line + [-1] * (6 - len(line)) for line in lines]
        scores = session.run(results["log_probabilities"], {feeds["words"]: words})
        by_export = scores.sum(axis=1) / [len(line) for line in lines]
    for actual in (by_stream, by_tree, by_numpy, by_export):
        np.testing.assert_allclose(actual, right, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda values: {f"my_model/{name}": value for name, value in values.items()},
            "only my_model/Model/embedding; save its variables as Model/",
        ),
        (
            lambda values: {f"{name}/ExponentialMovingAverage": v for name, v in values.items()},
            "only Model/embedding/ExponentialMovingAverage; save its variables as Model/",
        ),
    ],
)
def test_other_variables_are_named(change, message, corpus, num_rows, tmp_path):
    values = old_files.as_named(old_files.random_weights(num_rows), "basic")
    old_files.save(tmp_path / "run-30", change(values))
    with pytest.raises(UserError, match=message):
        trained_model.read(str(tmp_path / "run-30"), str(corpus))


def test_variables_of_an_optimizer_are_left_out(corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows)
    values = old_files.as_named(weights, "basic")
    slots = {f"{name}/{slot}": v + 1 for name, v in values.items() for slot in ("Adam", "Adam_1")}
    old_files.save(tmp_path / "run-30", {**values, **slots})
    trained = trained_model.read(str(tmp_path / "run-30"), str(corpus))
    read = tf1_checkpoints.read_weights(trained.path, trained.names)
    np.testing.assert_array_equal(read["Model/embedding"], weights["Model/embedding"])


def test_flags_answer_where_there_is_no_meta_file(corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows, num_cells=1, scale=2)
    old_files.save(tmp_path / "run-30", old_files.as_named(weights, "block"))
    for answers, cell in (
        # What shared this cell was TensorFlow 1.5.
        (tf1_checkpoints.Answers(2), {"one_state": True}),
        (tf1_checkpoints.Answers(2, one_state=False), {}),
        (tf1_checkpoints.Answers(2, 0.3, False), {"clip": 0.3}),
    ):
        actual = read_values(tmp_path / "run-30", corpus, answers)
        np.testing.assert_allclose(actual, expected(weights, corpus, **cell), rtol=1e-5)
    flags = ("--num_layers=1", "--num_steps=5", "--batch_size=2")
    actual, err = evaluate(tmp_path / "run-30", corpus, *flags)
    right = expected(weights, corpus, num_steps=5, batch_size=2, num_layers=1)
    np.testing.assert_allclose(actual, right, atol=1e-3)
    assert "--cell_clip=3" in err


def test_layers_are_not_counted_in_windows_of_unknown_length(corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows, num_cells=1)
    old_files.save(tmp_path / "run-30", old_files.as_named(weights, "block"))
    old_files.write_meta(tmp_path / "run-30", 1, num_steps=5, models=("Train", "Valid"))
    with pytest.raises(tf1_checkpoints.EraError, match="say how many: --num_layers=2, or"):
        trained_model.read(str(tmp_path / "run-30"), str(corpus))
    actual = read_values(tmp_path / "run-30", corpus, tf1_checkpoints.Answers(1))
    np.testing.assert_allclose(actual, expected(weights, corpus, num_layers=1), rtol=1e-5)


def write_meta_of_basic_cells(path, forget_bias):
    """Writes the nodes of a `.meta` file that add to the forget gate, as TensorFlow 1.15 does."""
    metagraph = tf1.MetaGraphDef()
    add = metagraph.graph_def.node.add(name="Train/basic_lstm_cell/add", op="AddV2")
    add.input.extend(["Train/basic_lstm_cell/split_1:2", "Train/basic_lstm_cell/Const_2"])
    constant = metagraph.graph_def.node.add(name="Train/basic_lstm_cell/Const_2", op="Const")
    constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.float32(forget_bias)))
    (path.parent / f"{path.name}.meta").write_bytes(metagraph.SerializeToString())


@pytest.mark.parametrize("cell", ["basic", "block"])
def test_a_forget_bias_is_refused(cell, corpus, num_rows, tmp_path):
    path = tmp_path / "run-30"
    old_files.save(path, old_files.as_named(old_files.random_weights(num_rows), cell))
    for forget_bias in (0.0, 1.0):
        if cell == "basic":
            write_meta_of_basic_cells(path, forget_bias)
        else:
            old_files.write_meta(path, 2, num_steps=5, forget_bias=forget_bias)
        arguments = [f"--data_path={corpus}", f"--save_path={tmp_path}", *FLAGS]
        for flag in ("--eval_only", "--max_max_epoch=1"):
            status, _, err = run_here(ptb_word_lm, *arguments, flag)
            assert (status, "run-30.meta: its cells add 1 to the forget gate" in err) == (
                (1, True) if forget_bias else (0, False)
            )
            if flag == "--eval_only":
                continue
            for saved in tmp_path.glob("*model.ckpt*"):
                saved.unlink()


def test_epochs_are_counted_in_the_windows_of_the_meta_file(corpus, num_rows, tmp_path):
    length = len((corpus / "ptb.train.txt").read_text().replace("\n", " x ").split())
    step = 2 * ((length // 2 - 1) // 7)
    path = tmp_path / f"run-{step}"
    values = old_files.as_named(old_files.random_weights(num_rows), "block", step=step)
    old_files.save(path, values)
    old_files.write_meta(path, 2, num_steps=7, batch_size=2)
    arguments = [f"--data_path={corpus}", f"--save_path={tmp_path}", "--max_max_epoch=3", *FLAGS]
    status, out, err = run_here(ptb_word_lm, *arguments)
    assert status == 0, err
    assert "its epochs are counted in windows of 2 streams by 7 steps" in err
    assert "continued after epoch 2" in err and "Epoch: 3 Learning rate" in out


def test_windows_are_guessed_and_said(corpus, num_rows, tmp_path):
    old_files.save(
        tmp_path / "run-30", old_files.as_named(old_files.random_weights(num_rows), "1.1")
    )
    _, err = evaluate(tmp_path / "run-30", corpus)
    assert "windows of 20 words, a guess" in err
    _, err = evaluate(tmp_path / "run-30", corpus, "--num_steps=7", "--keep_prob=0.5")
    assert "a guess" not in err and "--eval_only does not use --keep_prob" in err


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--hidden_size=3", "has hidden_size 6"),
        ("--vocab_size=3", "has vocab_size 13"),
        ("--num_layers=3", "has 2"),
        ("--model=medium", "has hidden_size 6"),
    ],
)
def test_sizes_that_are_not_the_checkpoint_s_are_refused(flag, message, corpus, num_rows, tmp_path):
    old_files.save(
        tmp_path / "run-30", old_files.as_named(old_files.random_weights(num_rows), "1.1")
    )
    arguments = [f"--save_path={tmp_path}/run-30", f"--data_path={corpus}", "--eval_only", flag]
    status, out, err = run_here(ptb_word_lm, *arguments)
    assert (status, out) == (1, "") and message in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("version", "how", "one_file", "num_cells", "mode"),
    [
        ("0.12", {}, True, 2, "block"),
        ("1.1", {}, False, 2, "basic"),
        ("block", {"dtype": np.float16}, False, 2, "block"),
        ("basic", {"dtype": np.float64}, False, 2, "block"),
        ("basic", {}, False, 1, "block"),
    ],
)
def test_training_goes_on(version, how, one_file, num_cells, mode, corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows, num_cells)
    run = tmp_path / "run"
    steps = (len((corpus / "ptb.train.txt").read_text().replace("\n", " x ").split()) // 4 - 1) // 5
    values = old_files.as_named(weights, version, step=2 * steps, **how)
    run.mkdir()
    old_files.save(run / "old-30", values, one_file)
    arguments = [f"--data_path={corpus}", f"--save_path={run}", "--max_max_epoch=3", *FLAGS]
    arguments += [f"--rnn_mode={mode}", *(["--num_layers=2"] if num_cells == 1 else [])]
    status, out, err = run_here(ptb_word_lm, *arguments, "--learning_rate=1e-9")
    assert status == 0, err
    assert "Epoch: 3 Learning rate" in out and "Epoch: 2" not in out
    assert "old-30: continued after epoch 2" in err
    assert ("learn apart" in err) == (num_cells == 1)
    right = expected(weights, corpus, num_steps=5, batch_size=4)
    actual = [float(x) for x in re.findall(r"(?:Valid|Test) Perplexity: (\S+)", out)]
    np.testing.assert_allclose(actual, right, rtol=2e-3 if how.get("dtype") == np.float16 else 1e-4)
    assert finding.list_newest_first(str(run))[-1].endswith("old-30")  # what it did not write stays


@pytest.mark.parametrize(
    ("version", "num_cells", "in_meta", "known"),
    [("basic", 3, None, 3), ("block", 3, None, 3), ("basic", 1, 1, 1), ("1.1", 1, None, 1)],
)
def test_training_drops_and_invents_no_layer(
    version, num_cells, in_meta, known, corpus, num_rows, tmp_path
):
    values = old_files.as_named(old_files.random_weights(num_rows, num_cells), version)
    old_files.save(tmp_path / "model.ckpt-30", values)
    if in_meta:
        old_files.write_meta(tmp_path / "model.ckpt-30", in_meta)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    status, out, err = run_here(
        ptb_word_lm, f"--data_path={corpus}", f"--save_path={tmp_path}", *FLAGS
    )
    assert (status, "Epoch" in out) == (1, False)
    assert f"has {known} layers, and the model 2; continue it with --num_layers={known}" in err
    assert before.items() <= {p: p.read_bytes() for p in tmp_path.iterdir()}.items()


def test_a_run_of_more_layers_is_not_continued_with_fewer(tmp_path):
    save_run(tmp_path, knows_run=False, num_layers=3)
    with pytest.raises(UserError, match="has 3 layers, and the model 2"):
        ptb_word_lm.train_model(tiny_config(), text_corpus(), tmp_path)


def test_a_fork_whose_scope_is_training_is_not_ours(corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows, num_cells=1)
    values = old_files.as_named(weights, "block")
    values["Training/Model/Variable"] = values.pop("Train/Model/Variable")
    old_files.save(tmp_path / "run-30", values)
    old_files.write_meta(tmp_path / "run-30", 2, clip=0.3)
    right = expected(weights, corpus, clip=0.3)
    np.testing.assert_allclose(read_values(tmp_path / "run-30", corpus), right, rtol=1e-5)


def test_the_end_of_a_run_is_found_however_its_directory_is_named(
    corpus, num_rows, tmp_path, monkeypatch
):
    values = old_files.as_named(old_files.random_weights(num_rows), "basic")
    (tmp_path / "run").mkdir()
    old_files.save(tmp_path / "run/model.ckpt-0", values)
    old_files.save(tmp_path / "run-30", values)
    (tmp_path / "link").symlink_to("run")
    monkeypatch.chdir(tmp_path / "run")
    for name in (".", str(tmp_path / "link"), "../run", f"{tmp_path}/run/"):
        assert os.path.basename(finding.find(name)[0]) == "run-30"
    old_files.save(tmp_path / "run", old_files.as_named(old_files.random_weights(num_rows), "1.1"))
    assert os.path.basename(finding.find(".")[0]) == "run-30"
    for path in tmp_path.glob("run-30.*"):
        path.unlink()
    assert finding.find(".")[0] == str(tmp_path / "run")
    (tmp_path / "run/._model.ckpt-90.index").write_bytes(b"of macOS")
    assert len(finding.find(".")) == 2


def test_the_step_of_the_first_versions_tells_the_epoch(corpus, num_rows, tmp_path):
    values = old_files.as_named(old_files.random_weights(num_rows), "1.1", "model", step=100)
    old_files.save(tmp_path / "final", values)
    assert finding.saved_step(str(tmp_path / "final")) == 100


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Model/softmax_w/mask", "Model/softmax_w/mask are not read"),
        ("Model/rnn/multi_rnn_cell/cell_0/basic_lstm_cell/kernel", "are not read"),
        ("Model/softmax_w/Adam_1", None),
    ],
)
def test_what_is_not_read_is_said(name, message, corpus, num_rows, tmp_path, capsys):
    values = old_files.as_named(old_files.random_weights(num_rows), "basic")
    shape = values["Model/softmax_w"].shape
    if "kernel" in name:
        shape = (2 * old_files.HIDDEN_SIZE, 4 * old_files.HIDDEN_SIZE)
    old_files.save(tmp_path / "run-30", {**values, name: np.ones(shape, np.float32)})
    trained_model.read(str(tmp_path / "run-30"), str(corpus))
    err = capsys.readouterr().err
    assert (message in err) if message else ("not read" not in err)


def test_another_product_is_no_layer(corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows, num_cells=1)
    path = tmp_path / "run-30"
    old_files.save(path, old_files.as_named(weights, "basic"))
    old_files.write_meta(path, 1)
    metagraph = tf1.MetaGraphDef.FromString((tmp_path / "run-30.meta").read_bytes())
    for model in ("Train", "Valid", "Test"):
        node = metagraph.graph_def.node.add(name=f"{model}/Model/dense", op="MatMul")
        node.input.extend(["x", "Model/dense/kernel/read"])
    (tmp_path / "run-30.meta").write_bytes(metagraph.SerializeToString())
    assert tf1_checkpoints.read_facts(str(path)).num_layers == 1


def test_unused_rows_stay(corpus, tmp_path):
    weights = old_files.random_weights(40)
    run = tmp_path / "run"
    run.mkdir()
    old_files.save(run / "model.ckpt-1", old_files.as_named(weights, "basic", step=1))
    arguments = [f"--data_path={corpus}", f"--save_path={run}", "--max_max_epoch=1", *FLAGS]
    for epochs in (1, 2):
        status, _, err = run_here(ptb_word_lm, *arguments, f"--max_max_epoch={epochs}")
        assert status == 0, err
    newest = trained_model.read(str(run))
    assert (len(newest.words), newest.config.vocab_size) == (13, 40)
    kept = tf1_checkpoints.read_weights(newest.path, newest.names)["Model/embedding"]
    np.testing.assert_array_equal(kept[13:], weights["Model/embedding"][13:])


# What people hand over: a name in --save_path, and which checkpoint is taken, or what is said.
HANDED_OVER = [
    ("run", "run-30"),  # the end is beside the directory
    ("run-30", "run-30"),
    ("run-30.index", "run-30"),
    ("run-30.meta", "run-30"),
    ("run-30.data-00000-of-00001", "run-30"),
    ("checkpoint", "run-30"),
    ("run/checkpoint", "model.ckpt-0"),
    ("run/model.ckpt-0", "model.ckpt-0"),
    (".", "run-30"),
    ("renamed", "-168"),
    ("renamed/-168", "-168"),
    ("best", "model.ckpt-best"),
    ("v1", "run-30"),
    ("v1/run-30", "run-30"),
    ("v1/checkpoint", "run-30"),
    ("gone", "no such directory"),
    ("run-31", "there is no such checkpoint; the newest there is run-30"),
    ("empty", "holds no model.ckpt-STEP"),
    ("empty/checkpoint", "no such directory"),
    ("words", "holds no model.ckpt-STEP"),
    ("words/vocab.txt", "is not a checkpoint"),
    ("only_meta", "only a part is there, without .index"),
    ("only_meta/run-30.meta", "only a part is there, without .index"),
    ("only_data", "only a part is there, without .index"),
    ("only_index", "no checkpoint is whole"),
    ("only_index/run-30", "is damaged"),
    ("only_state", "no checkpoint is whole"),
    ("only_state/checkpoint", "names /data/lm/run-30, which is neither there nor beside it"),
    ("cut_off", "no checkpoint is whole"),
    ("cut_off_v1", "no checkpoint is whole"),
    ("nan", "no checkpoint is whole"),
    ("other_model", "has no matrix Model/embedding"),
    ("shards", "run-30-?????-of-00002"),
    ("shards/run-30-00001-of-00002", "run-30-?????-of-00002"),
    ("shards/run-30-?????-of-00002", "run-30-?????-of-00002"),
    ("shards/run-30", "run-30-?????-of-00002"),
    ("shards/run", "run-30-?????-of-00002"),
    ("shards/checkpoint", "run-30-?????-of-00002"),
    ("one_of_two", "no checkpoint is whole"),
    ("one_of_two/run-30", "is damaged: "),
    ("one_shard/run-30", "run-30-00000-of-00001"),
    ("one_shard", "run-30-00000-of-00001"),
    ("links", "no checkpoint is whole"),
    ("peepholes", "w_f_diag is of a cell that the TF1 script never had"),
    ("windows/checkpoint", "run-30"),
    ("own_numbers", "run-30"),
    ("more", "run-30"),
    ("slices/run-30", "run-30"),
    ("half/run-30", "is damaged"),
]


def save_in_slices(path, values, num_slices=2):
    """Saves arrays in two slices each, as a partitioner does, in the oldest format; or only one."""
    parts = []
    for name, value in values.items():
        if not value.shape:
            parts.append((name, "", value))
            continue
        rows, *more = value.shape
        for start, stop in ((0, rows // 2), (rows // 2, rows))[:num_slices]:
            place = ":".join([f"{start},{stop - start}", *(f"0,{size}" for size in more)])
            parts.append((name, f"{' '.join(map(str, value.shape))} {place}", value[start:stop]))
    names, slices, arrays = zip(*parts)
    with tf.Graph().as_default(), tf1.Session() as session:
        session.run(
            tf.raw_ops.SaveSlices(
                filename=str(path),
                tensor_names=names,
                shapes_and_slices=slices,
                data=list(map(tf.constant, arrays)),
            )
        )


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory, num_rows):
    """What `HANDED_OVER` names."""
    at = tmp_path_factory.mktemp("handed_over")
    values = old_files.as_named(old_files.random_weights(num_rows), "basic")
    for name in ("run", "renamed", "best", "v1", "empty", "words", "only_meta", "only_data"):
        (at / name).mkdir()
    for name in ("only_index", "only_state", "cut_off", "cut_off_v1", "nan", "other_model"):
        (at / name).mkdir()
    for name in ("shards", "links", "windows", "peepholes", "own_numbers", "more"):
        (at / name).mkdir()
    for name in ("slices", "half", "one_shard", "one_of_two"):
        (at / name).mkdir()
    state = 'model_checkpoint_path: "/data/lm/{}"\n'
    old_files.save(at / "run-30", values)
    (at / "run-30.meta").write_bytes(b"")
    old_files.save(at / "run/model.ckpt-0", {**values, "Model/global_step": np.int64(0)})
    for directory, name in ((".", "run-30"), ("run", "model.ckpt-0"), ("only_state", "run-30")):
        (at / directory / "checkpoint").write_text(state.format(name))
    for suffix in ("index", "data-00000-of-00001"):
        shutil.copy(at / f"run-30.{suffix}", at / f"best/model.ckpt-best.{suffix}")
        shutil.copy(at / f"run-30.{suffix}", at / f"renamed/-168.{suffix}")
        shutil.copy(at / f"run-30.{suffix}", at / f"cut_off/run-30.{suffix}")
        shutil.copy(at / f"run/model.ckpt-0.{suffix}", at / f"renamed/model.ckpt-84.{suffix}")
    os.truncate(at / "cut_off/run-30.data-00000-of-00001", 100)
    old_files.save(at / "v1/run-30", values, one_file=True)
    (at / "v1/checkpoint").write_text(state.format("run-30"))
    shutil.copy(at / "v1/run-30", at / "cut_off_v1/run-30")
    os.truncate(at / "cut_off_v1/run-30", 1000)
    (at / "words/vocab.txt").write_text("the\nowl\n")
    shutil.copy(at / "run-30.meta", at / "only_meta/run-30.meta")
    shutil.copy(at / "run-30.data-00000-of-00001", at / "only_data")
    shutil.copy(at / "run-30.index", at / "only_index")
    bad = {**values, "Model/softmax_b": np.full(num_rows, np.nan, np.float32)}
    old_files.save(at / "nan/run-30", bad)
    cell = "Model/RNN/multi_rnn_cell/cell_0/basic_lstm_cell"
    peephole = {f"{cell}/w_f_diag": np.ones(old_files.HIDDEN_SIZE, np.float32)}
    old_files.save(at / "peepholes/run-30", {**values, **peephole})
    bad = np.full(values["Model/embedding"].shape, np.nan, np.float32)
    own = {"best_valid_perplexity": np.float32(np.inf), "Model/embedding/Momentum": bad}
    old_files.save(at / "own_numbers/run-30", {**values, **own})
    ones = np.ones(num_rows, np.float32)
    more = {"Model/proj_w": ones, "Model/softmax_b/ExponentialMovingAverage": ones}
    old_files.save(at / "more/run-30", {**values, **more, "Model/Variable": np.float32(1)})
    save_in_slices(at / "slices/run-30", values)
    save_in_slices(at / "half/run-30", values, num_slices=1)
    for number in range(2):
        part = dict(list(values.items())[number::2])
        old_files.save(at / f"shards/run-30-{number:05}-of-00002", part, one_file=True)
    (at / "shards/checkpoint").write_text(state.format("run-30-?????-of-00002"))
    shutil.copy(at / "shards/run-30-00000-of-00002", at / "one_of_two")
    old_files.save(at / "one_shard/run-30-00000-of-00001", values, one_file=True)
    old_files.write_meta(at / "one_shard/run-30", 2, clip=0.0, num_steps=5)
    for suffix in ("index", "data-00000-of-00001"):
        (at / f"links/run-30.{suffix}").symlink_to(f"/gone/run-30.{suffix}")
        shutil.copy(at / f"run-30.{suffix}", at / f"windows/run-30.{suffix}")
    (at / "windows/checkpoint").write_text(r'model_checkpoint_path: "C:\\lm\\run-30"')
    old_files.save(at / "other_model/net-5", {"w": np.zeros(3, np.float32)})
    return at


def test_slots_of_an_optimizer_within_the_model_s_scope_are_no_cells(corpus, num_rows, tmp_path):
    values = old_files.as_named(old_files.random_weights(num_rows), "basic")
    adam = {f"Model/{name}/Adam": value for name, value in values.items() if value.ndim}
    old_files.save(tmp_path / "plain/run-30", values)
    old_files.save(tmp_path / "adam/run-30", {**values, **adam})
    plain, with_slots = (
        ptb_word_lm.evaluate(str(tmp_path / name), str(corpus)) for name in ("plain", "adam")
    )
    assert plain == with_slots


@pytest.mark.parametrize(("name", "answer"), HANDED_OVER)
def test_what_is_handed_over_is_taken_or_refused(name, answer, handed_over, corpus, capsys):
    path = os.path.normpath(handed_over / name)
    if name == ".":
        path += "/."
    try:
        taken = trained_model.read(path, str(corpus)).path
    except UserError as error:
        assert answer in str(error) and "\n" not in str(error)
        return
    assert os.path.basename(taken) == answer
    err = capsys.readouterr().err
    if name in ("run", "renamed", "best", "v1"):
        assert f"takes {taken}, step " in err
    if name == "run":
        assert "also there: model.ckpt-0 (step 0)" in err
    has_meta = "TensorFlow 1.2 or later" not in err
    assert has_meta == (os.path.dirname(name) == "one_shard" or name == "one_shard")
    unread = "; Model/proj_w and 1 more are not read, which the script never had"
    assert (unread in err) == (name == "more") and err.count("not read") == (name == "more")


def test_slices_and_shards_are_put_together(handed_over, corpus):
    whole, *others = (
        trained_model.read_weights(trained_model.read(str(handed_over / name), str(corpus)))
        for name in ("v1/run-30", "slices/run-30", "shards/run-30")
    )
    for other in others:
        assert whole.keys() == other.keys()
        for name, value in whole.items():
            np.testing.assert_array_equal(other[name], value)


def test_training_goes_on_from_slices_and_shards(handed_over, corpus, tmp_path):
    outputs = []
    for name in ("v1", "slices", "shards"):
        run = shutil.copytree(handed_over / name, tmp_path / name)
        arguments = [f"--data_path={corpus}", f"--save_path={run}", "--max_max_epoch=3", *FLAGS]
        status, out, err = run_here(ptb_word_lm, *arguments)
        assert status == 0, err
        outputs.append([line for line in out.splitlines() if "wps" not in line])
    assert outputs[0] == outputs[1] == outputs[2]
    assert any("Test Perplexity" in line for line in outputs[0])


@pytest.mark.parametrize(
    "name",
    [
        *("only_meta", "only_data", "only_index", "only_state", "cut_off", "cut_off_v1"),
        *("other_model", "one_of_two", "links", "peepholes"),
    ],
)
def test_nothing_begins_anew_beside_a_checkpoint(name, handed_over, corpus, tmp_path):
    run = shutil.copytree(handed_over / name, tmp_path / "copy", symlinks=True)
    arguments = [f"--data_path={corpus}", f"--save_path={run}", "--max_max_epoch=1", *FLAGS]
    status, out, err = run_here(ptb_word_lm, *arguments)
    assert (status, out) == (1, "")
    assert str(run) in err.splitlines()[-1] and "choose another --save_path" in err
    assert {f.name for f in run.iterdir()} - {"lock", "process"} == set(
        os.listdir(handed_over / name)
    )


@pytest.mark.parametrize(
    "name",
    [
        *("run.zip", "model.tar.gz", "frozen.pb", "weights.npz", "model.keras", "weights.h5"),
        *("model.safetensors", "pytorch_model.bin", "last.ckpt", "model.ckpt-9.index.gz"),
        *("checkpoints/model.ckpt-168.index", "variables/variables.index"),
        *("export/1700000000/saved_model.pb", "export/best/1/variables/variables.index"),
    ],
)
def test_nothing_begins_anew_beside_another_model(name, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 99)
    with pytest.raises(UserError, match=f"holds {re.escape(name)}, but no checkpoint"):
        newest_checkpoint.choose(str(tmp_path))
    with pytest.raises(UserError, match=f"nor another checkpoint; there is {re.escape(name)}"):
        finding.find(str(tmp_path))


def test_what_is_no_model_does_not_hinder(tmp_path):
    for name in (
        *("notes.txt", "vocab.txt", "config.json", "graph.pbtxt", "events.out.tfevents.1.x"),
        *("eval/events.out.tfevents.2.x", ".venv/a.npz", "model.ckpt-9.data-00000-of-00001"),
        "model.ckpt-9_temp_1a/part-00000-of-00001.data-00000-of-00001",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert newest_checkpoint.choose(str(tmp_path)) == []


def test_a_newer_checkpoint_that_was_not_copied_is_named(handed_over, tmp_path):
    for path in handed_over.glob("run-30.*"):
        shutil.copy(path, tmp_path / path.name.replace("run-30", "model.ckpt-30"))
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/lm/model.ckpt-60"\n')
    taken = str(tmp_path / "model.ckpt-30")
    said = finding.describe_choice(str(tmp_path), taken, [])
    assert said.endswith("step 30; the file checkpoint names model.ckpt-60, which is not there")
    (tmp_path / "model.ckpt-60.data-00000-of-00001").write_bytes(b"")
    said = finding.describe_choice(str(tmp_path), taken, [])
    assert said.endswith("the file checkpoint names model.ckpt-60, of which .index is missing")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/lm/model.ckpt-30"\n')
    assert finding.describe_choice(str(tmp_path), taken, []) == ""
    later = str(tmp_path / "model.ckpt-90")
    said = finding.describe_choice(str(tmp_path), later, [taken])
    assert "names model.ckpt-30; to go back to it, move the later ones away" in said


def test_training_refuses_a_checkpoint_s_name(handed_over):
    for name, message in (
        ("run-30", "is a checkpoint; name its directory"),
        ("run-30.meta", "is a file of a checkpoint; name the directory"),
        ("v1/run-30", "is a checkpoint; name the directory"),
        ("run-31", "there is no such checkpoint"),
        ("only_data/run-30", "only a part is there"),
    ):
        with pytest.raises(finding.FindingError, match=message):
            finding.refuse_checkpoint(str(handed_over / name))


def test_a_number_that_is_not_finite_is_named(handed_over, corpus):
    with pytest.raises(UserError, match="nan/run-30: Model/softmax_b has numbers that are inf"):
        trained_model.read(str(handed_over / "nan/run-30"), str(corpus))


@pytest.fixture(scope="module")
def joined(tmp_path_factory):
    """A corpus whose lines do not end with a space, and a checkpoint with rows to spare."""
    at = tmp_path_factory.mktemp("joined")
    data = old_files.write_corpus(at / "data", line="{}", num_lines=200)
    with open(data / "ptb.test.txt", "a") as file:
        file.write("a word that was never read\n")
    weights = old_files.random_weights(400)
    old_files.save(at / "run-30", old_files.as_named(weights, "block"))
    return at, weights


def test_line_ends_are_joined_as_in_the_script(joined, tmp_path):
    at, weights = joined
    valid, test, words = old_files.ids_of(at / "data")
    trained = trained_model.read(f"{at}/run-30", f"{at}/data")
    assert (trained.words, trained.line_ends) == (words, "joined")
    assert any(re.fullmatch(r"\S+<eos>\S+", word) for word in words)
    right = expected(weights, at / "data")
    np.testing.assert_allclose(read_values(at / "run-30", at / "data"), right, rtol=1e-5)
    arguments = [f"--save_path={at}/run-30", f"--data_path={at}/data"]
    status, out, err = run_here(score, *arguments, f"--text={at}/data/ptb.test.txt")
    assert status == 0 and "were left out" in err
    assert float(out.split()[-1]) == pytest.approx(right[1], rel=1e-4)
    assert int(out.splitlines()[-1].split("\t")[2]) == len(test) - 1
    status, out, err = run_here(generate, *arguments, "--num_words=60")
    assert status == 0 and "<eos>" not in out and "\n" in out.strip()
    # Another program made the text's lines end without a space; the words were those apart.
    apart = trained_model.read(
        f"{at}/run-30", f"{at}/data", tf1_checkpoints.Answers(line_ends="apart")
    )
    assert len(apart.words) == 13


def test_the_rule_that_fits_the_rows_is_chosen(joined, tmp_path, capsys):
    at, _ = joined
    values = old_files.as_named(old_files.random_weights(13), "block")
    old_files.save(tmp_path / "run-30", values)
    trained = trained_model.read(str(tmp_path / "run-30"), f"{at}/data")
    assert (len(trained.words), trained.line_ends) == (13, "apart")
    assert "as the script joins them, would be too many" in capsys.readouterr().err


def test_the_right_word_list_is_read(joined, tmp_path):
    at, _ = joined
    shutil.copytree(at, tmp_path / "copy")
    _, _, words = old_files.ids_of(at / "data")
    text = "\ufeff" + "".join(f"{word}\n" for word in words)
    (tmp_path / "copy/vocab.txt").write_text(text, encoding="utf-8")
    assert trained_model.read(f"{tmp_path}/copy/run-30").words == words


def test_unknown_words_are_left_out_if_asked(corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows)
    data = shutil.copytree(corpus, tmp_path / "data")
    for split in ("valid", "test"):
        with open(data / f"ptb.{split}.txt", "a") as file:
            file.write(" an unheard owl flew \n" * 20)
    old_files.save(tmp_path / "run-30", old_files.as_named(weights, "1.1"))
    actual, err = evaluate(tmp_path / "run-30", data, "--leave_out_unknown")
    np.testing.assert_allclose(actual, expected(weights, data), atol=6e-4)
    assert "20 of" in err and "are left out" in err
    arguments = [f"--save_path={tmp_path}/run-30", f"--data_path={data}", "--leave_out_unknown"]
    _, out, err = run_here(score, *arguments, f"--text={data}/ptb.test.txt")
    assert float(out.split()[-1]) == pytest.approx(actual[1], abs=6e-4)


FREQUENT, PAIRS = "abcde", [(f"w{i:02}", f"v{i:02}") for i in range(12)]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A text of frequent words, which repeat, and of pairs: `w07` is always followed by `v07`."""
    data = tmp_path_factory.mktemp("pairs")
    frequent = " ".join(" ".join(word * (6 - i)) for i, word in enumerate(FREQUENT))
    lines = [f" {frequent} {' '.join(pair)} \n" for pair in PAIRS]
    for split in ("train", "valid", "test"):
        (data / f"ptb.{split}.txt").write_text("".join(lines) * 12)
    return data


def save_learnt(words, path):
    """A checkpoint of scope `model` that has learnt the text of `pairs` with ids of its own."""
    n, h, rng = len(words), old_files.HIDDEN_SIZE, np.random.default_rng(0)
    codes = dict(zip(sorted(words), rng.choice([-3.0, 3.0], [n, h]) * rng.uniform(0.5, 1, [n, h])))
    weights = old_files.random_weights(n, scale=0.01)
    weights["Model/embedding"] = np.float32([codes[word] for word in words])
    for layer in range(2):
        kernel, bias = (f"Model/{name}" for name in old_files.lstm.canonical_names(layer))
        weights[kernel][:h, h : 2 * h] += np.eye(h)  # j sees the word
        weights[bias][:h], weights[bias][2 * h : 3 * h], weights[bias][3 * h :] = 5, -5, 5
    softmax_w = np.zeros([h, n])
    for word, successor in [*zip(FREQUENT, FREQUENT), *PAIRS]:
        softmax_w[:, words.index(successor)] = 3 * np.tanh(np.tanh(np.tanh(np.tanh(codes[word]))))
    weights["Model/softmax_w"] = softmax_w.astype(np.float32)
    old_files.save(path, old_files.as_named(weights, "0.12", "model", None))


def test_a_text_that_does_not_determine_the_words_is_refused(pairs, tmp_path):
    words, path = old_files.ids_of(pairs)[2], str(tmp_path / "run-1")
    save_learnt(words, path)
    assert trained_model.read(path, str(pairs)).words == words
    equal = [word for word in words if word[0] in "wv"]
    unordered = [*words[: -len(equal)], *np.random.default_rng(5).permutation(equal).tolist()]
    save_learnt(unordered, path)
    with pytest.raises(
        tf1_vocabulary.VocabularyError, match=r"before 2016-01-15.* into .*vocab.txt"
    ):
        trained_model.read(path, str(pairs))
    (tmp_path / "vocab.txt").write_text("".join(f"{word}\n" for word in unordered))
    assert trained_model.read(path).words == unordered


def test_a_longer_word_list_is_refused(corpus, num_rows, tmp_path):
    path = tmp_path / "run-30"
    old_files.save(path, old_files.as_named(old_files.random_weights(num_rows), "basic"))
    (tmp_path / "vocab.txt").write_text("".join(f"w{i}\n" for i in range(num_rows)) + "<eos>\n")
    message = f"vocab.txt: has {num_rows + 1} words, but .* has {num_rows}; they are of different"
    for data_path in (None, str(corpus)):
        with pytest.raises(UserError, match=message):
            trained_model.read(str(path), data_path)


def test_a_word_list_of_another_order_is_refused(pairs, tmp_path):
    words, path = old_files.ids_of(pairs)[2], str(tmp_path / "run-1")
    save_learnt(words, path)
    for listed in (words[::-1], sorted(words)[::-1]):
        (tmp_path / "vocab.txt").write_text("".join(f"{word}\n" for word in listed))
        with pytest.raises(tf1_vocabulary.VocabularyError, match="vocab.txt: the model explains"):
            trained_model.read(path, str(pairs))
    assert trained_model.read(path, str(tmp_path)).words == listed  # no training text
    (tmp_path / "vocab.txt").write_text("".join(f"{word}\n" for word in words))
    assert trained_model.read(path, str(pairs)).words == words


def test_another_text_with_as_many_words_is_said(corpus, num_rows, tmp_path, capsys):
    old_files.save(
        tmp_path / "run-30", old_files.as_named(old_files.random_weights(num_rows), "1.1")
    )
    trained_model.read(str(tmp_path / "run-30"), str(corpus))
    assert "are taken for those of the training; that it is" in capsys.readouterr().err


def test_a_loop_of_one_s_own_reads_line_ends_as_this_reader_does(tmp_path):
    data = str(old_files.write_corpus(tmp_path / "data", line="{}"))  # no space at the ends
    corpus = reader.read_corpus(data)
    config = configs.TestConfig(hidden_size=6, num_steps=5, batch_size=4, vocab_size=200)
    with tf.Graph().as_default(), tf1.Session() as session:
        models = ptb_word_lm.build_models(config, corpus)
        session.run(tf1.global_variables_initializer())
        reader.load_texts(session)
        right = [ptb_word_lm.run_epoch(session, models[name]) for name in ("Valid", "Test")]
        saver = tf1.train.Saver(tf1.trainable_variables())
        path = saver.save(session, str(tmp_path / "own/run"), global_step=3)
    actual, err = evaluate(path, data, "--num_steps=5", "--batch_size=4")
    np.testing.assert_allclose(actual, right, atol=1e-3)
    assert "run-3: of a loop with this reader" in err


def test_a_checkpoint_is_imported(corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows, num_cells=1, scale=2)
    path = tmp_path / "old-30"
    old_files.save(path, old_files.as_named(weights, "block", step=None))
    old_files.write_meta(path, 2, clip=0.3, num_steps=5)
    valid, test = expected(weights, corpus, num_steps=5, clip=0.3)
    arguments = [f"--save_path={path}", f"--data_path={corpus}", f"--out={tmp_path}/run"]
    status, _, err = run_here(import_checkpoint, *arguments, f"--test_perplexity={1.1 * test}")
    assert status == 1 and "nothing is written" in err and not (tmp_path / "run").exists()
    known = [f"--valid_perplexity={valid}", f"--test_perplexity={test}", "--epochs_done=2"]
    status, out, err = run_here(import_checkpoint, *arguments, *known)
    assert status == 0 and "c is clipped to [-0.3, 0.3]" in err
    assert {"vocab.txt", "config.json", "checkpoint"} <= set(os.listdir(tmp_path / "run"))
    np.testing.assert_allclose(read_values(tmp_path / "run", corpus), [valid, test], rtol=1e-5)
    arguments = [f"--data_path={corpus}", f"--save_path={tmp_path}/run", "--max_max_epoch=3"]
    flags = [f"--config={tmp_path}/run/config.json", "--learning_rate=0.1", "--sample_words=0"]
    status, out, err = run_here(ptb_word_lm, *arguments, *flags)
    assert status == 0 and "Epoch: 3" in out and "Epoch: 2" not in out
    assert "goes on with today's cell" in err
    assert trained_model.read(f"{tmp_path}/run").cell == tf1_checkpoints.Cell()


def test_a_checkpoint_without_a_step_asks_how_long_it_was_trained(corpus, num_rows, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    weights = old_files.random_weights(num_rows)
    old_files.save(run / "run-14", old_files.as_named(weights, "0.12", "model", None))
    arguments = [f"--data_path={corpus}", f"--save_path={run}", "--max_max_epoch=1", *FLAGS]
    status, out, err = run_here(ptb_word_lm, *arguments)
    assert (status, out) == (1, "") and "import_checkpoint.py --epochs_done=N" in err


def test_a_model_goes_back_to_the_script(corpus, num_rows, tmp_path):
    weights = old_files.random_weights(num_rows)
    old_files.save(tmp_path / "run-30", old_files.as_named(weights, "1.1"))
    arguments = [f"--save_path={tmp_path}/run-30", f"--data_path={corpus}"]
    status, _, err = run_here(export, *arguments, f"--tf1={tmp_path}/tf1")
    assert status == 0 and "with hidden_size 6, num_layers 2, vocab_size 13" in err
    path = tf1.train.latest_checkpoint(str(tmp_path / "tf1"))
    found = reading.read_shapes(path)
    for version in ("basic", "block"):
        for name, value in old_files.as_named(weights, version).items():
            assert found[name] == list(np.shape(value)), name
            if name.startswith("Model/") and np.ndim(value):
                saved = tf1.train.NewCheckpointReader(path).get_tensor(name)
                np.testing.assert_array_equal(saved, value)
    np.testing.assert_allclose(read_values(path, corpus), expected(weights, corpus), rtol=1e-5)


def test_rows_are_added_for_the_script_without_a_change(corpus, num_rows):
    weights = old_files.random_weights(num_rows)
    padded = export.tf1_writer.with_unused_rows(weights, 50)
    valid = old_files.ids_of(corpus)[0]
    assert old_files.perplexity(padded, valid, 2, 4, 5) == pytest.approx(
        old_files.perplexity(weights, valid, 2, 4, 5), rel=1e-9
    )
    assert padded["Model/embedding"].shape == (50, 6)


def test_a_damaged_meta_file_is_said_and_not_used(corpus, num_rows, tmp_path, capsys):
    weights = old_files.random_weights(num_rows)
    old_files.save(tmp_path / "run-30", old_files.as_named(weights, "basic"))
    (tmp_path / "run-30.meta").write_bytes(b"\xff" * 40)
    trained_model.read(str(tmp_path / "run-30"), str(corpus))
    assert "run-30.meta: cannot be read, so it is not used" in capsys.readouterr().err


def test_a_word_list_may_have_a_byte_order_mark(tmp_path):
    (tmp_path / "vocab.txt").write_text("<eos>\nowl\n", encoding="utf-8-sig")
    assert run_directory.read_words(str(tmp_path)) == ["<eos>", "owl"]


def test_the_docs_import_an_old_metagraph(tmp_path, capsys, monkeypatch):
    """The lines of docs/from-tf1.md, on a metagraph with the script's collections."""
    monkeypatch.chdir(tmp_path)
    with tf.Graph().as_default(), tf1.Session() as session:
        (c, h), weight = (tf.zeros([1, 2]) for _ in "ch"), tf1.Variable(2.0, use_resource=False)
        text = tf1.train.range_input_producer(3, shuffle=False).dequeue()
        cost = tf.cast(text, tf.float32) * weight + tf.reduce_sum(c)
        for name, tensors in (("cost", [cost]), ("initial", [c, h]), ("final", [c + 1, h])):
            for tensor in tensors:
                tf1.add_to_collection(f"Test/{name}", tensor)
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver().save(session, "OLD/run", global_step=1540)
    with open(os.path.join(ROOT, "docs", "from-tf1.md"), encoding="utf-8") as page:
        (lines,) = re.findall(r"```python\n(.*?)```", page.read(), re.S)
    exec(lines, {})
    assert capsys.readouterr().out.split() == ["0.0", "4.0", "8.0"]
