import pytest
import tensorflow as tf

import command_line
import curves
import run_directory

tf1 = tf.compat.v1


def write_run(path, first_step, epochs, test=None):
    """One life of a run with 10 steps an epoch."""
    with run_directory.Summaries(str(path), first_step) as summaries:
        for number, (train, valid) in enumerate(epochs, start=first_step // 10 + 1):
            summaries.write(10 * number - 5, perplexity=1.0)
            summaries.write(10 * number, train_perplexity=train, valid_perplexity=valid)
        if test is not None:
            summaries.write(10 * number, test_perplexity=test)


def test_a_continued_run_is_one_curve(tmp_path):
    with tf.Graph().as_default():
        write_run(tmp_path, 0, [(300.0, 200.0), (150.0, 170.0), (99.0, 98.0)])
        write_run(tmp_path, 10, [(140.0, 160.0)], test=155.0)
    # The first life had come further than what was saved: its third epoch never was.
    assert curves.read_curve(str(tmp_path)) == ([300.0, 140.0], [200.0, 160.0], 155.0)


def test_a_file_cut_off_is_read_as_far_as_it_goes(tmp_path):
    with tf.Graph().as_default():
        write_run(tmp_path, 0, [(300.0, 200.0), (150.0, 170.0)])
    (path,) = tmp_path.glob("events*")
    path.write_bytes(path.read_bytes()[:-7])
    assert curves.read_curve(str(tmp_path)) == ([300.0], [200.0], None)


def test_a_run_without_epochs_is_named(tmp_path):
    with pytest.raises(command_line.RequestError, match="holds no event files"):
        curves.read_curve(str(tmp_path / "nowhere"))
    with tf.Graph().as_default():
        write_run(tmp_path, 0, [])
    with pytest.raises(command_line.RequestError, match="no epoch is finished"):
        curves.read_curve(str(tmp_path))


@pytest.mark.parametrize("name", ["curves.png", "curves.svg"])
def test_drawing(tmp_path, name):
    pytest.importorskip("matplotlib")
    path = tmp_path / name
    drawn = {"one": curves.Curve([300.0, 150.0], [200.0, 160.0], 155.0)}
    curves.draw({**drawn, "two": curves.Curve([90.0], [99.0], None)}, str(path))
    assert path.stat().st_size > 1000
