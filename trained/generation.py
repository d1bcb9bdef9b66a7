"""Texts continued with a trained model: the next words are drawn, one after another."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from model import devices
from text import preparation
from trained import trained_model
from trained.language_model import LanguageModel, new_graph
from trained.numpy_model import NumpyModel

tf1 = tf.compat.v1

GROUP_SIZE = 128  # of words, in `draw_word`


class Sampler:
    """Continues texts with a trained model: one in NumPy, several side by side in a session."""

    def __init__(
        self,
        trained: trained_model.TrainedModel,
        forbidden: Sequence[int] = (),
        top_k: int = 0,
        session_config: tf.compat.v1.ConfigProto | None = None,
    ):
        """Takes the model, whose weights are read when they are needed.

        Args:
          trained: the model.
          forbidden: ids of words never to choose.
          top_k: choose only among the `top_k` most probable words; 0 for all.
          session_config: a `ConfigProto`; None for one that may use a GPU.
        """
        vocab_size = trained.config.vocab_size
        allowed = np.zeros(vocab_size, np.float32)
        allowed[list(forbidden)] = -np.inf
        allowed[len(trained.words) :] = -np.inf
        self._allowed, self._top_k = allowed, min(top_k or vocab_size, vocab_size)
        self._session_config = session_config
        self.load_weights(trained)

    def load_weights(self, trained: trained_model.TrainedModel) -> None:
        """Takes another checkpoint of the same run."""
        self._trained = trained
        self._one: NumpyModel | None = None
        self._several: _SideBySide | None = None

    def text(self, num_words: int) -> str:
        """A sample, joined into readable text. The same weights give the same text."""
        start = [self._trained.start]
        ids = (step[0] for step in self.sample(start, num_words, num_samples=1))
        how = self._trained.preparation or preparation.TOKENIZED
        return how.join((self._trained.words[i] for i in ids), self._trained.words)

    def sample(
        self,
        prompt: Sequence[int],
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
          seed: the same seed chooses the same words, of as many continuations.
          batch: the number of this call among several calls with one seed.

        Yields:
          Int32 `[num_samples]`, the next word of each sample, `num_words` times.

        Raises:
          trained_model.TrainedModelError: the probabilities are NaN.
        """
        temperature = np.float32(temperature)
        if temperature < np.finfo(np.float32).tiny:
            temperature = np.float32(0)
        if num_samples == 1:
            generator = np.random.default_rng([seed, batch])
            for word in self._sample_one(prompt, num_words, temperature, generator):
                yield np.array([word], np.int32)
            return
        self._several = self._several or _SideBySide(
            self._trained, self._allowed, self._top_k, self._session_config
        )
        seeds = ([seed, batch * num_words + step] for step in range(num_words))
        yield from self._several.sample(prompt, num_samples, temperature, seeds)

    def _sample_one(self, prompt, num_words, temperature, generator):
        model = self._one = self._one or NumpyModel(self._trained)
        state = model.zero_state()
        for word in prompt:
            state = model.read(word, state)
        for step in range(num_words):
            if step:
                state = model.read(word, state)
            logits = model.logits(state) + self._allowed
            if not np.isfinite(logits.max()):
                raise _not_numbers(self._trained)
            if temperature:
                word = draw_word(logits, temperature, self._top_k, generator.random())
            else:
                word = int(np.argmax(logits))
            yield word


class _SideBySide:
    """A session in which several texts are continued at the same time."""

    def __init__(self, trained, allowed, top_k, session_config):
        """Builds the graph and restores the weights."""
        self._trained, self._config = trained, trained.config
        with new_graph().as_default():
            model = LanguageModel(trained.config, trained.cell)
            session = tf1.Session(config=session_config or devices.session_config())
            state = model.state_placeholders()
            words = tf1.placeholder(tf.int32, [None])
            temperature = tf1.placeholder(tf.float32, [])
            seed = tf1.placeholder(tf.int64, [2])
            outputs, final_state = model.read(words[None], state)
            logits = model.logits(outputs) + allowed
            drawn = draw_words(logits, temperature, top_k, seed)
            most_probable = tf.argmax(logits, axis=1, output_type=tf.int32)
            feeds = [words, *tf.nest.flatten(state)]
            self._read = session.make_callable(final_state, feeds)
            self._choose = session.make_callable([most_probable, final_state], feeds)
            self._draw = session.make_callable([drawn, final_state], [*feeds, temperature, seed])
            trained_model.restore_weights(session, trained)

    def sample(self, prompt, num_samples, temperature, seeds):
        """Yields the next words; arguments as in `Sampler.sample`, with a pair for each step."""
        zeros = np.zeros([1, self._config.hidden_size], np.float32)
        state = [zeros] * (2 * self._config.num_layers)
        for word in prompt[:-1]:
            state = tf.nest.flatten(self._read([word], *state))
        state = [np.repeat(each, num_samples, axis=0) for each in state]
        words = np.full([num_samples], prompt[-1], np.int32)
        for seed in seeds:
            if temperature:
                words, final_state = self._draw(words, *state, temperature, seed)
            else:
                words, final_state = self._choose(words, *state)
            state = tf.nest.flatten(final_state)
            if words.max() >= len(self._trained.words):  # what is drawn where nothing is probable
                raise _not_numbers(self._trained)
            yield words


def _not_numbers(trained):
    return trained_model.TrainedModelError(
        f"{trained.path}: the probabilities of the next word are not numbers: the weights are too "
        "large; use an earlier checkpoint"
    )


def draw_word(logits: np.ndarray, temperature: np.float32, top_k: int, uniform: float) -> int:
    """Draws one word from the softmax of `logits / temperature`, as `draw_words` draws several.

    Args:
      logits: float32 `[vocab_size]`; a word with the logit -infinity is never drawn.
      temperature, top_k: as in `draw_words`.
      uniform: at least 0 and below 1; the words lie side by side there, each as long as it is
        probable.
    """
    logits = logits - logits.max()
    ids = None
    if top_k < len(logits):
        ids = np.argpartition(-logits, top_k - 1)[:top_k]
        logits = logits[ids]
    with np.errstate(over="ignore"):
        weights = np.exp(logits / temperature)
    # A running sum over all words would take as long as the LSTM: first of groups, then within one.
    sums = np.add.reduceat(weights, np.arange(0, len(weights), GROUP_SIZE))
    group, rest = _place(sums, uniform * sums.sum(dtype=np.float64))
    place, _ = _place(weights[group * GROUP_SIZE : (group + 1) * GROUP_SIZE], rest)
    place += group * GROUP_SIZE
    return place if ids is None else int(ids[place])


def _place(lengths, number):
    """In which of several intervals that lie side by side a number is, and where in it."""
    ends = np.cumsum(lengths, dtype=np.float64)
    # Rounding may put it at the end of all; intervals there may be empty.
    place = int(min(np.searchsorted(ends, number, side="right"), np.searchsorted(ends, ends[-1])))
    return place, number - (ends[place - 1] if place else 0)


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
