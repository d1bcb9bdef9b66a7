"""What a run's numbers depend on: saved in each checkpoint, and beside them as `config.json`.

A description is a dict of names to values that JSON has: the configuration's fields, `dtype`,
`seed`, the SHA-256 sums of the three texts and of the vocabulary, and how the texts were prepared,
if that is known.
"""

import dataclasses
import hashlib
from typing import Any

import numpy as np

# What a run may change when it is continued: how long it lasts, how the same LSTM is computed, and
# how many words training scores each target against.
CHANGEABLE = ("max_max_epoch", "rnn_mode", "sampled_softmax")
# Names whose values mean nothing to a reader, in words. If one changes, those below often change.
IN_WORDS = {
    "train text": "the training text",
    "valid text": "the validation text",
    "test text": "the test text",
    "vocabulary": "the vocabulary",
    "preparation": "the preparation of the texts",
}
# What a description means that lacks a name. `clip_mean`: whether several machines clip their mean
# gradient, and not each its own.
DEFAULTS = {"clip_mean": False}
MAX_VALUE_LENGTH = 60  # in messages; what a file holds may be long


def describe(config: Any, dtype: Any, seed: int, corpus: Any) -> dict:
    """Describes a run.

    Args:
      config: the run's configuration, a `configs.SmallConfig`.
      dtype: of activations and matrix products, a `tf.DType`.
      seed: of initial weights and dropout.
      corpus: a `reader.Corpus`.
    """
    texts = {f"{name} text": text_sum(getattr(corpus, name)) for name in ("train", "valid", "test")}
    fields = dataclasses.asdict(config)
    run = {**fields, "dtype": dtype.name, "seed": seed, **texts}
    run["vocabulary"] = vocabulary_sum(corpus.words)
    if corpus.preparation:
        run["preparation"] = corpus.preparation.to_dict()
    return run


def text_sum(ids: Any) -> str:
    """The SHA-256 sum of a text, a list or array of word ids, as int32."""
    return hashlib.sha256(np.asarray(ids, np.int32).tobytes()).hexdigest()


def vocabulary_sum(words: list) -> str:
    """The SHA-256 sum of a vocabulary, a list of str."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def first_difference(old: dict, new: dict) -> str | None:
    """The name of a value that both descriptions have, and that differs; or None."""
    if not old:  # a checkpoint that does not say what run it is of
        return None
    old, new = DEFAULTS | old, DEFAULTS | new
    names = [*IN_WORDS, *(name for name in new if name not in (*IN_WORDS, *CHANGEABLE))]
    return next((n for n in names if n in new and old.get(n, new[n]) != new[n]), None)


def names_missing(old: dict, new: dict) -> str:
    """What a description has and an older one lacks, in words; empty if it lacks nothing."""
    names = (name for name in new if name not in (*CHANGEABLE, *DEFAULTS, *old))
    return ", ".join(IN_WORDS.get(name, name) for name in names)


def change(name: str, old: dict, new: dict) -> str:
    """Says in words how two descriptions differ in a value."""
    if name in IN_WORDS:
        return f"{IN_WORDS[name]} was changed"
    old, new = DEFAULTS | old, DEFAULTS | new
    return f"{name} was {_short(old[name])} and now is {_short(new[name])}"


def _short(value):
    return f"{value!r:.{MAX_VALUE_LENGTH}}"
