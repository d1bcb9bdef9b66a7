"""The learning rate of each epoch: the same for the first ones, then lower in every epoch."""

import math

import configs


def of_epoch(config: configs.SmallConfig, epoch: int) -> float:
    """The learning rate of an epoch, counted from 1.

    `learning_rate * lr_decay ** max(epoch - max_epoch, 0)`; infinite where float32 is.
    """
    try:
        value = config.learning_rate * config.lr_decay ** max(epoch - config.max_epoch, 0)
    except OverflowError:
        return math.inf
    return value if value <= configs.LARGEST else math.inf
