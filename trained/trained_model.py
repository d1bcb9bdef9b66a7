"""Reads what a run has saved: the newest checkpoint, its sizes, its words.

A `--save_path` is a directory that `ptb_word_lm.py` saved to, or the prefix of one checkpoint in
any directory, `DIR/model.ckpt-STEP`, such as the TF1 script's. Sizes are read from the checkpoint.
"""

import dataclasses
import os
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

import configs
import reader
from program.errors import UserError
from program.messages import say
from saved import finding, reading, run_directory, run_identity, tf1_checkpoints
from text import preparation
from text.preparation import Preparation
from trained import tf1_vocabulary

tf1 = tf.compat.v1

SCOPE = tf1_checkpoints.SCOPE
EMBEDDING = f"{SCOPE}/embedding"
# The tutorial's models of these sizes read windows of 35 words, all others 20.
LONG_WINDOWS, LARGE_SIZES = 35, (650, 1500)


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
      run: the description of the run that saved it, see `run_identity.describe`; what is not known
        is not in it.
      preparation: `preparation.Preparation`, how text becomes its words; None if that is not known.
      cell: `tf1_checkpoints.Cell`, how its cell computes otherwise than today's.
      line_ends: what a line end is in its texts, one of `lines.LINE_ENDS`.
      is_ours: bool, this project wrote the checkpoint; False: the TF1 script.
      guesses_windows: bool, the configuration's `num_steps` is a guess.
    """

    path: str
    config: configs.SmallConfig
    words: list
    names: dict
    run: dict
    preparation: Preparation | None = None
    cell: tf1_checkpoints.Cell = tf1_checkpoints.Cell()
    line_ends: str = reader.APART
    is_ours: bool = True
    guesses_windows: bool = False

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

    @property
    def start(self) -> int:
        """The id of the word to read before a sentence: `<eos>`, or the first with it inside."""
        if self.line_ends == reader.JOINED and reader.END_OF_SENTENCE not in self.words:
            return next(i for i, w in enumerate(self.words) if reader.END_OF_SENTENCE in w)
        return self.end_of_sentence


def end_of_sentence(word_to_id: Mapping[str, int]) -> int:
    """The id of `<eos>` in a vocabulary; TrainedModelError if it has no such word."""
    if reader.END_OF_SENTENCE not in word_to_id:
        if reader.line_ends_of(word_to_id) == reader.JOINED:
            raise TrainedModelError(
                f"the model's vocabulary has no {reader.END_OF_SENTENCE} of its own, only words "
                "that hold one, as the TF1 script made them: a sentence cannot be scored alone"
            )
        raise TrainedModelError(
            f"the model's vocabulary has no {reader.END_OF_SENTENCE}, which stands for a line end: "
            "the model was trained on a text without line ends; train it on a text that has them"
        )
    return word_to_id[reader.END_OF_SENTENCE]


def read(
    save_path: str | os.PathLike | None,
    data_path: str | os.PathLike | None = None,
    answers: tf1_checkpoints.Answers = tf1_checkpoints.Answers(),  # noqa: B008  it never changes
) -> TrainedModel:
    """Reads a trained model's description; `restore_weights` reads its weights.

    What had to be decided to read a checkpoint of the TF1 script is said on standard error.

    Args:
      save_path: a run's directory, or what else `finding.find` knows. In a directory, the newest
        checkpoint that is whole is read.
      data_path: the corpus of the training, for a checkpoint without a `vocab.txt` beside it.
      answers: what the user says of a checkpoint of the TF1 script.

    Raises:
      TrainedModelError: it is damaged, incomplete or another model's.
      finding.FindingError: there is no checkpoint of that name.
      tf1_checkpoints.EraError: it does not say what is needed to read it.
      run_directory.RunDirectoryError, preparation.PreparationError: a file beside the checkpoint is
        damaged.
      reader.CorpusError: `data_path` is needed and cannot be read.
    """
    if not save_path:
        raise TrainedModelError("--save_path: name what training saved")
    save_path = os.fspath(save_path)
    run_directory.check_name(save_path)
    path, shapes = _find_checkpoint(save_path)
    layout, run = tf1_checkpoints.match(path, shapes), _read_run(path)
    facts = None if layout.is_ours else tf1_checkpoints.read_facts(path)
    layout, cell, decided = _decide(path, layout, run, facts, answers)
    vocab_size, hidden_size = layout.sizes
    sizes = {
        "vocab_size": vocab_size,
        "hidden_size": hidden_size,
        "num_layers": (len(layout.names) - 3) // 2,
    }
    config, guesses_windows = _read_config(path, run, sizes, facts, layout.is_ours)
    if not layout.is_ours:
        mode = f"TensorFlow {facts.tensorflow if facts else layout.era.tensorflow}"
        step = finding.in_words(path)
        of = "a loop with this reader" if facts and facts.has_reader else "the TF1 script"
        about = f"{path}: of {of}, {layout.era.mode}, {mode}, {step}"
        if others := tf1_checkpoints.left_out(shapes, layout):
            rest = f" and {len(others) - 1} more" if len(others) > 1 else ""
            decided.append(f"{others[0]}{rest} are not read, which the script never had")
        say("; ".join([about, *decided]))
    line_ends = answers.line_ends or (reader.APART if facts and facts.has_reader else None)
    words, line_ends = _read_words(path, layout, data_path, run, facts, line_ends)
    how = _read_preparation(path, data_path, run, words)
    more = (how, cell, line_ends, layout.is_ours, guesses_windows)
    return TrainedModel(path, config, words, layout.names, run, *more)


def _decide(path, layout, run, facts, answers):
    """See `tf1_checkpoints.decide`. What this project saved needs no decision."""
    if not layout.is_ours:
        if answers.num_layers is None and isinstance(run.get("num_layers"), int):
            answers = answers._replace(num_layers=run["num_layers"])
        return tf1_checkpoints.decide(path, layout, facts, answers)
    if answers.num_layers not in (None, layout.num_cells):
        raise TrainedModelError(
            f"--num_layers={answers.num_layers}: {path}: has {layout.num_cells}"
        )
    clip, one_state = (run.get(name, 0) for name in tf1_checkpoints.Cell._fields)
    if not (isinstance(clip, int | float) and 0 <= clip < configs.LARGEST):
        raise TrainedModelError(f"{path}: the description of its run: clip is {clip!r}")
    return layout, tf1_checkpoints.Cell(float(clip), bool(one_state)), []


def _read_config(path, run, sizes, facts, is_ours):
    """The configuration of a checkpoint's model, and whether its `num_steps` is a guess."""
    known = [field.name for field in dataclasses.fields(configs.SmallConfig)]
    fields = {name: run[name] for name in known if name in run}
    for name, size in sizes.items():
        if fields.get(name, size) != size:
            raise TrainedModelError(
                f"{path}: has {name} {size}, but the description of its run says {fields[name]!r}; "
                f"restore the checkpoint and the {run_directory.CONFIG_FILE} of one run"
            )
    for name in ("batch_size", "num_steps", "keep_prob"):
        value = getattr(facts, name, None)
        if value is not None:
            fields.setdefault(name, value)
    guesses_windows = "num_steps" not in fields and not is_ours
    if guesses_windows and sizes["hidden_size"] in LARGE_SIZES:
        fields["num_steps"] = LONG_WINDOWS
    # Not the mode of the training: BLOCK computes the same on every machine, and all words count.
    how = {"rnn_mode": configs.BLOCK, "sampled_softmax": 0}
    try:
        return configs.SmallConfig(**{**fields, **sizes, **how}), guesses_windows
    except configs.ConfigError as error:
        message = f"{path}: the description of its run, or {run_directory.CONFIG_FILE}: {error}"
        raise TrainedModelError(f"{message}; restore the file") from None


