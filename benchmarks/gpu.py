"""Checks and times this project on a GPU, in parts, each of which prints its figures at once.

    python benchmarks/gpu.py --out=DIR

    golden        the TF1 script's numbers, computed on the GPU
    cudnn         cuDNN against BLOCK: losses, gradients and states from the same weights
    checkpoints   trained with cuDNN and continued on the CPU, and the reverse; scored on both
    memory        what a process takes of the card
    replicas      two replicas on two virtual GPUs of the card against one with twice the batch
    speed         words per second beside PyTorch's nn.LSTM
    step          what feeding, fetching and each of the GPU's kernels take of a step

Each part is a process of its own, so that none is stopped by another's failure. `--out` gets what
each printed, `PART.log`. With `--rnn_mode=block`, which then stands in for cuDNN and is compared
with BASIC, everything runs without a GPU, too. Prints Markdown.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)
from arguments import names_of, path, positive  # noqa: E402

import configs  # noqa: E402
from program import tensorflow_import  # noqa: E402

PARTS = ("golden", "cudnn", "checkpoints", "memory", "replicas", "speed", "step")


def read_arguments():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=names_of(PARTS), default=",".join(PARTS))
    parser.add_argument("--rnn_mode", choices=(configs.BLOCK, configs.CUDNN), default=configs.CUDNN)
    parser.add_argument("--seconds", type=positive, default=300, help="for each part, at the most")
    parser.add_argument("--models", type=names_of(configs.CONFIGS), default="small,medium,large")
    parser.add_argument("--out", type=path, help="directory for the parts' logs")
    parser.add_argument("--here", action="store_true", help="one part, in this process")
    arguments = parser.parse_args()
    if arguments.here and len(arguments.parts) > 1:
        parser.error("--here is for one part")
    return arguments


def kill_group(process):
    """Kills a process and those that it started, if there is one left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run_part(part, arguments):
    """Runs a part in a process of its own, until its time is over; returns the exit status."""
    command = [sys.executable, os.path.abspath(__file__), "--here", f"--parts={part}"]
    command += [f"--rnn_mode={arguments.rnn_mode}", f"--seconds={arguments.seconds}"]
    command.append(f"--models={','.join(arguments.models)}")
    log = os.path.join(arguments.out, f"{part}.log") if arguments.out else os.devnull
    with open(log, "w") as file:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that what it starts ends with it
        )
        timer = threading.Timer(arguments.seconds, kill_group, (process,))
        timer.start()
        try:
            for line in process.stdout:
                file.write(line)
                print(line, end="", flush=True)
            return process.wait()
        finally:
            timer.cancel()
            kill_group(process)


def main():
    """Runs the command line."""
    arguments = read_arguments()
    if arguments.here:
        tensorflow_import.import_tensorflow()
        import gpu_parts

        from model import devices

        if arguments.rnn_mode == configs.CUDNN and not devices.has_cudnn():
            sys.exit("TensorFlow finds no NVIDIA GPU; --rnn_mode=block checks the parts on the CPU")
        (part,) = arguments.parts
        sys.exit(0 if getattr(gpu_parts, part)(arguments) else "some of it is NOT as it must be")
    if arguments.out:
        os.makedirs(arguments.out, exist_ok=True)
    results = {}
    for part in arguments.parts:
        print(f"\n## {part}\n", flush=True)
        start = time.monotonic()
        status = run_part(part, arguments)
        outcome = "done" if status == 0 else f"FAILED, status {status}"
        if status == -signal.SIGKILL:
            outcome = f"FAILED, killed: perhaps {arguments.seconds} s were over (--seconds)"
        results[part] = f"{outcome}, {time.monotonic() - start:.0f} s"
        print(f"\n{part}: {results[part]}", flush=True)
    print("\n## All parts\n\n| part | |\n|---|---|")
    for part, result in results.items():
        print(f"| {part} | {result} |")
    sys.exit(any("FAILED" in result for result in results.values()))


if __name__ == "__main__":
    main()
