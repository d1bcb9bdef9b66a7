"""What a run that goes on takes from its checkpoint before the model is built: words and rows."""

import dataclasses
import os

import configs
import reader
from program.messages import say
from saved import finding, reading, run_directory, tf1_checkpoints
from trained import trained_model


def _newest(save_path):
    """The newest checkpoint that can be read, and its variables' shapes; or None and none.

    What is wrong with the others is said when one of them is to be restored.
    """
    for path in finding.list_newest_first(save_path) if save_path else ():
        try:
            shapes = reading.read_names(path)
            if tf1_checkpoints.is_ours(shapes):
                reading.read_run(path)
            else:
                tf1_checkpoints.match(path, reading.read_shapes(path))
            return path, shapes
        except reading.CheckpointError:
            continue
        except tf1_checkpoints.EraError:
            break
    return None, {}


def read_corpus(
    save_path: str | None,
    data_path: str,
    max_words: int | None,
    answers: tf1_checkpoints.Answers = tf1_checkpoints.Answers(),  # noqa: B008  it never changes
) -> reader.Corpus:
    """Reads a corpus with the words of the run that a directory has, if it has one.

    The words of a checkpoint of the TF1 script are those of its own rule, see
    `trained.tf1_vocabulary`. Where `vocab.txt` has the corpus's words in another order, that order
    counts.

    Args:
      save_path: the directory, or None.
      data_path, max_words: as for `reader.read_corpus`.
      answers: what the user says of a checkpoint of the TF1 script.

    Raises:
      program.errors.UserError: the corpus or the checkpoint cannot be read.
    """
    path, names = _newest(save_path)
    words, cell = None, tf1_checkpoints.Cell()
    if path and not tf1_checkpoints.is_ours(names):
        trained = trained_model.read(path, data_path, answers)
        words, cell = trained.words, trained.cell
        if len(set(trained.names.values())) < len(trained.names):
            say(f"{path}: its layers, which share weights, learn apart from here on")
    elif path:
        run = reading.read_run(path) or {}
        cell = tf1_checkpoints.Cell(run.get("clip", 0.0), run.get("one_state", False))
    if any(cell):
        say(f"{path}: goes on with today's cell: c is not clipped, each layer has its own state")
    if words is None and save_path and os.path.isdir(save_path):
        words = run_directory.read_words(save_path)
    line_ends = answers.line_ends or reader.line_ends_of(words or ())
    keep_marks = not set(reader.ALL_MARKS).isdisjoint(words or ())
    corpus = reader.read_corpus(data_path, max_words, line_ends, keep_marks)
    if words and words != corpus.words and sorted(words) == sorted(corpus.words):
        return reader.reordered(corpus, words)
    return corpus


def with_rows(
    config: configs.SmallConfig, num_words: int, save_path: str | None
) -> configs.SmallConfig:
    """The configuration with as many rows as the newest checkpoint in a directory has.

    The TF1 script always had 10,000, however few words the text had. They stay, unused.

    Args:
      config: of which `vocab_size` is the number of words.
      num_words: int, the largest number of rows that is wanted; 0: any.
      save_path: the directory, or None.
    """
    _, shapes = _newest(save_path)
    for scope in (tf1_checkpoints.SCOPE, tf1_checkpoints.FIRST_SCOPE):
        rows = (shapes.get(f"{scope}/embedding") or [0])[0]
        if config.vocab_size < rows <= (num_words or rows):
            return dataclasses.replace(config, vocab_size=rows)
    return config
