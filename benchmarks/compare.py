"""How fast a training step is on a CPU: our LSTMs, PyTorch's and JAX's, and the machine's limit.

    pip install -r benchmarks/requirements.txt
    python benchmarks/compare.py --models=small,medium,large

Every contestant trains the same model (same shapes, dropout, clipping, SGD, data) in a process of
its own, a few steps in turn, round after round, so that a noisy machine disturbs all alike. Before
anything is timed, all must compute the same loss from the same weights. Whose library is missing is
left out, with a line that says so. The limit is the time that TensorFlow's matrix products alone
take, at the step's own shapes. Factors rounded to bfloat16 are multiplied as float32 where the
processor is faster so (see `devices.py`), except by PyTorch. "oneDNN off" is TensorFlow without it,
whatever TF_ENABLE_ONEDNN_OPTS says. Prints Markdown.
"""

import argparse
import gc
import importlib.util
import multiprocessing
import os
import platform
import shutil
import statistics
import sys
import time
from typing import NamedTuple

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import contestants  # noqa: E402
from arguments import names_of, positive  # noqa: E402

import configs  # noqa: E402
from program import messages, tensorflow_import  # noqa: E402


class Contestant(NamedTuple):
    """How a contestant computes.

    Attributes:
      library: the module that must be there, and is imported first.
      make: called in the contestant's process, with the configuration, the dtype and `options`.
      options: dict.
      dtype: str.
      environment: dict, variables set before the library is imported.
    """

    library: str
    make: type
    options: dict = {}
    dtype: str = "float32"
    environment: dict = {}


BASIC, BLOCK = {"rnn_mode": configs.BASIC}, {"rnn_mode": configs.BLOCK}
ONEDNN_OFF = {"TF_ENABLE_ONEDNN_OPTS": "0"}
OURS = "tensorflow", contestants.TensorFlowContestant
TORCH = "torch", contestants.TorchContestant
LIMIT = "tensorflow", contestants.ProductsContestant
CONTESTANTS = {
    "BASIC": Contestant(*OURS, BASIC),
    "BLOCK": Contestant(*OURS, BLOCK),
    "BLOCK oneDNN off": Contestant(*OURS, BLOCK, environment=ONEDNN_OFF),
    "PyTorch": Contestant(*TORCH),
    "torch.compile": Contestant(*TORCH, {"compiled": True}),
    "JAX": Contestant("jax", contestants.JaxContestant),
    "limit": Contestant(*LIMIT),
    "BLOCK bfloat16": Contestant(*OURS, BLOCK, "bfloat16"),
    "PyTorch bfloat16": Contestant(*TORCH, dtype="bfloat16"),
    "limit bfloat16": Contestant(*LIMIT, dtype="bfloat16"),
}
# The newest of these instructions that a processor has is its class.
CLASSES = {
    "amx_tile": "AMX",
    "avx512_bf16": "AVX512_BF16",
    "avx512_vnni": "AVX512_VNNI",
    "avx512f": "AVX512",
    "avx2": "AVX2",
    "asimd": "ARM",
}


def reset_peak_memory():
    """Forgets what making the model took: the steps' own peak is compared."""
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def memory(key):
    """This process's resident memory, MiB (Linux): VmRSS now, VmHWM since `reset_peak_memory`."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith(key))


def contestant_process(pipe, model, contestant):
    """Serves one contestant: a number of steps in, their median seconds and peak MiB out.

    The MiB are a pair: in all, and without those of the library just imported.
    """
    os.environ.update(contestant.environment)
    if contestant.library == "tensorflow":
        tensorflow_import.import_tensorflow()
    else:
        importlib.import_module(contestant.library)
    library = memory("VmRSS")
    made = contestant.make(configs.get_config(model), contestant.dtype, **contestant.options)
    pipe.send(made.loss())
    reset_peak_memory()
    while count := pipe.recv():
        made.step()  # not timed: the others' turns have left the caches cold
        seconds = []
        for _ in range(count):
            start = time.perf_counter()
            made.step()
            seconds.append(time.perf_counter() - start)
        peak = memory("VmHWM")
        pipe.send((statistics.median(seconds), (peak, peak - library)))


def without_the_missing(contestants):
    """The contestants that this machine lacks nothing for; says which others it leaves out."""
    present = dict(contestants)
    for name, contestant in contestants.items():
        missing = []
        if not importlib.util.find_spec(contestant.library):
            missing.append(f"{contestant.library} is not installed")
        if contestant.options.get("compiled") and not any(map(shutil.which, ("c++", "g++"))):
            missing.append("there is no C++ compiler")
        if missing:
            messages.say(f"{name} is left out: {' and '.join(missing)}")
            del present[name]
    return present


def start(model, contestant):
    """Starts a contestant's process; returns our end of its pipe, which gets its first loss."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=contestant_process, args=(theirs, model, contestant), daemon=True
    )
    process.start()
    theirs.close()  # so that the end of a process that fails is noticed
    return ours


