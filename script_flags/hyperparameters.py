"""The hyperparameters that --model, --schedule, --config and a flag for each of them ask for."""

import dataclasses
import json
from typing import Any

from absl import flags

import configs
from program.errors import RequestError


def define() -> None:
    """Defines a flag for each field of a configuration that has none yet."""
    for field in dataclasses.fields(configs.SmallConfig):
        if field.name in flags.FLAGS:
            continue
        digits = "" if field.type is int else ".4g"
        values = (f"{m} {getattr(c, field.name):{digits}}" for m, c in configs.CONFIGS.items())
        text = f"{field.metadata['meaning']} By default that of --model: {', '.join(values)}."
        define_flag = flags.DEFINE_integer if field.type is int else flags.DEFINE_float
        define_flag(field.name, None, text)


def read_file(path: str) -> dict[str, Any]:
    """The hyperparameters in a JSON file, name to value; RequestError if it is not such a file."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        message = getattr(error, "strerror", None) or f"is not JSON ({error})"
        raise RequestError(f"--config={path}: {message}") from None
    fields = {field.name: field for field in dataclasses.fields(configs.SmallConfig)}
    found = fields.keys() & content if isinstance(content, dict) else set()
    if not found:
        raise RequestError(f"--config={path}: has none of the hyperparameters {', '.join(fields)}")
    # A run's own file says more than hyperparameters, such as its seed.
    unknown = content.keys() - fields.keys()
    if unknown and not {"seed", "vocabulary"} & content.keys():
        raise RequestError(
            f"--config={path}: {', '.join(sorted(unknown))}: is not a hyperparameter; they are "
            + ", ".join(fields)
        )
    for name in found:
        if fault := configs.fault_of(fields[name], content[name]):
            raise RequestError(f"--config={path}: {name} is {content[name]!r}, but {fault}")
    # How a run was computed is no reason to compute another so: this machine may differ.
    if "seed" in content:
        found.discard("rnn_mode")
    return {name: content[name] for name in found}


def choose_config(
    arguments: flags.FlagValues, rnn_mode: str = configs.BLOCK
) -> configs.SmallConfig:
    """The configuration that flags ask for.

    The model's values come first, then those of `--schedule`, of the file `--config`, and of the
    flag of each field. Each wins over the ones before.

    Args:
      arguments: absl's `FlagValues`.
      rnn_mode: the mode if neither the file nor a flag names one.

    Raises:
      RequestError: the file cannot be read, or a value is out of its bound.
    """
    changes: dict[str, Any] = {"rnn_mode": rnn_mode}
    if arguments.config is not None:
        changes |= read_file(arguments.config)
    for field in dataclasses.fields(configs.SmallConfig):
        value = getattr(arguments, field.name)
        if value is not None:
            if fault := configs.fault_of(field, value):
                raise RequestError(f"--{field.name}={value}: {fault}")
            changes[field.name] = value
    return configs.get_config(arguments.model, arguments.schedule, **changes)
