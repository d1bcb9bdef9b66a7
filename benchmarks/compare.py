"""How fast a training step is: this project's LSTMs, PyTorch's, and the machine's own limit.

    pip install -r benchmarks/requirements.txt
    python benchmarks/compare.py --models=small,medium,large

Every contestant trains the same model (same shapes, dropout, clipping, SGD, data) in a process of
its own, a few steps in turn, round after round, so that a noisy machine disturbs all alike. Before
anything is timed, all must compute the same loss from the same weights. The limit is the time that
TensorFlow's matrix products alone take, at the step's own shapes. Factors rounded to bfloat16 are
multiplied as float32 where the processor is faster so (see `matmul.py`), except by PyTorch. Prints
Markdown.
"""

import argparse
import gc
import multiprocessing
import os
import platform
import statistics
import sys
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from arguments import names_of, positive  # noqa: E402

import configs  # noqa: E402
from program import command_line  # noqa: E402

CONTESTANTS = {
    "BASIC": ("tensorflow", configs.BASIC, "float32"),
    "BLOCK": ("tensorflow", configs.BLOCK, "float32"),
    "PyTorch": ("torch", None, "float32"),
    "limit": ("products", None, "float32"),
    "BLOCK bfloat16": ("tensorflow", configs.BLOCK, "bfloat16"),
    "PyTorch bfloat16": ("torch", None, "bfloat16"),
    "limit bfloat16": ("products", None, "bfloat16"),
}
NUM_WINDOWS = 40


def random_weights(config):
    """Canonical name to array, uniform as in training."""
    rng = np.random.default_rng(0)
    size = config.hidden_size
    shapes = {
        "embedding": (config.vocab_size, size),
        "softmax_w": (size, config.vocab_size),
        "softmax_b": (config.vocab_size,),
    }
    for layer in range(config.num_layers):
        cell = f"RNN/multi_rnn_cell/cell_{layer}/basic_lstm_cell"
        shapes |= {f"{cell}/kernel": (2 * size, 4 * size), f"{cell}/bias": (4 * size,)}
    scale = config.init_scale
    return {n: rng.uniform(-scale, scale, s).astype(np.float32) for n, s in shapes.items()}


def random_words(config):
    """Word ids, the frequent ones first as in a text, enough for NUM_WINDOWS windows."""
    frequency = 1 / np.arange(1, config.vocab_size + 1)
    count = config.batch_size * (NUM_WINDOWS * config.num_steps + 1)
    rng = np.random.default_rng(1)
    return rng.choice(config.vocab_size, count, p=frequency / frequency.sum()).astype(np.int32)


class TensorFlowContestant:
    """This project's PTBModel, through run_epoch's own way to feed and fetch."""

    def __init__(self, config, rnn_mode, dtype):
        command_line.import_tensorflow()
        import tensorflow as tf

        import ptb_word_lm
        import reader

        tf1 = tf.compat.v1
        self._flatten = tf.nest.flatten
        config.rnn_mode = rnn_mode
        words = random_words(config)
        tf1.disable_eager_execution()
        models = ptb_word_lm.build_models(
            config, reader.Corpus(words, words, words, None), getattr(tf, dtype)
        )
        self._model, self._evaluated = models["Train"], models["Valid"]
        self._session = tf1.Session()
        self._session.run([tf1.global_variables_initializer(), tf1.local_variables_initializer()])
        for name, value in random_weights(config).items():
            variable = tf1.global_variables(f"Model/{name}")[0]
            self._session.run(variable.initializer, {variable.initial_value: value})
        self._model.assign_lr(self._session, 1.0)
        self._state = self._session.run(self._model.initial_state)
        self._position = 0

    def loss(self):
        """The first window's, without dropout."""
        return self._session.run(self._evaluated.cost, {self._evaluated.positions[0]: 0})

    def step(self):
        model = self._model
        feed_dict = dict(zip(self._flatten(model.initial_state), self._flatten(self._state)))
        feed_dict[model.positions[0]] = self._position
        fetches = (model.cost, model.final_state, model.train_op)
        _, self._state, _ = self._session.run(fetches, feed_dict)
        self._position = (self._position + 1) % NUM_WINDOWS


