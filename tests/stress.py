"""Kills training again and again, and compares the outcome with a run that nobody disturbed.

    make stress
    python tests/stress.py --kills=5 --data_path=DIR --flags="--model=medium --use_bf16"

Each life of the run ends by SIGKILL at a random moment, in the middle of a save included: by
default, they are made 20 times a second. Every line that any life printed, and the final weights,
must be those of the whole run, bit for bit. Without --data_path, it trains a tiny model on a
made-up corpus.
"""

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TINY = {"max_max_epoch": 100, "max_epoch": 4, "keep_prob": 0.5, "hidden_size": 8, "num_steps": 5}


def write_corpus(directory):
    """A made-up corpus of 20 words."""
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(20)]
    for split, sentences in (("train", 2000), ("valid", 50), ("test", 50)):
        with open(os.path.join(directory, f"ptb.{split}.txt"), "w") as file:
            file.writelines(" ".join(rng.choice(words, 6)) + " \n" for _ in range(sentences))


def start(arguments, save_path, config, addresses=None, task=0):
    """Starts a process that trains with some hyperparameters changed.

    It is task `task` of the cluster with these addresses, if any are given.
    """
    script = "train_cluster.py" if addresses else "ptb_word_lm.py"
    flags = [f"--{name}={value}" for name, value in config.items()]
    command = [sys.executable, script, *arguments, *flags, f"--save_path={save_path}"]
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    if addresses:
        task = {"type": "worker", "index": task}
        environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_addresses(count):
    """Addresses on this machine where nobody listens."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]


def numbers(out):
    """What a process printed, without speeds, line by line with the epoch it is about."""
    lines, epoch = {}, None
    for line in out.splitlines():
        if found := re.match(r"Epoch: (\d+) ", line):
            epoch = found[1]
        elif line.startswith("Test"):
            epoch = None
        key, _, value = line.split(" speed")[0].rpartition(": ")
        lines[epoch, key] = value
    return lines


def note(printed, out):
    """Adds what a process printed to what its other lives did; stops where the two differ."""
    for key, value in numbers(out).items():
        if printed.setdefault(key, value) != value:
            sys.exit(f"{key}: one life printed {printed[key]}, another {value}")


def read_weights(save_path):
    """Variable name to value, of the newest checkpoint."""
    sys.path.insert(0, ROOT)
    from program import tensorflow_import

    tensorflow_import.import_tensorflow()
    import tensorflow as tf

    checkpoint = tf.train.load_checkpoint(save_path)
    names = checkpoint.get_variable_to_shape_map()
    return {n: checkpoint.get_tensor(n) for n in names if not n.startswith("Training/")}


def survive(arguments, config, save_path, kills, longest_life, rng):
    """Kills a run `kills` times, then lets it end; returns what all its lives printed."""
    printed = {}
    while True:
        process = start(arguments, save_path, config)
        try:
            timeout = rng.uniform(0, longest_life) if kills else None
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            kills -= 1
        note(printed, out)
        if process.returncode == 0:
            return printed, kills
        if process.returncode != -9:
            sys.exit(f"the process ended with status {process.returncode}: {err}")


def compare(whole, printed, paths):
    """Stops with a message if numbers or weights differ."""
    if printed != whole:
        differing = set(printed.items()) ^ set(whole.items())
        sys.exit(f"lines differ: {sorted(differing, key=str)[:10]}")
    weights, expected = read_weights(paths[1]), read_weights(paths[0])
    for name, value in expected.items():
        if not np.array_equal(weights[name], value):
            sys.exit(f"{name} differs by {np.abs(weights[name] - value).max()}")


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--longest_life", type=float, default=12.0, help="seconds")
    parser.add_argument("--data_path", type=os.path.expanduser)
    parser.add_argument("--flags", default="--model=test --save_every_secs=0.05")
    parser.add_argument("--config", default="{}", help="JSON: fields to change")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as directory:
        data_path, config = arguments.data_path, json.loads(arguments.config)
        if not data_path:
            data_path, config = directory, {**TINY, **config}
            write_corpus(directory)
        flags = [f"--data_path={os.path.abspath(data_path)}", *arguments.flags.split()]
        paths = [os.path.join(directory, name) for name in ("whole", "killed")]
        started = time.monotonic()
        out, _ = start(flags, paths[0], config).communicate()
        whole, kills = numbers(out), arguments.kills
        print(f"the whole run: {len(whole)} lines, {time.monotonic() - started:.0f} s", flush=True)
        while kills:
            shutil.rmtree(paths[1], ignore_errors=True)
            printed, left = survive(flags, config, paths[1], kills, arguments.longest_life, rng)
            compare(whole, printed, paths)
            print(f"{kills - left} kills: every line and weight the same", flush=True)
            kills = left


if __name__ == "__main__":
    main()
