"""Reads what a run has saved: the newest checkpoint, its sizes, its words.

A `--save_path` is a directory that `ptb_word_lm.py` saved to, or the prefix of one checkpoint in
any directory, `DIR/model.ckpt-STEP`, such as the TF1 script's. Sizes are read from the checkpoint.
"""

import dataclasses
import os
import re
from typing import NamedTuple

import tensorflow as tf

import configs
import reader
from model import lstm
from program.errors import UserError
from program.messages import say
from saved import checkpoints, description, run_directory
from text import preparation
from text.preparation import Preparation

tf1 = tf.compat.v1

SCOPE = "Model"
# The names of the TF1 script's cells in its modes BASIC, BLOCK and CUDNN. All order the gates
# alike. CUDNN's saver put one more scope in front of its names.
CELL_VARIABLE = re.compile(
    rf"{SCOPE}/RNN/(?:rnn/)?multi_rnn_cell/cell_(\d+)/"
    r"(?:basic_lstm_cell|lstm_cell|cudnn_compatible_lstm_cell)/(kernel|bias)"
)


class TrainedModelError(UserError):
    """A model cannot be read; the message names the file and says what to do."""


class TrainedModel(NamedTuple):
    """A trained model on disk.

    Attributes:
      path: the checkpoint's prefix.
      config: as `configs.SmallConfig` describes; the sizes are the checkpoint's.
      words: list of str, the word of each id. There may be fewer than `config.vocab_size`: the TF1
        script made rows for 10,000 words, even if the text had fewer.
      names: dict of each variable's name in this project's graphs to its name in the checkpoint.
      run: the description of the run that saved it, see `description.describe`; what is not known
        is not in it.
      preparation: `preparation.Preparation`, how text becomes its words; None if that is not known.
    """

    path: str
    config: configs.SmallConfig
    words: list
    names: dict
    run: dict
    preparation: Preparation | None = None

    @property
    def word_to_id(self) -> dict:
        """Dict of each word to its id."""
        return {word: i for i, word in enumerate(self.words)}

    @property
    def unknown_ids(self) -> list:
        """The id of `<unk>` in a list; the list is empty if the model has no such word."""
        return [i for i, word in enumerate(self.words) if word == reader.UNKNOWN]

    @property
    def end_of_sentence(self) -> int:
        """The id of `<eos>`; TrainedModelError if the model has no such word."""
        return end_of_sentence(self.word_to_id)


def end_of_sentence(word_to_id: dict) -> int:
    """The id of `<eos>` in a vocabulary; TrainedModelError if it has no such word."""
    if reader.END_OF_SENTENCE not in word_to_id:
        raise TrainedModelError(
            f"the model's vocabulary has no {reader.END_OF_SENTENCE}, which stands for a line end: "
            "the model was trained on a text without line ends; train it on a text that has them"
        )
    return word_to_id[reader.END_OF_SENTENCE]


def read(save_path: str | None, data_path: str | None = None) -> TrainedModel:
    """Reads a trained model's description; `restore_weights` reads its weights.

    Args:
      save_path: a run's directory, or the prefix of a checkpoint. In a directory, the newest
        checkpoint that is whole is read.
      data_path: the corpus of the training, for a checkpoint without a `vocab.txt` beside it.

    Raises:
      TrainedModelError: there is no checkpoint, or it is damaged, incomplete or another model's.
      checkpoints.CheckpointError: there is no checkpoint of that name.
      run_directory.RunDirectoryError, preparation.PreparationError: a file beside the checkpoint is
        damaged.
      reader.CorpusError: `data_path` is needed and cannot be read.
    """
    if not save_path:
        raise TrainedModelError("--save_path: name what training saved")
    run_directory.check_name(save_path)
    path, shapes = _find_checkpoint(save_path)
    names = _match_names(path, shapes)
    run = _read_run(path)
    known = [field.name for field in dataclasses.fields(configs.SmallConfig)]
    fields = {name: run[name] for name in known if name in run}
    vocab_size, hidden_size = shapes[names[f"{SCOPE}/embedding"]]
    sizes = {
        "vocab_size": vocab_size,
        "hidden_size": hidden_size,
        "num_layers": (len(names) - 3) // 2,
    }
    for name, size in sizes.items():
        if fields.get(name, size) != size:
            raise TrainedModelError(
                f"{path}: has {name} {size}, but the description of its run says {fields[name]!r}; "
                f"restore the checkpoint and the {run_directory.CONFIG_FILE} of one run"
            )
    # Not the mode of the training: BLOCK computes the same on every machine, and all words count.
    how = {"rnn_mode": configs.BLOCK, "sampled_softmax": 0}
    try:
        config = configs.SmallConfig(**{**fields, **sizes, **how})
    except configs.ConfigError as error:
        message = f"{path}: the description of its run, or {run_directory.CONFIG_FILE}: {error}"
        raise TrainedModelError(f"{message}; restore the file") from None
    words = _read_words(path, vocab_size, data_path, run.get("vocabulary"))
    return TrainedModel(
        path, config, words, names, run, _read_preparation(path, data_path, run, words)
    )


def _find_checkpoint(save_path):
    """The prefix of the checkpoint to read, and its variables' shapes."""
    if os.path.isfile(f"{save_path}.index"):
        return save_path, _read_shapes(save_path)
    if not os.path.isdir(save_path):
        checkpoints.refuse_checkpoint(save_path)
        raise TrainedModelError(
            f"--save_path={save_path}: no such directory, nor a checkpoint's prefix such as "
            "DIR/model.ckpt-123"
        )
    paths = checkpoints.list_newest_first(save_path)
    for path in paths:
        try:
            return path, checkpoints.read_shapes(path)
        except checkpoints.CheckpointError as error:
            say(f"{error}; trying the one before")
    fault = "no checkpoint is whole" if paths else f"holds no {checkpoints.PREFIX}-STEP"
    raise TrainedModelError(f"--save_path={save_path}: {fault}")


