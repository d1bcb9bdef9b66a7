"""What the tests share: a random text, and models in a session, through one graph or two."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from absl import app, flags
from absl.testing import flagsaver
from tensorflow.python.eager import context

import configs
import ptb_word_lm
import reader
import util
from program import command_line, errors, optional_packages, signals
from saved import checkpoints, run_directory, run_identity
from saved.progress import Progress
from script_flags import cluster, curves, export, generate, import_checkpoint, score, training

# The flags of each script.
SCRIPT_FLAGS = {
    "ptb_word_lm": training,
    "train_cluster": cluster,
    **{"generate": generate, "score": score, "export": export, "curves": curves},
    "import_checkpoint": import_checkpoint,
}
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
tf1 = tf.compat.v1
# A graph with cuDNN's kernel can be initialized, saved and restored where the kernel cannot run.
SESSION_CONFIG = tf1.ConfigProto(
    allow_soft_placement=True, graph_options=tf1.GraphOptions(place_pruned_graph=True)
)


def random_corpus(vocab_size=30, num_words=600, seed=0):
    ids = np.random.default_rng(seed).integers(0, vocab_size, num_words).astype(np.int32)
    return reader.Corpus(ids, ids[:300], ids[:101], [f"word{i}" for i in range(vocab_size)])


def tiny_config(**changes):
    return configs.SmallConfig(
        **{"hidden_size": 8, "vocab_size": 30, "batch_size": 4, "num_steps": 5, **changes}
    )


@contextlib.contextmanager
def models_in_session(config, corpus, dtype=tf.float32, seed=1, num_replicas=None):
    """Yields `(models, session)`, initialized; through a second graph if given num_replicas."""
    with tf.Graph().as_default() as graph:
        tf1.set_random_seed(seed)
        models = ptb_word_lm.build_models(config, corpus, dtype, seed)
        if num_replicas is not None:
            metagraph = util.export_models(models)
            util.auto_parallel(metagraph, models["Train"], num_replicas)
            graph = tf.Graph()
    with graph.as_default():
        if num_replicas is not None:
            models = util.import_models(metagraph, models)
        with tf1.Session(config=SESSION_CONFIG) as session:
            session.run([tf1.global_variables_initializer(), tf1.local_variables_initializer()])
            reader.load_texts(session)
            yield models, session


def weights(session):
    return session.run({v.op.name: v for v in tf1.trainable_variables()})


def train_epochs(session, model, epochs, learning_rate=1.0):
    model.assign_lr(session, learning_rate)
    return [ptb_word_lm.run_epoch(session, model, model.train_op) for _ in range(epochs)]


def assert_weights_close(actual, expected, atol):
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(actual[name], value, rtol=0, atol=atol, err_msg=name)


def save_run(directory, corpus=None, seed=1, knows_run=True, **changes):
    """Saves an untrained run as training does, with weights that make some words likely.

    Without `knows_run`, it is one of the versions whose checkpoints did not know their run.
    Returns its `Test Perplexity`.
    """
    corpus = corpus or text_corpus()
    config = tiny_config(init_scale=0.7, **changes)
    with models_in_session(config, corpus, seed=seed) as (models, session):
        run = run_identity.describe(config, tf.float32, seed, corpus)
        saver = checkpoints.Checkpoints(str(directory), models["Train"], run if knows_run else None)
        saver.save(session, 7, Progress())
        perplexity = ptb_word_lm.run_epoch(session, models["Test"])
    run_directory.write(str(directory), run, corpus.words)
    return perplexity


def text_corpus():
    """A random corpus whose words 1 and 2 are `<unk>` and `<eos>`, as in the Penn Treebank."""
    corpus = random_corpus()
    corpus.words[1:3] = [reader.UNKNOWN, reader.END_OF_SENTENCE]
    return corpus


def as_text(ids, words):
    return "".join("\n" if words[i] == reader.END_OF_SENTENCE else f"{words[i]} " for i in ids)


def skip_without(package):
    """Skips a test whose optional package is missing, or cannot be imported beside the others."""
    try:
        optional_packages.import_package(package, "")
    except errors.RequestError as error:
        pytest.skip(str(error))


def clean_environment():
    """A user's, in which nothing says how much TensorFlow is to chatter."""
    return {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}


def shown_on_a_terminal(function, *arguments):
    """Calls a function with a terminal as standard error; returns what the function wrote there."""
    ours, theirs = pytest.importorskip("pty").openpty()
    content, end = bytearray(), b"\0"

    def read():  # all the time: a terminal holds few kilobytes
        while not content.endswith(end):
            content.extend(os.read(ours, 1 << 16))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    with open(theirs, "w") as stream, contextlib.redirect_stderr(stream):
        try:
            function(*arguments)
        finally:
            print(end.decode(), end="", file=stream, flush=True)
            thread.join(timeout=60)
    os.close(ours)
    return content.removesuffix(end).decode()


def run_program(name, *arguments, **options):
    """Runs one of the scripts as a process; returns its exit status, output and error output."""
    process = subprocess.run(
        [sys.executable, os.path.join(ROOT, name), *arguments],
        capture_output=True,
        text=True,
        env=clean_environment(),
        timeout=300,
        **options,
    )
    return process.returncode, process.stdout, process.stderr


@contextlib.contextmanager
def eager_execution_kept():
    """What turns eager execution off, as training does, turns it off in here alone."""
    mode = context.default_execution_mode
    try:
        yield
    finally:
        context.default_execution_mode = mode
        context.context()._thread_local_data.is_eager = mode == context.EAGER_MODE


def run_here(module, *arguments, input=""):
    """As `run_program`, in this process, which has imported TensorFlow already.

    For what has to do with neither signals nor a process's own streams.
    """
    stdin = io.TextIOWrapper(io.BytesIO(input.encode()))
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    stderr.reconfigure(errors="backslashreplace")
    script_flags = SCRIPT_FLAGS[module.__name__]
    app.define_help_flags()  # once in a process: they are no flags of the script's
    with (
        mock.patch.object(sys, "argv", [f"{module.__name__}.py", *arguments]),
        mock.patch.object(sys, "stdin", stdin),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        eager_execution_kept(),
        flagsaver.flagsaver(),  # forgets the flags that are defined within, too
    ):
        handlers = {number: signal.getsignal(number) for number in signals.SIGNALS}
        try:
            command_line.start(script_flags.define, script_flags.check)
            command_line.run(module.main)
        except SystemExit as end:
            status = end.code or 0
        finally:
            flags.FLAGS.unparse_flags()
            for number, handler in handlers.items():  # a program that has ended ignores signals
                signal.signal(number, handler)
    for stream in (stdout, stderr):
        stream.flush()
    out, err = (stream.buffer.getvalue().decode() for stream in (stdout, stderr))
    return status, out, err
