"""Hyperparameters from flags, files and both."""

import contextlib
import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from absl.testing import flagsaver

import configs
import ptb_word_lm
from graphs import run_here
from program.errors import RequestError, UserError
from script_flags import hyperparameters
from script_flags import training as training_flags
from training import from_flags


@contextlib.contextmanager
def parsed(*arguments):
    """Yields the parsed flags; they are forgotten again."""
    with flagsaver.flagsaver():
        training_flags.define()
        try:
            flags.FLAGS(["ptb_word_lm.py", "--data_path=none", *arguments])
            yield flags.FLAGS
        finally:
            flags.FLAGS.unparse_flags()


def choose(*arguments):
    """The configuration that flags ask for."""
    with parsed(*arguments) as values:
        return hyperparameters.choose_config(values)


def test_every_field_is_a_flag():
    changes = {f.name: f.type(1) for f in dataclasses.fields(configs.SmallConfig)}
    changes["rnn_mode"] = "basic"
    assert choose(*(f"--{k}={v}" for k, v in changes.items())) == configs.SmallConfig(**changes)


def test_flags_win_over_the_file_over_the_schedule_over_the_model(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"lr_decay": 0.7, "hidden_size": 300, "seed": 3}))
    config = choose("--model=medium", "--schedule=paper", f"--config={path}", "--hidden_size=400")
    medium = configs.MediumConfig()
    expected = dataclasses.replace(medium, max_epoch=7, lr_decay=0.7, hidden_size=400)
    assert dataclasses.asdict(config) == dataclasses.asdict(expected)
    assert choose("--model=medium", "--schedule=paper").lr_decay == 1 / 1.2
    assert choose("--model=medium", "--schedule=paper", "--lr_decay=0.9").lr_decay == 0.9


def test_a_run_is_not_repeated_in_its_rnn_mode(tmp_path):
    content = {"rnn_mode": "cudnn", "seed": 3, "hidden_size": 300}
    (tmp_path / "config.json").write_text(json.dumps(content))
    expected = configs.SmallConfig(hidden_size=300)
    assert choose(f"--config={tmp_path / 'config.json'}") == expected


@pytest.mark.parametrize(
    ("arguments", "several_machines", "expected"),
    [
        ([], False, configs.CUDNN),
        (["--rnn_mode=basic"], False, configs.BASIC),
        (["--num_gpus=0"], False, configs.BLOCK),
        ([], True, configs.BLOCK),  # another of the machines may have no GPU
    ],
)
def test_cudnn_is_chosen_on_a_gpu(monkeypatch, arguments, several_machines, expected):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    monkeypatch.setattr(tf.test, "is_built_with_cuda", lambda: True)
    with parsed(*arguments):
        assert from_flags.read_request(several_machines).config.rnn_mode == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("{", "is not JSON"),
        ("[1]", "has none of the hyperparameters"),
        ("{}", "has none of the hyperparameters"),
        ('{"hiden_size": 3}', "has none of the hyperparameters"),
        ('{"hidden_size": 3, "hiden_size": 3}', "hiden_size: is not a hyperparameter"),
        ("[" * 100_000, "is not JSON"),
        ('{"hidden_size": "3"}', "hidden_size is '3', but must be a whole number, at least 1"),
        ('{"keep_prob": NaN}', "keep_prob is nan"),
        ('{"rnn_mode": "gru"}', "rnn_mode is 'gru'"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path, content, message):
    path = tmp_path / "file.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError) as caught:
        choose(f"--config={path}")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "flag",
    [
        *("--hidden_size=0", "--num_layers=0", "--num_steps=-1", "--batch_size=0"),
        *("--keep_prob=1.5", "--keep_prob=0", "--keep_prob=nan", "--learning_rate=inf"),
        *("--lr_decay=0", "--max_grad_norm=-5", "--init_scale=0", "--max_epoch=-1"),
        *("--max_max_epoch=0", "--vocab_size=-2", "--hidden_size=3.5", "--keep_prob=half"),
    ],
)
def test_nonsense_in_a_flag_is_one_line(flag, corpus):
    status, out, err = run_here(ptb_word_lm, f"--data_path={corpus}", "--model=test", flag)
    name, _ = flag.split("=")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f" {name}=" in err
    assert ": must be a" in err


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A corpus of 60 words, each of which is in the training text."""
    directory = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(60)]
    for split in ("train", "valid", "test"):
        lines = [" ".join(rng.permutation(words)[:6]) + " \n" for _ in range(60)]
        (directory / f"ptb.{split}.txt").write_text(" ".join(words) + " \n" + "".join(lines))
    return directory


SIZES = ["--model=test", "--hidden_size=3", "--num_layers=2", "--batch_size=5"]


@pytest.mark.parametrize(("flag", "size"), [("--vocab_size=0", 61), ("--vocab_size=20", 20)])
def test_the_vocabulary_is_as_large_as_asked_for(corpus, tmp_path, flag, size):
    arguments = [f"--data_path={corpus}", *SIZES, flag, f"--save_path={tmp_path}"]
    status, _, err = run_here(ptb_word_lm, *arguments)
    assert status == 0
    assert len((tmp_path / "vocab.txt").read_text().split()) == size
    assert ("--vocab_size is 20, and 0 would keep all 61" in err) == (size == 20)
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["hidden_size"], config["num_layers"], config["vocab_size"]) == (3, 2, size)


def test_a_run_goes_on_with_its_own_file_and_with_more_epochs_only(corpus, tmp_path):
    save_path = f"--save_path={tmp_path}"
    data = f"--data_path={corpus}"
    assert run_here(ptb_word_lm, data, *SIZES, save_path)[0] == 0
    config = f"--config={tmp_path}/config.json"
    status, out, err = run_here(ptb_word_lm, data, config, save_path, "--max_max_epoch=2")
    assert (status, err.count("continued after epoch 1")) == (0, 1)
    assert out.startswith("Epoch: 2 ")
    status, _, err = run_here(ptb_word_lm, data, config, save_path, "--hidden_size=4")
    assert status == 1
    assert "hidden_size was 3 and now is 4" in err


def test_main_without_a_command_line_says_what_to_call():
    with pytest.raises(RequestError, match="from Python, call train_model"):
        ptb_word_lm.main()
