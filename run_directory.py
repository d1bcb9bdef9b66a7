"""What a `--save_path` directory holds beside the checkpoints: the vocabulary, the configuration.

They are what a checkpoint means: `vocab.txt` has one word a line, line number = id, and
`config.json` the hyperparameters.
"""

import dataclasses
import json
import os

import tensorflow as tf

CONFIG_FILE = "config.json"
VOCABULARY_FILE = "vocab.txt"
# What a run may change when it is continued: how long it lasts, and how the same LSTM is computed.
CHANGEABLE = ("max_max_epoch", "rnn_mode")


class RunDirectoryError(ValueError):
    """A directory that this run cannot be saved to; the message says what to do."""


def _write(path, text):
    """Writes a file whole or not at all."""
    temporary = f"{path}.tmp"
    with open(temporary, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.replace(temporary, path)


def _read(path):
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _refuse_another_config(path, old_text, config):
    try:
        old = json.loads(old_text)
    except json.JSONDecodeError as error:
        raise RunDirectoryError(f"{path}: is not JSON ({error}); remove it or restore it") from None
    for name, value in dataclasses.asdict(config).items():
        if name not in CHANGEABLE and old.get(name) != value:
            raise RunDirectoryError(
                f"{path}: {name} was {old.get(name)} and now is {value}; continue with the old "
                "configuration, or choose another --save_path"
            )


def prepare(save_path, config, words):
    """Makes the directory and describes the run in it, or checks that it is this run's.

    Args:
      save_path: the directory.
      config: the run's configuration, a dataclass.
      words: list of str, the vocabulary.

    Raises:
      RunDirectoryError: it cannot be written, or belongs to a run with another configuration or
        vocabulary.
    """
    config_path = os.path.join(save_path, CONFIG_FILE)
    vocabulary_path = os.path.join(save_path, VOCABULARY_FILE)
    vocabulary = "".join(f"{word}\n" for word in words)
    try:
        os.makedirs(save_path, exist_ok=True)
        old_vocabulary, old_config = _read(vocabulary_path), _read(config_path)
        if old_vocabulary not in (None, vocabulary):
            raise RunDirectoryError(
                f"{vocabulary_path}: is another vocabulary than that of --data_path; continue with "
                "the old data, or choose another --save_path"
            )
        if old_config is not None:
            _refuse_another_config(config_path, old_config, config)
        _write(vocabulary_path, vocabulary)
        _write(config_path, json.dumps(dataclasses.asdict(config), indent=2) + "\n")
    except OSError as error:
        raise RunDirectoryError(f"--save_path={save_path}: {error.strerror}") from None


def write_scalars(writer, step, **values):
    """Writes scalars for TensorBoard: values at hand, so that no window is read for them.

    Args:
      writer: a `tf.compat.v1.summary.FileWriter`, or None to write nothing.
      step: the global step.
      **values: tag to float.
    """
    if writer:
        scalars = [
            tf.compat.v1.Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()
        ]
        writer.add_summary(tf.compat.v1.Summary(value=scalars), step)
