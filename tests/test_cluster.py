"""Several machines, as processes of this one that meet on its loopback interface."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf

import stress
from program import tf_config
from program.errors import RequestError
from saved import run_identity
from training import cluster

tf1 = tf.compat.v1
CONFIG = {"hidden_size": 8, "num_steps": 5, "batch_size": 10, "max_grad_norm": 1000}
# Gentle, or rounding would grow to what one sees within four epochs.
CONFIG |= {"max_max_epoch": 4, "max_epoch": 4, "learning_rate": 0.05}
FLAGS = ["--model=test", "--save_every_secs=0.1"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    directory = tmp_path_factory.mktemp("corpus")
    stress.write_corpus(directory)
    return directory


@contextlib.contextmanager
def machines(corpus, save_path, count=2):
    """Yields `start(task, *flags)`, which starts a process; ends those that are left."""
    addresses, processes = stress.free_addresses(count), []

    def start(task, *flags):
        flags = [f"--data_path={corpus}", *FLAGS, *flags]
        processes.append(stress.start(flags, save_path, CONFIG, addresses, task))
        return processes[-1]

    try:
        yield start
    finally:
        for process in processes:
            process.kill()
            process.wait()


def read_until(file, beginning):
    """Reads lines to the first with this beginning."""
    lines = []
    for line in file:
        lines.append(line)
        if line.startswith(beginning):
            return "".join(lines)
    raise AssertionError(f"no line begins with {beginning!r}: {lines}")


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """What two machines printed and saved that nobody disturbed."""
    save_path = tmp_path_factory.mktemp("whole")
    with machines(corpus, save_path) as start:
        driver, worker = start(0), start(1)
        out, _ = driver.communicate(timeout=300)
        worker_out, _ = worker.communicate(timeout=300)  # it ends by itself
    assert (driver.returncode, worker.returncode, worker_out) == (0, 0, "")
    return stress.numbers(out), save_path


def test_two_machines_equal_one_with_twice_the_batch(corpus, whole, tmp_path):
    lines, save_path = whole
    flags = [f"--data_path={corpus}", *FLAGS]
    process = stress.start(flags, tmp_path, {**CONFIG, "batch_size": 20})
    out, _ = process.communicate(timeout=300)
    one = stress.numbers(out)
    for epoch in "14":
        np.testing.assert_allclose(
            *(float(each[epoch, f"Epoch: {epoch} Train Perplexity"]) for each in (one, lines)),
            atol=1.1e-3,
        )
    expected, actual = stress.read_weights(tmp_path), stress.read_weights(save_path)
    step = expected.pop("Model/global_step")
    assert actual.pop("Model/global_step") == 2 * step > 1000
    for name, value in expected.items():
        np.testing.assert_allclose(actual[name], value, rtol=0, atol=1e-6, err_msg=name)


def test_a_proxy_is_not_in_the_way(corpus, monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "nest.example")
    with machines(corpus, tmp_path) as start:
        driver, worker = start(0, "--max_max_epoch=1"), start(1, "--max_max_epoch=1")
        out, err = driver.communicate(timeout=120)
        worker.communicate(timeout=120)
    assert (driver.returncode, worker.returncode) == (0, 0), err
    assert "Test Perplexity" in out


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "10.0.0.1,::1,localhost,127.0.0.1"),
        ({"no_proxy": "nest,owl"}, "nest,owl,10.0.0.1,::1,localhost,127.0.0.1"),
        (
            {"no_proxy": "nest", "no_grpc_proxy": "localhost"},
            "localhost,10.0.0.1,::1,127.0.0.1",
        ),
    ],
)
def test_what_a_proxy_is_not_for(monkeypatch, environment, expected):
    for name in cluster.NO_PROXY:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cluster.bypass_proxies(["[::1]:2222", "10.0.0.1:2222", "10.0.0.1:2223"])
    assert os.environ.pop("no_grpc_proxy") == expected


def test_a_signal_ends_the_wait_for_a_machine():
    never = threading.Event()
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        cluster._Call(never.wait).result(30)
    never.set()


def test_what_a_thread_raises_or_returns_is_passed_on():
    assert cluster._Call(divmod, 7, 2).result(30) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        cluster._Call(divmod, 7, 0).result(30)


def test_a_call_that_is_not_done_is_not_made_twice(monkeypatch):
    monkeypatch.setattr(cluster, "LONGEST_PAUSE_SECS", 0.01)
    calls, begun, go_on = {}, [], threading.Event()

    def call():
        begun.append(1)
        go_on.wait()
        return True

    assert [cluster._ask(calls, 1, call) for _ in range(3)] == [None] * 3
    go_on.set()
    while not cluster._ask(calls, 1, call):
        pass
    assert (begun, calls) == ([1], {})


DEAF = """
import ctypes, sys
from program import signals
with signals.last_resort(float(sys.argv[1]), 0.5):
    print("deaf", flush=True)
    lock = ctypes.create_string_buffer(64)
    for _ in range(2):  # the second waits for ever
        ctypes.CDLL(None).pthread_mutex_lock(lock)
