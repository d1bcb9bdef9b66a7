"""How a model's training begins, with several limits of the gradient's norm and several seeds.

    python benchmarks/beginnings.py --data_path=DIR --model=large --use_bf16

Trains the first steps as `ptb_word_lm.py` does, from the beginning for each limit and seed, and
prints the perplexity so far after some of them: a row of Markdown as soon as it is known. In the
last columns are the largest norm of the gradients before clipping and the step that had it.
"""

import argparse
import dataclasses
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from arguments import naturals, path, positives  # noqa: E402

import configs  # noqa: E402
from program import tensorflow_import  # noqa: E402


def begin(config, corpus, dtype, seed, steps):
    """Trains the first steps of a model.

    Args:
      config, corpus, dtype, seed: as for `ptb_word_lm.build_metagraph`.
      steps: list of int, when to look.

    Returns:
      `(perplexities, norm, step)`: the perplexity so far after each of `steps`; the largest norm,
      and its step, counted from 1.
    """
    import tensorflow as tf

    import ptb_word_lm
    import training
    import util
    from training import learning_rate

    metagraph, models = ptb_word_lm.build_metagraph(config, corpus, dtype, seed)
    perplexities, norms = [], []
    with tf.Graph().as_default():
        model = util.import_models(metagraph, models)["Train"]
        with training.open_run(model) as (session, _):
            model.assign_lr(session, learning_rate.of_epoch(config, 1))
            for result in training.run_windows(session, model, model.train_op):
                norms.append(float(result.grad_norm))
                if result.progress.window in steps:
                    perplexities.append(result.perplexity)
                if result.progress.window == max(steps):
                    break
    return perplexities, max(norms), norms.index(max(norms)) + 1


def main():
    """Reads the flags, and prints a row for each limit and seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_path", type=path, required=True)
    parser.add_argument("--model", default="large", choices=["small", "medium", "large", "test"])
    parser.add_argument("--use_bf16", action="store_true")
    parser.add_argument("--max_grad_norms", type=positives, default=[10, 5, 2, 1])
    parser.add_argument("--seeds", type=naturals, default=[0, 1, 2, 3, 4])
    parser.add_argument("--steps", type=positives, default=[36, 93, 300])
    arguments = parser.parse_args()
    tensorflow_import.import_tensorflow()
    import tensorflow as tf

    import reader

    config = configs.get_config(arguments.model)
    corpus = reader.read_corpus(arguments.data_path, config.vocab_size)
    config = configs.with_vocabulary(config, corpus.words)
    dtype = tf.bfloat16 if arguments.use_bf16 else tf.float32
    steps = sorted(arguments.steps)
    heads = ["max_grad_norm", "seed", *map(str, steps), "largest norm", "of step"]
    print("|", " | ".join(heads), "|")
    print("|---" * len(heads) + "|", flush=True)
    for seed in arguments.seeds:
        for limit in arguments.max_grad_norms:
            limited = dataclasses.replace(config, max_grad_norm=float(limit))
            perplexities, norm, step = begin(limited, corpus, dtype, seed, steps)
            cells = [limit, seed, *(f"{each:,.0f}" for each in perplexities), f"{norm:.4g}", step]
            print("|", " | ".join(map(str, cells)), "|", flush=True)


if __name__ == "__main__":
    main()
