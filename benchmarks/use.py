"""How fast a trained model is in use, beside PyTorch with the same weights.

    pip install -r benchmarks/requirements.txt
    python benchmarks/use.py --save_path=runs/small --text=data/ptb/ptb.test.txt

Four uses take turns: lists of hypotheses, which the benchmark makes from the text as a recognizer
would; the lines of the text by themselves; the text as one stream; and one text that is generated
word by word. Before anything is timed, both must give the same totals. PyTorch scores lists and
lines in batches of 128 of similar length. `--nbest` names lists of your own, as `--nbest_format=
kaldi_n` of `score.py` reads them. Prints Markdown: medians of words per second.
"""

import argparse
import heapq
import os
import random
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from program import tensorflow_import  # noqa: E402

tensorflow_import.import_tensorflow()

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import torch  # noqa: E402
from arguments import naturals, path, positive  # noqa: E402

from trained import generation, prefix_tree, scoring, text_reader, trained_model  # noqa: E402

BATCH_SIZE = 128
NUM_STEPS = 64
TOLERANCE = 1e-3  # of a total, in nats for each line


class Torch(torch.nn.Module):
    """The same model in PyTorch."""

    def __init__(self, trained):
        super().__init__()
        checkpoint = tf.train.load_checkpoint(trained.path)
        weights = {name: checkpoint.get_tensor(there) for name, there in trained.names.items()}
        size, layers = trained.config.hidden_size, trained.config.num_layers
        self.embedding = torch.nn.Embedding(*weights["Model/embedding"].shape)
        self.lstm = torch.nn.LSTM(size, size, layers)
        self.linear = torch.nn.Linear(size, trained.config.vocab_size)
        values = {
            "embedding.weight": weights["Model/embedding"],
            "linear.weight": weights["Model/softmax_w"].T,
            "linear.bias": weights["Model/softmax_b"],
        }
        for layer in range(layers):
            kernel, bias = (
                weights[f"Model/RNN/multi_rnn_cell/cell_{layer}/basic_lstm_cell/{name}"]
                for name in ("kernel", "bias")
            )
            order = [np.split(each, 4, axis=-1) for each in (kernel, bias)]
            kernel, bias = (np.concatenate([i, f, j, o], axis=-1) for i, j, f, o in order)
            values[f"lstm.weight_ih_l{layer}"] = kernel[:size].T
            values[f"lstm.weight_hh_l{layer}"] = kernel[size:].T
            values[f"lstm.bias_ih_l{layer}"] = bias
            values[f"lstm.bias_hh_l{layer}"] = np.zeros_like(bias)
        self.load_state_dict({name: torch.tensor(value) for name, value in values.items()})
        self.eval()

    @torch.inference_mode()
    def score(self, words, targets, state=None):
        """Log-probabilities `[steps, batch]` of targets; 0 where they are negative."""
        outputs, state = self.lstm(self.embedding(torch.tensor(words)), state)
        targets = torch.tensor(targets, dtype=torch.int64)
        logits = torch.log_softmax(self.linear(outputs), dim=-1)
        scores = logits.gather(2, targets.clamp(min=0)[..., None])[..., 0]
        return scores * (targets >= 0), state

    def score_lines(self, first, sequences):
        """The total of each sequence."""
        totals = np.zeros(len(sequences))
        order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
        for start in range(0, len(order), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            targets = np.full([max(len(sequences[i]) for i in batch), len(batch)], -1, np.int32)
            for column, i in enumerate(batch):
                targets[: len(sequences[i]), column] = sequences[i]
            words = np.maximum(np.concatenate([np.full([1, len(batch)], first), targets[:-1]]), 0)
            totals[batch] = self.score(words, targets)[0].sum(dim=0).numpy()
        return totals

    def score_stream(self, ids):
        """The total of a text."""
        total, state = 0.0, None
        for start in range(0, len(ids) - 1, NUM_STEPS):
            window = ids[start : start + NUM_STEPS + 1, None]
            scores, state = self.score(window[:-1], window[1:], state)
            total += float(scores.sum())
        return total

    @torch.inference_mode()
    def generate(self, first, num_words):
        word, state = torch.tensor([[first]]), None
        for _ in range(num_words):
            output, state = self.lstm(self.embedding(word), state)
            word = torch.multinomial(torch.softmax(self.linear(output[0]), dim=-1), 1)
        return num_words


def make_lists(lines, size, num_lines, seed=1):
    """Lists of hypotheses as a recognizer makes them.

    One word in four has 1 to 3 alternatives, each with a cost; a list is the cheapest combinations.

    Args:
      lines: list of lists of words.
      size: hypotheses of a list.
      num_lines: hypotheses in all.
      seed: of the alternatives.
    """
    draw = random.Random(seed)
    words, lists = [word for line in lines for word in line], []
    while len(lists) * size < num_lines:
        best = [(0.0, ())]
        for word in draw.choice(lines):
            choices = [(0.0, word)]
            if draw.random() < 0.25:
                count = draw.randint(1, 3)
                choices += [(draw.expovariate(0.5), draw.choice(words)) for _ in range(count)]
            best = heapq.nsmallest(
                size, ((cost + more, (*h, w)) for cost, h in best for more, w in choices)
            )
        if len(best) == size:
            lists.append([hypothesis for _, hypothesis in best])
    return lists


def read_lists(file, word_to_id):
    """The lists of a file as ids."""
    lists: dict = {}
    for pieces in text_reader.TextReader(word_to_id, nbest_format="kaldi_n").read([file], True):
        for piece in pieces:
            lists.setdefault(piece.hypothesis.key, []).append(piece.ids)
    return list(lists.values())


def in_batches(lists, num_words=40_000):
    """Lists put together, as many as `score.py` reads at once."""
    batch, size = [], 0
    for each in lists:
        batch += each
        size += sum(map(len, each))
        if size > num_words:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def uses_of_lists(name, lists, ours, theirs, first):
    """A use of lists: `(name, words, ours, PyTorch's)`; says how much repeats itself."""
    sequences = [sequence for each in lists for sequence in each]
    num_words = sum(map(len, sequences))
    trees = [prefix_tree.build(first, each) for each in lists]
    num_nodes = sum(len(level.words) for tree in trees for level in tree.levels)
    print(f"{name}: {num_words} words, {1 - num_nodes / num_words:.0%} of beginnings repeated\n")

    def score():
        begun = (scoring.begin_sequences(ours, first, batch) for batch in in_batches(lists))
        scores = scoring.finished(begun, reads_ahead=True)
        return np.array([each.sum() for batch in scores for each in batch])

    return name, num_words, score, lambda: theirs.score_lines(first, sequences)


def check(name, ours, theirs):
    """Stops the benchmark if the totals differ."""
    difference = np.max(np.abs(np.asarray(ours()) - theirs()))
    if difference > TOLERANCE * max(1, np.max(np.abs(theirs())) / 1000):
        sys.exit(f"{name}: totals differ by {difference}")


def print_row(name, num_words, ours, theirs, turns):
    """Times both in turns; prints a row of the table."""
    seconds: tuple = ([], [])
    for _ in range(turns):
        for function, times in zip((ours, theirs), seconds):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
    a, b = (num_words / statistics.median(times) for times in seconds)
    print(f"| {name} | {a:,.0f} | {b:,.0f} | {a / b:.2f} |", flush=True)


def main():
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save_path", type=path, required=True)
    parser.add_argument("--text", type=path, required=True)
    parser.add_argument("--nbest", type=path, help="lists of your own")
    parser.add_argument("--list_sizes", type=naturals, default="100,1000")
    parser.add_argument("--hypotheses", type=positive, default=10_000, help="in all")
    parser.add_argument("--turns", type=positive, default=5)
    arguments = parser.parse_args()
    trained = trained_model.read(arguments.save_path)
    word_to_id, first = trained.word_to_id, trained.end_of_sentence
    ours, theirs = scoring.Scorer(trained), Torch(trained)
    sampler = generation.Sampler(trained)

    with open(arguments.text, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.strip()]
    unknown = trained.unknown_ids[0] if trained.unknown_ids else first

    def ids_of(words):
        return np.array([*(word_to_id.get(w, unknown) for w in words), first], np.int32)

    made = {f"lists of {size}": size for size in arguments.list_sizes}
    lists = {
        name: [list(map(ids_of, each)) for each in make_lists(lines, size, arguments.hypotheses)]
        for name, size in made.items()
    }
    if arguments.nbest:
        lists[os.path.basename(arguments.nbest)] = read_lists(arguments.nbest, word_to_id)
    uses = [uses_of_lists(name, each, ours, theirs, first) for name, each in lists.items()]
    sequences = list(map(ids_of, lines))
    stream = np.concatenate(sequences)
    uses += [
        (
            "lines by themselves",
            len(stream),
            lambda: [each.sum() for each in scoring.score_sequences(ours, first, sequences)],
            lambda: theirs.score_lines(first, sequences),
        ),
        (
            "one stream",
            len(stream) - 1,
            lambda: ours.score(stream[:1], stream[1:, None])[0].sum(dtype=np.float64),
            lambda: theirs.score_stream(stream),
        ),
    ]
    print("| use | here, words/s | PyTorch | ratio |\n|---|---|---|---|")
    for name, num_words, function, other in uses:
        check(name, function, other)
        print_row(name, num_words, function, other, arguments.turns)
    one = ("one text generated", 300, lambda: list(sampler.sample([first], 300, 1)))
    print_row(*one, lambda: theirs.generate(first, 300), arguments.turns)


if __name__ == "__main__":
    main()
