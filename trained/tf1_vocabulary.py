"""The vocabulary of a checkpoint of the TF1 script, made of its training text.

The script saved no vocabulary: it made one of the text whenever it ran. `of_the_script` makes it
again, by the script's own rule, and looks at the checkpoint to see whether it can be the right one.
"""

import os

import numpy as np

import reader
from model import lstm
from program.errors import UserError
from program.messages import say
from saved import run_directory, run_identity, tf1_checkpoints

# How many words of the text are looked at, and how many other orders of the words.
NUM_STREAMS, NUM_STEPS, NUM_ORDERS = 20, 100, 6
# A vocabulary is the right one if it explains the text so much better than others do, in standard
# deviations of theirs. (Of the real checkpoints, the right one had 10 to 24.)
MIN_DEVIATIONS = 4.0
MAX_HIDDEN_SIZE = 700  # for larger ones, looking takes too long
MIN_BETTER = 0.1  # nats a word, by which the script's own ids are better than those of a list
MIN_LEARNT = 0.5  # nats a word below a uniform distribution: less is hardly a trained model


class VocabularyError(UserError):
    """A text does not determine a checkpoint's vocabulary; the message says what to do."""


def of_the_script(
    path: str,
    layout: tf1_checkpoints.Layout,
    data_path: str,
    facts: tf1_checkpoints.Facts | None = None,
    line_ends: str | None = None,
) -> list[str]:
    """The words of a checkpoint's ids, of which a corpus is the training text.

    What was decided is said on standard error.

    Args:
      path: the checkpoint's.
      layout: of `tf1_checkpoints.match`.
      data_path: the directory of the corpus.
      facts: what the checkpoint's `.meta` file says.
      line_ends: one of `lines.LINE_ENDS`; None to choose what fits.

    Raises:
      VocabularyError: the text has more words than the checkpoint, or does not determine their
        order.
      reader.CorpusError: it cannot be read.
    """
    corpora = {}
    for each in (reader.JOINED, reader.APART) if line_ends is None else (line_ends,):
        corpora[each] = reader.read_training_text(data_path, each)
    chosen, why = _choose(path, layout, data_path, corpora, facts)
    ids, words = corpora[chosen]
    is_the_text = facts is not None and facts.train_text == run_identity.text_sum(ids)
    if is_the_text:
        why.append("it is the text of the training, as the .meta file shows")
    elif _seem_right(path, layout, ids):
        why.append("that it is the text of the training cannot be checked")
    else:
        _refuse_any_order(path, layout, data_path)
        why.append("BUT the model explains this text no better than one of exchanged words")
    say(
        f"{data_path}: its {len(words)} words are taken for those of the training; {'; '.join(why)}"
    )
    return words


def refuse_other_ids(
    path: str, layout: tf1_checkpoints.Layout, data_path: str, words: list, source: str
) -> None:
    """Refuses a word list that explains the training text less well than the script's own ids.

    Args:
      path, layout, data_path: as for `of_the_script`.
      words: the list, in the order of its ids.
      source: the file that it is from.

    Raises:
      VocabularyError: it seems to be of another order or text.
    """
    if layout.sizes[1] > MAX_HIDDEN_SIZE or len(words) > layout.sizes[0]:
        return
    try:
        corpora = [
            reader.read_training_text(data_path, each) for each in (reader.APART, reader.JOINED)
        ]
    except reader.CorpusError:  # there is a list, so that only the held-out texts are needed
        return
    if any(words == known for _, known in corpora):
        return
    weights = tf1_checkpoints.read_weights(path, layout.names)
    number = {word: i for i, word in enumerate(words)}
    for ids, known in corpora:
        text = _beginning(ids)
        if len(known) > layout.sizes[0] or len(text) < 2:
            continue
        by_list = np.array([number.get(word, 0) for word in known])[text]
        found, right = log_probability(weights, by_list), log_probability(weights, text)
        if right > max(found + MIN_BETTER, MIN_LEARNT - np.log(layout.sizes[0])):
            raise VocabularyError(
                f"{source}: the model explains {data_path} better with the ids that the script "
                "gave its words; if the list is of another order or text, move it away"
            )


