"""What several machines cost and bring: bytes on the busiest link, and the time of a step.

    sudo .venv/bin/python benchmarks/cluster.py --data_path=DIR --models=small --counts=1,2,3,4

Each machine is a process in a network namespace of its own, with one address and one link to a
common switch. Each direction of a link is limited to `--rates`, in Mb/s (0: no limit). The
processes share this machine's processors: so the links must be slow enough to be what counts.

The bytes are those of the direction that carries most, with their headers. Only root may make
namespaces, and only on Linux. Prints Markdown.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)
from arguments import names_of, naturals, path, positive, positives  # noqa: E402

import configs  # noqa: E402
from program import tensorflow_import  # noqa: E402

FLAGS = {"benchmark": "cluster"}
PORT = 2222
WARM_UP_STEPS = 2
# A queue that holds what all machines send to one of them at once, so that nothing is sent twice.
QUEUE_BYTES = 1 << 23
BURST_BYTES = 1 << 17


def ip(*words):
    """Runs `ip`; returns what it prints. Ends the program if it may not be used."""
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit("there is no command ip here: install iproute2 (Linux only)")
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["failed"]
        rights = "" if os.geteuid() == 0 else "; only root can make network namespaces: use sudo"
        sys.exit(f"ip {' '.join(words)}: {said[0]}{rights}")
    return done.stdout


class Network:
    """Machines that are namespaces, each with a link to one switch; a context that removes them."""

    def __init__(self, count, megabits):
        """Makes the network.

        Args:
          count: how many machines.
          megabits: the Mb/s of each direction of each link; 0: no limit.
        """
        self.machines = [f"ptb-{os.getpid()}-{number}" for number in range(count)]
        self.addresses = [f"10.77.0.{number + 1}:{PORT}" for number in range(count)]
        self._undo, self._megabits = contextlib.ExitStack(), megabits

    def __enter__(self):
        with self._undo:
            switch = f"ptb-{os.getpid()}-switch"
            self._add_namespace(switch)
            ip("-n", switch, "link", "add", "switch", "type", "bridge")
            ip("-n", switch, "link", "set", "switch", "up")
            for machine, address in zip(self.machines, self.addresses):
                self._add_namespace(machine)
                self._connect(machine, address, switch)
            self._undo = self._undo.pop_all()
        return self

    def __exit__(self, *_):
        self._undo.close()

    def _add_namespace(self, name):
        ip("netns", "add", name)
        self._undo.callback(ip, "netns", "del", name)
        ip("-n", name, "link", "set", "lo", "up")

    def _connect(self, machine, address, switch):
        """Adds a link; each of its ends limits what leaves it."""
        port = f"to-{machine.rpartition('-')[2]}"
        ends = (machine, "cable"), (switch, port)
        peer = ("peer", "name", port, "netns", switch)
        ip("link", "add", "cable", "netns", machine, "type", "veth", *peer)
        ip("-n", machine, "address", "add", f"{address.partition(':')[0]}/24", "dev", "cable")
        ip("-n", switch, "link", "set", port, "master", "switch")
        for namespace, device in ends:
            ip("-n", namespace, "link", "set", device, "up")
            if self._megabits:
                limit = f"tbf rate {self._megabits}mbit burst {BURST_BYTES} limit {QUEUE_BYTES}"
                words = ["tc", "qdisc", "add", "dev", device, "root", *limit.split()]
                ip("netns", "exec", namespace, *words)

    def bytes_so_far(self):
        """The bytes of each direction of each link until now, a list."""
        totals = []
        for machine in self.machines:
            (link,) = json.loads(ip("-n", machine, "-s", "-json", "link", "show", "cable"))
            totals += [link["stats64"][way]["bytes"] for way in ("rx", "tx")]
        return totals


def run_task(data_path, model_name, steps):
    """One machine; the driver prints a line before its steps, waits for one, and prints JSON."""
    tensorflow_import.import_tensorflow()
    import tensorflow as tf

    from training import cluster

    config = configs.get_config(model_name)
    machines = cluster.from_environment()
    machines.start(tf.compat.v1.ConfigProto(), cluster.describe(FLAGS, config))
    if machines.is_worker:
        return machines.serve()
    metagraph, models = build(data_path, config, machines)
    machines.drive(lambda server: measure(metagraph, models, machines, steps, server))


def build(data_path, config, machines):
    """The metagraph, placed on the machines, and its models."""
    import ptb_word_lm
    import reader

    corpus = reader.read_corpus(data_path, config.vocab_size)
    config = configs.with_vocabulary(config, corpus.words)
    metagraph, models = ptb_word_lm.build_metagraph(config, corpus)
    machines.replicate(metagraph, models["Train"], 1)
    return metagraph, models


def measure(metagraph, models, machines, steps, server):
    """Trains for some steps; prints the median seconds of a step, and the words of one."""
    import tensorflow as tf

    import reader
    import util
    from model import devices

    tf1 = tf.compat.v1
    with contextlib.ExitStack() as stack:
        graph = stack.enter_context(tf.Graph().as_default())
        stack.enter_context(tf.device(server.device))
        model = util.import_models(metagraph, models)["Train"]
        session_config = devices.session_config()
        session = stack.enter_context(tf1.Session(server.target, graph, session_config))
        session.run(tf1.global_variables_initializer())
        session.run(tf1.local_variables_initializer())
        reader.load_texts(session)
        model.assign_lr(session, 0.1)
        fetches = [model.train_op, model.cost, tf.nest.flatten(model.final_state)]
        for _ in range(WARM_UP_STEPS):
            session.run(fetches)
        print("ready", flush=True)
        sys.stdin.readline()
        seconds = []
        for _ in range(steps):
            start = time.perf_counter()
            session.run(fetches)
            seconds.append(time.perf_counter() - start)
    words = machines.count * model.streams.batch_size * model.streams.num_steps
    print(json.dumps({"seconds": statistics.median(seconds), "words": words}), flush=True)


def run_cluster(arguments, model, network):
    """Trains a model on a network's machines; the seconds of a step, its words and its bytes."""
    command = [sys.executable, os.path.abspath(__file__), "--task"]
    command += [f"--data_path={os.path.abspath(arguments.data_path)}", f"--models={model}"]
    command += [f"--steps={arguments.steps}"]
    with contextlib.ExitStack() as stack:
        processes = []
        for task, machine in enumerate(network.machines):
            config = {
                "cluster": {"worker": network.addresses},
                "task": {"type": "worker", "index": task},
            }
            process = subprocess.Popen(
                ["ip", "netns", "exec", machine, *command],
                env={**os.environ, "TF_CONFIG": json.dumps(config)},
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)  # a worker would wait for another driver
            processes.append(process)
        driver = processes[0]
        driver.stdout.readline()
        before = network.bytes_so_far()
        result, said = driver.communicate("go on\n")
        if driver.returncode:
            *_, reason = said.strip().split("\n")
            sys.exit(reason or f"the driver ended with status {driver.returncode}")
        after = network.bytes_so_far()
    most = max(new - old for new, old in zip(after, before))
    return {**json.loads(result), "bytes": most / arguments.steps}


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_path", type=path, required=True)
    parser.add_argument("--models", type=names_of(configs.CONFIGS), default="small")
    parser.add_argument("--counts", type=positives, default="1,2,3,4", help="of machines")
    parser.add_argument("--rates", type=naturals, default="100,1000", help="Mb/s; 0: no limit")
    parser.add_argument("--steps", type=positive, default=10)
    parser.add_argument("--task", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not without removing the network
    if arguments.task:
        run_task(arguments.data_path, arguments.models[0], arguments.steps)
        return
    print("| model | Mb/s | machines | s a step | words per second | MB on the busiest link |")
    print("|---|---|---|---|---|---|", flush=True)
    for model in arguments.models:
        for rate in arguments.rates:
            for count in arguments.counts:
                with Network(count, rate) as network:
                    r = run_cluster(arguments, model, network)
                print(
                    f"| {model} | {rate or 'no limit'} | {count} | {r['seconds']:.3f} | "
                    f"{r['words'] / r['seconds']:.0f} | {r['bytes'] / 1e6:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
