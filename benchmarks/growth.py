"""How memory and time grow with the vocabulary and with the corpus, on one machine.

    pip install -r benchmarks/requirements.txt
    python benchmarks/growth.py --vocabularies=10000,33000,100000,267000,800000 --corpora=1,10,100

Each row is a process of its own, on made-up words whose frequencies fall as in natural text (Zipf).
The softmax is the full one and sampled ones (`--sampled`), and, where PyTorch is installed, its
adaptive softmax behind the same LSTM. Corpora are in millions of words, and need 8 bytes of disk a
word meanwhile. Prints Markdown.
"""

import argparse
import importlib.util
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
from arguments import naturals, positive, positives  # noqa: E402

import configs  # noqa: E402
from program import tensorflow_import  # noqa: E402

WORDS_A_LINE = 20
# Of PyTorch's adaptive softmax: as in the examples of its authors (Grave et al. 2017), and as
# fairseq trains on WikiText-103. Those of the first are faster, those of the second learn more.
CUTOFFS = [(2000, 10000), (20000, 60000)]


def peak_gigabytes():
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def zipf_ids(rng, vocab_size, num_words):
    """Word ids whose frequencies fall with their number: int32 `[num_words]`."""
    logarithms = rng.random(num_words, np.float32) * np.log(vocab_size)
    return np.minimum(np.exp(logarithms).astype(np.int32) - 1, vocab_size - 1)


def seconds_a_step(step, seconds):
    """The median of the times that a step takes, run for some seconds after three others."""
    for _ in range(3):
        step()
    times = []
    while sum(times) < seconds or len(times) < 3:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def time_training(corpus, config, seconds):
    """Seconds a training step takes."""
    import tensorflow as tf

    import ptb_word_lm
    import reader
    from model import devices

    tf1 = tf.compat.v1
    with tf.Graph().as_default():
        model = ptb_word_lm.build_models(config, corpus)["Train"]
        with tf1.Session(config=devices.session_config()) as session:
            session.run([tf1.global_variables_initializer(), tf1.local_variables_initializer()])
            reader.load_texts(session)
            model.assign_lr(session, 0.1)
            return seconds_a_step(lambda: session.run([model.train_op, model.cost]), seconds)


def measure_vocabulary(vocab_size, num_sampled, model_name, seconds):
    """Trains a model with a vocabulary for some seconds: seconds a step, memory."""
    tensorflow_import.import_tensorflow()
    import reader

    config = configs.get_config(model_name, vocab_size=vocab_size, sampled_softmax=num_sampled)
    ids = zipf_ids(np.random.default_rng(0), vocab_size, 100_000)
    corpus = reader.Corpus(ids, ids[:10_000], ids[:10_000], None)
    step = time_training(corpus, config, seconds)
    return {"step": step, "memory": peak_gigabytes()}


def measure_adaptive(vocab_size, cutoffs, model_name, seconds):
    """As `measure_vocabulary`, with PyTorch's adaptive softmax."""
    import contestants

    config = configs.get_config(model_name, vocab_size=vocab_size)
    contestant = contestants.TorchContestant(config, "float32", cutoffs=cutoffs)
    return {"step": seconds_a_step(contestant.step, seconds), "memory": peak_gigabytes()}


