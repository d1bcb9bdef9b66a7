"""The flags that mix a model's probabilities with another's, and what they ask for."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from absl import flags

import reader
from program import errors, messages, path_flags
from text import sentences
from trained import mixing, text_reader

OTHERS = ("mix_arpa", "mix_probabilities")
FOR_WEIGHT = ("mix_weight", "mix_valid", "mix_valid_probabilities")


def define() -> None:
    """Defines the flags, in absl's own registry."""
    path_flags.define_path("mix_arpa", None, "An n-gram model to mix with: ARPA, or KenLM's own.")
    flags.DEFINE_string("mix_unknown", reader.UNKNOWN, f"How --mix_arpa writes {reader.UNKNOWN}.")
    path_flags.define_path(
        "mix_probabilities", None, "A model to mix with: its probability of each word of --text."
    )
    flags.DEFINE_float("mix_weight", None, "Our part of the mixture, from 0 to 1.", 0, 1)
    path_flags.define_path("mix_valid", None, "A held-out text to find --mix_weight on.")
    path_flags.define_path(
        "mix_valid_probabilities", None, "The --mix_probabilities of --mix_valid."
    )


def check(arguments: Any) -> None:
    """Refuses flags that do not go together, with a `errors.RequestError`."""
    named = [name for name in OTHERS if arguments[name].value]
    if len(named) > 1:
        raise errors.RequestError("--mix_arpa --mix_probabilities: choose one of the two")
    if not named:
        for name in ("mix_unknown", *FOR_WEIGHT):
            if arguments[name].present:
                raise errors.RequestError(f"--{name}: name a model with --mix_arpa, for example")
        return
    weight, valid = arguments.mix_weight, arguments.mix_valid
    if (weight is None) == (valid is None):
        raise errors.RequestError(
            f"--{named[0]}: give either --mix_weight, or --mix_valid to find it on"
        )
    if weight is not None and math.isnan(weight):
        raise errors.RequestError("--mix_weight: must be a number from 0 to 1")
    if arguments.mix_probabilities and arguments.nbest:
        raise errors.RequestError("--mix_probabilities: are a text's, not those of lists")
    needs_file = bool(arguments.mix_probabilities and valid)
    if bool(arguments.mix_valid_probabilities) != needs_file:
        raise errors.RequestError(
            "--mix_valid_probabilities: go with --mix_valid and --mix_probabilities"
        )


def open_mixture(arguments: Any, words: list[str], score: Callable) -> Callable:
    """Opens the other model, and finds the weight if it is not given, which is then said.

    Args:
      arguments: the flags, of which at least one of `OTHERS` is given.
      words: our model's vocabulary.
      score: scores a text, given its path, as `scoring.score_pieces` does.

    Returns:
      A function that takes what `scoring.score_pieces` yields, and yields it mixed.

    Raises:
      errors.RequestError: the other model cannot be read, or does not fit the text.
    """
    if arguments.mix_arpa:
        other: Any = mixing.NgramModel(arguments.mix_arpa, words, arguments.mix_unknown)
    else:
        other = _open_file("mix_probabilities", arguments)
    weight = arguments.mix_weight
    if weight is None:
        valid = other if arguments.mix_arpa else _open_file("mix_valid_probabilities", arguments)
        weight = mixing.find_weight(score(arguments.mix_valid), valid)
        messages.say(f"--mix_weight={weight:.4f} makes {arguments.mix_valid} most probable")

    def mixed(scored: Iterator) -> Iterator:
        return mixing.mixed(scored, other, weight)

    return mixed


def _open_file(flag, arguments):
    path = arguments[flag].value
    lines = sentences.split_lines(text_reader.read_text(path, f"--{flag}"))
    return mixing.ProbabilityFile(path, flag, lines)