def _find_checkpoint(save_path):
    """The prefix of the checkpoint to read, and its variables' shapes; says which it takes."""
    paths = finding.find(save_path)
    if len(paths) == 1 and not os.path.isdir(save_path):
        return paths[0], _read_shapes(paths[0])
    for number, path in enumerate(paths):
        try:
            shapes = reading.read_shapes(path)
        except reading.CheckpointError as error:
            say(f"{error}; trying the one before")
            continue
        if choice := finding.describe_choice(save_path, path, paths[number + 1 :]):
            say(choice)
        return path, shapes
    raise TrainedModelError(f"--save_path={save_path}: no checkpoint is whole")


def _read_shapes(path):
    try:
        return reading.read_shapes(path)
    except reading.CheckpointError as error:
        raise TrainedModelError(str(error)) from None


def _read_run(path):
    """The description of a checkpoint's run: its own, or that of `config.json` beside it.

    Where the two differ, that is said.
    """
    try:
        run = reading.read_run(path)
    except reading.CheckpointError as error:
        raise TrainedModelError(str(error)) from None
    directory = os.path.dirname(path)
    beside = run_directory.read_config(directory) or {}
    if run is None:
        return beside
    if name := run_identity.first_difference(beside, run):
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


def _read_words(path, layout, data_path, run, facts, line_ends):
    """The words of a checkpoint's ids: of `vocab.txt` beside it, or of its training text.

    Their `description.vocabulary_sum` must be that of the checkpoint, if it has one.

    Returns:
      `(words, line_ends)`, see `TrainedModel`.
    """
    vocab_size = layout.sizes[0]
    source = os.path.join(os.path.dirname(path), run_directory.VOCABULARY_FILE)
    words = run_directory.read_words(os.path.dirname(path))
    may_have_fewer = not layout.is_ours or "vocabulary" in run
    if words is None:
        if data_path is None:
            raise TrainedModelError(
                f"{source}: no such file; name the corpus of the training with --data_path"
            )
        source, may_have_fewer = data_path, True
        if layout.is_ours:
            words = reader.read_corpus(data_path, vocab_size).words
        else:
            words = tf1_vocabulary.of_the_script(path, layout, data_path, facts, line_ends)
    elif data_path is not None and not layout.is_ours:
        tf1_vocabulary.refuse_other_ids(path, layout, data_path, words, source)
    if len(words) > vocab_size or (len(words) < vocab_size and not may_have_fewer):
        raise TrainedModelError(
            f"{source}: has {len(words)} words, but {path} has {vocab_size}; they are of different "
            "corpora"
        )
    if run.get("vocabulary") and run_identity.vocabulary_sum(words) != run["vocabulary"]:
        raise TrainedModelError(
            f"{source}: is another vocabulary than that of {path}; restore the right one"
        )
    if not run.get("vocabulary"):
        run_directory.say_order(source, words)
    if len(words) < vocab_size:
        say(f"{source}: has {len(words)} words of {path}'s {vocab_size}")
    return words, reader.line_ends_of(words)


