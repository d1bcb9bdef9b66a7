"""The parts of `gpu.py`: each prints a table, and returns whether all in it is as it must be."""

import contextlib
import dataclasses
import functools
import io
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import tensorflow as tf

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [ROOT, os.path.join(ROOT, "tests")]
import compare  # noqa: E402
import contestants  # noqa: E402

import configs  # noqa: E402
import golden_run  # noqa: E402
import ptb_word_lm  # noqa: E402
import reader  # noqa: E402
import stress  # noqa: E402
import util  # noqa: E402
from model import devices, lstm  # noqa: E402
from model.gradients import LOSS_SCALE_16_BIT  # noqa: E402

tf1 = tf.compat.v1
# How far from the numbers to be expected, in proportion to the largest of them, is rounding.
EXACT, TF32 = "float32", "float32 as TF32"
ROUNDING = {EXACT: 1e-4, TF32: 2e-2, "float16": 2e-2, "bfloat16": 1e-1}


def table(*columns):
    """Prints the head of a table."""
    print(f"| {' | '.join(columns)} |\n|{len(columns) * '---|'}", flush=True)


def row(*cells):
    """Prints a row of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def verdict(deviation, bound):
    """What a row says of a deviation, a number."""
    return f"within {bound:g}" if deviation <= bound else f"NOT within {bound:g}"


def deviation(actual, expected):
    """The largest difference, in proportion to the largest number to be expected."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


def reference_mode(arguments):
    """The mode to compare with."""
    return configs.BLOCK if arguments.rnn_mode == configs.CUDNN else configs.BASIC


def number_types():
    """What this machine can compute in; TF32 is switched on and off before a session."""
    lacking = set() if devices.usable_gpus() else {TF32}
    return [kind for kind in ROUNDING if kind not in lacking]


def choose(kind):
    """Switches TF32 on or off, as one of `number_types` wants it; returns the `Precision`."""
    tf.config.experimental.enable_tensor_float_32_execution(kind == TF32)
    return devices.precision_for(kind.split()[0])


def random_corpus(config, num_windows):
    """Words for some windows, at most 40, of a configuration, the frequent ones first."""
    ids = contestants.random_words(config)
    ids = ids[: config.batch_size * (num_windows * config.num_steps + 1)]
    return reader.Corpus(ids, ids, ids, None)


@contextlib.contextmanager
def initialized_session(session_config=None):
    """Yields a `Session` of the current graph, its variables initialized."""
    with tf1.Session(config=session_config or devices.session_config()) as session:
        session.run([tf1.global_variables_initializer(), tf1.local_variables_initializer()])
        reader.load_texts(session)
        yield session


def golden(arguments):
    """The TF1 script's numbers."""
    table("run of", "computed in", "numbers", "deviation", "")
    fine = True
    for name in ("basic", "block"):
        config, expected, arrays = golden_run.load(name)
        weights = {
            key.removeprefix("init/Model/"): value
            for key, value in arrays.items()
            if key.startswith("init/")
        }
        for mode in dict.fromkeys((reference_mode(arguments), arguments.rnn_mode)):
            for kind in [each for each in number_types() if each in (EXACT, TF32)]:
                precision = choose(kind)
                config = dataclasses.replace(config, rnn_mode=mode)
                with tf.Graph().as_default():
                    models = ptb_word_lm.build_models(config, golden_run.corpus(arrays), precision)
                    with initialized_session() as session:
                        contestants.set_weights(session, config, weights)
                        actual = golden_run.train(session, models, config)
                if mode == configs.CUDNN:  # one state of all layers, [layer, batch, hidden]
                    actual["final_state"] = np.swapaxes(actual["final_state"][0], 0, 1)
                worst = max(deviation(actual[each], expected[each]) for each in actual)
                fine &= worst <= ROUNDING[kind]
                row(name, mode, kind, f"{worst:.1e}", verdict(worst, ROUNDING[kind]))
    return fine


def canonical_gradients(variables, gradients, config):
    """Dict of canonical name to gradient, of cuDNN's vector too."""
    found = {}
    for variable, gradient in zip(variables, gradients):
        if variable.op.name.endswith("lstm_params"):
            sizes = config.num_layers, config.hidden_size, config.hidden_size
            parts = zip(*lstm.cudnn_to_canonical(gradient, *sizes))
            for layer, (kernel, bias) in enumerate(parts):
                names = lstm.canonical_names(layer)
                found |= dict(zip((f"Model/{name}" for name in names), (kernel, bias)))
        else:
            found[variable.op.name] = tf.convert_to_tensor(gradient)
    return found