"""


@pytest.mark.parametrize(("first_secs", "count"), [(0.5, 1), (100, 2)])
def test_signals_end_what_does_not_come_back_from_c(first_secs, count):
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF, str(first_secs)], cwd=stress.ROOT, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    for _ in range(count):
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130


def test_a_busy_machine_answers_when_it_can(monkeypatch):
    """A worker whose own server does not answer within the limit asks again."""
    monkeypatch.setattr(cluster, "GREETING_TIMEOUT_SECS", 0.001)
    address = stress.free_addresses(1)[0]
    server = tf1.train.Server({"worker": [address]}, "worker", 0)
    with cluster._Board(server.target, "/job:worker/task:0") as board:
        cluster._patiently(board.write, "order", "fly")
        assert cluster._patiently(board.read, "order") == "fly"


def test_killed_machines_change_nothing(corpus, whole, tmp_path):
    with machines(corpus, tmp_path) as start:
        driver, worker = start(0), start(1)
        printed = read_until(driver.stdout, "Epoch: 1 Valid")
        worker.kill()
        worker = start(1)
        printed += read_until(driver.stdout, "Epoch: 2 Train")
        driver.kill()
        out, said = driver.communicate()
        assert "a worker was lost" in said
        printed += out
        driver = start(0)
        out, said = driver.communicate(timeout=300)
        assert "continued after" in said
        worker.communicate(timeout=300)
    assert (driver.returncode, worker.returncode) == (0, 0)
    lines, save_path = whole
    assert {**stress.numbers(printed), **stress.numbers(out)} == lines
    expected, actual = stress.read_weights(save_path), stress.read_weights(tmp_path)
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)


def test_worker_with_another_command_line_is_refused(corpus, tmp_path):
    with machines(corpus, tmp_path) as start:
        driver, worker = start(0), start(1, "--seed=1")
        out, err = worker.communicate(timeout=300)
        refusal = err.splitlines()[-1]
        assert (worker.returncode, out) == (1, "")
        assert "worker 1 (" in refusal
        assert "--seed is 1 there, and 0 at worker 0" in refusal
        assert "Traceback" not in err
        assert "--seed is 1 there" in read_until(driver.stderr, "worker 1 (")
        start(1)
        read_until(driver.stdout, "Epoch: 1 Train")


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ({}, {}, None),
        ({}, {"clip_mean": False}, None),  # of one machine, or of a version without the flag
        ({}, {"clip_mean": True}, "clip_mean was False and now is True"),
        ({"clip_mean": True}, {}, "clip_mean was True and now is False"),
    ],
)
def test_a_run_goes_on_clipping_as_it_began(old, new, difference):
    old, new = {"seed": 1, **old}, {"seed": 1, **new}
    name = run_identity.first_difference(old, new)
    assert (name and run_identity.change(name, old, new)) == difference
    assert run_identity.names_missing(old, new) == ""


WORKERS = {"worker": ["localhost:4321", "localhost:4322"]}
TASK = {"type": "worker", "index": 0}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "TF_CONFIG: "),
        ("3", "is not a JSON object"),
        ("[]", "is not a JSON object"),
        ({"cluster": WORKERS}, "task is"),
        ({"cluster": WORKERS, "task": {"type": "worker", "index": 2}}, "task is"),
        ({"cluster": WORKERS, "task": {"type": "worker", "index": "a"}}, "TF_CONFIG: "),
        ({"cluster": {"worker": "localhost:1"}, "task": TASK}, "TF_CONFIG: "),
        ({"cluster": {"worker": ["localhost"]}, "task": TASK}, "'localhost' is not host:port"),
        ({"cluster": {"worker": ["a:70000"]}, "task": TASK}, "not host:port"),
        ({"cluster": {"worker": ["a:2\u00b2"]}, "task": TASK}, "not host:port"),
        ({"cluster": {"worker": ["a:1", "a:1"]}, "task": TASK}, "one address twice"),
        ({"cluster": {**WORKERS, "ps": ["a:1"]}, "task": TASK}, "job ps"),
        (
            {"clusters": WORKERS, "task": TASK},
            "no machines under the key cluster, but has clusters;",
        ),
        ({"sparseCluster": WORKERS, "cluster": {}}, "but has sparseCluster;"),
        (WORKERS, "but has worker;"),
    ],
)
def test_tf_config_that_makes_no_sense(monkeypatch, config, message):
    monkeypatch.setenv("TF_CONFIG", config if isinstance(config, str) else json.dumps(config))
    with pytest.raises(RequestError, match="^TF_CONFIG: .*") as caught:
        cluster.from_environment()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", '{"task": {"type": "worker", "index": 0}}'),
        '{"cluster": {}, "environment": "cloud", "job": {}, "rpc_layer": "grpc"}',
    ],
)
def test_tf_config_without_a_cluster_is_this_machine_alone(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    tf_config.refuse_cluster()
    with pytest.raises(RequestError, match="names no machines"):
        cluster.from_environment()


def test_the_script_for_one_machine_says_which_to_run(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": WORKERS, "task": TASK}))
    with pytest.raises(RequestError, match=r"train_cluster\.py and the same flags"):
        tf_config.refuse_cluster()
