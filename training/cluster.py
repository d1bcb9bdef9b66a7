"""Training beyond one machine: one graph, whose replicas TensorFlow computes on several.

Every machine runs the same command, with the addresses of all in `TF_CONFIG`. Task 0 drives: it
builds the graph, reads the text, saves. The others, the workers, lend it their processors through
TensorFlow's own server (gRPC), until the driver tells them that training is done. A step is one
call of the driver's session, so several machines are as exact as one. How their gradients become
one: `ring.py`.

Driver and worker meet at a `_Board`: two strings on the worker's server, which both read and write.
"""

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import pathlib
import queue
import re
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import tensorflow as tf

import configs
import util
from program import signals, tf_config
from program.errors import RequestError
from program.messages import say
from training import ring
from training.session import LOST, Server

tf1 = tf.compat.v1

# What reading a board raises if the worker has not written to it yet, or is gone.
ABSENT = (*LOST, tf.errors.FailedPreconditionError)
# A machine that hangs or loses power does not close its connections: after this silence it counts
# as lost, so that the driver says it within a minute.
STEP_TIMEOUT_SECS = 45
GREETING_TIMEOUT_SECS = 10
FAREWELL_SECS = 60
SIGNAL_SECS, SECOND_SIGNAL_SECS = 600, 10  # until a signal ends a program that hangs in TensorFlow
CONNECT_TIMEOUT_SECS = 2
LONGEST_PAUSE_SECS = 5
POLL_SECS = 0.5
HINT_SECS = 45
# The environment variables that gRPC looks for, in lower case alone: a proxy, and what it is not
# used for. Of each, the first that is set counts.
PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
NO_PROXY = ("no_grpc_proxy", "no_proxy")
# The names by which a machine connects to itself.
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
DONE = "done"
START = "start"  # in a worker's description: an id that is new each time the worker starts
JOBS = ("chief", "worker")
# Flags that only task 0 uses, or whose values the configuration holds. The other flags must be the
# same on every machine.
DRIVERS_FLAGS = (
    *("data_path", "save_path", "save_every_secs", "summary_steps", "sample_words"),
    *("config", "flagfile"),
)


def from_environment() -> "Machines":
    """The `Machines` that `TF_CONFIG` names.

    Raises:
      RequestError: it names no machines, or is not a valid description of them.
    """
    tf_config.require_cluster()
    try:
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        spec = resolver.cluster_spec()
        task = resolver.task_type, resolver.task_id
    except (ValueError, TypeError) as error:
        raise RequestError(f"TF_CONFIG: {error}; docs/several-machines.md shows one") from None
    tasks = sorted((job, index) for job in spec.jobs for index in spec.task_indices(job))
    addresses = [spec.task_address(*each) for each in tasks]
    _check_addresses(tasks, addresses)
    if task not in tasks:
        raise RequestError(
            f"TF_CONFIG: its task is {task}, but its cluster has {tasks}; set task to this "
            "machine's, as docs/several-machines.md shows"
        )
    return Machines(spec, tasks, addresses, tasks.index(task))


def _check_addresses(tasks, addresses):
    """Refuses unknown jobs and addresses that are wrong or equal; RequestError."""
    for (job, index), address in zip(tasks, addresses):
        host, _, port = address.rpartition(":")
        if job not in JOBS:
            raise RequestError(f"TF_CONFIG: job {job}: use only the jobs {' and '.join(JOBS)}")
        if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 1 << 16:
            raise RequestError(f"TF_CONFIG: {job} {index}: {address!r} is not host:port")
    if len(set(addresses)) < len(addresses):
        raise RequestError(f"TF_CONFIG: one address twice: {', '.join(addresses)}")


def describe(flag_values: dict, config: configs.SmallConfig) -> dict:
    """What must be the same on all machines.

    Args:
      flag_values: dict of flag name to value.
      config: the configuration.

    Returns:
      Dict of name to value, both str.
    """
    source = hashlib.sha256()
    for path in _source_files():
        source.update(path.read_bytes())
    common = {"the program": source.hexdigest()[:12], "TensorFlow": tf.__version__}
    common |= {f"--{n}": v for n, v in flag_values.items() if n not in DRIVERS_FLAGS}
    common |= dataclasses.asdict(config)
    return {name: str(value) for name, value in common.items()}


def _source_files():
    """The project's modules that are imported: their paths, sorted."""
    root = pathlib.Path(__file__).resolve().parents[1]
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    paths = {pathlib.Path(file).resolve() for file in files if file}
    return sorted(path for path in paths if root in (path.parent, path.parent.parent))


