"""What the flags of training ask for, on this machine."""

import dataclasses
from typing import NamedTuple

import tensorflow as tf
from absl import flags

import configs
from model import devices
from program import tf_config
from program.errors import RequestError
from program.messages import say
from saved import tf1_checkpoints
from script_flags import hyperparameters, old_checkpoints
from script_flags import training as training_flags
from training.saves_and_signals import RunOptions


class Request(NamedTuple):
    """What the flags ask for.

    Attributes:
      config: a `configs.SmallConfig`.
      data_path, save_path: str; `save_path` is None without the flag.
      seed: int.
      num_replicas: int, replicas of the model on this machine.
      hardware: dict of `dtype`, a `precision.Precision`, and `session_config`, a `ConfigProto`.
      evaluation: dict, arguments of `ptb_word_lm.evaluate`; None: train.
      answers: `tf1_checkpoints.Answers`, what the user says of a checkpoint of the TF1 script.
      options: `saves_and_signals.RunOptions`, how often to save and report.
    """

    config: configs.SmallConfig
    data_path: str
    save_path: str | None
    seed: int
    num_replicas: int
    hardware: dict
    evaluation: dict | None
    answers: tf1_checkpoints.Answers
    options: RunOptions


def read_request(several_machines: bool = False) -> Request:
    """What the parsed flags ask for.

    Args:
      several_machines: whether the script trains on the machines that `TF_CONFIG` names.

    Raises:
      program.errors.UserError: this machine cannot do it.
    """
    arguments = flags.FLAGS
    if "data_path" not in arguments or not arguments.is_parsed():
        raise RequestError("main reads the command line's flags; from Python, call train_model")
    if not several_machines:
        tf_config.refuse_cluster()
    # All machines must compute in one mode, and another of them may have no GPU.
    prefer_cudnn = devices.has_cudnn(arguments.num_gpus) and not several_machines
    default_mode = configs.CUDNN if prefer_cudnn else configs.BLOCK
    config = hyperparameters.choose_config(arguments, default_mode)
    num_replicas = count_replicas(arguments.num_gpus, needs_gpu=config.rnn_mode == configs.CUDNN)
    if arguments.num_gpus is None and devices.unused_gpu():
        say("TensorFlow does not find the NVIDIA GPU here; docs/gpu.md says how to install CUDA")
    answers = tf1_checkpoints.Answers(**old_checkpoints.values())
    dtype = tf.float16 if arguments.use_fp16 else tf.bfloat16 if arguments.use_bf16 else tf.float32
    return Request(
        config=config,
        data_path=arguments.data_path,
        save_path=arguments.save_path,
        seed=arguments.seed,
        num_replicas=num_replicas,
        hardware={
            "dtype": devices.precision_for(dtype, arguments.num_gpus),
            "session_config": devices.session_config(arguments.num_gpus, num_replicas),
        },
        evaluation=_evaluation(arguments, config, answers) if arguments.eval_only else None,
        answers=answers,
        options=RunOptions(*(getattr(arguments, name) for name in RunOptions._fields)),
    )


def _evaluation(arguments, config, answers):
    """The arguments of `ptb_word_lm.evaluate`; says which of the flags given it does not use."""
    fields = [field.name for field in dataclasses.fields(config)]
    names = [*fields, "seed", "schedule", *RunOptions._fields]
    used = training_flags.USED_IN_EVALUATION
    if unused := sorted(name for name in names if arguments[name].present and name not in used):
        say(f"--eval_only does not use {', '.join(f'--{name}' for name in unused)}")
    asked = training_flags.evaluation_fields(arguments)
    return {
        "asked": {name: getattr(config, name) for name in asked},
        "answers": answers,
        "leave_out": arguments.leave_out_unknown,
    }


def count_replicas(num_gpus: int | None, needs_gpu: bool) -> int:
    """How many replicas to train: one for each GPU asked for, or one on the CPU.

    Args:
      num_gpus: the GPUs asked for, or None for one if there is one.
      needs_gpu: whether the model cannot run on a CPU (`--rnn_mode=cudnn`).

    Raises:
      RequestError: this machine has too few GPUs.
    """
    available = len(devices.usable_gpus(num_gpus))
    if num_gpus is not None and num_gpus > available:
        raise RequestError(
            f"--num_gpus={num_gpus}: TensorFlow can use {available} here (docs/gpu.md says how to "
            "install CUDA); leave the flag out to train on what there is"
        )
    if needs_gpu and not available:
        raise RequestError(
            "--rnn_mode=cudnn: needs an NVIDIA GPU, and CUDA (docs/gpu.md); --rnn_mode=block "
            "computes the same on a CPU"
        )
    return num_gpus or 1
