"""Several trained models, whose probabilities of each word are averaged."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trained import prefix_tree


class Ensemble:
    """Averages models, as in Zaremba et al. 2014, table 1.

    It is used like a `scoring.Scorer`; its state is a list of their states.
    """

    def __init__(self, scorers: list):
        """Takes a list of `scoring.Scorer`, of models with the same vocabulary."""
        self._scorers = scorers

    def score(
        self, first: Sequence[int], targets: np.ndarray, state: Any = None
    ) -> tuple[np.ndarray, Any]:
        """See `scoring.Scorer.score`."""
        before = state or [None] * len(self._scorers)
        results = [each.score(first, targets, s) for each, s in zip(self._scorers, before)]
        log_probabilities, after = zip(*results)
        return _log_mean(log_probabilities), list(after)

    def begin_tree(self, tree: prefix_tree.PrefixTree) -> Callable[[], np.ndarray]:
        """See `scoring.Scorer.begin_tree`."""
        waits = [each.begin_tree(tree) for each in self._scorers]
        return lambda: _log_mean([wait() for wait in waits])


def _log_mean(log_probabilities):
    return np.logaddexp.reduce(log_probabilities) - np.float32(np.log(len(log_probabilities)))
