"""Writes a trained model as a checkpoint that the TF1 script restores, in BASIC and in BLOCK."""

import os

import numpy as np

from program import whole_files
from program.messages import say
from saved import finding, tf1_checkpoints
from trained.trained_model import TrainedModel, read_weights

# The rows of the script's three models, however many words a text has.
NUM_ROWS, SCRIPTS_SIZES = 10000, (2, 200, 650, 1500)
# The bias of a row that no word has: its probability rounds to 0.
UNUSED = -100.0


def with_unused_rows(weights: dict, num_rows: int = NUM_ROWS) -> dict:
    """Weights with at least so many rows; the further ones have no probability.

    Args:
      weights: of `tf1_checkpoints.read_weights`.
      num_rows: int.
    """
    names = [f"{tf1_checkpoints.SCOPE}/{name}" for name in ("embedding", "softmax_w", "softmax_b")]
    embedding, softmax_w, softmax_b = (weights[name] for name in names)
    missing = max(num_rows - len(softmax_b), 0)
    padded = (
        np.pad(embedding, [(0, missing), (0, 0)]),
        np.pad(softmax_w, [(0, 0), (0, missing)]),
        np.pad(softmax_b, [(0, missing)], constant_values=UNUSED),
    )
    return {**weights, **dict(zip(names, padded))}


def write(trained: TrainedModel, directory: str) -> None:
    """Writes `model.ckpt-STEP` and `checkpoint` to a new directory, whole or not at all.

    It is for the script's `--save_path`. What the script must be told is said on standard error.

    Args:
      trained: the model.
      directory: where nothing is yet.

    Raises:
      OSError, tf.errors.OpError: it cannot be written.
    """
    weights = read_weights(trained)
    if trained.config.hidden_size in SCRIPTS_SIZES:  # for others, vocab_size was changed, too
        weights = with_unused_rows(weights)
    step = finding.saved_step(trained.path) or 0
    with whole_files.new_directory(directory) as unfinished:
        path = os.path.join(unfinished, f"{finding.PREFIX}-{step}")
        tf1_checkpoints.save_as_the_script(path, weights, step, trained.config.learning_rate)
    config = trained.config
    rows = len(weights[f"{tf1_checkpoints.SCOPE}/softmax_b"])
    say(
        f"{directory}: for a configuration of the TF1 script with hidden_size "
        f"{config.hidden_size}, num_layers {config.num_layers}, vocab_size {rows}; it makes "
        "its vocabulary of the text, so give it that of the training, with a space at both ends of "
        f"each line and no more than these {len(trained.words)} words: others get other ids"
    )
    if any(trained.cell):
        say(f"{directory}: its last version has no such cell as {trained.path} had")