def as_asked(trained: TrainedModel, asked: dict) -> configs.SmallConfig:
    """A trained model's configuration with other windows.

    Args:
      trained: the model.
      asked: `batch_size` and `num_steps`, which are taken, and `hidden_size`, `num_layers` and
        `vocab_size` (the largest one; 0: any), which must be the model's. None of them must be
        there.

    Raises:
      TrainedModelError: a size is another than the model's.
    """
    config = trained.config
    for name in ("hidden_size", "num_layers", "vocab_size"):
        value, found = asked.get(name), getattr(config, name)
        fits = value in (None, found) or (name == "vocab_size" and not 0 < value < found)
        if not fits:
            raise TrainedModelError(f"--{name}={value}: {trained.path}: has {name} {found}")
    windows = {name: asked[name] for name in ("batch_size", "num_steps") if name in asked}
    if trained.guesses_windows and "num_steps" not in windows:
        say(
            f"{trained.path}: does not say how long its windows were: valid is read in windows of "
            f"{config.num_steps} words, a guess from its sizes (--num_steps)"
        )
    return dataclasses.replace(config, **windows)


def say_other_texts(trained: TrainedModel, corpus: reader.Corpus) -> None:
    """Says which held-out texts of a corpus are not those of a trained model's run."""
    for name in ("valid", "test"):
        known = trained.run.get(f"{name} text")
        if known not in (None, run_identity.text_sum(getattr(corpus, name))):
            text = run_identity.IN_WORDS[f"{name} text"]
            say(f"{text} is not that of the run that saved {trained.path}")


def read_weights(trained: TrainedModel) -> dict:
    """A trained model's weights: dict of a variable's name in this project to a float32 array."""
    return tf1_checkpoints.read_weights(trained.path, trained.names)


def restore_weights(session: tf.compat.v1.Session, trained: TrainedModel) -> None:
    """Sets the variables of a session's graph to a trained model's values, float32.

    Args:
      session: a `Session` of a graph with the variables of an `language_model.LanguageModel`.
      trained: a `TrainedModel`.
    """
    weights = read_weights(trained)
    for variable in tf1.global_variables():
        value = weights[variable.op.name]
        session.run(variable.initializer, {variable.initial_value: value})