def receive_losses(pipes):
    """Dict of name to first loss; says which contestants failed, and leaves them out."""
    losses = {}
    for name, pipe in pipes.items():
        try:
            losses[name] = pipe.recv()
        except EOFError:
            messages.say(f"{name} is left out: it failed to start; what it said is above")
    return losses


def check_losses(losses, contestants, float32_tolerance):
    """Stops the comparison if the contestants do not compute the same thing."""
    losses = {name: loss for name, loss in losses.items() if loss is not None}
    first, expected = next(iter(losses.items()), (None, None))
    for name, loss in losses.items():
        tolerance = float32_tolerance if contestants[name].dtype == "float32" else 2e-3
        if abs(loss - expected) > tolerance * expected:
            sys.exit(f"{name} computes a loss of {loss}, {first} {expected}: not the same model")


def compare(contestants, model, rounds, seconds_per_turn, float32_tolerance=1e-5):
    """Runs one model's contestants in turn, after all have computed the same loss.

    Args:
      contestants: dict of name to `Contestant`.
      model: str, the configuration's name.
      rounds: int, turns of each.
      seconds_per_turn: float.
      float32_tolerance: float, how far apart float32 losses may be, in proportion.

    Returns:
      Dict of name to (list of seconds a step, one a round; the MiB of `contestant_process`).
    """
    pipes = {name: start(model, contestant) for name, contestant in contestants.items()}
    losses = receive_losses(pipes)
    check_losses(losses, contestants, float32_tolerance)

    def run(name, count):
        pipes[name].send(count)
        try:
            return pipes[name].recv()
        except EOFError:
            sys.exit(f"{name} failed; what it said is above")

    counts = {}
    for name in losses:  # warms up, and measures how many steps fill a turn
        counts[name] = max(3, round(seconds_per_turn / run(name, 3)[0]))
    results = {name: ([], None) for name in losses}
    for _ in range(rounds):
        for name, (times, _) in results.items():
            seconds, mebibytes = run(name, counts[name])
            results[name] = (times + [seconds], mebibytes)
    for name in losses:
        pipes[name].send(0)
    return results


def describe_processor():
    """The processor's name and class, and what TensorFlow makes of it."""
    names, words = [platform.processor()], set()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            text = file.read()
        words = set(text.split())
        names = [line.split(": ")[1] for line in text.split("\n") if line.startswith("model name")]
    known = [name for word, name in CLASSES.items() if word in words]
    tensorflow_import.turn_on_onednn()
    onednn = {"0": "off", "1": "on"}.get(os.environ.get("TF_ENABLE_ONEDNN_OPTS"), "by default")
    parts = [*names[:1], f"{os.cpu_count()} cores", *known[:1], f"oneDNN {onednn}"]
    if "ONEDNN_MAX_CPU_ISA" in os.environ:
        parts.append(f"kept to {os.environ['ONEDNN_MAX_CPU_ISA']}")
    return ", ".join(parts)


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
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # gpu.py compares on a GPU
    chosen = {name: CONTESTANTS[name] for name in CONTESTANTS if name in arguments.contestants}
    chosen = without_the_missing(chosen)
    print(f"{describe_processor()}\n", flush=True)
    print(
        "| model | contestant | words/s | spread | x PyTorch | of the limit "
        "| peak MiB | without library |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for model in arguments.models:
        rounds, seconds_per_turn = arguments.rounds, arguments.seconds_per_turn
        print_table(model, compare(chosen, model, rounds, seconds_per_turn))
    print("\nThe limit's products, `count x [m, k] @ [k, n]`:\n")
    for model in arguments.models:
        listed = [
            f"{what} {layers * steps} x [{m}, {k}] @ [{k}, {n}]"
            for what, layers, steps, (m, k, n), _ in contestants.products(configs.get_config(model))
        ]
        print(f"* {model}: {'; '.join(listed)}")


if __name__ == "__main__":
    main()
