"""The flags of `curves.py`."""

import os

from absl import flags

from program import path_flags
from program.errors import RequestError

FORMATS = (".png", ".svg", ".pdf")


def define() -> None:
    """Defines the command line's flags, in absl's own registry."""
    path_flags.define_repeated_path("run", [], "A run's --save_path; give it again for more runs.")
    path_flags.define_path("out", "curves.png", f"The drawing: {', '.join(FORMATS)}.")


def check(arguments: flags.FlagValues) -> None:
    """Refuses paths that cannot be read, or have no ending of a drawing; RequestError."""
    if not arguments.run:
        raise RequestError("--run: name what training saved to with --save_path")
    if not arguments.out.endswith(FORMATS):
        raise RequestError(f"--out={arguments.out}: must end with one of {', '.join(FORMATS)}")
    for run in arguments.run:
        if not os.path.isdir(run or os.curdir):
            raise RequestError(f"--run={run}: no such directory")
