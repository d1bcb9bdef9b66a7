"""The flags of `import_checkpoint.py`."""

import os

from absl import flags

from program import path_flags, paths
from program.errors import RequestError
from script_flags import old_checkpoints, trained
from text import corpus_files


def define() -> None:
    """Defines the command line's flags, in absl's own registry."""
    path_flags.define_path("save_path", None, "The checkpoint, or its directory.")
    path_flags.define_path("data_path", None, "The corpus that the script was trained on.")
    path_flags.define_path("out", None, "The run's directory to write; it must not be there yet.")
    old_checkpoints.define()
    flags.DEFINE_integer(
        "epochs_done",
        None,
        "How many epochs the model was trained, where the checkpoint has no global step.",
        0,
    )
    flags.DEFINE_integer("num_steps", None, "Words of a window of valid; by default as found.", 1)
    flags.DEFINE_float("valid_perplexity", None, "The script's own, to check against.", 1)
    flags.DEFINE_float("test_perplexity", None, "The script's own, to check against.", 1)


def check(arguments: flags.FlagValues) -> None:
    """Refuses paths that cannot be read, or written to; RequestError."""
    trained.check_save_path(arguments.save_path)
    if not arguments.out:
        raise RequestError("--out: name a directory")
    if os.path.lexists(arguments.out):
        raise RequestError(f"--out={arguments.out}: is there already; name another")
    if fault := paths.name_fault(arguments.out):
        raise RequestError(f"--out={arguments.out}: {fault}")
    if arguments.data_path is not None:
        corpus_files.check(arguments.data_path)
    elif arguments.valid_perplexity or arguments.test_perplexity:
        raise RequestError("--data_path: name the corpus, to compare perplexities")
