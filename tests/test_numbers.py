"""What training does with numbers that become too large or too small for their types."""

import numpy as np
import pytest
import tensorflow as tf

import configs
import ptb_word_lm
from graphs import (
    SESSION_CONFIG,
    models_in_session,
    random_corpus,
    run_here,
    text_corpus,
    tiny_config,
    train_epochs,
    weights,
)
from saved import checkpoints, finding, run_directory
from saved.progress import Progress
from trained import generation, trained_model
from training import learning_rate

tf1 = tf.compat.v1


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Texts of one window for four streams of 30 steps."""
    directory = tmp_path_factory.mktemp("corpus")
    words = np.random.default_rng(0).choice(["owl", "nest", "day", "<unk>"], 140)
    for split in ("train", "valid", "test"):
        lines = [" ".join(words[i : i + 6]) + " \n" for i in range(0, 140, 7)]
        (directory / f"ptb.{split}.txt").write_text("".join(lines))
    return directory


def train(corpus, save_path, *flags):
    return run_here(
        ptb_word_lm,
        f"--data_path={corpus}",
        f"--save_path={save_path}",
        *("--model=test", "--hidden_size=8", "--batch_size=4", "--num_steps=30"),
        *flags,
    )


def assert_saved_weights_are_finite(directory):
    for path in finding.list_newest_first(str(directory)):
        reader = tf.train.load_checkpoint(path)
        for name in reader.get_variable_to_shape_map():
            if name.startswith("Model/"):
                assert np.isfinite(reader.get_tensor(name)).all(), (path, name)


@pytest.mark.parametrize(
    "flags",
    [
        ("--learning_rate=1e38", "--max_grad_norm=1e38"),  # the only update is an epoch's last
        ("--learning_rate=1e38", "--max_grad_norm=1e38", "--save_every_secs=0"),
        ("--learning_rate=1e38", "--max_max_epoch=3", "--save_every_secs=0", "--num_steps=5"),
        ("--learning_rate=1e6", "--max_grad_norm=1e38", "--use_fp16"),  # finite weights
        ("--learning_rate=1e-37", "--lr_decay=1e31", "--max_max_epoch=20"),
        ("--learning_rate=1e-37", "--lr_decay=3e38", "--max_max_epoch=3", "--max_epoch=0"),
    ],
)
def test_what_is_no_number_ends_training_in_one_line_and_is_not_saved(corpus, tmp_path, flags):
    status, out, err = train(corpus, tmp_path, *flags)
    assert (status, err.count("\n")) == (1, 1)
    assert "nan" not in out and "Test" not in out
    assert "try a lower learning rate" in err
    assert_saved_weights_are_finite(tmp_path)


def test_a_limit_of_the_norm_that_is_never_reached_changes_nothing():
    corpus, results = random_corpus(), []
    for limit in (1e10, 3e38):
        config = tiny_config(max_grad_norm=limit)
        with models_in_session(config, corpus) as (models, session):
            results.append((train_epochs(session, models["Train"], 1, 1.5), weights(session)))
    assert results[0][0] == results[1][0]
    for name, value in results[0][1].items():
        np.testing.assert_array_equal(value, results[1][1][name])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("max_grad_norm", 1e-46, "the smallest float32"),  # it would be 0
        ("learning_rate", 1e-300, "the smallest float32"),
        ("keep_prob", 1e-17, "dropout keeps nothing"),
        ("keep_prob", 1e-7, "dropout keeps nothing"),
    ],
)
def test_values_that_are_0_in_float32_are_refused(corpus, tmp_path, field, value, message):
    status, out, err = train(corpus, tmp_path / "run", f"--{field}={value}")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f"--{field}={value}: must be at least" in err and message in err
    with pytest.raises(configs.ConfigError, match=message):
        configs.SmallConfig(**{field: value})


def test_the_smallest_keep_prob_can_be_computed_with():
    config = tiny_config(keep_prob=configs.SMALLEST_KEEP_PROB)
    with models_in_session(config, random_corpus()) as (models, session):
        assert np.isfinite(train_epochs(session, models["Train"], 1)).all()


def test_a_learning_rate_beyond_float32_is_infinite():
    config = configs.SmallConfig(learning_rate=1.0, lr_decay=1e31, max_epoch=0)
    assert learning_rate.of_epoch(config, 1) == 1e31
    assert learning_rate.of_epoch(config, 2) == learning_rate.of_epoch(config, 50) == np.inf


@pytest.mark.parametrize("changes", [{"sampled_softmax": 9}, {"rnn_mode": configs.CUDNN}])
def test_a_model_that_is_not_trained_is_initialized_like_others(changes):
    config = tiny_config(**changes)
    with tf.Graph().as_default(), tf1.variable_scope("Model"):
        ptb_word_lm.PTBModel(False, config, ptb_word_lm.PTBInput(config, random_corpus().valid))
        variables = tf1.trainable_variables()
        with tf1.Session(config=SESSION_CONFIG) as session:
            session.run(tf1.global_variables_initializer())
            values = session.run({variable.op.name: variable for variable in variables})
    assert all(np.std(value) > 0 for name, value in values.items() if "bias" not in name)


def test_a_trained_model_whose_probabilities_are_no_numbers_says_so(tmp_path):
    config, corpus = tiny_config(init_scale=100.0), text_corpus()
    with models_in_session(config, corpus) as (models, session):
        (softmax_w,) = (v for v in tf1.trainable_variables() if v.op.name == "Model/softmax_w")
        session.run(tf1.assign(softmax_w, 3e38 * tf.sign(softmax_w)))
        saver = checkpoints.Checkpoints(str(tmp_path), models["Train"])
        saver.save(session, 7, Progress())
    run_directory.write(str(tmp_path), {}, corpus.words)
    sampler = generation.Sampler(trained_model.read(str(tmp_path)))
    with pytest.raises(trained_model.TrainedModelError, match="model.ckpt-7: the probabilities"):
        sampler.text(5)
