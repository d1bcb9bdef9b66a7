import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import config as tensorflow_config

import score
from graphs import ROOT, as_text, run_here, save_run, text_corpus
from program.errors import UserError
from saved import finding
from text import preparation
from trained import generation, scoring, trained_model

tf1 = tf.compat.v1
MODES = ("basic_lstm_cell", "lstm_cell", "cudnn_compatible_lstm_cell")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    save_run(directory)
    return directory


@pytest.fixture
def copy(run, tmp_path):
    return shutil.copytree(run, tmp_path / "copy")


def save_checkpoint(path, values):
    """Saves arrays, and what else a checkpoint of the TF1 script holds."""
    leftovers = {
        "Model/lr": np.float32(0.1),
        "Model/Variable": np.int32(7),
        "global_step": np.int64(7),
        "Model/global_step": np.int64(7),
        "Model/embedding/Adagrad": np.zeros([2, 2], np.float32),
    }
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = {
            name: tf1.Variable(value, name=name) for name, value in {**leftovers, **values}.items()
        }
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver(variables).save(session, str(path), write_meta_graph=False)


def golden(name):
    """The recorded weights at the end, as TF1 named them; the test text; its perplexity."""
    with open(os.path.join(ROOT, "tests", "golden", f"{name}.json")) as file:
        perplexity = json.load(file)["expected"]["test_ppl"]
    arrays = np.load(os.path.join(ROOT, "tests", "golden", f"{name}.npz"))
    prefix = "final/"
    weights = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    return weights, arrays["test"], perplexity


def write_corpus(directory, vocab_size, test):
    """A corpus like PTB, of which the words get the ids of a recorded one; 2 is `<eos>`."""
    words = [f"word{i}" for i in range(vocab_size)]
    words[2] = "<eos>"
    ids = np.repeat(np.arange(vocab_size), 2 * vocab_size - np.arange(vocab_size))
    directory.mkdir()
    for split, split_ids in (("train", ids), ("valid", ids), ("test", test)):
        text = as_text(split_ids, words).replace("\n", " \n ")
        (directory / f"ptb.{split}.txt").write_text(text)


