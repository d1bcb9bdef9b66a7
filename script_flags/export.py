"""The flags of `export.py`."""

import os

from absl import flags

from exported import layouts
from program import path_flags, paths
from program.errors import RequestError
from script_flags import trained

SAVED_MODEL, NPZ = "saved_model", "npz"
FORMATS = (SAVED_MODEL, NPZ, "onnx", "pytorch", "word2vec")
FILE_ENDINGS = (".npz", ".onnx", ".pb", ".safetensors", ".tflite", ".txt")
DYNAMIC_RANGE = "dynamic_range"  # of --tflite_quantize


def define() -> None:
    """Defines the command line's flags, in absl's own registry."""
    trained.define()
    path_flags.define_path("out", None, "The directory to write; it must not be there yet.")
    flags.DEFINE_enum("format", SAVED_MODEL, FORMATS, "What to write; see above.")
    flags.DEFINE_enum(
        "layout", "tf1", layouts.LAYOUTS, "The library that --format=npz lays the weights out for."
    )
    flags.DEFINE_enum(
        "next_state_name",
        "next_state",
        ["next_state", "state"],
        "The name of a SavedModel's output of the state; `state` was its name once.",
    )
    path_flags.define_path("tf1", None, "A directory to write for the TF1 script's --save_path.")
    path_flags.define_path("tflite", None, "A file to write for LiteRT, too.")
    flags.DEFINE_string(
        "tflite_quantize", None, f"{DYNAMIC_RANGE}: the matrices of --tflite in 8 bit."
    )


def check(arguments: flags.FlagValues) -> None:
    """Refuses paths that cannot be read, or written to; RequestError."""
    _check_together(arguments)
    wanted = ("save_path",) if arguments.tf1 and not arguments.tflite else ("save_path", "out")
    for name in wanted:
        if not arguments[name].value:
            raise RequestError(f"--{name}: name a directory")
    trained.check_save_path(arguments.save_path)
    for name in ("out", "tf1", "tflite"):
        path = arguments[name].value
        if path and os.path.lexists(path):
            raise RequestError(f"--{name}={path}: is there already; remove it, or name another")
        if path and (fault := paths.name_fault(path)):
            raise RequestError(f"--{name}={path}: {fault}")
    if (arguments.out or "").endswith(FILE_ENDINGS):
        raise RequestError(f"--out={arguments.out}: name a directory, to write files in")
    if arguments.tflite:
        check_apart(arguments.tflite, arguments.out)


def _check_together(arguments):
    """Refuses flags of one format beside another."""
    format_, quantize = arguments.format, arguments.tflite_quantize
    if arguments["layout"].present and format_ != NPZ:
        raise RequestError(f"--layout: goes with --format={NPZ}, not with {format_}")
    for name in ("tflite", "next_state_name"):
        if arguments[name].present and format_ != SAVED_MODEL:
            raise RequestError(f"--{name}: goes with --format={SAVED_MODEL}")
    if quantize == "int8":
        raise RequestError(
            "--tflite_quantize=int8: its probabilities are multiples of 1/256, so that most words "
            f"would have none; choose {DYNAMIC_RANGE}"
        )
    if quantize not in (None, DYNAMIC_RANGE):
        raise RequestError(f"--tflite_quantize={quantize}: is unknown; choose {DYNAMIC_RANGE}")
    if quantize and not arguments.tflite:
        raise RequestError("--tflite_quantize: name the file to write with --tflite")


def check_apart(tflite: str, out: str) -> None:
    """Refuses a --tflite that is in --out, or the reverse, on any drive; RequestError."""
    if not os.path.basename(tflite):
        raise RequestError(f"--tflite={tflite}: ends as a directory; name a file")
    file, directory = (os.path.normcase(os.path.abspath(path)) for path in (tflite, out))
    if f"{file}{os.sep}".startswith(f"{directory}{os.sep}") or directory.startswith(
        f"{file}{os.sep}"
    ):
        raise RequestError(f"--tflite={tflite}: name a file outside --out, {out}")