def three_windows(config, precision):
    """Reads three windows; returns costs, the last state, and the third window's gradients."""
    with tf.Graph().as_default():
        model = ptb_word_lm.build_models(config, random_corpus(config, 3), precision)["Train"]
        variables = tf1.trainable_variables()
        scale = LOSS_SCALE_16_BIT if precision.dtype.size == 2 else 1.0
        gradients = tf.gradients(scale * model.cost, variables)
        gradients = canonical_gradients(variables, gradients, config)
        with initialized_session() as session:
            contestants.set_weights(session, config, contestants.random_weights(config))
            state, costs = session.run(model.initial_state), []
            for window in range(3):
                feed = dict(zip(tf.nest.flatten(model.initial_state), tf.nest.flatten(state)))
                feed[model.positions[0]] = window
                fetches = (model.cost, model.final_state, gradients)
                cost, state, found = session.run(fetches, feed)
                costs.append(cost)
    state = [np.reshape([layer.c for layer in state], -1), np.reshape([s.h for s in state], -1)]
    return costs, state, {name: value / scale for name, value in found.items()}


def cudnn(arguments):
    """The modes against each other."""
    table("layers", "numbers", "losses", "states", "gradients", "furthest gradient", "")
    fine = True
    for num_layers in (1, 2, 3):
        config = configs.SmallConfig(
            num_layers=num_layers, init_scale=0.2, rnn_mode=reference_mode(arguments)
        )
        expected = three_windows(config, choose(EXACT))
        config = dataclasses.replace(config, rnn_mode=arguments.rnn_mode)
        for kind in number_types():
            costs, state, gradients = three_windows(config, choose(kind))
            each = {name: deviation(gradients[name], expected[2][name]) for name in expected[2]}
            furthest = max(each, key=each.get)
            found = deviation(costs, expected[0]), deviation(state, expected[1]), each[furthest]
            fine &= max(found) <= ROUNDING[kind]
            cells = [*(f"{number:.1e}" for number in found), furthest.removeprefix("Model/")]
            row(num_layers, kind, *cells, verdict(max(found), ROUNDING[kind]))
    return fine


def train_until(epoch, save_path, corpus, mode, num_gpus):
    """Begins or continues a run, until after an epoch; returns its test perplexity."""
    config = configs.SmallConfig(rnn_mode=mode, hidden_size=64, num_steps=5, max_max_epoch=epoch)
    session_config = devices.session_config(num_gpus)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        _, perplexity = ptb_word_lm.train_model(
            config, corpus, save_path, session_config=session_config, sample_words=0
        )
    return perplexity


def score(save_path, text, environment):
    """The log-probability of a text by `score.py`."""
    command = [sys.executable, os.path.join(ROOT, "score.py"), f"--save_path={save_path}"]
    command += [f"--text={text}", "--json"]
    environment = {**os.environ, "NVIDIA_TF32_OVERRIDE": "0", **environment}
    lines = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(lines.splitlines()[-1])["log_probability"]


def checkpoints(arguments):
    """Runs that change between GPU and CPU, and their scores on both."""
    choose(EXACT)
    gpu, cpu = (arguments.rnn_mode, None), (reference_mode(arguments), 0)
    ways = {"CPU": (cpu, cpu), "GPU": (gpu, gpu), "GPU, CPU": (gpu, cpu), "CPU, GPU": (cpu, gpu)}
    table("trained on", "test perplexity", "deviation", "")
    fine = True
    with tempfile.TemporaryDirectory() as directory:
        stress.write_corpus(directory)
        corpus = reader.read_corpus(directory)
        begun = os.path.join(directory, "begun")
        train_until(1, begun, corpus, *cpu)  # all go on from the same weights
        perplexities = {}
        for way, halves in ways.items():
            save_path = shutil.copytree(begun, os.path.join(directory, way))
            for epoch, half in zip((2, 3), halves):  # some 140 steps each
                perplexities[way] = train_until(epoch, save_path, corpus, *half)
            found = deviation(perplexities[way], perplexities["CPU"])
            fine &= found <= 1e-3
            row(way, f"{perplexities[way]:.4f}", f"{found:.1e}", verdict(found, 1e-3))
        print()
        table("scored on", "log-probability", "deviation", "")
        text, first = os.path.join(directory, "ptb.test.txt"), None
        for device, environment in {"CPU": {"CUDA_VISIBLE_DEVICES": ""}, "GPU": {}}.items():
            total = score(os.path.join(directory, "GPU"), text, environment)
            first = first or total
            found = deviation(total, first)
            fine &= found <= 1e-4
            row(device, f"{total:.4f}", f"{found:.1e}", verdict(found, 1e-4))
    return fine


