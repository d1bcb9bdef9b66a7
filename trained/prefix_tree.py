"""Sequences of words as a tree, in which those that begin alike share their beginning.

A node is a beginning, and each different beginning that something follows is there once. Level 0 is
what comes before all the sequences; the nodes of level `d` have `d` words more. To score the
sequences, each node is read once, and each of the words that follow it is looked up in its softmax.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Level(NamedTuple):
    """The nodes of a level.

    Attributes:
      parents: int32 `[nodes]`, each node's place in the level before; 0 in level 0.
      words: int32 `[nodes]`, the word that each ends with.
    """

    parents: np.ndarray
    words: np.ndarray


class PrefixTree(NamedTuple):
    """A tree. An edge is a node and a word that follows it.

    Attributes:
      levels: list of `Level`.
      nodes: int64 `[edges]`, each edge's node, by its place in all levels together; it never falls.
      targets: int64 `[edges]`, the word that follows.
      edges: int64 `[words]`, the edge of each word of the sequences, one after another.
    """

    levels: list[Level]
    nodes: np.ndarray
    targets: np.ndarray
    edges: np.ndarray


def build(first: int, sequences: Sequence[np.ndarray]) -> PrefixTree:
    """Makes the tree of sequences.

    Args:
      first: the word to read before each sequence.
      sequences: int32 arrays of word ids, which are not negative; some may be empty.
    """
    lengths = np.array([len(sequence) for sequence in sequences], np.int64)
    words = np.concatenate([np.zeros(0, np.int64), *sequences])
    edges = np.zeros(len(words), np.int64)
    # The longest first: those that go on at a level are at the beginning of each array.
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = (np.cumsum(lengths) - lengths)[order], lengths[order]
    longest = int(lengths[0]) if len(lengths) else 0
    nums_longer = np.searchsorted(-lengths, -np.arange(longest + 1), side="left").tolist()

    levels = [Level(np.zeros(1, np.int32), np.array([first], np.int32))]
    nodes, targets = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    node = np.zeros(len(lengths), np.int64)  # of each sequence, its place in the level
    num_nodes = num_edges = 0  # of the levels before
    for depth in range(longest):
        here, further = nums_longer[depth : depth + 2]
        places = starts[:here] + depth
        keys, edge = np.unique(node[:here] << 32 | words[places], return_inverse=True)
        parents, followers = keys >> 32, keys & 0xFFFFFFFF
        edges[places] = num_edges + edge
        nodes.append(num_nodes + parents)
        targets.append(followers)
        num_nodes += len(levels[-1].words)
        num_edges += len(keys)
        if further:
            goes_on = np.zeros(len(keys), bool)
            goes_on[edge[:further]] = True
            node[:further] = (np.cumsum(goes_on) - 1)[edge[:further]]
            next_level = parents[goes_on], followers[goes_on]
            levels.append(Level(*(each.astype(np.int32) for each in next_level)))
    return PrefixTree(levels, np.concatenate(nodes), np.concatenate(targets), edges)
