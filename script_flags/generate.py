"""The flags of `generate.py`."""

import math

from absl import flags

from program.errors import RequestError
from script_flags import trained


def define() -> None:
    """Defines the command line's flags, in absl's own registry."""
    trained.define()
    flags.DEFINE_string("prompt", "", "The text to continue; by default, begin a sentence.")
    flags.DEFINE_bool(
        "raw_text", False, "The prompt is not tokenized, and the words are joined into text."
    )
    flags.DEFINE_integer("num_words", 100, "Words to choose, a sample.", lower_bound=1)
    flags.DEFINE_integer("num_samples", 1, "Samples.", lower_bound=1)
    flags.DEFINE_float("temperature", 1, "Divides the logits; 0: the most probable word.", 0, 1e30)
    flags.DEFINE_integer("top_k", 0, "Choose among the k most probable; 0: all.", lower_bound=0)
    flags.DEFINE_integer("seed", 0, "Another seed, other words.", 0, 2**31 - 1)
    flags.DEFINE_string("nearest", None, "Print the words nearest to this one instead of text.")
    flags.DEFINE_bool("unknown", False, "Allow <unk>, too.")


def check(arguments: flags.FlagValues) -> None:
    """Refuses values and paths that cannot be used; RequestError."""
    if not math.isfinite(arguments.temperature):
        raise RequestError("--temperature: must be a finite number")
    trained.check_save_path(arguments.save_path)
