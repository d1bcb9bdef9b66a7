import pytest

import configs


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
        ("medium", "paper", {7: 1.0, 8: 1 / 1.2, 39: 1.2**-32}),
        ("large", "tutorial", {14: 1.0, 15: 1 / 1.15}),
        ("large", "paper", {15: 1.0, 16: 1 / 1.15}),
    ],
)
def test_learning_rates(model, schedule, rates):
    config = configs.get_config(model, schedule)
    for epoch, rate in rates.items():
        assert configs.learning_rate(config, epoch) == pytest.approx(rate)


def test_configurations_are_separate():
    configs.get_config("small").batch_size = 1
    assert configs.get_config("small").batch_size == 20
    assert configs.with_one_stream(configs.SmallConfig).batch_size == 1
    assert configs.SmallConfig.batch_size == 20


def test_a_configuration_of_ones_own():
    class Wide(configs.SmallConfig):
        hidden_size = 300

    expected = {**configs.as_dict(configs.SmallConfig()), "hidden_size": 300}
    assert configs.as_dict(Wide()) == expected
    assert configs.as_dict(configs.SmallConfig(hidden_size=300)) == expected
    assert configs.as_dict(configs.changed(Wide, num_layers=3))["num_layers"] == 3
    with pytest.raises(TypeError, match="hidden is no field of a configuration"):
        configs.SmallConfig(hidden=300)


@pytest.mark.parametrize("arguments", [("tiny",), ("small", "fast"), ("small", "paper", "gru")])
def test_unknown_name_lists_the_known_ones(arguments):
    with pytest.raises(ValueError, match=f"'{arguments[-1]}' is none of"):
        configs.get_config(*arguments)
