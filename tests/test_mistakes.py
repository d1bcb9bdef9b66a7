"""Mistyped, foreign, empty and enormous flags and files: one line each, and nothing is made."""

import json
import os
import shutil

import pytest

import curves
import export
import generate
import ptb_word_lm
import score
import train_cluster
from graphs import as_text, run_here, save_run, text_corpus

READERS = (score, generate, export)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("mistakes") / "run"
    directory.mkdir()
    save_run(directory)
    return directory


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    directory, corpus = tmp_path_factory.mktemp("corpus"), text_corpus()
    for split in ("train", "valid", "test"):
        text = as_text(getattr(corpus, split), corpus.words)
        (directory / f"ptb.{split}.txt").write_text(text)
    return directory


def refused(module, message, *arguments):
    status, out, err = run_here(module, *map(str, arguments), input="word4 word5\n")
    assert (status, out) == (1, "")
    assert err.startswith(f"{module.__name__}.py: ") and err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--modle=small", "Did you mean: model"),
        ("--seed=", "must be a whole number"),
        ("--seed=99999999999999999999", "is not an integer in the range"),
        ("--rnn_mode=", "should be one of"),
        ("--schedule=papper", "should be one of"),
        ("--hidden_size=1e9", "must be a whole number"),
        ("--hidden_size=100000000", "the LSTM's weights need 320,000,000 GB"),
        ("--num_layers=100000", "at most 100"),
        ("--batch_size=1000000000", "decrease batch_size"),
        ("--keep_prob=nan", "must be a number, above 0 and at most 1"),
        ("--init_scale=1e40", "the largest float32"),
        ("--sample_words=99999999999999999999", "is not an integer in the range"),
        ("--config=", "--config=: No such file"),
        ("--save_path=", "--save_path=: No such file"),
        ("--save_path=" + "x" * 300, "File name too long"),
        ("--save_path=~no-such-user/x", "there is no user no-such-user"),
        ("--save_path=/proc/\n\x1b[2J", r"--save_path=/proc/\n\x1b"),
        ("--flagfile=/nowhere", "Unable to open flagfile"),
    ],
)
def test_flags_of_training(corpus, flag, message):
    refused(ptb_word_lm, message, f"--data_path={corpus}", "--model=test", flag)


@pytest.mark.parametrize("module", READERS)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "--save_path: name "),
        ("model.ckpt-199", "there is no such checkpoint; the newest there is model.ckpt-7"),
        ("config.json", "is not a checkpoint"),
        ("~", "there is no user"),
    ],
)
def test_save_paths_of_what_is_trained(run, tmp_path, module, name, message):
    path = {"": "", "~": "~no-such-user/x"}.get(name, run / name)
    out = [f"--out={tmp_path}/out"] if module is export else []
    refused(module, message, f"--save_path={path}", *out)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("module", READERS)
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("vocab.txt", b"", "is not one different word a line"),
        ("vocab.txt", b"\xff\n", "cannot be read"),
        ("vocab.txt", None, "is another vocabulary than that of"),
        ("config.json", b"[" * 10**5, "is not a description of a run"),
        ("ptb.preparation.json", b"", "is no description of a preparation"),
        ("ptb.preparation.json", b'{"rules": 99}', "was made by other rules"),
        ("ptb.preparation.json", b'{"rules": 1, "a\\nb\\u001b[2J": 1}', r"a\nb\x1b[2J"),
    ],
)
def test_files_beside_a_checkpoint(run, tmp_path, module, name, content, message):
    copy = shutil.copytree(run, tmp_path / "run")
    if content is None:  # two words exchanged, which no size tells
        lines = (run / name).read_bytes().splitlines(keepends=True)
        content = b"".join([*lines[:3], lines[4], lines[3], *lines[5:]])
    (copy / name).write_bytes(content)
    out = [f"--out={tmp_path}/out"] if module is export else []
    refused(module, message, f"--save_path={copy}", *out)
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ("{}", "has none of the hyperparameters"),
        ('{"hidden_size": 1e400}', "hidden_size is inf, but must be"),
        ('{"hidden_size": %s}' % ("9" * 5000), "is not JSON"),
    ],
)
def test_configuration_files(corpus, tmp_path, content, message):
    (tmp_path / "config.json").write_text(content)
    arguments = f"--data_path={corpus}", "--model=test", f"--config={tmp_path}/config.json"
    refused(ptb_word_lm, message, *arguments)


def test_a_file_of_scores_is_named_as_such(run):
    flags = f"--save_path={run}", "--nbest", "--lm_weight=1"
    refused(score, "--scores=/nowhere: cannot be read", *flags, "--scores=/nowhere")


def test_what_cannot_be_written_is_named(run, tmp_path):
    (tmp_path / "file").touch()
    below = f"{tmp_path}/file/x"
    message = f"--out={below}: cannot be written: "
    refused(export, message, f"--save_path={run}", f"--out={below}")
    message = f"--tflite={below}: cannot be written: "
    refused(export, message, f"--save_path={run}", f"--out={tmp_path}/out", f"--tflite={below}")


@pytest.mark.parametrize(
    ("module", "config", "message"),
    [
        (ptb_word_lm, {"clusters": {"worker": ["a:1"]}}, "but has clusters"),
        (ptb_word_lm, {"a\nb": 1}, r"but has a\nb;"),
        (ptb_word_lm, {"cluster": {"worker": ["a:1"]}}, "train_cluster.py"),
        (train_cluster, {"cluster": []}, "names no machines"),
        (train_cluster, {"cluster": {"worker": [None]}}, "TF_CONFIG: "),
        (train_cluster, {"cluster": {"worker": {"x": "b:1"}}}, "TF_CONFIG: "),
        (train_cluster, {"cluster": {"worker": ["a:1"]}, "task": 3}, "TF_CONFIG: "),
    ],
)
def test_tf_config(corpus, monkeypatch, module, config, message):
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    refused(module, message, f"--data_path={corpus}", "--model=test")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run="], "holds no event files"),
        (["--run={run}", "--out=x.gif"], "must end with one of"),
        (["--run={run}/model.ckpt-7"], "no such directory"),
        (["--run=~no-such-user/x"], "there is no user"),
    ],
)
def test_flags_of_curves(run, arguments, message):
    refused(curves, message, *(each.format(run=run) for each in arguments))
