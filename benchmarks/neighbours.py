"""What other libraries compute from an exported model, and how far they are from this project.

    python benchmarks/neighbours.py --save_path=RUN --text=FILE --words=2000

Each neighbour gets a virtual environment of its own, with the packages that its row names, in a
temporary directory, or in `--environments=DIR`, which keeps them. One whose Python or packages
cannot be had here is left out, with a line that says so. The text's first words are read in a few
rows. Prints Markdown: the largest difference of a word's log-probability.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from typing import NamedTuple

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import numpy as np  # noqa: E402
from arguments import names_of, path, positive  # noqa: E402

from program import messages, tensorflow_import  # noqa: E402

FOLDER = os.path.dirname(os.path.abspath(__file__))
NUM_ROWS = 8


class Neighbour(NamedTuple):
    """A library to read a model with.

    Attributes:
      reader: the function of `neighbour_readers.py`.
      packages: what `pip install` is asked for.
      flags: of `export.py`; in them, OUT is the directory to write.
      python: the version of Python that it needs; empty for that of this process.
    """

    reader: str
    packages: list
    flags: list = []
    python: str = ""


def old_tensorflow(version, python):
    """A TensorFlow whose protocol buffers are older than those of today."""
    return Neighbour("tensorflow", [f"tensorflow=={version}", "protobuf<3.21"], [], python)


def npz(layout, *packages):
    """A library that gets its weights as NumPy arrays."""
    return Neighbour(layout, [*packages, "numpy"], ["--format=npz", f"--layout={layout}"])


NEIGHBOURS = {
    "tensorflow 1.15": old_tensorflow("1.15.5", "3.7"),
    "tensorflow 2.4": old_tensorflow("2.4.4", "3.8"),
    "tensorflow 2.5": old_tensorflow("2.5.3", "3.8"),
    "tensorflow 2.6": old_tensorflow("2.6.5", "3.8")._replace(
        packages=["tensorflow==2.6.5", "keras<2.7", "protobuf<3.21"]
    ),
    "tensorflow 2.7": old_tensorflow("2.7.4", "3.8"),
    "tensorflow 2.8": old_tensorflow("2.8.4", "3.8"),
    "tensorflow 2.12": Neighbour("tensorflow", ["tensorflow==2.12.1"], [], "3.9"),
    "tensorflow 2.16": Neighbour("tensorflow", ["tensorflow==2.16.2"]),
    "tensorflow 2.21": Neighbour("tensorflow", ["tensorflow==2.21.0"]),
    "tf2onnx": Neighbour(
        "tf2onnx", ["tf2onnx==1.17.0", "tensorflow==2.21.0", "onnxruntime==1.32.0"]
    ),
    "onnxruntime": Neighbour("onnxruntime", ["onnxruntime==1.32.0"], ["--format=onnx"]),
    "openvino": Neighbour("openvino", ["openvino==2026.4.1"]),
    "litert": Neighbour("litert", ["ai-edge-litert==2.3.0"], ["--tflite=OUT.tflite"]),
    "torch": Neighbour("torch", ["torch==2.13.0", "safetensors==0.8.0"], ["--format=pytorch"]),
    "keras": npz("keras", "keras==3.15.1", "tensorflow==2.21.0"),
    "flax": npz("flax", "flax==0.12.12"),
    "flax_optimized": npz("flax_optimized", "flax==0.12.12"),
    "haiku": npz("haiku", "dm-haiku==0.0.17", "jax"),
    "equinox": npz("equinox", "equinox==0.13.8"),
    "mlx": npz("mlx", "mlx[cpu]==0.32.4"),
    "paddle": npz("paddle", "paddlepaddle==3.3.1"),
    "tinygrad": npz("tinygrad", "tinygrad==0.14.0"),
}


def run(command):
    """Runs a command, without what sets TensorFlow here; shows what it prints only if it fails.

    Returns:
      Whether it succeeded.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    process = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    if process.returncode:
        last = "".join(process.stdout.splitlines(keepends=True)[-3:])
        messages.say(f"{last}exit status {process.returncode}")
    return process.returncode == 0


