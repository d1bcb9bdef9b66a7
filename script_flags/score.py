"""The flags of `score.py`."""

import math

from absl import flags

from program import path_flags, paths
from program.errors import RequestError
from script_flags import trained
from text import files, nbest_lines

# What a model can be mixed with, and the flags of the mixture.
OTHERS = ("mix_arpa", "mix_probabilities")
FOR_WEIGHT = ("mix_weight", "mix_valid", "mix_valid_probabilities")


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
        "nbest_format", None, nbest_lines.FORMATS, "--nbest for lists in this format; see above."
    )
    flags.DEFINE_float("lm_weight", None, "Sort by the hypotheses' scores, too; see above.")
    flags.DEFINE_float("word_penalty", 0, "What each word takes off a hypothesis's score.")
    path_flags.define_path("scores", None, "A file of scores, a line each: `id score`, or `score`.")
    flags.DEFINE_bool(
        "verbose", False, "Every word's log-probability, or what was taken from a list's line."
    )
    _define_mixing()
    flags.DEFINE_bool("json", False, "A line of JSON for each row.")


def check(arguments: flags.FlagValues) -> None:
    """Refuses flags that do not go together, and paths that cannot be read; RequestError."""
    _check_lists(arguments)
    _check_mixing(arguments)
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


def _define_mixing():
    path_flags.define_path("mix_arpa", None, "An n-gram model to mix with: ARPA, or KenLM's own.")
    flags.DEFINE_string("mix_unknown", "<unk>", "How --mix_arpa writes <unk>.")
    path_flags.define_path(
        "mix_probabilities", None, "A model to mix with: its probability of each word of --text."
    )
    flags.DEFINE_float("mix_weight", None, "Our part of the mixture, from 0 to 1.", 0, 1)
    path_flags.define_path("mix_valid", None, "A held-out text to find --mix_weight on.")
    path_flags.define_path(
        "mix_valid_probabilities", None, "The --mix_probabilities of --mix_valid."
    )


def _check_lists(arguments):
    """Refuses flags of lists that do not go together, or without lists; RequestError."""
    is_nbest = arguments.nbest or arguments.nbest_format
    for name in ("lm_weight", "word_penalty", "scores"):
        if arguments[name].present and not is_nbest:
            raise RequestError(f"--{name}: sorts hypotheses, with --nbest")
    for name in ("lm_weight", "word_penalty"):
        if not math.isfinite(arguments[name].value or 0):
            raise RequestError(f"--{name}: must be a finite number")
    if arguments["carry_state"].present and arguments.carry_state and is_nbest:
        raise RequestError("--carry_state: hypotheses are scored each by itself")
    if arguments.scores and arguments.lm_weight is None:
        raise RequestError("--scores: are used with --lm_weight alone")


def _check_mixing(arguments):
    """Refuses flags of mixing that do not go together; RequestError."""
    named = [name for name in OTHERS if arguments[name].value]
    if len(named) > 1:
        raise RequestError("--mix_arpa --mix_probabilities: choose one of the two")
    if not named:
        for name in ("mix_unknown", *FOR_WEIGHT):
            if arguments[name].present:
                raise RequestError(f"--{name}: name a model with --mix_arpa, for example")
        return
    weight, valid = arguments.mix_weight, arguments.mix_valid
    if (weight is None) == (valid is None):
        raise RequestError(f"--{named[0]}: give either --mix_weight, or --mix_valid to find it on")
    if weight is not None and math.isnan(weight):
        raise RequestError("--mix_weight: must be a number from 0 to 1")
    if arguments.mix_probabilities and (arguments.nbest or arguments.nbest_format):
        raise RequestError("--mix_probabilities: are a text's, not those of lists")
    needs_file = bool(arguments.mix_probabilities and valid)
    if bool(arguments.mix_valid_probabilities) != needs_file:
        raise RequestError("--mix_valid_probabilities: go with --mix_valid and --mix_probabilities")
