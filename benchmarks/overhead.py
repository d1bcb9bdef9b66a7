"""What training costs besides the training step: the loop, summaries, a save, the start.

    python benchmarks/overhead.py --data_path=DIR

The bare step is `session.run` of the train op alone, nothing fed and nothing fetched; the loop and
the guard are measured beside it in alternating turns of the same session. Prints Markdown.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)
from arguments import path, positive  # noqa: E402

import configs  # noqa: E402
from program import tensorflow_import  # noqa: E402


def seconds(function, *arguments):
    """How long a call takes."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def guarded_epoch(session, guard, model):
    """An epoch with all that `ptb_word_lm.train` does after each window, except printing."""
    import training

    for result in training.run_windows(session, model, model.train_op):
        guard.note(result, 0.1)
        guard.write_summary(result)
        guard.heed_signal()
        guard.save_if_due()


def measure_steps(data_path, model_name, turns, steps):
    """Yields rows about one model's training step: what, milliseconds, in proportion."""
    import tensorflow as tf

    import ptb_word_lm
    import reader
    import training
    from saved.progress import Progress

    config = configs.get_config(model_name)
    corpus = reader.read_corpus(data_path, config.vocab_size)
    config = configs.with_vocabulary(config, corpus.words)
    words = config.batch_size * (steps * config.num_steps + 1)
    with tf.Graph().as_default(), tempfile.TemporaryDirectory() as save_path:
        models = ptb_word_lm.build_models(config, corpus._replace(train=corpus.train[:words]))
        model = models["Train"]
        how_often = training.RunOptions(save_every_secs=1e9, summary_steps=1)
        run = training.describe_run(save_path, config, tf.float32, 0, corpus, how_often)
        with training.open_run(model.ops, run) as (session, guard):
            model.assign_lr(session, 0.1)
            bare, loop, watched = [], [], []
            for _ in range(turns + 1):
                bare.append(seconds(lambda: [session.run(model.train_op) for _ in range(steps)]))
                loop.append(seconds(ptb_word_lm.run_epoch, session, model, model.train_op))
                watched.append(seconds(guarded_epoch, session, guard, model))
            saves = []
            for epoch in range(5):
                guard.progress = Progress(epoch + 2)
                saves.append(seconds(guard.save))
    bare, loop, watched = (statistics.median(times[1:]) / steps for times in (bare, loop, watched))
    yield "a bare step", bare, ""
    yield "a step of run_epoch", loop, f"{loop / bare - 1:+.1%}"
    yield "the same, with summaries after every step", watched, f"{watched / loop - 1:+.1%} on that"
    save = statistics.median(saves)
    yield "a save", save, f"{save / 600:.2%} of the ten minutes between two"


def start_up(data_path, model_name, rnn_mode):
    """Seconds from the start of the process to its first line after a training step."""
    flags = f"--data_path={os.path.abspath(data_path)} --model={model_name} --rnn_mode={rnn_mode}"
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "ptb_word_lm.py", *flags.split()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()  # the learning rate
    if not process.stdout.readline():  # after the eleventh step
        sys.exit("training failed to start; what it said is above")
    elapsed = time.perf_counter() - start
    process.kill()
    process.communicate()
    return elapsed


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_path", type=path, required=True)
    parser.add_argument("--model", choices=list(configs.CONFIGS), default="small")
    parser.add_argument("--turns", type=positive, default=7)
    parser.add_argument("--steps", type=positive, default=100)
    arguments = parser.parse_args()
    starts = {"basic": [], "block": []}
    for _ in range(arguments.turns):
        for mode, times in starts.items():
            times.append(start_up(arguments.data_path, arguments.model, mode))
    print("| what | ms | |\n|---|---|---|")
    first = statistics.median(starts["basic"])
    for mode, times in starts.items():
        elapsed = statistics.median(times)
        print(
            f"| start to the eleventh step, {mode} | {1000 * elapsed:.0f} | {elapsed / first:.0%} |"
        )
    tensorflow_import.import_tensorflow()
    sizes = arguments.data_path, arguments.model, arguments.turns, arguments.steps
    for what, elapsed, note in measure_steps(*sizes):
        print(f"| {what} | {1000 * elapsed:.2f} | {note} |")


if __name__ == "__main__":
    main()
