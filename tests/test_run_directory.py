import json
import os
import subprocess
import sys

import pytest
import tensorflow as tf

import configs
from graphs import ROOT, random_corpus
from saved import run_directory

CORPUS = random_corpus()
RunDirectoryError = run_directory.RunDirectoryError


def describe(**changes):
    arguments = {"config": configs.SmallConfig(), "dtype": tf.float32, "seed": 0, "corpus": CORPUS}
    return run_directory.describe(**{**arguments, **changes})


@pytest.fixture
def run(tmp_path):
    run_directory.check(str(tmp_path), describe(), CORPUS.words)
    run_directory.write(str(tmp_path), describe(), CORPUS.words)
    return tmp_path


def test_what_is_written_is_accepted(run):
    run_directory.check(str(run), describe(), CORPUS.words)
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
        ({"corpus": CORPUS._replace(train=CORPUS.train[1:])}, "train text was .* and now is"),
        ({"corpus": CORPUS._replace(test=CORPUS.test[::-1].copy())}, "test text was .* and now is"),
    ],
)
def test_another_run_is_refused(run, changes, message):
    with pytest.raises(RunDirectoryError, match=message):
        run_directory.check(str(run), describe(**changes), CORPUS.words)


def test_more_epochs_and_another_mode_are_the_same_run(run):
    config = configs.SmallConfig(max_max_epoch=20, rnn_mode=configs.BASIC)
    run_directory.check(str(run), describe(config=config), CORPUS.words)


def test_another_vocabulary_is_refused(run):
    with pytest.raises(RunDirectoryError, match=r"vocab\.txt: is another vocabulary"):
        run_directory.check(str(run), describe(), CORPUS.words[::-1])


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"7", b"\xff\xfe{}", b"[" * 100_000])
def test_a_damaged_description_is_named(run, content):
    (run / "config.json").write_bytes(content)
    with pytest.raises(RunDirectoryError, match=r"config\.json: "):
        run_directory.check(str(run), describe(), CORPUS.words)


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


def test_summaries_are_there_as_soon_as_written(tmp_path):
    with tf.Graph().as_default():
        tf.constant(1.0, name="one")
        with run_directory.Summaries(str(tmp_path), 0) as summaries:
            summaries.write(7, perplexity=12.5, speed=3.0)
            (path,) = tmp_path.glob("events.out.tfevents.*")
            events = list(tf.compat.v1.train.summary_iterator(str(path)))
    assert events[0].file_version == "brain.Event:2"
    assert events[1].session_log.status == tf.compat.v1.SessionLog.START
    graph = tf.compat.v1.GraphDef.FromString(events[2].graph_def)
    assert [node.name for node in graph.node] == ["one"]
    values = {value.tag: value.simple_value for value in events[3].summary.value}
    assert events[1].step == 1
    assert (events[3].step, values) == (7, {"perplexity": 12.5, "speed": 3.0})


def test_a_text_is_code_to_markdown_in_lines_that_are_not_cut_off(tmp_path):
    words = ["__init__", "*", "<eos>"] * 30
    with tf.Graph().as_default(), run_directory.Summaries(str(tmp_path), 0) as summaries:
        summaries.write_text(7, "sample", "short\n" + " ".join(words))
    (path,) = tmp_path.glob("events.out.tfevents.*")
    *_, event = tf.compat.v1.train.summary_iterator(str(path))
    (value,) = event.summary.value
    assert (event.step, value.tag, value.metadata.plugin_data.plugin_name) == (7, "sample", "text")
    first, *lines = tf.make_ndarray(value.tensor).item().decode().split("\n")
    assert first == "    short"
    assert all(line.startswith("    ") for line in lines)
    assert max(map(len, lines)) <= 100
    assert " ".join(lines).split() == words


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_summaries_that_fail_are_said_once(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(run_directory.Summaries, "_path", lambda *_: "/dev/full")
    with tf.Graph().as_default(), run_directory.Summaries(str(tmp_path), 1) as summaries:
        for step in range(3):
            summaries.write(step, perplexity=1.0)
    assert capsys.readouterr().err.count("training goes on\n") == 1
