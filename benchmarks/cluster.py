"""What several machines cost and bring: words per second, and bytes over the network.

    python benchmarks/cluster.py --data_path=DIR --models=small --counts=1,2,4

The machines are processes of this one, which share its processors: their words per second say what
the runtime and the copying cost, not what more machines would bring. The bytes are those that the
loopback interface counts (/proc/net/dev, so Linux only) while training steps run. What others send
over it is counted too, except in a network namespace of one's own:

    sudo unshare --net sh -c "ip link set lo up; python benchmarks/cluster.py ..."

Prints Markdown.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)
from arguments import names_of, path, positive, positives  # noqa: E402

import configs  # noqa: E402
from program import tensorflow_start  # noqa: E402

FLAGS = {"benchmark": "cluster"}


def free_addresses(count):
    """Addresses on this machine where nobody listens."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


def bytes_over(interface):
    """How many bytes an interface has received until now."""
    with open("/proc/net/dev") as lines:
        counters = dict(line.split(":") for line in lines if ":" in line)
    return int({name.strip(): values for name, values in counters.items()}[interface].split()[0])


def run_task(data_path, model_name, steps):
    """One machine of the cluster; the driver prints words per second and bytes a step, as JSON."""
    tensorflow_start.import_tensorflow()
    import tensorflow as tf

    from training import cluster

    config = configs.get_config(model_name)
    machines = cluster.from_environment()
    machines.start(tf.compat.v1.ConfigProto(), cluster.describe(FLAGS, config))
    if machines.is_worker:
        return machines.serve()
    metagraph, models = build(data_path, config, machines)
    machines.drive(
        lambda server: print(json.dumps(measure(metagraph, models, machines, steps, server)))
    )


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
    """Trains for some steps; dict of words per second and bytes a step."""
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
        session.run([tf1.global_variables_initializer(), tf1.local_variables_initializer()])
        reader.load_texts(session)
        model.assign_lr(session, 0.1)
        fetches = [model.train_op, model.cost, tf.nest.flatten(model.final_state)]
        for _ in range(3):
            session.run(fetches)
        start, sent = time.perf_counter(), bytes_over("lo")
        for _ in range(steps):
            session.run(fetches)
        elapsed, sent = time.perf_counter() - start, bytes_over("lo") - sent
    words = steps * machines.count * model.streams.batch_size * model.streams.num_steps
    return {"wps": words / elapsed, "step": elapsed / steps, "bytes": sent / steps}


def run_cluster(arguments, model, count):
    """Starts `count` processes that train a model; what the driver measured."""
    addresses = free_addresses(count)
    command = [sys.executable, os.path.abspath(__file__), "--task"]
    command += [f"--data_path={os.path.abspath(arguments.data_path)}", f"--models={model}"]
    command += [f"--steps={arguments.steps}"]
    processes = []
    for task in range(count):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": task}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(config)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        processes.append(subprocess.Popen(command, env=environment, text=True, **pipes))
    driver, *workers = processes
    output, said = driver.communicate()
    if driver.returncode:
        for worker in workers:
            worker.kill()  # it would wait for another driver
        *_, reason = said.strip().split("\n")
        sys.exit(reason or f"the driver ended with status {driver.returncode}")
    for worker in workers:
        worker.communicate()
    return json.loads(output)


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_path", type=path, required=True)
    parser.add_argument("--models", type=names_of(configs.CONFIGS), default="small")
    parser.add_argument("--counts", type=positives, default="1,2,4")
    parser.add_argument("--steps", type=positive, default=20)
    parser.add_argument("--task", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        run_task(arguments.data_path, arguments.models[0], arguments.steps)
        return
    print("| model | processes | words per second | ms a step | MB over the network a step |")
    print("|---|---|---|---|---|")
    for model in arguments.models:
        for count in arguments.counts:
            r = run_cluster(arguments, model, count)
            print(
                f"| {model} | {count} | {r['wps']:.0f} | {1000 * r['step']:.0f} | "
                f"{r['bytes'] / 1e6:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