class Machines:
    """The machines of a cluster; this machine is one of them.

    Attributes:
      count: int, how many machines.
      is_worker: bool, whether another machine drives.
    """

    def __init__(
        self, spec: tf.train.ClusterSpec, tasks: list, addresses: list, number: int
    ) -> None:
        """Takes the cluster.

        Args:
          spec: its `tf.train.ClusterSpec`.
          tasks: list of (job, index), the driver first.
          addresses: list of `host:port`, in the same order.
          number: this machine's place in both.
        """
        self.count, self.is_worker = len(tasks), number > 0
        self._target, self._step_timeout_secs = "", STEP_TIMEOUT_SECS
        self._spec, self._task, self._number = spec, tasks[number], number
        self._addresses = addresses
        self._devices = [f"/job:{job}/task:{index}" for job, index in tasks]
        self._names = [f"{job} {index} ({a})" for (job, index), a in zip(tasks, addresses)]
        self._starts: dict[int, str] = {}
        self._refused: set[str] = set()

    def start(self, session_config: tf.compat.v1.ConfigProto, description: dict) -> None:
        """Starts the server of this machine.

        Args:
          session_config: the `ConfigProto` that says which devices to lend.
          description: dict of str to str, what must be the same on all machines.

        Raises:
          RequestError: it cannot listen at its address.
        """
        bypass_proxies(self._addresses)
        self._description = {**description, "TF_CONFIG's cluster": ", ".join(self._addresses)}
        address = self._addresses[self._number]
        try:
            server = tf1.train.Server(self._spec, *self._task, config=session_config)
        except tf.errors.OpError:
            raise RequestError(
                f"TF_CONFIG: cannot listen at {address}: another process may, or the index "
                f"{self._task[1]} may be another machine's; choose another port, or the right index"
            ) from None
        self._server, self._target = server, server.target
        port = address.rpartition(":")[2]
        say(
            f"port {port} is open on every interface, without authentication or encryption: let "
            "only the machines of TF_CONFIG reach it (see docs/several-machines.md)"
        )

    def replicate(
        self,
        metagraph: tf.compat.v1.MetaGraphDef,
        model: Any,
        per_machine: int,
        max_norm: float | None = None,
    ) -> None:
        """Replicates a model in its metagraph, in place, over the machines.

        Arguments are those of `ring.replicate`.
        """
        util.auto_parallel(metagraph, model, per_machine)
        if self.count > 1 or max_norm is not None:
            ring.replicate(metagraph, model, per_machine, self._devices, max_norm)

    def serve(self) -> None:
        """Lends this machine to the driver until training is done.

        Raises:
          RequestError: the driver refuses this machine.
        """
        with _Board(self._target, self._devices[self._number]) as board:
            description = json.dumps({**self._description, START: str(uuid.uuid4())})
            _patiently(board.write, "order", "")
            _patiently(board.write, "description", description)
            say(f"{self._names[self._number]}: serves {self._names[0]} until training is done")
            while not (order := _patiently(board.read, "order")):
                time.sleep(POLL_SECS)
        if order != DONE:
            raise RequestError(order)

    def drive(self, train: Callable[[Server], None]) -> None:
        """Trains; starts again from the newest checkpoint if a worker is lost; ends the workers.

        A signal ends it, whatever it waits for.

        Args:
          train: called with the `session.Server` to train on.
        """
        with signals.last_resort(SIGNAL_SECS, SECOND_SIGNAL_SECS):
            self._drive(train)

    def _drive(self, train):
        self._gather()
        while True:
            server = Server(self._target, self._devices[0], self._step_timeout_secs)
            try:
                train(server)
                break
            except LOST as error:
                say(
                    f"a worker was lost ({type(error).__name__}): training goes on from the newest "
                    "checkpoint, or from the beginning if there is none"
                )
                starts = dict(self._starts)
                self._gather()
                if isinstance(error, tf.errors.DeadlineExceededError) and starts == self._starts:
                    self._step_timeout_secs *= 2
                    say(
                        f"all workers are still there: a step may take {self._step_timeout_secs} "
                        "seconds from now on"
                    )
        self._dismiss()

    def _dismiss(self):
        """Tells the workers that training is done; waits a while for those that are restarting."""
        left, deadline = set(range(1, self.count)), time.monotonic() + FAREWELL_SECS
        calls: dict[int, _Call] = {}
        while left := {n for n in left if not _ask(calls, n, self._tell, n, DONE)}:
            if time.monotonic() > deadline:
                names = ", ".join(self._names[n] for n in sorted(left))
                say(f"training is done, but these workers do not answer: {names}")
                return
            time.sleep(POLL_SECS)

    def _tell(self, number, order):
        """Gives a worker an order; returns whether the worker answered."""
        if not _answers(self._addresses[number]):
            return False
        try:
            with _Board(self._target, self._devices[number]) as board:
                board.read("description")  # a worker writes it after it has wiped the board
                board.write("order", order)
        except ABSENT:
            return False
        return True

    def _gather(self):
        """Waits until every worker answers and has the same description as this machine."""
        said, pause, hint_at = None, POLL_SECS, time.monotonic() + HINT_SECS
        workers, calls = range(1, self.count), dict[int, _Call]()
        while missing := [n for n in workers if not _ask(calls, n, self._is_ready, n)]:
            names = ", ".join(self._names[n] for n in missing)
            if missing != said:
                say(f"waiting for {names}")
                said = missing
            if time.monotonic() > hint_at:
                say(f"still waiting for {names}: is the program running there? {self._reached()}")
                hint_at = math.inf
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECS)

    def _reached(self):
        """What is known of the way to the machines, for a hint."""
        proxies = [name for name in PROXIES if os.environ.get(name)]
        if not proxies:
            return "Does a firewall let TensorFlow's connections through?"
        return (
            f"TensorFlow connects to the machines directly, not by the proxy of "
            f"{', '.join(proxies)}; does a firewall let that through?"
        )

    def _is_ready(self, number):
        """Whether a worker answers and has this machine's description; refuses one with another."""
        if not _answers(self._addresses[number]):
            return False
        try:
            with _Board(self._target, self._devices[number]) as board:
                description = json.loads(board.read("description"))
                start = description.pop(START)
                refusal = self._refusal(number, description)
                if refusal and start not in self._refused:
                    self._refused.add(start)
                    say(refusal)
                    board.write("order", refusal)
        except ABSENT:
            return False
        if not refusal and self._starts.setdefault(number, start) != start:
            self._starts[number] = start
            say(f"{self._names[number]}: is back")
        return not refusal

    def _refusal(self, number, description):
        """How a worker's description differs, as a message; None if it does not."""
        for name in sorted(self._description.keys() | description.keys()):
            ours, theirs = self._description.get(name), description.get(name)
            if ours != theirs:
                return (
                    f"{self._names[number]}: is refused: {name} is {theirs} there, and {ours} at "
                    f"{self._names[0]}; start the same program with the same flags on every machine"
                )
        return None


