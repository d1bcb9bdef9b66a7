import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import configs
from graphs import ROOT, random_corpus
from saved import run_directory, run_identity

CORPUS = random_corpus()
RunDirectoryError = run_directory.RunDirectoryError


def describe(**changes):
    arguments = {"config": configs.SmallConfig(), "dtype": tf.float32, "seed": 0, "corpus": CORPUS}
    return run_identity.describe(**{**arguments, **changes})


@pytest.fixture
def run(tmp_path):
    run_directory.write(str(tmp_path), describe(), CORPUS.words)
    return tmp_path


def test_what_is_written_is_accepted(run):
    run_directory.check_vocabulary(str(run), CORPUS.words)
    assert (run / "vocab.txt").read_text().splitlines() == CORPUS.words
    assert json.loads((run / "config.json").read_text())["hidden_size"] == 200
    assert 'metadata_path: "vocab.txt"' in (run / "projector_config.pbtxt").read_text()
    assert not list(run.glob("*.tmp"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": configs.SmallConfig(lr_decay=0.7)}, "lr_decay was 0.5 and now is 0.7"),
        ({"dtype": tf.bfloat16}, "dtype was 'float32' and now is 'bfloat16'"),
        ({"seed": 3}, "seed was 0 and now is 3"),
        ({"corpus": CORPUS._replace(train=CORPUS.train[1:])}, "the training text was changed"),
        ({"corpus": CORPUS._replace(test=CORPUS.test[::-1].copy())}, "the test text was changed"),
        ({"corpus": CORPUS._replace(words=CORPUS.words[::-1])}, "the vocabulary was changed"),
    ],
)
def test_another_run_is_told_apart(changes, message):
    old, new = describe(), describe(**changes)
    assert run_identity.change(run_identity.first_difference(old, new), old, new) == message


def test_the_same_ids_are_the_same_text_whatever_holds_them():
    ids = CORPUS.train[::-1]
    sums = {run_identity.text_sum(each) for each in (ids, ids.copy(), list(ids), ids.astype("i8"))}
    assert len(sums) == 1


@pytest.mark.parametrize("word", ["a b", "\n", "", "\xa0", "word1"])
def test_words_that_could_not_be_read_back_are_refused(word, tmp_path):
    words = [word, *CORPUS.words[1:]]
    with pytest.raises(run_directory.RunDirectoryError, match="cannot be saved as a word"):
        run_directory.check_vocabulary(str(tmp_path), words)


def test_more_epochs_and_another_mode_are_the_same_run():
    config = configs.SmallConfig(max_max_epoch=20, rnn_mode=configs.BASIC)
    assert run_identity.first_difference(describe(), describe(config=config)) is None


def test_what_cannot_be_checked_is_named(capsys):
    def said(saved_run):
        run_directory.say_what_is_unknown(describe(), "model.ckpt-7", saved_run)
        return capsys.readouterr().err

    assert said(describe()) == ""
    assert said(None) == (
        "model.ckpt-7: does not say which run it is of; that the run and its words' ids are the "
        "same cannot be checked\n"
    )
    old = describe()
    del old["seed"], old["valid text"]
    message = "model.ckpt-7: that these are the same cannot be checked: seed, the validation text\n"
    assert said(old) == message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (CORPUS.words[:-1], "is another vocabulary"),
        (CORPUS.words[::-1], "is another vocabulary .*the same words in another order"),
    ],
)
def test_another_vocabulary_is_refused(run, words, message):
    with pytest.raises(RunDirectoryError, match=rf"vocab\.txt: {message}"):
        run_directory.check_vocabulary(str(run), words)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"7", b"\xff\xfe{}", b"[" * 100_000])
def test_a_damaged_description_is_named(run, content):
    (run / "config.json").write_bytes(content)
    with pytest.raises(RunDirectoryError, match=r"config\.json: "):
        run_directory.read_config(str(run))


def test_what_cannot_be_written_leaves_nothing_behind(run):
    (run / "config.json").unlink()
    (run / "config.json").mkdir()
    with pytest.raises(RunDirectoryError, match=r"config\.json: cannot be written: "):
        run_directory.write(str(run), describe(), CORPUS.words)
    assert not list(run.glob("*.tmp"))


TRY_TO_LOCK_TWICE = """
import sys
from saved import run_directory
for _ in range(2):
    try:
        with run_directory.locked(sys.argv[1]):
            print("locked", flush=True)
    except run_directory.RunDirectoryError as error:
        print(error, flush=True)
    sys.stdin.readline()
"""


def test_one_process_at_a_time(tmp_path):
    path = str(tmp_path / "new")
    with run_directory.locked(path):
        other = subprocess.Popen(
            [sys.executable, "-c", TRY_TO_LOCK_TWICE, path],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert f"process {os.getpid()} is training in it" in other.stdout.readline()
    assert other.communicate("again\n", timeout=300)[0] == "locked\n"


def test_a_sorted_vocabulary_is_said(capsys):
    words = ["the", "<eos>", *np.random.default_rng(1).permutation(1000).astype(str)[:500]]
    words += sorted(f"w{i}" for i in range(500))  # all seen once
    run_directory.say_order("vocab.txt", words)
    assert capsys.readouterr().err == ""
    run_directory.say_order("vocab.txt", sorted(words))
    assert "vocab.txt: its words are in alphabetical order, unlike" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["the", "<unk>", "<eos>", "owl"], ""),
        (["the", "man<eos>the"], ""),
        (["<blank>", "the", "<eos>"], "begins with <blank>"),
        (["[PAD]", "[UNK]", "<eos>"], "begins with [PAD]"),
        (["<eos>", "[UNK]", "the"], "begins with [UNK]"),
        (["12", "the", "<eos>"], "begins with 12"),
        (["the", "</s>", "owl"], "begins with </s>"),
        (['"the"', "owl"], "has no <eos>"),
    ],
)
def test_a_vocabulary_of_another_program_is_said(capsys, words, said):
    run_directory.say_order("vocab.txt", words)
    err = capsys.readouterr().err
    assert (f"vocab.txt: {said}, unlike" in err) == bool(said) == bool(err)
