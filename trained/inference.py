"""Uses a trained model: computes the log-probabilities of given words, and chooses next words.

A model's state is one float32 array `[batch, 2 * num_layers, hidden_size]`: each layer's c and h.
It is zeros before the first word.
"""

import concurrent.futures
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import reader
from model import devices, lstm, network
from text import preparation
from trained import trained_model

tf1 = tf.compat.v1

# The sizes of window that a text is cut into. Larger windows are faster; any text fits size 1.
WINDOW_SIZES = (64, 16, 4, 1)
MAX_BATCH_SIZE = 128


class LanguageModel:
    """A trained model's network in the current graph, with its state in one tensor."""

    def __init__(self, config: Any, layer: Callable | None = None):
        """Makes the variables, or takes those that the graph has.

        Args:
          config: has `vocab_size`, `hidden_size`, `num_layers` and `rnn_mode`.
          layer: as for `network.Network`.
        """
        self._config = config
        with tf1.variable_scope(trained_model.SCOPE, reuse=tf1.AUTO_REUSE, use_resource=True):
            self._network = network.Network(config, layer=layer)

    def state_placeholder(self) -> tf.Tensor:
        """A placeholder of the state before a window."""
        config = self._config
        return tf1.placeholder(tf.float32, [None, 2 * config.num_layers, config.hidden_size])

    def read(self, words: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Reads a window of words.

        Args:
          words: int32 `[num_steps, batch]`.
          state: see the module.

        Returns:
          `(outputs, state)`: float32 `[num_steps * batch, hidden_size]`, and the state after it.
        """
        layers = tf.unstack(state, axis=1)
        initial_state = tuple(map(lstm.LSTMStateTuple, layers[0::2], layers[1::2]))
        outputs, final_state = self._network.read(words, initial_state)
        return outputs, tf.stack(tf.nest.flatten(final_state), axis=1)

    def log_probabilities(self, outputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """The log-probability of each target word, in nats.

        Args:
          outputs: see `read`.
          targets: int32 `[num_steps, batch]`; the result for a negative one is 0.

        Returns:
          Float32 `[num_steps, batch]`.
        """
        losses = self._network.losses(outputs, targets)
        return tf.reshape(-losses, tf.shape(targets))

    def logits(self, outputs: tf.Tensor) -> tf.Tensor:
        """The logits of every word, float32 `[num_steps * batch, vocab_size]`."""
        return self._network.logits(outputs)


class Scorer:
    """A trained model in a session of its own, to score words with.

    To read one stream is a chain of small products, which keeps one core busy. Another thread
    computes the softmax of the window before at the same time.
    """

    def __init__(self, trained: trained_model.TrainedModel):
        """Builds the graph and restores the weights of a `trained_model.TrainedModel`."""
        self._state_shape = [2 * trained.config.num_layers, trained.config.hidden_size]
        self._thread = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        with tf.Graph().as_default():
            model = LanguageModel(trained.config)
            session = tf1.Session(config=devices.session_config())
            state = model.state_placeholder()
            self._read = {}
            for size in WINDOW_SIZES:
                words = tf1.placeholder(tf.int32, [size, None])
                self._read[size] = session.make_callable(model.read(words, state), [words, state])
            outputs = tf1.placeholder(tf.float32, [None, trained.config.hidden_size])
            targets = tf1.placeholder(tf.int32, [None, None])
            log_probabilities = model.log_probabilities(outputs, targets)
            self._log_probabilities = session.make_callable(log_probabilities, [outputs, targets])
            trained_model.restore_weights(session, trained)

    def score(
        self, first: Sequence[int], targets: np.ndarray, state: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scores words, each given all the words before it in its column.

        Args:
          first: int `[batch]`, the words to read before the targets.
          targets: int32 `[num_words, batch]`, the words to predict, which are then read, too;
            `reader.NO_WORD` where a column has ended.
          state: the state before `first`, or None for zeros.

        Returns:
          `(log_probabilities, state)`: float32 `[num_words, batch]`, 0 where there is no word, and
          the state after all the targets but the last.
        """
        if state is None:
            state = np.zeros([len(first), *self._state_shape], np.float32)
        words = np.maximum(np.concatenate([[first], targets[:-1]]), 0)
        scores, start = [], 0
        for size, read in self._read.items():
            while start + size <= len(targets):
                span = slice(start, start + size)
                outputs, state = read(words[span], state)
                score = self._thread.submit(self._log_probabilities, outputs, targets[span])
                scores.append(score)
                start += size
        nothing = np.zeros([0, len(first)], np.float32)
        return np.concatenate([nothing, *(score.result() for score in scores)]), state


class Mixture:
    """Several models whose probabilities of each word are averaged, as in Zaremba et al., table 1.

    It is used like a `Scorer`; its state is a list of their states.
    """

    def __init__(self, scorers: list):
        """Takes a list of `Scorer`, of models with the same vocabulary."""
        self._scorers = scorers

    def score(
        self, first: Sequence[int], targets: np.ndarray, state: list | None = None
    ) -> tuple[np.ndarray, list]:
        """See `Scorer.score`."""
        before = state or [None] * len(self._scorers)
        results = [each.score(first, targets, s) for each, s in zip(self._scorers, before)]
        log_probabilities, after = zip(*results)
        return np.logaddexp.reduce(log_probabilities) - np.log(len(after)), list(after)


def score_batch(scorer: Scorer | Mixture, first: int, sequences: list) -> list:
    """Scores independent sequences; those of similar length share a batch.

    Args:
      scorer: a `Scorer` or `Mixture`.
      first: int, the word to read before each sequence.
      sequences: list of int32 arrays.

    Returns:
      List of float32 arrays, the log-probabilities of each sequence's words.
    """
    results: list = [None] * len(sequences)
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
    for start in range(0, len(order), MAX_BATCH_SIZE):
        batch = order[start : start + MAX_BATCH_SIZE]
        longest = max(len(sequences[i]) for i in batch)
        longest += -longest % WINDOW_SIZES[-2]  # a few steps more are faster than windows of one
        targets = np.full([longest, len(batch)], reader.NO_WORD, np.int32)
        for column, i in enumerate(batch):
            targets[: len(sequences[i]), column] = sequences[i]
        log_probabilities, _ = scorer.score([first] * len(batch), targets)
        for column, i in enumerate(batch):
            results[i] = log_probabilities[: len(sequences[i]), column]
    return results


class Sampler:
    """A trained model in a session of its own, to continue texts with."""

    def __init__(
        self,
        trained: trained_model.TrainedModel,
        forbidden: Sequence[int] = (),
        top_k: int = 0,
        session_config: tf.compat.v1.ConfigProto | None = None,
    ):
        """Builds the graph and restores the weights.

        Args:
          trained: the model.
          forbidden: ids of words never to choose.
          top_k: choose only among the `top_k` most probable words; 0 for all.
          session_config: a `ConfigProto`; None for one that may use a GPU.
        """
        config = trained.config
        self._state_shape = [2 * config.num_layers, config.hidden_size]
        allowed = np.zeros(config.vocab_size, np.float32)
        allowed[list(forbidden)] = -np.inf
        allowed[len(trained.words) :] = -np.inf
        top_k = min(top_k or config.vocab_size, config.vocab_size)
        with tf.Graph().as_default():
            model = LanguageModel(config)
            session = tf1.Session(config=session_config or devices.session_config())
            state = model.state_placeholder()
            words = tf1.placeholder(tf.int32, [None])
            temperature = tf1.placeholder(tf.float32, [])
            seed = tf1.placeholder(tf.int64, [2])
            outputs, final_state = model.read(words[None], state)
            logits = model.logits(outputs) + allowed
            choices = {
                False: draw_words(logits, temperature, top_k, seed),
                True: tf.argmax(logits, axis=1, output_type=tf.int32),
            }
            self._read = session.make_callable(final_state, [words, state])
            self._choose = {
                is_greedy: session.make_callable(
                    [choice, final_state], [words, state, temperature, seed]
                )
                for is_greedy, choice in choices.items()
            }
        self._session, self._trained = session, trained
        self.load_weights(trained.path)

    def load_weights(self, path: str) -> None:
        """Restores the weights of another checkpoint of the same run; `path` is its prefix."""
        with self._session.graph.as_default():
            trained_model.restore_weights(self._session, self._trained._replace(path=path))

    def text(self, num_words: int) -> str:
        """A sample, joined into readable text. The same weights give the same text."""
        start = [self._trained.end_of_sentence]
        ids = (step[0] for step in self.sample(start, num_words, num_samples=1))
        how = self._trained.preparation or preparation.TOKENIZED
        return how.join(self._trained.words[i] for i in ids)

    def sample(
        self,
        prompt: list[int],
        num_words: int,
        num_samples: int,
        temperature: float = 1.0,
        seed: int = 0,
        batch: int = 0,
    ) -> Iterator[np.ndarray]:
        """Continues a text several times, side by side.

        Args:
          prompt: the ids of the words so far, at least one.
          num_words, num_samples: how many words of how many continuations.
          temperature: divides the logits; at 0 the most probable word is chosen.
          seed: the same seed chooses the same words.
          batch: the number of this call among several calls with one seed.

        Yields:
          Int32 `[num_samples]`, the next word of each sample, `num_words` times.
        """
        is_greedy = np.float32(temperature) < np.finfo(np.float32).tiny
        state = np.zeros([1, *self._state_shape], np.float32)
        for word in prompt[:-1]:
            state = self._read([word], state)
        state = np.repeat(state, num_samples, axis=0)
        words = np.full([num_samples], prompt[-1], np.int32)
        for step in range(num_words):
            seeds = [seed, batch * num_words + step]
            words, state = self._choose[is_greedy](words, state, temperature, seeds)
            yield words


def draw_words(logits: tf.Tensor, temperature: tf.Tensor, top_k: int, seed: tf.Tensor) -> tf.Tensor:
    """Draws a word for each row from the softmax of `logits / temperature`.

    Args:
      logits: float32 `[rows, vocab_size]`; a word with the logit -infinity is never drawn.
      temperature: float32 scalar, above 0.
      top_k: how many of the most probable words to draw from.
      seed: int64 `[2]`; the same seed draws the same words.

    Returns:
      Int32 `[rows]`.
    """
    # The largest logit becomes 0, or a small temperature could make several logits infinite.
    logits -= tf.reduce_max(logits, axis=1, keepdims=True)
    ids = None
    if top_k < logits.shape[1]:
        logits, ids = tf.math.top_k(logits, top_k)
    drawn = tf.random.stateless_categorical(logits / temperature, 1, seed, dtype=tf.int32)
    return drawn[:, 0] if ids is None else tf.gather(ids, drawn, batch_dims=1)[:, 0]
