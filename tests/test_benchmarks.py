"""The benchmarks, on a model so small that their figures mean nothing: that they still run."""

import os
import subprocess
import sys

import pytest
import tensorflow as tf

import configs
import ptb_word_lm
import reader
import stress
from graphs import ROOT

sys.path.append(os.path.join(ROOT, "benchmarks"))
import beginnings  # noqa: E402
import overhead  # noqa: E402

on_linux = pytest.mark.skipif(not os.path.exists("/proc/self"), reason="it reads /proc and /sys")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    directory = tmp_path_factory.mktemp("corpus")
    stress.write_corpus(directory)
    return str(directory)


def run_benchmark(name, *arguments):
    """What a benchmark prints: the cells of each row of its tables."""
    command = [sys.executable, os.path.join(ROOT, "benchmarks", name), *arguments]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [line.strip("| ").split(" | ") for line in out.splitlines() if line.startswith("| ")]


def test_overhead_measures_each_part_of_training(corpus):
    rows = list(overhead.measure_steps(corpus, "test", turns=1, steps=3))
    assert [what for what, *_ in rows] == [
        "a bare step",
        "a step of run_epoch",
        "the same, with summaries after every step",
        "a save",
    ]
    assert all(elapsed > 0 for _, elapsed, _ in rows)


@on_linux
def test_compare_times_contestants_that_compute_the_same_loss():
    flags = ["--models=test", "--rounds=1", "--seconds_per_turn=0.01"]
    header, *rows = run_benchmark("compare.py", *flags, "--contestants=BASIC,BLOCK")
    assert [row[:2] for row in rows] == [["test", "BASIC"], ["test", "BLOCK"]]


@on_linux
def test_cluster_measures_what_goes_over_each_link(corpus):
    flags = [f"--data_path={corpus}", "--models=small", "--counts=2", "--rates=0", "--steps=1"]
    command = [sys.executable, os.path.join(ROOT, "benchmarks", "cluster.py"), *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:  # for lack of rights, or of the command ip
        assert done.stderr.count("\n") == 1
    else:
        *_, row = done.stdout.splitlines()
        model, _, count, *_, megabytes = row.strip("| ").split(" | ")
        assert (model, count) == ("small", "2")
        assert 2.5 < float(megabytes) < 3  # each sends the LSTM's 642,000 gradients once


def test_gpu_names_what_feeding_and_fetching_take():
    rows = run_benchmark("gpu.py", "--rnn_mode=block", "--parts=step", "--models=test")
    ways = [(row[1], float(row[2])) for row in rows if row[0] == "test" and row[1] != "all"]
    assert [way for way, _ in ways][::2] == ["nothing", "state, too, as in training"]
    assert all(milliseconds > 0 for _, milliseconds in ways)


def test_beginnings_are_those_of_training(corpus):
    config = configs.get_config("test", max_max_epoch=1)
    texts = reader.read_corpus(corpus, config.vocab_size)
    config = configs.with_vocabulary(config, texts.words)
    epoch_size = reader.Streams(len(texts.train), config.batch_size, config.num_steps).epoch_size
    steps = [1, epoch_size]
    (_, last), norm, step = beginnings.begin(config, texts, tf.float32, 3, steps)
    (epoch,), _ = ptb_word_lm.train_model(config, texts, seed=3)
    assert last == epoch.train_perplexity and norm > 0 and 1 <= step <= epoch_size
