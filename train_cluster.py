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
from training import cluster


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
    corpus = reader.read_corpus(request.data_path, config.vocab_size or None)
    config = configs.with_vocabulary(config, corpus.words)
    replica, max_norm, clip_mean = config, None, flags.FLAGS.clip_mean
    if clip_mean:
        replica = dataclasses.replace(config, max_grad_norm=configs.LARGEST)  # clips nothing
        max_norm = config.max_grad_norm
    metagraph, models = ptb_word_lm.build_metagraph(replica, corpus, dtype, request.seed)
    machines.replicate(metagraph, models["Train"], request.num_replicas, max_norm)
    described = request.save_path, config, dtype, request.seed, corpus, request.options
    run = training.describe_run(*described, clip_mean=clip_mean)

    def train(server):
        ptb_word_lm.run_metagraph(metagraph, models, config, run, session_config, server)

    machines.drive(train)


if __name__ == "__main__":
    command_line.run(main)
