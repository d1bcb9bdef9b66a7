"""The network's step in NumPy, to read one text word by word.

Each product is of a vector, so that to start an operation takes longer than to compute it: a
session's run takes 0.1 ms before it computes anything, and NumPy reads a word of the small model in
less.
"""

import numpy as np

from model import lstm
from trained import trained_model


class NumpyModel:
    """A trained model's weights and its step, float32.

    A state is a list of `(c, h)`, `[hidden_size]` each, one for each layer.
    """

    def __init__(self, trained: trained_model.TrainedModel):
        """Reads the weights."""
        self._cell = trained.cell
        scope, weights = trained_model.SCOPE, trained_model.read_weights(trained)
        self._embedding = weights[trained_model.EMBEDDING]
        self._softmax_w, self._softmax_b = (
            weights[f"{scope}/{name}"] for name in ("softmax_w", "softmax_b")
        )
        self._cells = [
            tuple(weights[f"{scope}/{name}"] for name in lstm.canonical_names(layer))
            for layer in range(trained.config.num_layers)
        ]

    def zero_state(self) -> list:
        """The state before the first word."""
        zeros = np.zeros(self._embedding.shape[1], np.float32)
        return [(zeros, zeros) for _ in self._cells]

    def read(self, word: int, state: list) -> list:
        """The state after one more word."""
        x, after = self._embedding[word], []
        if self._cell.one_state:
            state = state[-1:] * len(state)
        for (kernel, bias), (c, h) in zip(self._cells, state):
            gates = (np.concatenate([x, h]) @ kernel + bias).reshape(4, -1)
            i, _, f, o = 0.5 * np.tanh(0.5 * gates) + 0.5  # the sigmoid; exp would overflow
            c = f * c + i * np.tanh(gates[1])
            if self._cell.clip:
                c = np.clip(c, -self._cell.clip, self._cell.clip)
            x = o * np.tanh(c)
            after.append((c, x))
        return after

    def logits(self, state: list) -> np.ndarray:
        """The logits of the word that follows, `[vocab_size]`."""
        return state[-1][1] @ self._softmax_w + self._softmax_b
