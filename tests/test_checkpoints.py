import io
import shutil

import numpy as np
import pytest
import tensorflow as tf

import configs
import training
from graphs import models_in_session, random_corpus, tiny_config, weights
from saved import checkpoints, finding, reading
from saved.progress import Progress

tf1 = tf.compat.v1
# 2 layers, batch 4, hidden size 8: see tiny_config.
STATE = [np.full([4, 8], value, np.float32) for value in (0.1, -2, 1e-30, 3)]
PROGRESS = Progress(3, 17, 0.1 + 0.2, STATE)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved")
    with models_in_session(tiny_config(), random_corpus()) as (models, session):
        saver = checkpoints.Checkpoints(str(directory), models["Train"])
        saver.save(session, 7, PROGRESS)
    return directory


def test_newest_is_that_of_the_highest_step(tmp_path):
    for name in ("model.ckpt-9", "model.ckpt-10", "model.ckpt-x", "other-11"):
        (tmp_path / f"{name}.index").touch()
    (tmp_path / "model.ckpt-12.data-00000-of-00001").touch()
    names = ("other-11", "model.ckpt-10", "model.ckpt-9", "model.ckpt-x")
    expected = [str(tmp_path / name) for name in names]
    assert finding.list_newest_first(str(tmp_path)) == expected


def test_a_whole_checkpoint_is_read(saved):
    shapes = reading.read_shapes(str(saved / "model.ckpt-7"))
    assert shapes["Model/embedding"] == [30, 8]


@pytest.mark.parametrize("suffix", ["data-00000-of-00001", "index"])
def test_every_truncation_is_noticed(saved, tmp_path, suffix):
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    path = tmp_path / f"model.ckpt-7.{suffix}"
    content = path.read_bytes()
    step = 1000 if len(content) > 1000 else 20
    for length in [*range(0, len(content), step), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(reading.CheckpointError, match="model.ckpt-7: is damaged: "):
            reading.read_shapes(str(tmp_path / "model.ckpt-7"))


def test_a_flipped_bit_is_noticed(saved, tmp_path):
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "model.ckpt-7.data-00000-of-00001"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(reading.CheckpointError, match="is damaged"):
        reading.read_shapes(str(tmp_path / "model.ckpt-7"))


def assert_same_progress(actual, expected):
    assert actual[:3] == expected[:3]
    np.testing.assert_array_equal(actual.state, expected.state)


@pytest.mark.parametrize("progress", [Progress(), PROGRESS])
def test_progress_is_kept_exactly(progress):
    assert_same_progress(Progress.from_bytes(progress.to_bytes()), progress)


def as_npz(*arrays):
    file = io.BytesIO()
    np.savez(file, *arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"PK", b"{}", PROGRESS.to_bytes()[:-30], as_npz(), as_npz(0.0)),
        *(as_npz([0, 0, 0]), as_npz([1, -1, 0]), as_npz([1.5, 0, 0]), as_npz([1, 0, np.nan])),
        *(as_npz([np.inf, 0, 0]), as_npz(["1", "0", "0"]), as_npz([1, 0, 0], np.zeros(2))),
    ],
)
def test_what_is_no_progress_is_one_line(content):
    with pytest.raises(
        reading.CheckpointError, match="progress in it cannot be read: .+$"
    ) as raised:
        Progress.from_bytes(content)
    assert "\n" not in str(raised.value)


def test_a_copied_directory_stands_alone(saved, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy)
    shutil.move(saved, tmp_path / "moved")
    try:
        with models_in_session(tiny_config(), random_corpus()) as (models, session):
            saver = checkpoints.Checkpoints(str(copy), models["Train"])
            assert_same_progress(saver.progress, PROGRESS)
            assert tf.train.latest_checkpoint(str(copy)) == str(copy / "model.ckpt-7")
            for step in range(8, 13):
                saver.save(session, step, PROGRESS)
            assert len(finding.list_newest_first(str(copy))) == 5
            assert len(finding.list_newest_first(str(tmp_path / "moved"))) == 1
    finally:
        shutil.move(tmp_path / "moved", saved)


def test_copies_under_another_name_or_beside_the_directory_are_kept(saved, tmp_path):
    run = shutil.copytree(saved, tmp_path / "run")
    for path in list(run.glob("model.ckpt-7.*")):
        shutil.copy(path, run / path.name.replace("model.ckpt-7", "best"))
        shutil.copy(path, tmp_path / path.name.replace("model.ckpt", "run"))
        shutil.copy(path, run / path.name.replace("model.ckpt", "seed2"))
    with models_in_session(tiny_config(), random_corpus()) as (models, session):
        saver = checkpoints.Checkpoints(str(run), models["Train"])
        for step in range(8, 18):
            saver.save(session, step, PROGRESS)
    kept = {path.name.removesuffix(".index") for path in tmp_path.glob("**/*.index")}
    newest = {f"model.ckpt-{step}" for step in range(13, 18)}
    assert kept == {"best", "run-7", "seed2-7", *newest}


def test_progress_of_another_state_is_refused(saved):
    config = tiny_config(batch_size=2)
    with (
        models_in_session(config, random_corpus(), num_replicas=2) as (models, _),
        pytest.raises(reading.CheckpointError, match="within epoch 3 with another --num_gpus"),
    ):
        checkpoints.Checkpoints(str(saved), models["Train"])


