"""The flags of `train_cluster.py`: those of `ptb_word_lm.py`, and one more."""

from absl import flags

from program import tf_config
from script_flags import training
from text import corpus_files


def define() -> None:
    """As `training.define`, with the flags that only several machines have."""
    training.define()
    flags.DEFINE_bool(
        "clip_mean",
        False,
        "Clip the norm of the mean gradient of all machines, as one machine does with their joint "
        "batch. By default each replica clips its own gradient, before the mean.",
    )


def check(arguments: flags.FlagValues) -> None:
    """As `training.check`, for the machines of `TF_CONFIG`; only the driver reads the corpus."""
    tf_config.require_cluster()
    training.check_values(arguments)
    if tf_config.is_driver():
        corpus_files.check(arguments.data_path)
