"""Defines the flags of the scripts that train, and reads what they ask for."""

import dataclasses
import json
import sys
from typing import Any, NamedTuple

from absl import flags

import configs
import reader
from model import devices
from program import old_flags, path_flags, tf_config
from program.errors import RequestError
from program.messages import say
from saved import eras

USED_IN_EVALUATION = ("batch_size", "num_steps", "hidden_size", "num_layers", "vocab_size")
# Flags that only say how often to save and to report.
_OPTIONS = ("save_every_secs", "summary_steps", "sample_words")


class Request(NamedTuple):
    """What the flags ask for.

    Attributes:
      config: a `configs.SmallConfig`.
      data_path, save_path: str; `save_path` is None without the flag.
      seed: int.
      num_replicas: int, replicas of the model on this machine.
      hardware: dict of `dtype`, a `precision.Precision`, and `session_config`, a `ConfigProto`.
      evaluation: dict, arguments of `ptb_word_lm.evaluate`; None: train.
      answers: `eras.Answers`, what the user says of a checkpoint of the TF1 script.
      options: dict, the fields of `guard.RunOptions`.
    """

    config: configs.SmallConfig
    data_path: str
    save_path: str | None
    seed: int
    num_replicas: int
    hardware: dict
    evaluation: dict | None
    answers: eras.Answers
    options: dict


def define() -> None:
    """Defines the flags, in absl's own registry; a second call changes nothing."""
    if "data_path" in flags.FLAGS:
        return
    path_flags.define_path("data_path", None, "Directory of ptb.train.txt, .valid.txt, .test.txt.")
    flags.register_validator("data_path", bool, "name the directory of ptb.train.txt and so on")
    flags.DEFINE_enum("model", "small", list(configs.CONFIGS), "Which configuration to train.")
    path_flags.define_path(
        "save_path", None, "Directory to save the run to, or to continue it from."
    )
    flags.DEFINE_float("save_every_secs", 600, "Seconds between saves within an epoch.", 0)
    flags.register_validator("save_every_secs", lambda s: s >= 0, "must be a number, not nan")
    flags.DEFINE_integer("summary_steps", 100, "Steps between summaries within an epoch.", 1)
    flags.DEFINE_integer(
        "sample_words", 50, "Text sampled after each epoch, for TensorBoard.", 0, 10**5
    )
    flags.DEFINE_bool(
        "eval_only",
        False,
        "Valid and test perplexity of what is in --save_path. --batch_size and --num_steps, those "
        "of --config or --model included, are the windows of valid; by default the run's own.",
    )
    flags.DEFINE_bool(
        "leave_out_unknown",
        None,
        "With --eval_only: leave out words that are not in the vocabulary, as the TF1 script did "
        "from September 2016 on; --noleave_out_unknown: they become <unk>. By default they are "
        "left out only if the vocabulary has words that the script joined at line ends.",
    )
    flags.DEFINE_bool("use_fp16", False, "Activations and matrix products in float16.")
    flags.DEFINE_bool("use_bf16", False, "Likewise in bfloat16, where the machine supports it.")
    flags.DEFINE_integer("seed", 0, "Of initial weights, dropout and sampled words.", 0, 2**31 - 2)
    flags.DEFINE_enum(
        "rnn_mode",
        None,
        configs.RNN_MODES,
        "How to compute. basic: one cell, unrolled; block: fast on a CPU; cudnn: fast on an NVIDIA "
        "GPU, runs on no other. By default cudnn if there is such a GPU (and one machine), else "
        "block.",
    )
    flags.DEFINE_integer("num_gpus", None, "GPUs, a replica on each; 0: none. By default one.", 0)
    flags.DEFINE_enum(
        "schedule",
        "tutorial",
        configs.SCHEDULES,
        "When the learning rate falls; paper: an epoch later, and medium's by less. It changes the "
        "model's max_epoch and lr_decay; --config, --max_epoch and --lr_decay win over it.",
    )
    path_flags.define_path(
        "config", None, "JSON file with hyperparameters, such as a run's config.json, or some."
    )
    _define_hyperparameters()
    old_flags.define(reader.LINE_ENDS)
    for flag in flags.FLAGS.get_flags_for_module(__name__):  # --help shows the script's own flags
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)


