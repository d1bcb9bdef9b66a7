import dataclasses

import numpy as np
import pytest

import configs
from training import learning_rate


def test_documented_hyperparameters():
    fields = ["init_scale", "learning_rate", "max_grad_norm", "num_layers", "num_steps"]
    fields += ["hidden_size", "max_epoch", "max_max_epoch", "keep_prob", "lr_decay"]
    fields += ["batch_size", "vocab_size", "rnn_mode"]
    table = {
        "small": (0.1, 1.0, 5, 2, 20, 200, 4, 13, 1.0, 0.5, 20, 10000, "block"),
        "medium": (0.05, 1.0, 5, 2, 35, 650, 6, 39, 0.5, 0.8, 20, 10000, "block"),
        "large": (0.04, 1.0, 10, 2, 35, 1500, 14, 55, 0.35, 1 / 1.15, 20, 10000, "block"),
        "test": (0.1, 1.0, 1, 1, 2, 2, 1, 1, 1.0, 0.5, 20, 10000, "block"),
    }
    for model, row in table.items():
        config = configs.get_config(model)
        assert tuple(getattr(config, field) for field in fields) == row


@pytest.mark.parametrize(
    ("model", "schedule", "rates"),
    [
        ("small", "tutorial", {1: 1.0, 4: 1.0, 5: 0.5, 6: 0.25, 13: 0.5**9}),
        ("small", "paper", {1: 1.0, 5: 1.0, 6: 0.5, 13: 0.5**8}),
        ("medium", "tutorial", {6: 1.0, 7: 0.8, 39: 0.8**33}),
        ("medium", "table", {7: 1.0, 8: 0.8, 39: 0.8**32}),
        ("medium", "paper", {7: 1.0, 8: 1 / 1.2, 39: 1.2**-32}),
        ("large", "tutorial", {14: 1.0, 15: 1 / 1.15}),
        ("large", "paper", {15: 1.0, 16: 1 / 1.15}),
    ],
)
def test_learning_rates(model, schedule, rates):
    config = configs.get_config(model, schedule)
    for epoch, rate in rates.items():
        assert learning_rate.of_epoch(config, epoch) == pytest.approx(rate)


def test_configurations_are_not_shared():
    config = configs.get_config("small")
    assert configs.with_one_stream(config).batch_size == 1
    copy = configs.as_config(config)
    config.batch_size = np.int64(7)  # as the tutorial did for its test model
    assert (config.batch_size, copy.batch_size, configs.SmallConfig.batch_size) == (7, 20, 20)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("batch_size", 0, "batch_size is 0, but must be a whole number, at least 1"),
        ("batch_size", 10**400, "but must be below 2147483648"),
        ("learning_rate", 10**400, "but must be below 3.4"),
        ("learning_rate", float("inf"), "learning_rate is inf, but must be a number"),
        ("batch_sise", 3, "SmallConfig: batch_sise is not a field"),
    ],
)
def test_an_assigned_value_is_checked(name, value, message):
    config = configs.SmallConfig()
    with pytest.raises(configs.ConfigError, match=message):
        setattr(config, name, value)
    assert config == configs.SmallConfig()


def test_a_configuration_of_ones_own():
    class Wide(configs.SmallConfig):
        hidden_size = 300

        @classmethod
        def of_two_layers(cls):
            return cls(num_layers=2)

    assert (Wide.of_two_layers().num_layers, Wide.of_two_layers().hidden_size) == (2, 300)
    expected = {**dataclasses.asdict(configs.SmallConfig()), "hidden_size": 300}
    for config in (
        Wide(),
        configs.as_config(Wide),
        configs.SmallConfig(hidden_size=300),
        configs.get_config("small", hidden_size=np.int64(300)),
    ):
        assert dataclasses.asdict(config) == expected
    assert dataclasses.replace(Wide(), num_layers=3).hidden_size == 300
    assert configs.with_paper_schedule(Wide(lr_decay=0.7)).lr_decay == 0.5

    class Wider(Wide):
        hidden_size = 400
        paper_lr_decay = 0.9

    assert configs.with_paper_schedule(Wider()).lr_decay == 0.9
    assert (Wider().hidden_size, Wider().num_layers) == (400, 2)


class TutorialConfig:
    """As in the first version of the tutorial, which had no `rnn_mode`."""

    init_scale = 0.1
    learning_rate = 1.0
    max_grad_norm = 5
    num_layers = 2
    num_steps = 20
    hidden_size = 8
    max_epoch = 4
    max_max_epoch = 13
    keep_prob = 1.0
    lr_decay = 0.5
    batch_size = 20
    vocab_size = 10000


@pytest.mark.parametrize("config", [TutorialConfig, TutorialConfig()])
def test_a_configuration_of_the_tutorials_kind(config):
    assert configs.as_config(config) == configs.SmallConfig(hidden_size=8)
    assert configs.as_config(config).rnn_mode == configs.BLOCK


def test_a_configuration_that_lacks_a_field_is_refused():
    class Incomplete:
        init_scale = 0.1

    with pytest.raises(configs.ConfigError, match="Incomplete: has no learning_rate"):
        configs.as_config(Incomplete)


def test_a_misspelt_field_is_refused():
    with pytest.raises(configs.ConfigError, match="Typo: hiden_size is not a field"):

        class Typo(configs.SmallConfig):
            hiden_size = 3

    with pytest.raises(TypeError, match="hidden"):
        configs.SmallConfig(hidden=300)


@pytest.mark.parametrize(
    ("field", "value", "bound"),
    [
        *((f, 0, "a whole number, at least 1") for f in ("num_layers", "num_steps", "hidden_size")),
        *((f, 0, "a whole number, at least 1") for f in ("batch_size", "max_max_epoch")),
        ("num_layers", 101, "a whole number, at least 1 and at most 100"),
        ("init_scale", 1e39, "below 3.4e+38, the largest float32"),
        *((f, -1, "a whole number, at least 0") for f in ("max_epoch", "vocab_size")),
        *((f, 0, "a number, above 0") for f in ("init_scale", "learning_rate", "max_grad_norm")),
        ("lr_decay", -0.5, "a number, above 0"),
        ("keep_prob", 0.0, "a number, above 0 and at most 1"),
        ("keep_prob", 1.5, "a number, above 0 and at most 1"),
        ("learning_rate", float("nan"), "a number, above 0"),
        ("learning_rate", float("inf"), "a number, above 0"),
        ("init_scale", "0.1", "a number, above 0"),
        ("hidden_size", 200.0, "a whole number, at least 1"),
        ("hidden_size", True, "a whole number, at least 1"),
        ("hidden_size", None, "a whole number, at least 1"),
        ("rnn_mode", "gru", "one of basic, block, cudnn"),
    ],
)
def test_nonsense_is_refused_with_its_bound(field, value, bound):
    kinds = [
        lambda: configs.SmallConfig(**{field: value}),
        lambda: dataclasses.replace(configs.MediumConfig(), **{field: value}),
        lambda: configs.as_config(type("Mine", (configs.SmallConfig,), {field: value})),
        lambda: configs.as_config(type("Old", (TutorialConfig,), {field: value})),
    ]
    for make in kinds:
        with pytest.raises(configs.ConfigError) as caught:
            make()
        assert f"{field} is {value!r}, but must be {bound}" in str(caught.value)


@pytest.mark.parametrize("arguments", [("tiny",), ("small", "fast"), ("small", "paper", "gru")])
def test_unknown_name_lists_the_known_ones(arguments):
    with pytest.raises(ValueError, match=f"'{arguments[-1]}'.* must be one of"):
        configs.get_config(*arguments)
