"""The flags of the scripts that train. Each field of a configuration is one, too."""

import os
import stat

from absl import flags

import configs
from program import hardware, path_flags, paths, tf_config
from program.errors import RequestError
from script_flags import hyperparameters, old_checkpoints, trained
from text import corpus_files

# What --eval_only takes of the hyperparameters.
USED_IN_EVALUATION = ("batch_size", "num_steps", "hidden_size", "num_layers", "vocab_size")


def define() -> None:
    """Defines the flags, in absl's own registry."""
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
    flags.DEFINE_bool("use_bf16", False, "Likewise in bfloat16.")
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
        "When the learning rate falls; table: an epoch later, as for the tutorial's table of "
        "results; paper: an epoch later, and medium's by less. It changes the model's max_epoch "
        "and lr_decay; --config, --max_epoch and --lr_decay win over it.",
    )
    path_flags.define_path(
        "config", None, "JSON file with hyperparameters, such as a run's config.json, or some."
    )
    hyperparameters.define()
    old_checkpoints.define()


def check(arguments: flags.FlagValues) -> None:
    """Refuses what `ptb_word_lm.py` cannot do, as far as it can be told without TensorFlow.

    Raises:
      program.errors.UserError: the message says what to do.
    """
    tf_config.refuse_cluster()
    if arguments.leave_out_unknown and not arguments.eval_only:
        raise RequestError("--leave_out_unknown: is for --eval_only; training keeps the text whole")
    check_values(arguments)
    if arguments.eval_only:
        trained.check_save_path(arguments.save_path)
    else:
        _check_save_path(arguments.save_path)
    splits = corpus_files.SPLITS[1:] if arguments.eval_only else corpus_files.SPLITS
    corpus_files.check(arguments.data_path, splits)


def _check_save_path(path):
    """Refuses what is no directory, or cannot become one; RequestError."""
    if path is None:
        return
    if fault := paths.name_fault(path):
        raise RequestError(f"--save_path={path}: {fault}")
    fault = paths.directory_fault(path)
    if fault and not trained.is_checkpoints(path):
        raise RequestError(f"--save_path={path}: {fault}; name a directory to write to")


def check_values(arguments: flags.FlagValues) -> None:
    """Refuses values that no machine, or not this one, can compute with; RequestError."""
    if arguments.use_fp16 and arguments.use_bf16:
        raise RequestError("--use_fp16 --use_bf16: choose one of the two")
    if arguments.config is not None and _is_pipe(arguments.config):
        return  # what is read of it is gone
    config = hyperparameters.choose_config(arguments)
    hardware.check_memory(config.num_layers, config.hidden_size)


def _is_pipe(path):
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def evaluation_fields(arguments: flags.FlagValues) -> set:
    """The hyperparameters that --eval_only takes from the flags, a set of names."""
    asked = {name for name in USED_IN_EVALUATION if arguments[name].present}
    if arguments["model"].present:
        asked |= {"batch_size", "num_steps", "hidden_size", "num_layers"}
    if arguments.config is not None:
        asked |= hyperparameters.read_file(arguments.config).keys() & set(USED_IN_EVALUATION)
    return asked
