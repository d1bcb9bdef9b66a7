"""Tries each TensorFlow that the README names in a fresh environment, and prints a table.

    make matrix
    make matrix ROWS="2.16-oldest 2.21" PYTHON=python3.12
    python tests/matrix.py --short 2.16-oldest

A row is a version, with the newest other packages that pip picks. `2.16-oldest` is the oldest of
everything that requirements.txt admits. Each row trains and saves a run in a process of its own,
compares the TF1 script's numbers, and runs the tests of what depends most on TensorFlow. A version
that has no package for this Python is said to have none. If `uv` is at hand, it installs instead of
pip. The status is 1 if a row failed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROWS = ["2.16-oldest", "2.16", "2.17", "2.18", "2.19", "2.20", "2.21"]
# A saved run, and the numbers of the TF1 script.
SHORT = [
    "tests/test_command_line.py::test_a_whole_run",
    "tests/test_ptb_word_lm.py::test_numbers_of_the_tf1_script",
]
LONG = [
    *SHORT,
    *(
        f"tests/test_{name}.py"
        for name in ("checkpoints", "gpu", "lstm", "precision", "softmax", "summaries", "util")
    ),
]
VERSIONS = """
import platform, sys
from importlib import metadata
print(platform.python_version(), *map(metadata.version, sys.argv[1:]))
"""
SHOWN = ["tensorflow", "numpy", "protobuf", "keras"]


def requirements(row):
    """What pip is to install for a row: a list of its arguments."""
    version, _, oldest = row.partition("-")
    with open(os.path.join(ROOT, "requirements.txt"), encoding="utf-8") as file:
        lines = [line.strip() for line in file if not line.startswith("#")]
    if oldest:
        lines = [re.sub(r">=([\w.]+).*", r"==\1", line) for line in lines]
    else:
        lines.append(f"tensorflow=={version}.*")
    return [*lines, "pytest", "hypothesis"]


def quiet(command):
    """Runs a command in the project's folder; returns its status, and all that it printed."""
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def try_row(row, tests):
    """Returns a row of the table as a list of str, and whether the row holds."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        folder = "Scripts" if os.name == "nt" else "bin"
        python = os.path.join(directory, folder, "python")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if uv := shutil.which("uv"):
            install = [uv, "pip", "install", "--quiet", "--python", python]
        status, printed = quiet([*install, *requirements(row)])
        installed = time.monotonic()
        if status:
            no_package = bool(re.search("No matching distribution|no wheels with a", printed))
            print(printed, file=sys.stderr)
            what = "no package for this Python" if no_package else "pip failed"
            return [row, "", *[""] * len(SHOWN), "", "", what], no_package
        versions = quiet([python, "-c", VERSIONS, *SHOWN])[1].split()
        # Not from the cache of another version's tests.
        status, printed = quiet([python, "-m", "pytest", "-v", "-p", "no:cacheprovider", *tests])
        if status:
            print(printed, file=sys.stderr)
        # The last line is such as "==== 120 passed in 40.02s ====".
        result = printed.strip().rpartition("\n")[2].strip("= ").partition(" in ")[0]
        seconds = [f"{installed - start:.0f}", f"{time.monotonic() - installed:.0f}"]
        return [row, *versions, *seconds, result], status == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", default=ROWS, help=f"of {' '.join(ROWS)}")
    parser.add_argument("--short", action="store_true", help="only the run and its numbers")
    arguments = parser.parse_args()
    print("| row | Python |", " | ".join(SHOWN), "| s, install | s, tests | result |")
    print("|---" * (len(SHOWN) + 5) + "|", flush=True)
    all_hold = True
    for row in arguments.rows or ROWS:
        cells, holds = try_row(row, SHORT if arguments.short else LONG)
        all_hold &= holds
        print("|", " | ".join(cells), "|", flush=True)
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