def claimed_mebibytes():
    """What nvidia-smi says of this process and of the whole card, MiB; None without a card."""

    def ask(query):
        command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
        lines = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        return [line.split(", ") for line in lines]

    if not shutil.which("nvidia-smi"):
        return None, None
    own = [
        int(used)
        for pid, used in ask("--query-compute-apps=pid,used_memory")
        if pid == str(os.getpid()) and used.isdecimal()
    ]
    return sum(own), int(ask("--query-gpu=memory.used")[0][0])


def memory(arguments):
    """What the process takes of the card."""
    table("after", "this process, MiB", "the card, MiB")
    row("the import of TensorFlow", *claimed_mebibytes())
    row(f"counting {len(devices.usable_gpus())} GPUs", *claimed_mebibytes())
    counted, _ = claimed_mebibytes()
    config = configs.get_config("small", rnn_mode=arguments.rnn_mode)
    with tf.Graph().as_default():
        model = ptb_word_lm.build_models(config, random_corpus(config, 20))["Train"]
        with initialized_session() as session:
            row("the small model's start", *claimed_mebibytes())
            ptb_word_lm.run_epoch(session, model, model.train_op)
            row("20 steps of it", *claimed_mebibytes())
            claimed, _ = claimed_mebibytes()
    if not claimed:
        print("\nnvidia-smi does not show this process's memory: nothing was checked.")
        return True
    fine = counted == 0 and claimed < 2048
    print(f"\nCounting takes nothing, the small model less than 2 GiB: {fine}")
    return fine


def virtual_gpus(count):
    """The `ConfigProto` of a session with one card as several GPUs, or on the CPU."""
    config = devices.session_config(num_replicas=1)
    if devices.usable_gpus():
        config.gpu_options.allow_growth = False
        config.gpu_options.experimental.virtual_devices.add(memory_limit_mb=count * [4096])
    return config


def replica_steps(config, num_replicas, session_config):
    """Trains for ten steps; returns costs, weights, and the number of nodes on each device."""
    corpus = random_corpus(dataclasses.replace(config, batch_size=40), 10)
    metagraph, models = ptb_word_lm.build_metagraph(config, corpus, seed=1)
    util.auto_parallel(metagraph, models["Train"], num_replicas)
    with tf.Graph().as_default():
        model = util.import_models(metagraph, models)["Train"]
        with initialized_session(session_config) as session:
            options, metadata = tf1.RunOptions(output_partition_graphs=True), tf1.RunMetadata()
            session.run(model.cost, options=options, run_metadata=metadata)
            model.assign_lr(session, 0.1)
            perplexity = ptb_word_lm.run_epoch(session, model, model.train_op)
            weights = session.run(tf1.trainable_variables())
    sizes = [
        (graph.node[0].device.split("device:")[-1], len(graph.node))
        for graph in metadata.partition_graphs
    ]
    return perplexity, np.concatenate([w.ravel() for w in weights]), sizes


def replicas(arguments):
    """Two replicas against twice the batch."""
    choose(EXACT)
    table("computed by", "twice the batch", "two replicas", "deviation of weights", "", "nodes")
    fine = True
    for mode in dict.fromkeys((reference_mode(arguments), arguments.rnn_mode)):
        # Not clipped: each replica would clip its own gradients.
        config = configs.get_config("small", rnn_mode=mode, max_grad_norm=1000.0)
        two = replica_steps(config, 2, virtual_gpus(2))
        joint = replica_steps(dataclasses.replace(config, batch_size=40), 1, virtual_gpus(2))
        found = deviation(two[1], joint[1])
        fine &= found <= 1e-4
        placed = ", ".join(f"{count} on {device}" for device, count in two[2])
        figures = f"{joint[0]:.3f}", f"{two[0]:.3f}", f"{found:.1e}"
        row(mode, *figures, verdict(found, 1e-4), placed)
    return fine