def _beginning(ids):
    """The words of a text that are looked at, `[steps, streams]`."""
    length = min(NUM_STEPS, len(ids) // NUM_STREAMS)
    return ids[: NUM_STREAMS * length].reshape(NUM_STREAMS, length).T


def _choose(path, layout, data_path, corpora, facts):
    """What a line end is, and a list of why, in words."""
    rows = layout.sizes[0]
    fitting = {each: corpus for each, corpus in corpora.items() if len(corpus[1]) <= rows}
    if not fitting:
        num_words = min(len(words) for _, words in corpora.values())
        raise VocabularyError(
            f"{data_path}: has {num_words} words, but {path} has {rows}; they are of different "
            "corpora"
        )
    for each, (ids, _) in fitting.items():
        if facts and facts.train_text == run_identity.text_sum(ids):
            return each, []
    chosen = next(
        (e for e, (_, words) in fitting.items() if len(words) == rows), next(iter(fitting))
    )
    if len(corpora) == 1 or corpora[reader.APART][1] == corpora[reader.JOINED][1]:
        return chosen, []
    example = next(w for w in corpora[reader.JOINED][1] if reader.line_ends_of([w]) != reader.APART)
    if chosen == reader.JOINED:
        return chosen, [
            f"lines do not end with a space, so the script had words like {example!r} "
            "(--line_ends=apart if it read a text whose lines do)"
        ]
    return chosen, [f"words like {example!r}, as the script joins them, would be too many"]


def _refuse_any_order(path, layout, data_path):
    """Refuses a text of which the words seem to be in another order than the checkpoint's.

    The script of before 2016-01-15 left words of equal count in any order. Nothing in a checkpoint
    of the scope `model` says which script it was. But only the right order explains the text.
    """
    if layout.scope != tf1_checkpoints.FIRST_SCOPE:
        return
    file = os.path.join(os.path.dirname(path), run_directory.VOCABULARY_FILE)
    raise VocabularyError(
        f"{path}: its words are not in the order of {data_path}: before 2016-01-15, the script "
        "left words of equal count in no order, so that the text does not determine the "
        f"vocabulary; put the list of its words, one a line, into {file}"
    )


def _seem_right(path, layout, ids):
    """Whether ids can be those of a model's text; True, too, where that cannot be told."""
    if layout.sizes[1] > MAX_HIDDEN_SIZE and layout.scope != tf1_checkpoints.FIRST_SCOPE:
        return True
    deviations, has_learnt = _how_well_it_fits(path, layout, ids)
    return deviations is None or not has_learnt or deviations >= MIN_DEVIATIONS


def _how_well_it_fits(path, layout, ids):
    """By how much ids explain a text better than ids with words of equal count exchanged.

    Returns:
      `(deviations, has_learnt)`: the difference of the log-probabilities in standard deviations,
      None if there are too few words of equal count; and whether the model is trained at all.
    """
    weights = tf1_checkpoints.read_weights(path, layout.names)
    counts = np.bincount(ids)
    rng = np.random.default_rng(0)
    text = _beginning(ids)
    length = len(text)
    ties = [np.flatnonzero(counts == count) for count in np.unique(counts)]
    if length < 2 or sum(len(tie) for tie in ties if len(tie) > 1) < 10:
        return None, False
    known = log_probability(weights, text)
    others = []
    for _ in range(NUM_ORDERS):
        order = np.arange(len(counts))
        for tie in ties:
            order[tie] = rng.permutation(tie)
        others.append(log_probability(weights, order[text]))
    has_learnt = known > MIN_LEARNT - np.log(len(weights[f"{tf1_checkpoints.SCOPE}/embedding"]))
    return (known - np.mean(others)) / (np.std(others) + 1e-9), has_learnt


def _sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


def log_probability(weights: dict, text: np.ndarray) -> float:
    """The mean log-probability of a text's words, in nats, computed with NumPy.

    Args:
      weights: of `tf1_checkpoints.read_weights`.
      text: int `[num_steps, num_streams]`, ids; the first row is not predicted.
    """
    embedding, softmax_w, softmax_b = (
        weights[f"{tf1_checkpoints.SCOPE}/{name}"]
        for name in ("embedding", "softmax_w", "softmax_b")
    )
    names = [lstm.canonical_names(layer) for layer in range((len(weights) - 3) // 2)]
    layers = [[weights[f"{tf1_checkpoints.SCOPE}/{name}"] for name in pair] for pair in names]
    zeros = np.zeros([text.shape[1], embedding.shape[1]], np.float32)
    states = [(zeros, zeros) for _ in layers]
    total = 0.0
    for word, target in zip(text, text[1:]):
        x = embedding[word]
        for layer, (kernel, bias) in enumerate(layers):
            c, h = states[layer]
            i, j, f, o = np.split(np.concatenate([x, h], axis=1) @ kernel + bias, 4, axis=1)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(j)
            x = _sigmoid(o) * np.tanh(c)
            states[layer] = (c, x)
        logits = x @ softmax_w + softmax_b
        largest = logits.max(axis=1)
        sums = np.log(np.exp(logits - largest[:, None]).sum(axis=1)) + largest
        total += float((logits[np.arange(len(target)), target] - sums).mean(dtype=np.float64))
    return total / (len(text) - 1)
