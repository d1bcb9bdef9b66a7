"""Makes a run's directory of a checkpoint that the tutorial's TF1 script wrote.

    python import_checkpoint.py --save_path=OLD/run-1540 --data_path=DIR --out=RUN

OLD/run-1540 is a checkpoint of any version of the script, from TensorFlow 0.12 or earlier to 1.15;
a directory will do, too. DIR is the corpus that the script was trained on. RUN then holds the
weights under today's names, in float32; `vocab.txt`, the words that the script made of the corpus;
and `config.json`. Every program here reads it, and training goes on in it.

What was decided is said line by line. What cannot be decided is asked for, by the name of a flag.
Valid and test perplexity are printed. If you know what the script printed at its end, say so with
--valid_perplexity and --test_perplexity: nothing is written if they disagree. (The script's valid
perplexity was often off by up to one percent: its summaries took windows away from it. Words that
are not in the vocabulary are left out for this, as the script did.)
"""

if __name__ == "__main__":
    from program import command_line
    from script_flags import import_checkpoint as script_flags

    command_line.start(script_flags.define, script_flags.check)

import json
import os

import numpy as np
import tensorflow as tf
from absl import flags

import ptb_word_lm
from program import command_line, errors, messages, whole_files
from saved import finding, reading, run_directory, run_identity, tf1_checkpoints
from saved.progress import PROGRESS, Progress
from script_flags import old_checkpoints
from trained import trained_model

# How far the script's own numbers may be from those of its weights, relatively.
TOLERANCES = {"Valid": 0.01, "Test": 0.002}


def describe(trained):
    """What is known of a model's run: a dict like that of `run_identity.describe`."""
    known = {"vocab_size", "hidden_size", "num_layers"}
    if not trained.guesses_windows:
        known |= {"batch_size", "num_steps"}
    run = {name: getattr(trained.config, name) for name in sorted(known)}
    run |= {name: value for name, value in trained.cell._asdict().items() if value}
    return {**run, "vocabulary": run_identity.vocabulary_sum(trained.words)}


def values_of(trained, epochs_done=None):
    """The tensors of a checkpoint of today; returns `(values, step)`.

    Args:
      trained: a `trained_model.TrainedModel`.
      epochs_done: int, how many epochs the model was trained; None: the global step tells.
    """
    step = finding.saved_step(trained.path) or 0
    values = {
        **trained_model.read_weights(trained),
        f"{tf1_checkpoints.SCOPE}/global_step": np.int64(step),
        reading.RUN: json.dumps(describe(trained)),
    }
    if epochs_done is not None:
        progress = Progress(epoch=epochs_done + 1)
        values[PROGRESS] = progress.to_bytes()
    return values, step


def write(trained, directory, epochs_done=None):
    """Writes a run's directory, whole or not at all; arguments as of `values_of`.

    Args:
      directory: str, where nothing is yet.
    """
    values, step = values_of(trained, epochs_done)
    with whole_files.new_directory(directory) as unfinished:
        tf1_checkpoints.save(os.path.join(unfinished, f"{finding.PREFIX}-{step}"), values)
        run_directory.write(unfinished, describe(trained), trained.words, trained.preparation)


def check(perplexities, expected):
    """Compares perplexities with those that the script printed, both dicts by name.

    Raises:
      errors.RequestError: they differ.
    """
    for name, value in expected.items():
        if value is not None and abs(perplexities[name] / value - 1) > TOLERANCES[name]:
            raise errors.RequestError(
                f"--{name.lower()}_perplexity={value:g}: here it is {perplexities[name]:.3f}, so "
                "that the model, the corpus or its words are not read as they were; nothing is "
                "written"
            )


def main():
    """Imports what the flags ask for.

    Raises:
      errors.UserError: it cannot be done.
    """
    arguments = flags.FLAGS
    expected = {"Valid": arguments.valid_perplexity, "Test": arguments.test_perplexity}
    answers = tf1_checkpoints.Answers(**old_checkpoints.values())
    trained = trained_model.read(arguments.save_path, arguments.data_path, answers)
    if arguments.num_steps:
        trained.config.num_steps = arguments.num_steps
        trained = trained._replace(guesses_windows=False)
    if finding.saved_step(trained.path) is None and arguments.epochs_done is None:
        messages.say(
            f"{trained.path}: does not say how long it was trained: to continue it, import it with "
            "--epochs_done"
        )
    if arguments.data_path is not None:
        found = ptb_word_lm.evaluate_trained(trained, arguments.data_path, leave_out=True)
        check(found, expected)
    try:
        write(trained, arguments.out, arguments.epochs_done)
    except (tf.errors.OpError, OSError) as error:
        message = f"cannot be written: {reading.reason(error)}"
        raise errors.RequestError(f"--out={arguments.out}: {message}") from None
    messages.say(f"{arguments.out}: is the run's directory; {_how_to_go_on(trained)}")


def _how_to_go_on(trained):
    sizes = ("hidden_size", "num_layers", "vocab_size", "num_steps", "batch_size")
    given = " ".join(f"--{name}={getattr(trained.config, name)}" for name in sizes)
    return f"training goes on in it with --save_path, {given} and the other flags of the old run"


if __name__ == "__main__":
    command_line.run(main)