def _read_shapes(path):
    try:
        return checkpoints.read_shapes(path)
    except checkpoints.CheckpointError as error:
        raise TrainedModelError(str(error)) from None


def _match_names(path, shapes):
    """Checks a checkpoint's shapes; returns a dict of each variable's name here to that in it."""
    cells, num_layers = {}, 1
    for name in shapes:
        if match := CELL_VARIABLE.fullmatch(name):
            kernel_or_bias = lstm.canonical_names(int(match[1]))[match[2] == "bias"]
            cells[f"{SCOPE}/{kernel_or_bias}"] = name
            num_layers = max(num_layers, int(match[1]) + 1)
    if not cells and f"{SCOPE}/lstm_params" in shapes:
        raise TrainedModelError(
            f"{path}: holds the LSTM as cuDNN's opaque {SCOPE}/lstm_params, which cannot be read; "
            "save it under the canonical names of CudnnLSTMSaveable"
        )
    embedding = shapes.get(f"{SCOPE}/embedding")
    if embedding is None or len(embedding) != 2:
        raise TrainedModelError(
            f"{path}: is not a checkpoint of this language model: has no matrix {SCOPE}/embedding"
        )
    vocab_size, hidden_size = embedding
    expected = {
        f"{SCOPE}/embedding": [vocab_size, hidden_size],
        f"{SCOPE}/softmax_w": [hidden_size, vocab_size],
        f"{SCOPE}/softmax_b": [vocab_size],
    }
    for layer in range(num_layers):
        kernel, bias = lstm.canonical_names(layer)
        expected[f"{SCOPE}/{kernel}"] = [2 * hidden_size, 4 * hidden_size]
        expected[f"{SCOPE}/{bias}"] = [4 * hidden_size]
    names = {name: cells.get(name, name) for name in expected}
    for name, shape in expected.items():
        found = shapes.get(names[name])
        if found != shape:
            raise TrainedModelError(
                f"{path}: is not a checkpoint of this language model: {name} "
                + ("is missing" if found is None else f"has shape {found}, not {shape}")
            )
    return names


def _read_run(path):
    """The description of a checkpoint's run: its own, or that of `config.json` beside it.

    Where the two differ, that is said.
    """
    try:
        run = checkpoints.read_run(path)
    except checkpoints.CheckpointError as error:
        raise TrainedModelError(str(error)) from None
    directory = os.path.dirname(path)
    beside = run_directory.read_config(directory) or {}
    if run is None:
        return beside
    if name := description.first_difference(beside, run):
        file = os.path.join(directory, run_directory.CONFIG_FILE)
        say(f"{file}: is of another run than {path}, which counts: {name} differs")
    return run


def _read_preparation(path, data_path, run, words):
    """How the texts of a checkpoint's run were prepared; None if that is not known."""
    directory = os.path.dirname(path)
    beside = preparation.read(directory)
    if "preparation" in run:
        how = preparation.from_dict(run["preparation"], path)
        if beside not in (None, how):
            file = os.path.join(directory, preparation.FILE)
            say(f"{file}: is of another run than {path}, which counts")
        return how
    if beside is None and data_path is not None:
        beside = preparation.read(data_path)
    return beside or preparation.of_words(words)


def _read_words(path, vocab_size, data_path, vocabulary_sum=None):
    """The words of a checkpoint's ids: of `vocab.txt` beside it, or of its training text.

    Their `description.vocabulary_sum` must be that of the checkpoint, if it has one.
    """
    source = os.path.join(os.path.dirname(path), run_directory.VOCABULARY_FILE)
    words = run_directory.read_words(os.path.dirname(path))
    if words is None:
        if data_path is None:
            raise TrainedModelError(
                f"{source}: no such file; name the corpus of the training with --data_path"
            )
        source, words = data_path, reader.read_corpus(data_path, keep_marks=True).words
    if len(words) > vocab_size or (len(words) < vocab_size and source != data_path):
        raise TrainedModelError(
            f"{source}: has {len(words)} words, but {path} has {vocab_size}; they are of different "
            "corpora"
        )
    if vocabulary_sum and description.vocabulary_sum(words) != vocabulary_sum:
        raise TrainedModelError(
            f"{source}: is another vocabulary than that of {path}; restore the right one"
        )
    if not vocabulary_sum:
        run_directory.say_order(source, words)
    if len(words) < vocab_size:
        say(f"{source}: has {len(words)} words of {path}'s {vocab_size}")
    return words


def say_other_texts(trained: TrainedModel, corpus: reader.Corpus) -> None:
    """Says which held-out texts of a corpus are not those of a trained model's run."""
    for name in ("valid", "test"):
        known = trained.run.get(f"{name} text")
        if known not in (None, description.text_sum(getattr(corpus, name))):
            text = description.IN_WORDS[f"{name} text"]
            say(f"{text} is not that of the run that saved {trained.path}")


def restore_weights(session: tf.compat.v1.Session, trained: TrainedModel) -> None:
    """Sets the variables of a session's graph to a trained model's values, float32.

    Args:
      session: a `Session` of a graph with the variables of an `language_model.LanguageModel`.
      trained: a `TrainedModel`.
    """
    checkpoint = tf1.train.NewCheckpointReader(trained.path)
    for variable in tf1.global_variables():
        value = checkpoint.get_tensor(trained.names[variable.op.name])
        session.run(variable.initializer, {variable.initial_value: value})
