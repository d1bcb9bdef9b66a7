"""A trained model's weights as NumPy arrays, and the words whose vectors are similar."""

import numpy as np
import tensorflow as tf

from model import devices
from trained import trained_model
from trained.language_model import LanguageModel

tf1 = tf.compat.v1

EMBEDDING = f"{trained_model.SCOPE}/embedding"


def read_weights(trained: trained_model.TrainedModel) -> dict[str, np.ndarray]:
    """Reads a trained model's weights.

    Returns:
      Dict of a variable's name in this project's checkpoints to its value, float32.
    """
    config = devices.session_config(0, 1)
    with tf.Graph().as_default(), tf1.Session(config=config) as session:
        LanguageModel(trained.config)
        trained_model.restore_weights(session, trained)
        return session.run({v.op.name: v for v in tf1.global_variables()})


def nearest_words(vectors: np.ndarray, word: int, count: int) -> list[tuple[int, float]]:
    """The words whose vectors point most nearly in the direction of one word's.

    Args:
      vectors: float `[words, size]`, a row for each word.
      word: the row of the word, which is not among the results.
      count: how many results, if there are so many other words.

    Returns:
      A list of pairs, the nearest first: a word's row, and the cosine of the angle between the two
      vectors, from -1 to 1. A vector of zeros has no direction; its cosine is 0.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    cosines = directions @ directions[word]
    order = np.argsort(-cosines, kind="stable")
    return [(int(i), float(cosines[i])) for i in order if i != word][:count]
