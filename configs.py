"""The four models' hyperparameters, and how the learning rate falls.

`SmallConfig`, `MediumConfig` and `LargeConfig` are those of Zaremba et al. 2014, "Recurrent Neural
Network Regularization" (https://arxiv.org/abs/1409.2329), as the TensorFlow tutorial set them.
`TestConfig` is for tests. A configuration can be changed; a model keeps a copy of it. Each field is
a flag, too: `script_flags/training.py` makes the flags from the fields.
"""

import dataclasses
import math
import numbers
from collections.abc import Sequence
from typing import Any, ClassVar

from program.errors import UserError

BASIC = "basic"
BLOCK = "block"
CUDNN = "cudnn"
RNN_MODES = (BASIC, BLOCK, CUDNN)

SCHEDULES = ("tutorial", "table", "paper")
LARGEST, SMALLEST = 3.4e38, 1.2e-38  # float32
# Below it, dropout's random numbers, float32, keep nothing.
SMALLEST_KEEP_PROB = 2**-23


class ConfigError(UserError):
    """A configuration's field is missing, unknown or out of its bound; the message names it."""


def _field(default: Any, meaning: str, bound: str) -> Any:
    """A field with its default, its meaning, and its bound in words; see `_BOUNDS`."""
    return dataclasses.field(default=default, metadata={"meaning": meaning, "bound": bound})


# Each bound in words, and whether a number meets it.
_BOUNDS = {
    "at least 1": lambda value: value >= 1,
    "at least 1 and at most 100": lambda value: 1 <= value <= 100,
    "at least 0": lambda value: value >= 0,
    "above 0": lambda value: value > 0,
    "above 0 and at most 1": lambda value: 0 < value <= 1,
}


@dataclasses.dataclass
class SmallConfig:
    """The small model.

    A model of your own is `SmallConfig(hidden_size=300)`, or a subclass that assigns other values:

        class WideConfig(SmallConfig):
            hidden_size = 300

    The fields, and what each one means, are those below. They can be assigned:
    `config.batch_size = 1`.

    Raises:
      ConfigError: a value is out of its bound, or a name that is not a field is assigned.
    """

    init_scale: float = _field(
        0.1, "Weights are drawn from uniform(-init_scale, init_scale).", "above 0"
    )
    learning_rate: float = _field(1.0, "Learning rate of the first epochs.", "above 0")
    max_grad_norm: float = _field(
        5.0, "The global norm of the gradients is clipped to this.", "above 0"
    )
    num_layers: int = _field(2, "LSTM layers, one on top of another.", "at least 1 and at most 100")
    num_steps: int = _field(
        20, "Words of a stream in a window; the gradient flows back through them.", "at least 1"
    )
    hidden_size: int = _field(
        200, "Units of each LSTM layer and of the word embedding.", "at least 1"
    )
    max_epoch: int = _field(4, "Epochs with the first learning rate.", "at least 0")
    max_max_epoch: int = _field(13, "Epochs in all.", "at least 1")
    keep_prob: float = _field(
        1.0, "Probability that dropout keeps a value; 1: no dropout.", "above 0 and at most 1"
    )
    lr_decay: float = _field(
        0.5, "Factor on the learning rate in every epoch after max_epoch.", "above 0"
    )
    batch_size: int = _field(20, "Streams of text that are read side by side.", "at least 1")
    vocab_size: int = _field(
        10000, "Largest size of the vocabulary; 0: all words of the text.", "at least 0"
    )
    sampled_softmax: int = _field(
        0,
        "Words that training computes the softmax for, drawn anew for each window; 0: all words.",
        "at least 0",
    )
    rnn_mode: str = BLOCK  # BASIC, BLOCK or CUDNN: three ways to compute the same LSTM
    # The lr_decay of the paper's own schedule; see with_paper_schedule.
    paper_lr_decay: ClassVar[float] = 0.5

    def __init_subclass__(cls, **kwargs):
        """Makes the values that a subclass assigns the defaults of its fields."""
        super().__init_subclass__(**kwargs)
        fields = {field.name: field for field in dataclasses.fields(SmallConfig)}
        annotations = cls.__dict__.get("__annotations__", {})
        for name, value in list(vars(cls).items()):
            if name.startswith("_") or callable(value) or hasattr(value, "__get__"):
                continue
            if name in fields:
                annotations[name] = fields[name].type
            elif not hasattr(SmallConfig, name):
                raise ConfigError(
                    f"{cls.__name__}: {name} is not a field of a configuration; the fields are "
                    + ", ".join(fields)
                )
        cls.__annotations__ = annotations
        dataclasses.dataclass(cls)

    def __setattr__(self, name, value):
        """Checks a field's value, and converts NumPy's numbers to Python's."""
        fields = {field.name: field for field in dataclasses.fields(SmallConfig)}
        if name not in fields:
            raise ConfigError(f"{type(self).__name__}: {name} is not a field of a configuration")
        super().__setattr__(name, _checked(type(self).__name__, fields[name], value))

    def __post_init__(self):
        """Checks what two fields say together."""
        if 0 < self.vocab_size < self.sampled_softmax:
            raise ConfigError(
                f"{type(self).__name__}: sampled_softmax is {self.sampled_softmax}, but must be at "
                f"most {self.vocab_size}, the words of the vocabulary"
            )


