r"""Trains on several machines: `ptb_word_lm.py` with the same flags, and the machines in TF_CONFIG.

    TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]},
                "task": {"type": "worker", "index": 0}}' \
      python train_cluster.py --data_path=DIR --model=large --save_path=RUN

on the first machine, and the same with `"index": 1` on the second. See docs/several-machines.md.
"""

if __name__ == "__main__":
    from program import command_line
    from script_flags import cluster as script_flags

    command_line.start(script_flags.define, script_flags.check)

import dataclasses

from absl import flags

import configs
import ptb_word_lm
import reader
import training
from program import command_line
from training import cluster, continued_words


def build(
    machines: cluster.Machines,
    request: training.Request,
    config: configs.SmallConfig,
    corpus: reader.Corpus,
    clip_mean: bool,
) -> tuple:
    """The metagraph, replicated over the machines, and its models: see `build_metagraph`.

    With `clip_mean`, the mean gradient is clipped, and no replica clips its own.
    """
    max_norm = None
    if clip_mean:
        max_norm = config.max_grad_norm
        config = dataclasses.replace(config, max_grad_norm=configs.LARGEST)
    metagraph, models = ptb_word_lm.build_metagraph(
        config, corpus, request.hardware["dtype"], request.seed
    )
    machines.replicate(metagraph, models["Train"], request.num_replicas, max_norm)
    return metagraph, models


def main() -> None:
    """Drives the machines, or serves the machine that drives; UserError if it cannot be done."""
    request = training.read_request(several_machines=True)
    config, dtype = request.config, request.hardware["dtype"]
    session_config = request.hardware["session_config"]
    machines = cluster.from_environment()
    description = cluster.describe(flags.FLAGS.flag_values_dict(), config)
    machines.start(session_config, description)
    if machines.is_worker:
        return machines.serve()
    max_words = config.vocab_size
    corpus = continued_words.read_corpus(
        request.save_path, request.data_path, max_words, request.answers
    )
    config = configs.with_vocabulary(config, corpus.words)
    config = continued_words.with_rows(config, max_words, request.save_path)
    clip_mean = flags.FLAGS.clip_mean
    metagraph, models = build(machines, request, config, corpus, clip_mean)
    described = request.save_path, config, dtype, request.seed, corpus, request.options
    run = training.describe_run(*described, clip_mean=clip_mean)

    def train(server):
        ptb_word_lm.run_metagraph(metagraph, models, config, run, session_config, server)

    machines.drive(train)


if __name__ == "__main__":
    command_line.run(main)
