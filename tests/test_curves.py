import re

import pytest
import tensorflow as tf

import curves
from graphs import run_program
from program import errors
from saved.checkpoints import Progress
from training import guard, loop, summaries

tf1 = tf.compat.v1


def write_run(path, first_step, epochs, test=None):
    """One life of a run with 10 steps an epoch."""
    with summaries.Summaries(str(path), first_step) as written:
        for number, (train, valid) in enumerate(epochs, start=first_step // 10 + 1):
            written.write(10 * number - 5, perplexity=1.0)
            written.write(10 * number, train_perplexity=train, valid_perplexity=valid)
        if test is not None:
            written.write(10 * number, test_perplexity=test)


def test_a_continued_run_is_one_curve(tmp_path):
    with tf.Graph().as_default():
        write_run(tmp_path, 0, [(300.0, 200.0), (150.0, 170.0), (99.0, 98.0)])
        write_run(tmp_path, 10, [(140.0, 160.0)], test=155.0)
    # The first life had come further than what was saved: its third epoch never was.
    assert curves.read_curve(str(tmp_path)) == ([300.0, 140.0], [200.0, 160.0], 155.0)


def test_a_run_that_goes_on_after_its_test_is_not_finished(tmp_path):
    with tf.Graph().as_default():
        write_run(tmp_path, 0, [(300.0, 200.0)], test=155.0)
        write_run(tmp_path, 10, [(140.0, 160.0)])
    assert curves.read_curve(str(tmp_path)) == ([300.0, 140.0], [200.0, 160.0], None)


class Killed(BaseException):
    """As if the process were gone."""


class KilledSaver:
    """Saves, and is killed before anything else is done."""

    progress = Progress()

    def save(self, *_):
        raise Killed


def test_an_epoch_that_is_saved_is_in_the_curve(tmp_path):
    with tf.Graph().as_default(), tf1.Session() as session:
        step = tf1.train.create_global_step()
        session.run(step.initializer)
        with summaries.Summaries(str(tmp_path), 0) as written, pytest.raises(Killed):
            options = guard.RunOptions(sample_words=0)
            guarded = guard.Guard(session, KilledSaver(), written, None, options)
            guarded.end_epoch(loop.EpochResult(1, 1.0, 300.0, 200.0))
    assert curves.read_curve(str(tmp_path)).valid == [200.0]


def test_a_file_cut_off_is_read_as_far_as_it_goes(tmp_path):
    with tf.Graph().as_default():
        write_run(tmp_path, 0, [(300.0, 200.0), (150.0, 170.0)])
    (path,) = tmp_path.glob("events*")
    path.write_bytes(path.read_bytes()[:-7])
    assert curves.read_curve(str(tmp_path)) == ([300.0], [200.0], None)


def test_a_run_without_epochs_is_named(tmp_path):
    with pytest.raises(errors.RequestError, match="no such directory"):
        curves.read_curve(str(tmp_path / "nowhere"))
    with tf.Graph().as_default():
        write_run(tmp_path, 0, [])
    with pytest.raises(errors.RequestError, match="no epoch is finished"):
        curves.read_curve(str(tmp_path))


def test_a_mistake_is_one_line(tmp_path):
    status, out, err = run_program("curves.py", f"--run={tmp_path}", f"--out={tmp_path}/a.png")
    assert (status, out) == (1, "")
    assert err == f"curves.py: --run={tmp_path}: holds no event files of a run\n"


@pytest.mark.parametrize("name", ["curves.png", "curves.pdf"])
def test_drawing(tmp_path, name):
    pytest.importorskip("matplotlib")
    path = tmp_path / name
    drawn = {"one": curves.Curve([300.0, 150.0], [200.0, 160.0], 155.0)}
    curves.draw({**drawn, "two": curves.Curve([90.0], [99.0], None)}, str(path))
    assert path.stat().st_size > 1000


def drawn_texts(path, monkeypatch, **drawn):
    matplotlib = pytest.importorskip("matplotlib")
    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "none")
    curves.draw(drawn, str(path))
    return re.findall("<text[^>]*>([^<]*)</text>", path.read_text())


def test_ticks_are_as_precise_as_the_axes_need(tmp_path, monkeypatch):
    curve = curves.Curve([3.9], [2.5], 2.71)  # characters, and a single epoch
    epochs, label, *texts = drawn_texts(tmp_path / "a.svg", monkeypatch, run=curve)
    assert (epochs, label) == ("1", "epoch")
    ticks = texts[: texts.index("perplexity")]
    assert len(ticks) > 3 and len(set(ticks)) == len(ticks)
    assert texts[-2:] == ["run: train", "run: valid (test 2.7)"]


def test_runs_are_named_so_that_none_is_lost():
    assert curves.names(["/a/small/", "/a/large", "/a/x/../small"]) == {
        "small": "/a/small",
        "large": "/a/large",
    }
    assert list(curves.names(["/a/small", "/b/small"])) == ["/a/small", "/b/small"]