def _define_hyperparameters():
    """Defines a flag for each field of a configuration that has none yet."""
    for field in dataclasses.fields(configs.SmallConfig):
        if field.name in flags.FLAGS:
            continue
        digits = "" if field.type is int else ".4g"
        values = (f"{m} {getattr(c, field.name):{digits}}" for m, c in configs.CONFIGS.items())
        text = f"{field.metadata['meaning']} By default that of --model: {', '.join(values)}."
        define_flag = flags.DEFINE_integer if field.type is int else flags.DEFINE_float
        define_flag(field.name, None, text)


def _read_config_file(path):
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
        changes |= _read_config_file(arguments.config)
    for field in dataclasses.fields(configs.SmallConfig):
        value = getattr(arguments, field.name)
        if value is not None:
            if fault := configs.fault_of(field, value):
                raise RequestError(f"--{field.name}={value}: {fault}")
            changes[field.name] = value
    return configs.get_config(arguments.model, arguments.schedule, **changes)


def _evaluation(arguments, config, answers):
    """The arguments of `ptb_word_lm.evaluate`; says which of the flags given it does not use."""
    fields = [field.name for field in dataclasses.fields(config)]
    given = {name for name in [*fields, "seed", "schedule", *_OPTIONS] if arguments[name].present}
    asked = set(given)
    if arguments["model"].present:
        asked |= {"batch_size", "num_steps", "hidden_size", "num_layers"}
    if arguments.config is not None:
        asked |= _read_config_file(arguments.config).keys()
    if unused := sorted(given - set(USED_IN_EVALUATION)):
        say(f"--eval_only does not use {', '.join(f'--{name}' for name in unused)}")
    return {
        "asked": {name: getattr(config, name) for name in USED_IN_EVALUATION if name in asked},
        "answers": answers,
        "leave_out": arguments.leave_out_unknown,
    }


def request(several_machines: bool = False) -> Request:
    """What the parsed flags ask for.

    Args:
      several_machines: whether the script trains on the machines that `TF_CONFIG` names.

    Raises:
      program.errors.UserError: this machine cannot do it.
    """
    if not several_machines:
        tf_config.refuse_cluster()
    arguments = flags.FLAGS
    if "data_path" not in arguments or not arguments.is_parsed():
        raise RequestError("main reads the command line's flags; from Python, call train_model")
    # All machines must compute in one mode, and another of them may have no GPU.
    prefer_cudnn = devices.has_cudnn(arguments.num_gpus) and not several_machines
    config = choose_config(arguments, configs.CUDNN if prefer_cudnn else configs.BLOCK)
    devices.check_memory(config.num_layers, config.hidden_size)
    needs_gpu = config.rnn_mode == configs.CUDNN
    num_replicas = devices.count_replicas(arguments.num_gpus, needs_gpu)
    if arguments.num_gpus is None and devices.unused_gpu():
        say("TensorFlow does not find the NVIDIA GPU here; docs/gpu.md says how to install CUDA")
    dtype = devices.choose_precision(arguments.use_fp16, arguments.use_bf16, arguments.num_gpus)
    session_config = devices.session_config(arguments.num_gpus, num_replicas)
    answers = eras.Answers(**old_flags.values())
    if arguments.leave_out_unknown and not arguments.eval_only:
        raise RequestError("--leave_out_unknown: is for --eval_only; training keeps the text whole")
    evaluation = _evaluation(arguments, config, answers) if arguments.eval_only else None
    return Request(
        config=config,
        data_path=arguments.data_path,
        save_path=arguments.save_path,
        seed=arguments.seed,
        num_replicas=num_replicas,
        hardware={"dtype": dtype, "session_config": session_config},
        evaluation=evaluation,
        answers=answers,
        options={name: getattr(arguments, name) for name in _OPTIONS},
    )
