"""The four models' hyperparameters, and how the learning rate falls.

`SmallConfig`, `MediumConfig` and `LargeConfig` are those of Zaremba et al. 2014, "Recurrent Neural
Network Regularization" (https://arxiv.org/abs/1409.2329), as the TensorFlow tutorial set them;
`TestConfig` is for tests.
"""

import copy

BASIC = "basic"
BLOCK = "block"
CUDNN = "cudnn"
RNN_MODES = (BASIC, BLOCK, CUDNN)

SCHEDULES = ("tutorial", "paper")


class SmallConfig:
    """The small model, and what every field means.

    A model of your own is a subclass with other values, or `SmallConfig(hidden_size=300)`.

    Attributes:
      init_scale: weights are drawn from uniform(-init_scale, init_scale).
      learning_rate: of the first epochs.
      max_grad_norm: the gradients' global norm is clipped to this.
      num_layers: LSTM layers, one on another.
      num_steps: unrolled steps of truncated back-propagation.
      hidden_size: units of each LSTM layer, and of the word embedding.
      max_epoch: how many epochs keep the first learning rate.
      max_max_epoch: how many epochs there are.
      keep_prob: the probability that dropout keeps a value; 1 is no dropout.
      lr_decay: factor on the learning rate in every epoch after max_epoch.
      batch_size: how many streams of text are read side by side.
      vocab_size: how many words at the most.
      rnn_mode: BASIC, BLOCK or CUDNN: three ways to compute the same LSTM.
      paper_lr_decay: lr_decay in the paper's own schedule.
    """

    init_scale = 0.1
    learning_rate = 1.0
    max_grad_norm = 5
    num_layers = 2
    num_steps = 20
    hidden_size = 200
    max_epoch = 4
    max_max_epoch = 13
    keep_prob = 1.0
    lr_decay = 0.5
    batch_size = 20
    vocab_size = 10000
    rnn_mode = BLOCK
    paper_lr_decay = 0.5

    def __init__(self, **changes):
        """Makes the configuration with some fields changed; TypeError if there is no such field."""
        for name, value in changes.items():
            if name not in FIELDS:
                raise TypeError(f"{name} is no field of a configuration: {', '.join(FIELDS)}")
            setattr(self, name, value)


FIELDS = tuple(name for name in vars(SmallConfig) if not name.startswith("_"))


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
    """The large model: the paper's best single one."""

    init_scale = 0.04
    max_grad_norm = 10
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

    max_grad_norm = 1
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


def as_dict(config):
    """The fields that a configuration has, name to value; it may be of any class."""
    return {name: getattr(config, name) for name in FIELDS if hasattr(config, name)}


def changed(config, **changes):
    """A copy of a configuration, an object or a class, with some fields changed."""
    config = copy.copy(config() if isinstance(config, type) else config)
    for name, value in changes.items():
        setattr(config, name, value)
    return config


def with_paper_schedule(config):
    """The same model with the learning rates of the paper's own Lua code.

    They begin to fall one epoch later than the last tutorial's, and medium's fall by 1/1.2, not
    0.8. The tutorial's table of results was made with the later start.
    """
    return changed(config, max_epoch=config.max_epoch + 1, lr_decay=config.paper_lr_decay)


def with_one_stream(config, num_windows=1):
    """The configuration to score a text with as one stream, several windows at once.

    How the stream is cut into windows does not change its perplexity: that of one word at a time.
    """
    return changed(config, batch_size=1, num_steps=num_windows * config.num_steps)


def learning_rate(config, epoch):
    """The learning rate of an epoch, counted from 1.

    `learning_rate * lr_decay ** max(epoch - max_epoch, 0)`.
    """
    return config.learning_rate * config.lr_decay ** max(epoch - config.max_epoch, 0)


def get_config(model, schedule="tutorial", rnn_mode=None):
    """The configuration of a model.

    Args:
      model: small, medium, large or test.
      schedule: tutorial or paper; see `with_paper_schedule`.
      rnn_mode: BASIC, BLOCK or CUDNN; None for the configuration's own.

    Raises:
      ValueError: there is no such model, schedule or mode.
    """
    for value, known in (
        (model, CONFIGS),
        (schedule, SCHEDULES),
        (rnn_mode, (None, *RNN_MODES)),
    ):
        if value not in known:
            raise ValueError(f"{value!r} is none of {', '.join(filter(None, known))}")
    config = CONFIGS[model]()
    if schedule == "paper":
        config = with_paper_schedule(config)
    if rnn_mode:
        config.rnn_mode = rnn_mode
    return config
