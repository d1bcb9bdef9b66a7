"""Scored as a tree, sequences have the numbers that each has by itself."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from graphs import save_run
from trained import ensemble, prefix_tree, scoring, trained_model

EOS = 2


@pytest.fixture(scope="module")
def scorers(tmp_path_factory):
    """Three models of other sizes, and the mixture of two."""
    models = []
    for changes in ({}, {"seed": 2, "hidden_size": 5, "num_layers": 1}, {"num_layers": 3}):
        directory = tmp_path_factory.mktemp("run")
        save_run(directory, **changes)
        models.append(scoring.Scorer(trained_model.read(str(directory))))
    return [*models, ensemble.Ensemble(models[:2])]


def alone(scorer, sequences):
    return [scorer.score([EOS], sequence[:, None])[0][:, 0] for sequence in sequences]


def assert_scored_alike(scorer, sequences):
    sequences = [np.array(sequence, np.int32) for sequence in sequences]
    results = scoring.score_sequences(scorer, EOS, sequences)
    assert len(results) == len(sequences)
    for result, expected in zip(results, alone(scorer, sequences)):
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


SEQUENCES = {
    "none": [],
    "empty": [[], []],
    "equal": [[4, 5, EOS], [4, 5, EOS], [4, 5, EOS]],
    "nested": [[4, 5, 6, EOS], [4, 5], [4], [], [4, 5, 6, EOS, 7, EOS]],
    "repeated": [[4, 5, 6, EOS], [4, 5, 7, EOS], [8, 5, 6, EOS], [4, 9, 6, 1, EOS], [4, 5, 6, EOS]],
    "same words apart": [[4, 4, 4, EOS], [4, 4, EOS], [5, 4, 4, EOS]],
    "deep": [[3, 4] * 60 + [EOS], [3, 4] * 60 + [5, EOS], [3] * 9],
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_tree_scores_as_each_sequence_alone(scorers, name):
    for scorer in scorers:
        assert_scored_alike(scorer, SEQUENCES[name])


@hypothesis.given(
    strategies.lists(
        strategies.lists(strategies.integers(0, 5) | strategies.integers(0, 29), max_size=25),
        max_size=40,
    )
)
@hypothesis.settings(max_examples=40, deadline=None)
def test_random_sequences(scorers, sequences):
    assert_scored_alike(scorers[0], sequences)
    assert_scored_alike(scorers[-1], sequences)


def test_each_beginning_is_there_once():
    sequences = [np.array(each, np.int32) for each in SEQUENCES["repeated"]]
    tree = prefix_tree.build(EOS, sequences)
    beginnings = {tuple(each[:n]) for each in sequences for n in range(len(each))}
    assert sum(len(level.words) for level in tree.levels) == len(beginnings)
    edges = {tuple(each[: n + 1]) for each in sequences for n in range(len(each))}
    assert len(tree.nodes) == len(tree.targets) == len(edges)
    assert (np.diff(tree.nodes) >= 0).all()
    np.testing.assert_array_equal(tree.targets[tree.edges], np.concatenate(sequences))


@pytest.mark.parametrize("most", [1, 40, 95])
def test_the_portions_do_not_matter(scorers, monkeypatch, most):
    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, 4, length) for length in rng.integers(0, 20, 60)]
    monkeypatch.setattr(scoring, "MAX_LOGITS", most)
    monkeypatch.setattr(scoring, "MAX_WAITING", 2)
    monkeypatch.setattr(scoring, "MAX_STATES", 8 * most)
    assert_scored_alike(scorers[0], sequences)


def test_equal_sequences_have_equal_scores(scorers):
    sequences = [np.array([4, 5, 6, EOS], np.int32), *(np.full(9, i, np.int32) for i in range(20))]
    results = scoring.score_sequences(scorers[0], EOS, [*sequences, sequences[0]])
    np.testing.assert_array_equal(results[0], results[-1])
