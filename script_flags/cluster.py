"""The flags of `train_cluster.py`: those of `ptb_word_lm.py`."""

from absl import flags

from program import tf_config
from script_flags import training
from text import corpus_files

define = training.define


def check(arguments: flags.FlagValues) -> None:
    """As `training.check`, for the machines of `TF_CONFIG`; only the driver reads the corpus."""
    tf_config.require_cluster()
    training.check_values(arguments)
    if tf_config.is_driver():
        corpus_files.check(arguments.data_path)
