"""The words whose vectors, the rows of the embedding, are similar."""

import numpy as np


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