@pytest.mark.parametrize("num_replicas", [1, 2])
def test_progress_within_an_epoch_goes_on_in_another_mode(tmp_path, num_replicas):
    shape = (num_replicas, 2, 2, 4, 8)  # replicas, layers, c and h, batch, hidden
    original = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    progress = PROGRESS._replace(state=list(original.reshape(-1, 4, 8)))
    older = PROGRESS._replace(state=list(original.swapaxes(1, 2).reshape(-1, 2, 4, 8)))  # cuDNN's
    for step, mode in enumerate((configs.CUDNN, configs.BLOCK, configs.CUDNN, configs.BASIC)):
        config = tiny_config(rnn_mode=mode)
        with models_in_session(config, random_corpus(), num_replicas=num_replicas) as result:
            models, session = result
            saver = checkpoints.Checkpoints(str(tmp_path), models["Train"])
            if step:
                assert_same_progress(saver.progress, progress)
            saver.save(session, step, saver.progress if step else older)


def test_a_checkpoint_of_another_run_is_refused(saved, tmp_path):
    run = {"seed": 0, "valid text": "9", "max_max_epoch": 3}
    with models_in_session(tiny_config(), random_corpus()) as (models, session):
        checkpoints.Checkpoints(str(tmp_path), models["Train"], run).save(session, 8, PROGRESS)
        shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
        for changes, message in (
            ({"seed": 3}, "seed was 0 and now is 3"),
            ({"valid text": "8"}, "the validation text was changed"),
        ):
            with pytest.raises(reading.CheckpointError, match=f"ckpt-8: {message}; continue"):
                checkpoints.Checkpoints(str(tmp_path), models["Train"], {**run, **changes})
        run["max_max_epoch"] = 4
        saver = checkpoints.Checkpoints(str(tmp_path), models["Train"], run)
        assert (saver.newest, saver.saved_run["max_max_epoch"]) == (f"{tmp_path}/model.ckpt-8", 3)
        saver = checkpoints.Checkpoints(str(saved), models["Train"], run)
        assert (saver.newest, saver.saved_run) == (f"{saved}/model.ckpt-7", None)


@pytest.mark.parametrize("content", [b"", b"7", b"[1]", b"\xff", b"[" * 100_000])
def test_what_is_no_description_of_a_run_is_one_line(tmp_path, content):
    with tf.Graph().as_default(), tf1.Session() as session:
        variable = tf1.Variable(content, name=reading.RUN)
        session.run(variable.initializer)
        tf1.train.Saver([variable]).save(session, str(tmp_path / "model.ckpt-1"))
    with pytest.raises(reading.CheckpointError, match="is not a run's description"):
        reading.read_run(str(tmp_path / "model.ckpt-1"))


def test_the_name_of_a_checkpoint_is_refused_where_a_directory_is_meant(saved):
    for name, message in (
        ("model.ckpt-7", "is a checkpoint; name its directory"),
        ("model.ckpt-7.index", "is a file of a checkpoint; name the directory"),
        ("model.ckpt-8/", "there is no such checkpoint; the newest there is model.ckpt-7"),
        ("none/model.ckpt-8", "there is no such checkpoint; there is none at all"),
    ):
        with pytest.raises(finding.FindingError, match=message):
            finding.refuse_checkpoint(str(saved / name))
    finding.refuse_checkpoint(str(saved))
    finding.refuse_checkpoint(str(saved / "model"))


def test_a_checkpoint_without_progress_tells_the_epoch_by_its_step(tmp_path):
    with models_in_session(tiny_config(), random_corpus()) as (models, session):
        steps = models["Train"].streams.epoch_size
        step = tf1.train.get_global_step()
        for value, epoch in ((2 * steps - 1, 2), (2 * steps, 3)):
            session.run(step.initializer, {step.initial_value: value})
            tf1.train.Saver().save(session, str(tmp_path / "model.ckpt"), global_step=value)
            saver = checkpoints.Checkpoints(str(tmp_path), models["Train"])
            assert saver.progress == Progress(epoch)


@pytest.mark.parametrize(
    ("num_replicas", "dtype"), [(1, tf.float16), (2, tf.float32), (3, tf.bfloat16)]
)
def test_training_goes_on_exactly(tmp_path, num_replicas, dtype):
    config = tiny_config(keep_prob=0.5)
    arguments = {"dtype": dtype, "num_replicas": num_replicas}

    def train(models, session, progress=None, stop_at=None):
        model = models["Train"]
        model.assign_lr(session, 1.0)
        for result in training.run_windows(session, model, model.train_op, progress):
            if result.progress.window == stop_at:
                saver = checkpoints.Checkpoints(str(tmp_path), model)
                saver.save(session, stop_at, result.progress)
                break
        return result.perplexity

    with models_in_session(config, random_corpus(), **arguments) as (models, session):
        expected = train(models, session), weights(session)
    with models_in_session(config, random_corpus(), **arguments) as (models, session):
        train(models, session, stop_at=6)
    with models_in_session(config, random_corpus(), **arguments) as (models, session):
        saver = checkpoints.Checkpoints(str(tmp_path), models["Train"])
        assert (saver.progress.epoch, saver.progress.window) == (1, 6)
        saver.restorer.restore(session, saver.newest)
        actual = train(models, session, saver.progress), weights(session)
    assert actual[0] == expected[0]
    for name, value in expected[1].items():
        np.testing.assert_array_equal(actual[1][name], value, err_msg=name)
