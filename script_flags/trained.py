"""What the flags of the scripts that use a trained model share."""

import glob
import os

from program import path_flags, paths
from program.errors import RequestError
from script_flags import old_checkpoints

SAVE_PATH_HELP = "What training saved, or DIR/model.ckpt-STEP."
DATA_PATH_HELP = "The corpus of the training, where the checkpoint has no vocab.txt beside it."


def define() -> None:
    """Defines the flags that name one trained model."""
    path_flags.define_path("save_path", None, SAVE_PATH_HELP)
    define_data_path()


def define_data_path() -> None:
    """Defines the flags that say what a trained model's checkpoint does not."""
    path_flags.define_path("data_path", None, DATA_PATH_HELP)
    old_checkpoints.define()


def check_save_path(path: str | None) -> None:
    """Refuses a --save_path that is not given, or that nothing's name begins with; RequestError."""
    if not path:
        raise RequestError("--save_path: name what training saved")
    if fault := paths.name_fault(path):
        raise RequestError(f"--save_path={path}: {fault}")
    # The TF1 script's --save_path=RUN left RUN-STEP.* beside RUN.
    is_there = os.path.lexists(path) or glob.glob(f"{glob.escape(path.rstrip(os.sep))}[.-]*")
    if not (is_there or is_checkpoints(path)):
        raise RequestError(
            f"--save_path={path}: no such directory, nor a checkpoint's prefix such as "
            "DIR/model.ckpt-123"
        )


def is_checkpoints(path: str) -> bool:
    """Whether a path is in a checkpoint's place; what is there is looked at with TensorFlow."""
    is_name = os.path.basename(path).startswith("model.ckpt-")
    return is_name and os.path.isdir(os.path.dirname(path) or os.curdir)