class _Board:
    """A worker's description and the driver's order, two strings on the worker's server."""

    def __init__(self, target, device):
        """Connects to the worker.

        Args:
          target: str, the server of this machine.
          device: str, the worker's.
        """
        with tf.Graph().as_default() as graph, tf.device(f"{device}/device:CPU:0"):
            self._text = tf1.placeholder(tf.string, [])
            self._variables = {
                name: tf1.Variable(
                    self._text, trainable=False, collections=[], use_resource=False, name=name
                )
                for name in ("description", "order")
            }
        config = tf1.ConfigProto(
            device_filters=[device], operation_timeout_in_ms=round(1000 * GREETING_TIMEOUT_SECS)
        )
        self._session = tf1.Session(target, graph, config)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(tf.errors.OpError):  # a worker that is busy, or gone
            self._session.close()

    def read(self, name):
        """The string `description` or `order`."""
        return self._session.run(self._variables[name]).decode()

    def write(self, name, text):
        """Replaces it."""
        self._session.run(self._variables[name].initializer, {self._text: text})


def _patiently(call, *arguments):
    """Calls a `_Board`'s method until this machine is not too busy to answer in time."""
    while True:
        try:
            return call(*arguments)
        except tf.errors.DeadlineExceededError:
            continue


class _Call:
    """A call of a function in a thread, for which one can wait in vain.

    Within TensorFlow, Python's handler of a signal does not run before TensorFlow is done, which is
    never if whoever listens at an address is no TensorFlow server.
    """

    def __init__(self, function, *arguments):
        """Begins the call."""
        self._results: queue.SimpleQueue = queue.SimpleQueue()
        self.is_done = False

        def run():
            try:
                self._results.put((function(*arguments), None))
            except BaseException as error:
                self._results.put((None, error))

        threading.Thread(target=run, daemon=True).start()

    def result(self, limit):
        """What the function returns or raises; None if it does neither in `limit` seconds."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            # A signal that another thread gets does not end this wait, but is heeded after it.
            with contextlib.suppress(queue.Empty):
                result, error = self._results.get(timeout=min(limit, POLL_SECS))
                self.is_done = True
                if error:
                    raise error
                return result
        return None


def _ask(calls, number, function, *arguments):
    """A function's result; None if it takes long, and the next time the same call is asked again.

    Args:
      calls: dict of a worker's number to its `_Call` that is not done.
      number: the worker's.
      function, arguments: of the call.
    """
    call = calls.pop(number, None) or _Call(function, *arguments)
    result = call.result(LONGEST_PAUSE_SECS)
    if not call.is_done:
        calls[number] = call
    return result


def bypass_proxies(addresses: list) -> None:
    """Makes TensorFlow connect to the machines directly, whatever proxy the environment names.

    Its gRPC heeds `http_proxy` and the like, even for this machine itself. Few proxies let it
    through, and it would wait for ever.

    Args:
      addresses: list of `host:port`.
    """
    hosts = {_host_and_port(address)[0] for address in addresses}
    known = next(filter(None, map(os.environ.get, NO_PROXY)), "")
    exceptions = [*filter(None, known.split(",")), *sorted(hosts), *THIS_MACHINE]
    os.environ[NO_PROXY[0]] = ",".join(dict.fromkeys(exceptions))


def _host_and_port(address):
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _answers(address):
    """Whether a process listens at `host:port`."""
    try:
        socket.create_connection(_host_and_port(address), CONNECT_TIMEOUT_SECS).close()
    except OSError:
        return False
    return True
