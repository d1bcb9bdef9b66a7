"""The flags of `score.py`."""

import math

from absl import flags

from program import path_flags, paths
from program.errors import RequestError
from script_flags import trained
from text import files, nbest


def define() -> None:
    """Defines the command line's flags, in absl's own registry."""
    path_flags.define_paths(
        "save_path",
        None,
        "What training saved, a directory or DIR/model.ckpt-STEP; "
        "several, separated by commas, are averaged.",
    )
    trained.define_data_path()
    path_flags.define_repeated_path(
        "text",
        [files.STANDARD_INPUT],
        "The text, a sentence a line; repeat the flag for several files. -: standard input.",
    )
    flags.DEFINE_bool(
        "carry_state",
        True,
        "The text is one stream; --nocarry_state: each line is scored by itself.",
    )
    flags.DEFINE_bool(
        "raw_text",
        False,
        "The text is not tokenized: prepare it as the corpus of the training was.",
    )
    flags.DEFINE_bool(
        "leave_out_unknown",
        None,
        "Leave out words that are not in the vocabulary, as the TF1 script did from September 2016 "
        "on; --noleave_out_unknown: they become <unk>. By default they are left out only if the "
        "vocabulary has words that the script joined at line ends.",
    )
    flags.DEFINE_bool("nbest", False, "Sort lists of hypotheses, an empty line between the lists.")
    flags.DEFINE_enum(
        "nbest_format", None, nbest.FORMATS, "--nbest for lists in this format; see above."
    )
    flags.DEFINE_float("lm_weight", None, "Sort by the hypotheses' scores, too; see above.")
    flags.DEFINE_float("word_penalty", 0, "What each word takes off a hypothesis's score.")
    path_flags.define_path(
        "scores", None, "A file with a hypothesis's score at the end of each line."
    )
    flags.DEFINE_bool("verbose", False, "Every word's log-probability, too.")
    flags.DEFINE_bool("json", False, "A line of JSON for each row.")


def check(arguments: flags.FlagValues) -> None:
    """Refuses flags that do not go together, and paths that cannot be read; RequestError."""
    nbest_is_asked_for = arguments.nbest or arguments.nbest_format
    if nbest_is_asked_for and arguments.verbose:
        raise RequestError("--nbest --verbose: choose one of the two")
    for name in ("lm_weight", "word_penalty"):
        value = arguments[name].value
        if value and not nbest_is_asked_for:
            raise RequestError(f"--{name}: sorts hypotheses, with --nbest")
        if value and not math.isfinite(value):
            raise RequestError(f"--{name}: must be a finite number")
    if arguments.scores and arguments.lm_weight is None:
        raise RequestError("--scores: are used with --lm_weight alone")
    if not arguments.save_path:
        raise RequestError(
            "--save_path: name what training saved: a directory or a checkpoint; several, "
            "separated by commas, are averaged"
        )
    for path in arguments.save_path:
        trained.check_save_path(path)
    for name, path in [*(("text", path) for path in arguments.text), ("scores", arguments.scores)]:
        if path not in (None, files.STANDARD_INPUT) and (fault := paths.reading_fault(path)):
            raise RequestError(f"--{name}={path}: cannot be read: {fault}")