@pytest.mark.parametrize("name", ["basic", "block"])
def test_a_checkpoint_of_the_tf1_script_scores_as_it_did(name, tmp_path):
    weights, test, expected = golden(name)
    vocab_size = len(weights["Model/embedding"])
    save_checkpoint(tmp_path / "model.ckpt-123", weights)
    data = tmp_path / "data"
    write_corpus(data, vocab_size, test)
    model = trained_model.read(str(tmp_path / "model.ckpt-123"), str(data))
    assert model.words[:3] == ["word0", "word1", "<eos>"]
    scores, _ = scoring.Scorer(model).score(test[:1], test[1:, None].astype(np.int32))
    assert np.exp(-scores.mean()) == pytest.approx(expected, rel=1e-4)
    if name == "block":
        arguments = [f"--save_path={tmp_path}/model.ckpt-123", f"--data_path={data}"]
        status, out, err = run_here(score, *arguments, f"--text={data}/ptb.test.txt")
        assert status == 0 and "of the TF1 script, block, TensorFlow 1.2 or later" in err
        assert float(out.splitlines()[-1].split("\t")[4]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("scope", ["Model/RNN", "Model/RNN/rnn"])
@pytest.mark.parametrize("mode", MODES)
def test_the_cells_of_every_mode_are_found(mode, scope, tmp_path):
    weights, test, expected = golden("block")
    weights = {
        k.replace("Model/RNN", scope).replace("/lstm_cell/", f"/{mode}/"): v
        for k, v in weights.items()
    }
    if mode == MODES[2]:
        weights["Model/lstm_params"] = np.zeros(5, np.float32)
    write_corpus(tmp_path / "data", len(weights["Model/embedding"]), test)
    save_checkpoint(tmp_path / "model.ckpt-1", weights)
    model = trained_model.read(str(tmp_path), str(tmp_path / "data"))
    scores, _ = scoring.Scorer(model).score(test[:1], test[1:, None].astype(np.int32))
    assert np.exp(-scores.mean()) == pytest.approx(expected, rel=1e-4)


def test_rows_beyond_the_corpus_have_no_name(tmp_path, capsys):
    weights, test, _ = golden("block")
    vocab_size = len(weights["Model/embedding"])
    save_checkpoint(tmp_path / "old", weights)
    write_corpus(tmp_path / "data", vocab_size - 3, test[:5] % 3)
    model = trained_model.read(str(tmp_path / "old"), str(tmp_path / "data"))
    assert (len(model.words), model.config.vocab_size) == (vocab_size - 3, vocab_size)
    assert f"has {vocab_size - 3} words" in capsys.readouterr().err
    sampler = generation.Sampler(model)
    drawn = np.array(list(sampler.sample([2], 20, 50, temperature=100.0)))
    assert drawn.max() == vocab_size - 4


def test_16_bit_weights_are_read_as_float32(tmp_path):
    weights, test, expected = golden("block")
    write_corpus(tmp_path / "data", len(weights["Model/embedding"]), test)
    save_checkpoint(tmp_path / "old", {k: v.astype(np.float16) for k, v in weights.items()})
    model = trained_model.read(str(tmp_path / "old"), str(tmp_path / "data"))
    scores, _ = scoring.Scorer(model).score(test[:1], test[1:, None].astype(np.int32))
    assert np.exp(-scores.mean()) == pytest.approx(expected, rel=1e-2)


def test_a_run_is_read_back(run):
    model = trained_model.read(str(run))
    assert model.path == str(run / "model.ckpt-7")
    assert model.words == text_corpus().words
    assert (model.config.hidden_size, model.config.batch_size) == (8, 4)


def test_the_newest_whole_checkpoint_is_taken(copy, capsys):
    for suffix in ("index", "data-00000-of-00001"):
        shutil.copy(copy / f"model.ckpt-7.{suffix}", copy / f"model.ckpt-12.{suffix}")
    assert trained_model.read(str(copy)).path == str(copy / "model.ckpt-12")
    os.truncate(copy / "model.ckpt-12.data-00000-of-00001", 100)
    assert trained_model.read(str(copy)).path == str(copy / "model.ckpt-7")
    assert "model.ckpt-12: is damaged" in capsys.readouterr().err
    with pytest.raises(trained_model.TrainedModelError, match="model.ckpt-12: is damaged"):
        trained_model.read(str(copy / "model.ckpt-12"))
    os.remove(copy / "model.ckpt-7.data-00000-of-00001")
    with pytest.raises(trained_model.TrainedModelError, match="no checkpoint is whole"):
        trained_model.read(str(copy))


@pytest.fixture
def old_run(tmp_path):
    """A run whose checkpoint says nothing of it."""
    (directory := tmp_path / "old_run").mkdir()
    save_run(directory, knows_run=False)
    return directory


def test_a_configuration_of_ones_own_is_read_back(old_run):
    (old_run / "config.json").write_text('{"max_grad_norm": 5.5, "max_epoch": 0, "num_steps": 7}')
    config = trained_model.read(str(old_run)).config
    assert (config.max_grad_norm, config.max_epoch, config.num_steps) == (5.5, 0, 7)


def test_a_checkpoint_knows_its_run_better_than_the_files_beside(copy, capsys):
    assert trained_model.read(str(copy)).run["seed"] == 1
    (copy / "config.json").write_text('{"num_steps": 7}')
    assert trained_model.read(str(copy)).config.num_steps == 5
    error = f"{copy}/config.json: is of another run than {copy}/model.ckpt-7, which counts: "
    assert capsys.readouterr().err == f"{error}num_steps differs\n"
    words = trained_model.read(str(copy)).words
    (copy / "vocab.txt").write_text("".join(f"{word}\n" for word in words[::-1]))
    with pytest.raises(trained_model.TrainedModelError, match=r"vocab.txt: is another vocabulary"):
        trained_model.read(str(copy))


def test_how_its_texts_were_prepared_is_in_the_checkpoint(tmp_path, capsys):
    how = preparation.Preparation(case="kept")
    save_run(tmp_path, text_corpus()._replace(preparation=how))
    assert trained_model.read(str(tmp_path)).preparation == how
    assert capsys.readouterr().err == ""
    preparation.write(preparation.Preparation(), tmp_path)
    assert trained_model.read(str(tmp_path)).preparation == how
    assert f"{tmp_path}/ptb.preparation.json: is of another run than " in capsys.readouterr().err


def test_other_texts_than_the_run_s_are_said(copy, capsys):
    trained, corpus = trained_model.read(str(copy)), text_corpus()
    trained_model.say_other_texts(trained, corpus)
    assert capsys.readouterr().err == ""
    trained_model.say_other_texts(trained, corpus._replace(valid=corpus.test))
    error = f"the validation text is not that of the run that saved {copy}/model.ckpt-7\n"
    assert capsys.readouterr().err == error


def test_a_text_without_line_ends_has_a_model_but_no_sentences(old_run):
    vocabulary = (old_run / "vocab.txt").read_text()
    (old_run / "vocab.txt").write_text(vocabulary.replace("<eos>", "eos"))
    (old_run / "config.json").unlink()  # it knows the vocabulary's sum
    model = trained_model.read(str(old_run))
    assert model.words[2] == "eos"
    with pytest.raises(trained_model.TrainedModelError, match="has no <eos>"):
        model.end_of_sentence  # noqa: B018


def test_what_does_not_fit_is_refused(old_run, tmp_path):
    copy = old_run

    def refused(message, path=copy):
        with pytest.raises(UserError, match=message):
            trained_model.read(str(path))

    vocabulary = (copy / "vocab.txt").read_text()
    (copy / "vocab.txt").write_text(vocabulary + "another\n")
    refused("vocab.txt: has 31 words, but .*model.ckpt-7 has 30")
    first, second, *_ = vocabulary.split("\n")
    for damaged in (vocabulary.replace(second, first), vocabulary.replace("\n", "\r\n")):
        (copy / "vocab.txt").write_text(damaged, newline="\n")
        refused("vocab.txt: is not one different word a line")
    os.remove(copy / "vocab.txt")
    refused("vocab.txt: no such file; name .* with --data_path")
    (copy / "config.json").write_text('{"hidden_size": 9, "seed": 3}')
    refused("model.ckpt-7: has hidden_size 8, but the description of its run says 9")
    (copy / "config.json").write_text('{"batch_size": -4}')
    refused("config.json: .*batch_size is -4, but must be a whole number, at least 1; restore")
    (copy / "config.json").write_text("[1")
    refused("config.json: is not a description of a run")
    refused("no such directory", tmp_path / "none")
    with pytest.raises(finding.FindingError, match="no such checkpoint; the newest there is"):
        trained_model.read(str(copy / "model.ckpt-8"))
    (tmp_path / "empty").mkdir()
    refused("holds no model.ckpt-STEP", tmp_path / "empty")
    save_checkpoint(tmp_path / "other", {})
    refused("other: is not a checkpoint of this language model", tmp_path / "other")
    save_checkpoint(tmp_path / "opaque", {"Model/lstm_params": np.zeros(5, np.float32)})
    refused("opaque: holds the LSTM as cuDNN's opaque", tmp_path / "opaque")
    weights, *_ = golden("basic")
    weights.pop("Model/RNN/multi_rnn_cell/cell_1/basic_lstm_cell/bias")
    save_checkpoint(tmp_path / "part", weights)
    refused("cell_1/basic_lstm_cell/bias is missing", tmp_path / "part")


def test_models_are_read_where_tensorflow_is_to_be_deterministic(tmp_path):
    """TensorFlow then refuses graphs without a seed, though nothing random is run."""
    save_run(tmp_path)
    tensorflow_config.enable_op_determinism()
    try:
        scores, _ = scoring.Scorer(trained_model.read(tmp_path)).score([0], np.int32([[1], [2]]))
    finally:
        tensorflow_config.disable_op_determinism()
    assert np.isfinite(scores).all()
