import os

import pytest
import tensorflow as tf

from training import event_file


def test_summaries_are_there_as_soon_as_written(tmp_path):
    with tf.Graph().as_default():
        tf.constant(1.0, name="one")
        with event_file.EventFile(str(tmp_path), 0) as written:
            written.write(7, perplexity=12.5, speed=3.0)
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
    with tf.Graph().as_default(), event_file.EventFile(str(tmp_path), 0) as written:
        written.write_text(7, "sample", "short\n" + " ".join(words))
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
    monkeypatch.setattr(event_file.EventFile, "_path", lambda *_: "/dev/full")
    with tf.Graph().as_default(), event_file.EventFile(str(tmp_path), 1) as written:
        for step in range(3):
            written.write(step, perplexity=1.0)
    assert capsys.readouterr().err.count("training goes on\n") == 1