class TorchContestant:
    """The same arithmetic with PyTorch's nn.LSTM, eager; bfloat16 by autocast."""

    def __init__(self, config, _, dtype):
        import torch

        self._torch, self._config = torch, config
        size, keep_prob, weights = config.hidden_size, config.keep_prob, random_weights(config)
        self._autocast = dtype == "bfloat16"
        self._embedding = torch.nn.Embedding(config.vocab_size, size, sparse=True)
        self._lstm = torch.nn.LSTM(size, size, config.num_layers, dropout=1 - keep_prob)
        self._linear = torch.nn.Linear(size, config.vocab_size)
        self._dropout = torch.nn.Dropout(1 - keep_prob)
        self._modules = torch.nn.ModuleList(
            [self._embedding, self._lstm, self._linear, self._dropout]
        )
        with torch.no_grad():
            self._embedding.weight.copy_(torch.from_numpy(weights["embedding"]))
            self._linear.weight.copy_(torch.from_numpy(weights["softmax_w"].T))
            self._linear.bias.copy_(torch.from_numpy(weights["softmax_b"]))
            for layer in range(config.num_layers):
                self._copy_cell(weights, layer)
        streams = random_words(config).reshape(config.batch_size, -1)
        self._streams = torch.from_numpy(np.ascontiguousarray(streams.T)).long()
        self._state, self._position = self._zero_state(), 0
        parameters = [p for p in self._modules.parameters() if p.requires_grad]
        self._parameters = parameters
        self._optimizer = torch.optim.SGD(parameters, lr=1.0)

    def _copy_cell(self, weights, layer):
        cell = f"RNN/multi_rnn_cell/cell_{layer}/basic_lstm_cell"
        size = self._config.hidden_size

        def reordered(array):  # from i, j, f, o to PyTorch's i, f, g, o
            i, j, f, o = np.split(array, 4, axis=-1)
            return self._torch.from_numpy(np.concatenate([i, f, j, o], axis=-1).T.copy())

        kernel = weights[f"{cell}/kernel"]
        getattr(self._lstm, f"weight_ih_l{layer}").copy_(reordered(kernel[:size]))
        getattr(self._lstm, f"weight_hh_l{layer}").copy_(reordered(kernel[size:]))
        getattr(self._lstm, f"bias_ih_l{layer}").copy_(reordered(weights[f"{cell}/bias"]))
        recurrent_bias = getattr(self._lstm, f"bias_hh_l{layer}")
        recurrent_bias.zero_()
        recurrent_bias.requires_grad_(False)

    def _zero_state(self):
        shape = (self._config.num_layers, self._config.batch_size, self._config.hidden_size)
        return self._torch.zeros(shape), self._torch.zeros(shape)

    def _cost(self, position, state):
        start, steps = position * self._config.num_steps, self._config.num_steps
        x = self._streams[start : start + steps]
        y = self._streams[start + 1 : start + 1 + steps]
        with self._torch.autocast("cpu", self._torch.bfloat16, enabled=self._autocast):
            outputs, state = self._lstm(self._dropout(self._embedding(x)), state)
            logits = self._linear(self._dropout(outputs))
        logits = logits.reshape(-1, self._config.vocab_size).float()
        cost = self._torch.nn.functional.cross_entropy(logits, y.reshape(-1), reduction="sum")
        return cost / self._config.batch_size, tuple(s.detach() for s in state)

    def loss(self):
        """The first window's, without dropout."""
        self._modules.eval()
        with self._torch.no_grad():
            cost, _ = self._cost(0, self._zero_state())
        self._modules.train()
        return cost.item()

    def step(self):
        torch = self._torch
        self._optimizer.zero_grad()
        cost, self._state = self._cost(self._position, self._state)
        cost.backward()
        # As TensorFlow's global norm does it: the embedding's by the rows that were read.
        gradients = [p.grad._values() if p.grad.is_sparse else p.grad for p in self._parameters]
        norm = torch.linalg.vector_norm(
            torch.stack([torch.linalg.vector_norm(g) for g in gradients])
        )
        torch._foreach_mul_(gradients, torch.clamp(self._config.max_grad_norm / norm, max=1.0))
        self._optimizer.step()
        cost.item()
        self._position = (self._position + 1) % NUM_WINDOWS


