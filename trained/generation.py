"""Texts continued with a trained model: the next words are drawn, one after another."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from model import devices
from text import preparation
from trained import trained_model
from trained.language_model import LanguageModel

tf1 = tf.compat.v1


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
        return how.join((self._trained.words[i] for i in ids), self._trained.words)

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

        Raises:
          trained_model.TrainedModelError: the probabilities are NaN.
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
            if words.max() >= len(self._trained.words):  # what is drawn where nothing is probable
                raise trained_model.TrainedModelError(
                    f"{self._trained.path}: the probabilities of the next word are not numbers: "
                    "the weights are too large; use an earlier checkpoint"
                )
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
