import shutil

import pytest
import tensorflow as tf

import checkpoints
from graphs import models_in_session, random_corpus, tiny_config

tf1 = tf.compat.v1


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved")
    with models_in_session(tiny_config(), random_corpus()) as (_, session):
        checkpoints.save(tf1.train.Saver(), session, str(directory), 7)
    return directory


def test_newest_is_that_of_the_highest_step(tmp_path):
    for name in ("model.ckpt-9", "model.ckpt-10", "model.ckpt-x", "other-11"):
        (tmp_path / f"{name}.index").touch()
    (tmp_path / "model.ckpt-12.data-00000-of-00001").touch()
    expected = [str(tmp_path / f"model.ckpt-{step}") for step in (10, 9)]
    assert checkpoints.find(str(tmp_path)) == expected


def test_a_whole_checkpoint_is_read(saved):
    shapes = checkpoints.read_shapes(str(saved / "model.ckpt-7"))
    assert shapes["Model/embedding"] == [30, 8]


@pytest.mark.parametrize("suffix", ["data-00000-of-00001", "index"])
def test_every_truncation_is_noticed(saved, tmp_path, suffix):
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    path = tmp_path / f"model.ckpt-7.{suffix}"
    content = path.read_bytes()
    step = 1000 if len(content) > 1000 else 20
    for length in [*range(0, len(content), step), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(checkpoints.CheckpointError, match="model.ckpt-7: is damaged: "):
            checkpoints.read_shapes(str(tmp_path / "model.ckpt-7"))


def test_a_flipped_bit_is_noticed(saved, tmp_path):
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "model.ckpt-7.data-00000-of-00001"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(checkpoints.CheckpointError, match="is damaged"):
        checkpoints.read_shapes(str(tmp_path / "model.ckpt-7"))