def write_corpus(directory, num_words, vocab_size, block=1 << 20):
    """Made-up text: a million words of training text or more, small other ones."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(vocab_size)])
    for split, size in (("train", num_words), ("valid", 10_000), ("test", 10_000)):
        with open(os.path.join(directory, f"ptb.{split}.txt"), "w") as file:
            for start in range(0, size, block):
                some = words[zipf_ids(rng, len(words), min(block, size - start))]
                for line in range(0, len(some), WORDS_A_LINE):
                    file.write(" ".join(some[line : line + WORDS_A_LINE]) + "\n")


def measure_corpus(directory, num_sampled, model_name, seconds):
    """Reads a corpus and trains on it for some seconds: seconds and memory of both."""
    tensorflow_import.import_tensorflow()
    import reader

    start, before = time.perf_counter(), peak_gigabytes()
    corpus = reader.read_corpus(directory)
    read, memory = time.perf_counter() - start, peak_gigabytes()
    config = configs.get_config(model_name, vocab_size=0, sampled_softmax=num_sampled)
    config = configs.with_vocabulary(config, corpus.words)
    step = time_training(corpus, config, seconds)
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


def softmaxes(sampled):
    """The softmaxes to measure: `(name, arguments of the process, smallest vocabulary)`."""
    for number in sampled:
        name = f"{number:,} sampled" if number else "all words"
        yield name, f"--sampled={number}", max(number, 1)
    if importlib.util.find_spec("torch"):
        for cutoffs in CUTOFFS:
            name = "PyTorch, adaptive, " + ", ".join(f"{each:,}" for each in cutoffs)
            yield name, "--cutoffs=" + ",".join(map(str, cutoffs)), cutoffs[-1] + 1


def print_vocabularies(arguments, common):
    """The table of vocabularies: words per second, and memory."""
    columns = list(softmaxes(arguments.sampled))
    print(f"| vocabulary | {' | '.join(name for name, _, _ in columns)} |")
    print((len(columns) + 1) * "|---" + "|")
    config = configs.get_config(arguments.model)
    words = config.batch_size * config.num_steps
    for size in arguments.vocabularies:
        print(f"| {size:,} |", end="", flush=True)
        for _, flag, smallest in columns:
            cell = ""
            if size >= smallest:
                r = in_process("--measure=vocabulary", f"--what={size}", flag, *common)
                cell = f"{words / r['step']:.0f} ({r['memory']:.1f} GB)"
            print(f" {cell} |", end="", flush=True)
        print()


def print_corpora(arguments, common):
    """The table of corpora."""
    print("\n| words | s to read | memory to read, GB | memory in training, GB | h an epoch |")
    print("|---|---|---|---|---|")
    common = *common, f"--sampled={arguments.sampled[0]}"
    for millions in arguments.corpora:
        with tempfile.TemporaryDirectory() as directory:
            write_corpus(directory, millions * 1_000_000, arguments.different_words)
            r = in_process("--measure=corpus", f"--what={directory}", *common)
        print(
            f"| {millions} M | {r['read']:.0f} | {r['read_memory']:.2f} | {r['memory']:.2f} | "
            f"{r['epoch'] / 3600:.2f} |",
            flush=True,
        )


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--vocabularies", type=naturals, default="10000,33000,100000,267000,800000", help="0: none"
    )
    parser.add_argument(
        "--sampled", type=naturals, default="0,2048,8192", help="0: all words; corpora: the first"
    )
    parser.add_argument(
        "--corpora", type=naturals, default="1,10,100", help="millions of words; 0: none"
    )
    parser.add_argument("--different_words", type=positive, default=10_000, help="of the corpora")
    parser.add_argument("--model", choices=list(configs.CONFIGS), default="small")
    parser.add_argument("--seconds", type=positive, default=10, help="each row trains as long")
    parser.add_argument("--measure", choices=["vocabulary", "corpus"], help=argparse.SUPPRESS)
    parser.add_argument("--what", help=argparse.SUPPRESS)
    parser.add_argument("--cutoffs", type=positives, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes = arguments.model, arguments.seconds
    if arguments.cutoffs:
        result = measure_adaptive(int(arguments.what), arguments.cutoffs, *sizes)
    elif arguments.measure == "vocabulary":
        result = measure_vocabulary(int(arguments.what), arguments.sampled[-1], *sizes)
    elif arguments.measure == "corpus":
        result = measure_corpus(arguments.what, arguments.sampled[-1], *sizes)
    else:
        common = f"--model={arguments.model}", f"--seconds={arguments.seconds}"
        if any(arguments.vocabularies):
            print_vocabularies(arguments, common)
        if any(arguments.corpora):
            print_corpora(arguments, common)
        return
    print(json.dumps(result))


if __name__ == "__main__":
    main()
