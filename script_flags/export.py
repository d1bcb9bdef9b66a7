"""The flags of `export.py`."""

import os

from absl import flags

from program import path_flags, paths
from program.errors import RequestError
from script_flags import trained


def define() -> None:
    """Defines the command line's flags, in absl's own registry."""
    trained.define()
    path_flags.define_path("out", None, "The directory to write; it must not be there yet.")
    path_flags.define_path("tf1", None, "A directory to write for the TF1 script's --save_path.")
    path_flags.define_path("tflite", None, "A file to write for LiteRT, too.")


def check(arguments: flags.FlagValues) -> None:
    """Refuses paths that cannot be read, or written to; RequestError."""
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
    if arguments.tflite:
        check_apart(arguments.tflite, arguments.out)


def check_apart(tflite: str, out: str) -> None:
    """Refuses a --tflite that is in --out, or the reverse, on any drive; RequestError."""
    if not os.path.basename(tflite):
        raise RequestError(f"--tflite={tflite}: ends as a directory; name a file")
    file, directory = (os.path.normcase(os.path.abspath(path)) for path in (tflite, out))
    if f"{file}{os.sep}".startswith(f"{directory}{os.sep}") or directory.startswith(
        f"{file}{os.sep}"
    ):
        raise RequestError(f"--tflite={tflite}: name a file outside --out, {out}")