def fault_of(field: dataclasses.Field, value: Any) -> str | None:
    """What is wrong with a value of a field: what it must be instead; None if nothing is.

    Args:
      field: a `dataclasses.Field` of `SmallConfig`.
      value: anything.
    """
    if field.name == "rnn_mode":
        return None if value in RNN_MODES else f"must be one of {', '.join(RNN_MODES)}"
    bound = field.metadata["bound"]
    kind, words = (
        (numbers.Integral, "a whole number") if field.type is int else (numbers.Real, "a number")
    )
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    # Python's whole numbers may be too large for isfinite.
    is_finite = is_number and (isinstance(value, numbers.Integral) or math.isfinite(value))
    if not (is_finite and _BOUNDS[bound](value)):
        return f"must be {words}, {bound}"
    if field.name == "keep_prob" and value < SMALLEST_KEEP_PROB:
        return f"must be at least {SMALLEST_KEEP_PROB:.2g}; with less, dropout keeps nothing"
    if field.type is float:
        if value < SMALLEST:
            return f"must be at least {SMALLEST}, the smallest float32"
        return f"must be below {LARGEST}, the largest float32" if value > LARGEST else None
    return f"must be below {2**31}" if value >= 2**31 else None


def _checked(owner, field, value):
    """A field's value as a Python number (or a mode's name); ConfigError if it is out of bound."""
    if fault := fault_of(field, value):
        raise ConfigError(f"{owner}: {field.name} is {value!r}, but {fault}")
    return field.type(value)


class MediumConfig(SmallConfig):
    """The medium model: wider, longer unrolled, with dropout."""

    init_scale = 0.05
    num_steps = 35
    hidden_size = 650
    max_epoch = 6
    max_max_epoch = 39
    keep_prob = 0.5
    lr_decay = 0.8
    paper_lr_decay = 1 / 1.2


class LargeConfig(SmallConfig):
    """The large model: the paper's best single model."""

    init_scale = 0.04
    max_grad_norm = 10.0
    num_steps = 35
    hidden_size = 1500
    max_epoch = 14
    max_max_epoch = 55
    keep_prob = 0.35
    lr_decay = 1 / 1.15
    paper_lr_decay = 1 / 1.15


class TestConfig(SmallConfig):
    """A model so small that a test can train it."""

    __test__ = False  # pytest would otherwise take it for a test class

    max_grad_norm = 1.0
    num_layers = 1
    num_steps = 2
    hidden_size = 2
    max_epoch = 1
    max_max_epoch = 1


CONFIGS = {
    "small": SmallConfig,
    "medium": MediumConfig,
    "large": LargeConfig,
    "test": TestConfig,
}


def as_config(config: Any) -> SmallConfig:
    """Converts a configuration of any kind to a `SmallConfig`.

    Args:
      config: an instance of `SmallConfig` or of a subclass, such a class itself, or any other
        object or class with the fields as attributes, as the tutorial's configurations are. Without
        `rnn_mode`, as in the first tutorials, it is BLOCK; without `sampled_softmax` it is 0.

    Raises:
      ConfigError: a field is missing, or has a value out of its bound.
    """
    if isinstance(config, SmallConfig):
        return dataclasses.replace(config)  # a copy: it may be changed later
    if isinstance(config, type) and issubclass(config, SmallConfig):
        return config()
    name = getattr(config, "__name__", type(config).__name__)
    values: dict[str, Any] = {"rnn_mode": BLOCK, "sampled_softmax": 0}
    for field in dataclasses.fields(SmallConfig):
        if hasattr(config, field.name):
            values[field.name] = _checked(name, field, getattr(config, field.name))
        elif field.name not in values:
            raise ConfigError(f"{name}: has no {field.name}: {field.metadata['meaning']}")
    return SmallConfig(**values)


def with_vocabulary(config: Any, words: Sequence[str]) -> SmallConfig:
    """The configuration for a text with these words: `vocab_size` is at most their number."""
    config, num_words = as_config(config), len(words)
    return dataclasses.replace(config, vocab_size=min(config.vocab_size or num_words, num_words))


def with_table_schedule(config: SmallConfig) -> SmallConfig:
    """The same model with the learning rates that the tutorial's table of results was made with.

    They begin to fall one epoch later than in the last tutorial, by the same factor.
    """
    return dataclasses.replace(config, max_epoch=config.max_epoch + 1)


def with_paper_schedule(config: SmallConfig) -> SmallConfig:
    """The same model with the learning rates of the paper's own Lua code.

    They begin to fall as late as those of the table. Medium's fall by 1/1.2 instead of 0.8.
    """
    return dataclasses.replace(with_table_schedule(config), lr_decay=config.paper_lr_decay)


def with_one_stream(config: SmallConfig) -> SmallConfig:
    """The configuration to score a text with as one stream.

    How the stream is cut into windows does not change its perplexity: one word at a time gives the
    same.
    """
    return dataclasses.replace(config, batch_size=1)


def get_config(
    model: str = "small", schedule: str = "tutorial", rnn_mode: str | None = None, **changes: Any
) -> SmallConfig:
    """The configuration of a model.

    Args:
      model: `small`, `medium`, `large` or `test`.
      schedule: `tutorial`; `table`, see `with_table_schedule`; or `paper`, see
        `with_paper_schedule`.
      rnn_mode: BASIC, BLOCK or CUDNN; None for the model's own, BLOCK.
      **changes: values of other fields. They win over the schedule's.

    Raises:
      ConfigError: a name is unknown, or a value is out of its bound.
    """
    if model not in CONFIGS:
        raise ConfigError(f"model is {model!r}, but must be one of {', '.join(CONFIGS)}")
    if schedule not in SCHEDULES:
        raise ConfigError(f"schedule is {schedule!r}, but must be one of {', '.join(SCHEDULES)}")
    config = CONFIGS[model]()
    if schedule == "table":
        config = with_table_schedule(config)
    elif schedule == "paper":
        config = with_paper_schedule(config)
    if rnn_mode is not None:
        changes["rnn_mode"] = rnn_mode
    return dataclasses.replace(config, **changes)
