import re

import pytest
import tensorflow as tf

import curves
from graphs import run_program
from program import errors
from saved.progress import Progress
from training import event_file, loop, saves_and_signals, summaries

tf1 = tf.compat.v1


def write_run(path, first_step, epochs, test=None, numbered=True):
    """One life of a run with 10 steps an epoch; returns the path of its event file."""
    before = set(path.glob("events*"))
    with tf.Graph().as_default(), event_file.EventFile(str(path), first_step) as written:
        for number, (train, valid) in enumerate(epochs, start=first_step // 10 + 1):
            written.write(10 * number - 5, perplexity=1.0)
            values = {"epoch": number} if numbered else {}
            values |= {"train_perplexity": train, "valid_perplexity": valid}
            written.write(10 * number, **values)
        if test is not None:
            written.write(10 * number, test_perplexity=test)
    (new,) = set(path.glob("events*")) - before
    return new


TWO, LATER_TWO = [(300.0, 200.0), (150.0, 170.0)], [(90.0, 98.0), (80.0, 97.0)]


def read(path, capsys):
    """The curve, and what is said on standard error, without the path of the run."""
    curve = curves.read_curve(str(path))
    return curve, capsys.readouterr().err.replace(f"{path}", "RUN")


def test_a_continued_run_is_one_curve(tmp_path, capsys):
    write_run(tmp_path, 0, [(300.0, 200.0), (150.0, 170.0), (99.0, 98.0)])
    write_run(tmp_path, 10, [(140.0, 160.0)], test=155.0)
    # The first life had come further than what was saved: its third epoch never was.
    assert read(tmp_path, capsys) == (([300.0, 140.0], [200.0, 160.0], 155.0, [1, 2]), "")


def test_scalars_in_tensors_are_read_and_any_checkpoint_s_name(tmp_path, capsys):
    numbers = {"epoch": 1, "train_perplexity": 300, "valid_perplexity": 200, "test_perplexity": 155}
    values = [
        tf1.Summary.Value(tag=tag, tensor=tf.make_tensor_proto(float(number)))
        for tag, number in numbers.items()
    ]
    with tf.Graph().as_default(), tf1.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(tf1.Summary(value=values), 10)
    assert read(tmp_path, capsys)[0] == ([300.0], [200.0], 155.0, [1])
    for name in ("best", "v1.0-rc"):
        for suffix in ("index", "data-00000-of-00001"):
            (tmp_path / f"{name}.{suffix}").write_bytes(b"")
    assert read(tmp_path, capsys)[0].test == 155.0


@pytest.mark.parametrize("epochs", [[], [(140.0, 160.0)]])
def test_a_run_that_goes_on_after_its_test_is_not_finished(tmp_path, epochs):
    write_run(tmp_path, 0, [(300.0, 200.0)], test=155.0)
    write_run(tmp_path, 10, epochs)
    assert curves.read_curve(str(tmp_path)).test is None


def test_a_run_that_is_to_have_more_epochs_is_not_finished(tmp_path):
    write_run(tmp_path, 0, TWO, test=155.0)
    (tmp_path / "config.json").write_text('{"max_max_epoch": 2}')
    assert curves.read_curve(str(tmp_path)).test == 155.0
    (tmp_path / "config.json").write_text('{"max_max_epoch": 4}')
    assert curves.read_curve(str(tmp_path)).test is None


def test_an_event_file_that_is_missing_at_the_end_is_noticed(tmp_path, capsys):
    write_run(tmp_path, 0, TWO, test=155.0)
    (tmp_path / "model.ckpt-29.index").touch()  # within the third epoch
    assert read(tmp_path, capsys)[0].test == 155.0
    (tmp_path / "model.ckpt-30.index").touch()
    curve, said = read(tmp_path, capsys)
    assert (curve.test, said) == (
        None,
        "RUN: has model.ckpt-30, but no event file has that epoch\n",
    )


@pytest.mark.parametrize("numbered", [True, False])
def test_epochs_before_the_first_file_leave_their_place_free(tmp_path, capsys, numbered):
    file = write_run(tmp_path, 20, LATER_TWO, test=95.0, numbered=numbered)
    curve, said = read(tmp_path, capsys)
    assert curve == ([90.0, 80.0], [98.0, 97.0], 95.0, [3, 4])
    older = f"RUN/{file.name}: does not number its epochs, as older versions did not; its steps"
    assert said.endswith("RUN: no event file has the epochs 1, 2\n")
    assert said.startswith(older) == (not numbered)


@pytest.mark.parametrize("place", [0.05, 0.3, 0.6])
def test_a_damaged_file_is_named_and_later_epochs_stay_in_their_place(tmp_path, capsys, place):
    file = write_run(tmp_path, 0, TWO)
    write_run(tmp_path, 20, LATER_TWO, test=95.0)
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 4
    file.write_bytes(content)
    curve, said = read(tmp_path, capsys)
    assert curve.epochs[-2:] == [3, 4] and curve.train[-2:] == [90.0, 80.0]
    assert len(curve.epochs) < 4
    first, second = said.splitlines()
    assert first.startswith(f"RUN/{file.name}: is damaged (corrupted record at ")
    assert second.startswith("RUN: no event file has the epochs ")


def test_an_older_file_is_read_by_the_newer_ones_steps(tmp_path, capsys):
    file = write_run(tmp_path, 10, TWO[1:], numbered=False)
    write_run(tmp_path, 20, LATER_TWO, test=95.0)
    curve, said = read(tmp_path, capsys)
    assert curve.epochs == [2, 3, 4]
    assert said.count("does not number its epochs") == 1 and file.name in said


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
            guarded = saves_and_signals.Guard(session, KilledSaver(), written)
            guarded.end_epoch(loop.EpochResult(1, 1.0, 300.0, 200.0))
    assert curves.read_curve(str(tmp_path)).valid == [200.0]


def test_a_file_cut_off_is_read_as_far_as_it_goes(tmp_path, capsys):
    path = write_run(tmp_path, 0, TWO)
    path.write_bytes(path.read_bytes()[:-7])
    # As after a run that was killed: nothing to be said.
    assert read(tmp_path, capsys) == (([300.0], [200.0], None, [1]), "")


def test_a_run_without_epochs_is_named(tmp_path):
    with pytest.raises(errors.RequestError, match="no such directory"):
        curves.read_curve(str(tmp_path / "nowhere"))
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