def speed_contestants(arguments):
    """Name to `compare.Contestant`."""
    device = "cuda" if devices.usable_gpus() else "cpu"
    chosen = {}
    for dtype in [kind for kind in number_types() if kind != TF32]:
        if (device, dtype) != ("cpu", "float16"):  # which PyTorch has no LSTM for
            options = {"device": device}
            chosen[f"PyTorch {dtype}"] = compare.Contestant(*compare.TORCH, options, dtype=dtype)
        for mode in dict.fromkeys((reference_mode(arguments), arguments.rnn_mode)):
            options = {"rnn_mode": mode}
            chosen[f"{mode} {dtype}"] = compare.Contestant(*compare.OURS, options, dtype=dtype)
    return compare.without_the_missing(chosen)


def speed(arguments):
    """Words per second."""
    rounds, chosen = 3, speed_contestants(arguments)
    turns = len(arguments.models) * len(chosen) * (rounds + 1)
    table("model", "contestant", "words/s", "spread", "ms a step", "x PyTorch")
    for model in arguments.models:
        config = configs.get_config(model)
        words = config.batch_size * config.num_steps
        turn = max(0.05, arguments.seconds / 2 / turns)  # the other half is for the start
        results = compare.compare(chosen, model, rounds, turn, float32_tolerance=1e-3)
        medians = {name: statistics.median(times) for name, (times, _) in results.items()}
        for name, (times, _) in results.items():
            torch = medians.get(f"PyTorch {name.split()[-1]}")
            spread = f"{words / max(times):,.0f}-{words / min(times):,.0f}"
            beside = f"{torch / medians[name]:.2f}" if torch else ""
            figures = f"{words / medians[name]:,.0f}", spread, f"{1000 * medians[name]:.3f}"
            row(model, name, *figures, beside)
    return True


def timed_ways(session, model):
    """What is fed and fetched in a step, to a function that makes the step."""
    state, position = session.run(model.initial_state), model.positions[0]
    carried = dict(zip(tf.nest.flatten(model.initial_state), tf.nest.flatten(state)))
    fetches = {
        "nothing": (model.train_op, {}),
        "position fed, cost fetched": ((model.train_op, model.cost), {position: 0}),
        "state, too, as in training": (
            (model.train_op, model.cost, model.final_state),
            {position: 0, **carried},
        ),
    }
    return {name: functools.partial(session.run, *each) for name, each in fetches.items()}


def seconds_in_turn(ways, rounds=5, count=40):
    """Dict of name to the median seconds of a call, each function called `count` times in turn."""
    seconds = {name: [] for name in ways}
    for turn in range(rounds + 1):  # the first warms up
        for name, call in ways.items():
            start = time.perf_counter()
            for _ in range(count):
                call()
            seconds[name] += [(time.perf_counter() - start) / count] if turn else []
    return {name: statistics.median(times) for name, times in seconds.items()}


def kernel_times(session, fetches, feed_dict):
    """Traces a call; returns name to (number, microseconds) of the GPU's kernels, longest first."""
    options, metadata = tf1.RunOptions(trace_level=tf1.RunOptions.FULL_TRACE), tf1.RunMetadata()
    session.run(fetches, feed_dict, options=options, run_metadata=metadata)
    found = {}
    for device in metadata.step_stats.dev_stats:
        if "/stream:all" in device.device:
            for node in device.node_stats:
                name = re.split(r"[<( @]", node.timeline_label.removeprefix("void "))[0]
                number, total = found.get(name, (0, 0))
                found[name] = number + 1, total + node.op_end_rel_micros
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


def step(arguments):
    """What feeding and fetching take of a step, and what the GPU's kernels take."""
    choose(TF32 if devices.usable_gpus() else EXACT)
    table("model", "fed and fetched", "ms a step")
    traces = {}
    for name in arguments.models:
        config = configs.get_config(name, rnn_mode=arguments.rnn_mode)
        with tf.Graph().as_default():
            model = ptb_word_lm.build_models(config, random_corpus(config, 3))["Train"]
            with initialized_session() as session:
                ways = timed_ways(session, model)
                for way, seconds in seconds_in_turn(ways).items():
                    row(name, way, f"{1000 * seconds:.3f}")
                traces[name] = kernel_times(session, *ways["state, too, as in training"].args)
    print()
    table("model", "kernel", "number in a step", "ms a step")
    for name, kernels in traces.items():
        total = [sum(figures) for figures in zip(*kernels.values())] or [0, 0]
        for kernel, (number, micros) in [("all", total), *list(kernels.items())[:8]]:
            row(name, kernel, number, f"{micros / 1000:.3f}")
    return True
