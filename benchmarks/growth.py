"""How memory and time grow with the vocabulary and with the corpus, on one machine.

    python benchmarks/growth.py --vocabularies=10000,33000,100000,267000 --corpora=1,10,100

Each row is a process of its own, on made-up words whose frequencies fall as in natural text (Zipf);
corpora are in millions of words, and need 6 bytes of disk a word meanwhile. Prints Markdown.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)
from arguments import positive, positives  # noqa: E402

import configs  # noqa: E402
from program import command_line  # noqa: E402

WORDS_A_LINE = 20


def peak_gigabytes():
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def zipf_ids(rng, vocab_size, num_words):
    """Word ids whose frequencies fall with their number: int32 `[num_words]`."""
    logarithms = rng.random(num_words, np.float32) * np.log(vocab_size)
    return np.minimum(np.exp(logarithms).astype(np.int32) - 1, vocab_size - 1)


def train_steps(corpus, config, steps):
    """Seconds a training step takes, the model being built and warmed up before."""
    import tensorflow as tf

    import ptb_word_lm

    tf1 = tf.compat.v1
    with tf.Graph().as_default():
        model = ptb_word_lm.build_models(config, corpus)["Train"]
        with tf1.Session() as session:
            session.run([tf1.global_variables_initializer(), tf1.local_variables_initializer()])
            model.assign_lr(session, 0.1)
            fetches = [model.train_op, model.cost]
            for _ in range(2):
                session.run(fetches)
            start = time.perf_counter()
            for _ in range(steps):
                session.run(fetches)
    return (time.perf_counter() - start) / steps


def measure_vocabulary(vocab_size, model_name, steps):
    """Trains a model with a vocabulary for some steps: seconds a step, memory."""
    command_line.import_tensorflow()
    import reader

    config = configs.get_config(model_name, vocab_size=vocab_size)
    ids = zipf_ids(np.random.default_rng(0), vocab_size, 100_000)
    corpus = reader.Corpus(ids, ids[:10_000], ids[:10_000], None)
    step = train_steps(corpus, config, steps)
    return {"step": step, "memory": peak_gigabytes()}


def write_corpus(directory, num_words, block=1 << 20):
    """Made-up text: a million words of training text or more, small other ones."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(10_000)])
    for split, size in (("train", num_words), ("valid", 10_000), ("test", 10_000)):
        with open(os.path.join(directory, f"ptb.{split}.txt"), "w") as file:
            for start in range(0, size, block):
                some = words[zipf_ids(rng, len(words), min(block, size - start))]
                for line in range(0, len(some), WORDS_A_LINE):
                    file.write(" ".join(some[line : line + WORDS_A_LINE]) + "\n")


def measure_corpus(directory, model_name, steps):
    """Reads a corpus and trains on it for some steps: seconds of both, memory of both."""
    command_line.import_tensorflow()
    import reader

    start, before = time.perf_counter(), peak_gigabytes()
    corpus = reader.read_corpus(directory, 10_000)
    read, memory = time.perf_counter() - start, peak_gigabytes()
    config = configs.with_vocabulary(configs.get_config(model_name), corpus.words)
    step = train_steps(corpus, config, steps)
    epoch = step * len(corpus.train) / (config.batch_size * config.num_steps)
    return {
        "read": read,
        "step": step,
        "epoch": epoch,
        "start_memory": before,
        "read_memory": memory,
        "memory": peak_gigabytes(),
    }


def in_process(*arguments):
    """What another process of this script measured."""
    command = [sys.executable, os.path.abspath(__file__), *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def print_vocabularies(arguments, common):
    """The table of vocabularies."""
    print("| vocabulary | ms a step | words per second | memory, GB |\n|---|---|---|---|")
    config = configs.get_config(arguments.model)
    words = config.batch_size * config.num_steps
    for size in arguments.vocabularies:
        r = in_process("--measure=vocabulary", f"--what={size}", *common)
        print(
            f"| {size:,} | {1000 * r['step']:.0f} | {words / r['step']:.0f} | {r['memory']:.2f} |",
            flush=True,
        )


def print_corpora(arguments, common):
    """The table of corpora."""
    print("\n| words | s to read | memory to read, GB | memory in training, GB | h an epoch |")
    print("|---|---|---|---|---|")
    for millions in arguments.corpora:
        with tempfile.TemporaryDirectory() as directory:
            write_corpus(directory, millions * 1_000_000)
            r = in_process("--measure=corpus", f"--what={directory}", *common)
        print(
            f"| {millions} M | {r['read']:.0f} | {r['read_memory']:.2f} | {r['memory']:.2f} | "
            f"{r['epoch'] / 3600:.2f} |",
            flush=True,
        )


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vocabularies", type=positives, default="10000,33000,100000,267000")
    parser.add_argument("--corpora", type=positives, default="1,10,100", help="millions of words")
    parser.add_argument("--model", choices=list(configs.CONFIGS), default="small")
    parser.add_argument("--steps", type=positive, default=10)
    parser.add_argument("--measure", choices=["vocabulary", "corpus"], help=argparse.SUPPRESS)
    parser.add_argument("--what", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes = arguments.model, arguments.steps
    if arguments.measure == "vocabulary":
        print(json.dumps(measure_vocabulary(int(arguments.what), *sizes)))
    elif arguments.measure == "corpus":
        print(json.dumps(measure_corpus(arguments.what, *sizes)))
    else:
        common = f"--model={arguments.model}", f"--steps={arguments.steps}"
        print_vocabularies(arguments, common)
        print_corpora(arguments, common)


if __name__ == "__main__":
    main()