def interpreter(directory, neighbour):
    """The Python of an environment with a neighbour's packages; None if it cannot be made."""
    python = os.path.join(directory, "bin", "python")
    done = os.path.join(directory, "installed")
    if not os.path.exists(done):
        base = f"python{neighbour.python}" if neighbour.python else sys.executable
        try:
            made = run([base, "-m", "venv", directory])
        except FileNotFoundError:
            messages.say(f"there is no {base}")
            return None
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if not made or not run([*pip, *neighbour.packages]):
            return None
        open(done, "w").close()
    return python


def export(save_path, directory, flags):
    """Exports a model to a new directory, with some of `export.py`'s flags."""
    script = os.path.join(FOLDER, "..", "export.py")
    flags = [flag.replace("OUT", directory) for flag in flags]
    command = [sys.executable, script, f"--save_path={save_path}", f"--out={directory}", *flags]
    if not run(command):
        sys.exit("export.py failed")
    if os.path.exists(f"{directory}.tflite"):
        os.rename(f"{directory}.tflite", os.path.join(directory, "model.tflite"))


def expected_scores(save_path, text, num_words):
    """The first words of a text in rows, and the log-probabilities that this project computes."""
    tensorflow_import.import_tensorflow()
    import reader
    from trained import scoring, trained_model

    trained = trained_model.read(save_path)
    with open(text, encoding="utf-8") as file:
        lines = [[*line.split(), reader.END_OF_SENTENCE] for line in file]
    ids, _, _ = reader.words_to_ids(lines, trained.word_to_id)
    words = np.asarray(ids[: num_words // NUM_ROWS * NUM_ROWS], np.int32).reshape(NUM_ROWS, -1)
    scorer = scoring.Scorer(trained)
    scores, _ = scorer.score([trained.end_of_sentence] * NUM_ROWS, words.T)
    return words, scores.T


def versions(python, packages):
    """The names and versions of the packages, as they are installed."""
    names = [package.split("=")[0].split("<")[0].split("[")[0] for package in packages]
    code = "import sys\nfor n in sys.argv[1:]: print(n, V(n))"
    found = (
        "try:\n from importlib.metadata import version as V\nexcept ImportError:\n"
        " import pkg_resources\n V = lambda n: pkg_resources.get_distribution(n).version\n"
    )
    shown = [name for name in names if name not in ("numpy", "protobuf")]
    out = subprocess.run([python, "-c", found + code, *shown], stdout=subprocess.PIPE, text=True)
    return ", ".join(out.stdout.splitlines())


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save_path", type=path, required=True)
    parser.add_argument("--text", type=path, required=True, help="a sentence a line")
    parser.add_argument("--words", type=positive, default=2000)
    parser.add_argument(
        "--neighbours", type=names_of(NEIGHBOURS), default=",".join(NEIGHBOURS), help="by commas"
    )
    parser.add_argument("--environments", type=path, help="keeps the environments there")
    arguments = parser.parse_args()
    words, scores = expected_scores(arguments.save_path, arguments.text, arguments.words)
    print("| neighbour | versions | flags of export.py | largest difference |")
    print("|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.neighbours:
            neighbour, directory = NEIGHBOURS[name], os.path.join(temporary, name.replace(" ", "-"))
            kept = arguments.environments or os.path.join(temporary, "environments")
            python = interpreter(os.path.join(kept, name.replace(" ", "-")), neighbour)
            if not python:
                messages.say(f"{name} is left out: its environment cannot be made")
                continue
            export(arguments.save_path, directory, neighbour.flags)
            np.save(os.path.join(directory, "words.npy"), words)
            reader = os.path.join(FOLDER, "neighbour_readers.py")
            if not run([python, reader, neighbour.reader, directory]):
                print(f"| {name} | {versions(python, neighbour.packages)} | | failed |", flush=True)
                continue
            there = np.load(os.path.join(directory, "scores.npy"))
            flags = " ".join(neighbour.flags) or "--format=saved_model"
            difference = f"{np.abs(there - scores).max():.1e}"
            print(f"| {name} | {versions(python, neighbour.packages)} | `{flags}` | {difference} |")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