def products(config):
    """The matrix products of a training step: `(what, count, in a row, (m, k, n), transposed)`.

    Those of the four gates from h count as the one product that they make up: one after another,
    as the limit computes them, that is faster.
    """
    steps, batch, size, words = (
        config.num_steps,
        config.batch_size,
        config.hidden_size,
        config.vocab_size,
    )
    rows, layers = steps * batch, config.num_layers
    return [
        ("gates from inputs", layers, 1, (rows, size, 4 * size), {}),
        ("gates from h", layers, steps, (batch, size, 4 * size), {}),
        ("logits", 1, 1, (rows, size, words), {}),
        ("gradient of outputs", 1, 1, (rows, words, size), {"transpose_b": True}),
        ("gradient of softmax_w", 1, 1, (size, rows, words), {"transpose_a": True}),
        ("gradient of h", layers, steps, (batch, 4 * size, size), {}),
        ("gradient of inputs", layers, 1, (rows, 4 * size, size), {"transpose_b": True}),
        ("gradient of kernel", layers, 1, (2 * size, rows, 4 * size), {"transpose_a": True}),
    ]


class ProductsContestant:
    """The step's matrix products and nothing else, one after another."""

    def __init__(self, config, _, dtype):
        command_line.import_tensorflow()
        import tensorflow as tf

        from model import matmul

        tf1 = tf.compat.v1
        tf1.disable_eager_execution()
        previous = tf.no_op()
        for _, layers, steps, (m, k, n), transposed in products(config):
            a, b = (k, m) if "transpose_a" in transposed else (m, k), (k, n)
            b = (n, k) if "transpose_b" in transposed else b
            factors = [tf.cast(tf.random.uniform(shape, -1, 1), dtype) for shape in (a, b)]
            # In the dtype in which the step multiplies them, and without what converting costs it.
            a, b = (tf1.Variable(matmul.operand(x), use_resource=False) for x in factors)
            for _ in range(layers * steps):
                with tf.control_dependencies([previous]):
                    previous = tf.matmul(a, b, **transposed).op
        self._last = previous
        # The products' results are not used, and must be computed all the same.
        options = tf1.ConfigProto()
        options.graph_options.rewrite_options.disable_meta_optimizer = True
        self._session = tf1.Session(config=options)
        self._session.run(tf1.global_variables_initializer())

    def loss(self):
        return None

    def step(self):
        self._session.run(self._last)


def reset_peak_memory():
    """Forgets what making the model took: the steps' own peak is compared."""
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def memory(key):
    """This process's resident memory, MiB (Linux): VmRSS now, VmHWM since `reset_peak_memory`."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith(key))


def contestant_process(pipe, model, name):
    """Serves one contestant: a number of steps in, their median seconds and peak MiB out.

    The MiB are a pair: in all, and without those of the library just imported.
    """
    kind, rnn_mode, dtype = CONTESTANTS[name]
    if kind == "torch":
        import torch  # noqa: F401
    else:
        command_line.import_tensorflow()
    library = memory("VmRSS")
    classes = {"tensorflow": TensorFlowContestant, "torch": TorchContestant}
    contestant = classes.get(kind, ProductsContestant)(configs.get_config(model), rnn_mode, dtype)
    pipe.send(contestant.loss())
    reset_peak_memory()
    while count := pipe.recv():
        contestant.step()  # not timed: the others' turns have left the caches cold
        seconds = []
        for _ in range(count):
            start = time.perf_counter()
            contestant.step()
            seconds.append(time.perf_counter() - start)
        peak = memory("VmHWM")
        pipe.send((statistics.median(seconds), (peak, peak - library)))


def start(model, name):
    """Starts a contestant's process; returns our end of its pipe, and its first loss."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(
        target=contestant_process, args=(theirs, model, name), daemon=True
    )
    process.start()
    theirs.close()  # so that the end of a process that fails is noticed
    try:
        return ours, ours.recv()
    except EOFError:
        sys.exit(f"{name} failed to start; what it said is above")


def check_losses(losses):
    """Stops the comparison if the contestants do not compute the same thing."""
    losses = {name: loss for name, loss in losses.items() if loss is not None}
    first, expected = next(iter(losses.items()), (None, None))
    for name, loss in losses.items():
        tolerance = 2e-3 if "bfloat16" in name else 1e-5
        if abs(loss - expected) > tolerance * expected:
            sys.exit(f"{name} computes a loss of {loss}, {first} {expected}: not the same model")


def compare(model, rounds, seconds_per_turn):
    """Runs one model's contestants in turn; returns name to (seconds of each round, MiB)."""
    started = {name: start(model, name) for name in CONTESTANTS}
    check_losses({name: loss for name, (_, loss) in started.items()})

    def run(name, count):
        started[name][0].send(count)
        return started[name][0].recv()

    counts = {}
    for name in started:  # warms up, and measures how many steps fill a turn
        counts[name] = max(3, round(seconds_per_turn / run(name, 3)[0]))
    results = {name: ([], None) for name in started}
    for _ in range(rounds):
        for name, (times, _) in results.items():
            seconds, mebibytes = run(name, counts[name])
            results[name] = (times + [seconds], mebibytes)
    for pipe, _ in started.values():
        pipe.send(0)
    return results


def processor():
    """The processor's name."""
    with open("/proc/cpuinfo") as file:
        names = [line.split(": ")[1].strip() for line in file if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()


def print_table(model, results):
    """One row a contestant: words per second, and beside PyTorch and the limit in its dtype."""
    config = configs.get_config(model)
    words = config.batch_size * config.num_steps
    medians = {name: statistics.median(times) for name, (times, _) in results.items()}
    for name, (times, (peak, without_library)) in results.items():
        suffix = " bfloat16" if "bfloat16" in name else ""
        rate, low, high = (words / t for t in (medians[name], max(times), min(times)))
        cells = [model, name, f"{rate:,.0f}", f"{low:,.0f}-{high:,.0f}"]
        for other, unit in (("PyTorch", ".2f"), ("limit", ".0%")):
            other = medians.get(f"{other}{suffix}")
            cells.append(format(other / medians[name], unit) if other else "")
        print(f"| {' | '.join(cells)} | {peak:,} | {without_library:,} |", flush=True)


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=names_of(configs.CONFIGS), default="small,medium,large")
    parser.add_argument("--rounds", type=positive, default=7)
    parser.add_argument("--seconds_per_turn", type=float, default=2.0)
    parser.add_argument(
        "--contestants",
        type=names_of(CONTESTANTS),
        default=",".join(CONTESTANTS),
        help="names, by commas",
    )
    arguments = parser.parse_args()
    for name in set(CONTESTANTS) - set(arguments.contestants):
        del CONTESTANTS[name]
    multiprocessing.set_start_method("spawn")
    print(f"{processor()}\n")
    print(
        "| model | contestant | words/s | spread | x PyTorch | of the limit "
        "| peak MiB | without library |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for model in arguments.models:
        print_table(model, compare(model, arguments.rounds, arguments.seconds_per_turn))
    print("\nThe limit's products, `count x [m, k] @ [k, n]`:\n")
    for model in arguments.models:
        listed = [
            f"{what} {layers * steps} x [{m}, {k}] @ [{k}, {n}]"
            for what, layers, steps, (m, k, n), _ in products(configs.get_config(model))
        ]
        print(f"* {model}: {'; '.join(listed)}")


if __name__ == "__main__":
    main()
