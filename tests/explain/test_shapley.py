"""Shapley values against games whose values are known in closed form, and against all orders by hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.explain.owen import owen
from suwen.explain.shapley import ADDITIVITY, shapley

Game = Callable[[Any], Any]


def pairs_game(players: int, outputs: int, seed: int) -> tuple[Game, Any]:
    """Main effects and interactions of pairs; a pair's interaction is shared equally (closed form)."""
    rng = np.random.default_rng(seed)
    main = rng.normal(size=(players, outputs))
    both = rng.normal(size=(players, players, outputs)) * (rng.random((players, players, 1)) < 0.3)
    both = np.triu(both.transpose(2, 0, 1), 1)

    def f(present: Any) -> Any:
        x = present.astype(float)
        return 0.7 + x @ main + np.einsum("mi,kij,mj->mk", x, both, x)

    half = 0.5 * (both.sum(axis=1) + both.sum(axis=2))
    return f, main + half.T


def by_hand(f: Game, players: int) -> Any:
    """Mean gain over every order."""
    gains = []
    for order in permutations(range(players)):
        present = np.zeros((players + 1, players), bool)
        for step, player in enumerate(order):
            present[step + 1 :, player] = True
        gains.append(np.diff(f(present), axis=0)[np.argsort(order)])
    return np.mean(gains, axis=0)


def test_a_few_players_are_exact() -> None:
    def f(present: Any) -> Any:
        x = present @ np.array([1.0, -2.0, 0.5, 3.0])
        return np.stack([np.tanh(x), 1 / (1 + np.exp(-x))], axis=1)

    found = shapley(f, 4)
    assert found.values == pytest.approx(by_hand(f, 4), abs=1e-12)
    assert found.evaluations == 16
    assert not found.standard_error.any()
    assert found.additivity_gap < 1e-12
    single = shapley(lambda present: present.sum(axis=1) * 2.0 - 1, 1)
    assert single.values == pytest.approx(np.array([[2.0]]))
    assert single.base == pytest.approx([-1.0])


@pytest.mark.parametrize("players", [8, 40])
def test_pair_interactions_are_shared(players: int) -> None:
    # Of each pair's interaction an order gives all to one player and its reverse all to the other.
    f, right = pairs_game(players, 3, 1)
    found = shapley(f, players, permutations=4)
    assert found.values == pytest.approx(right, abs=1e-9)
    assert found.standard_error.max() < 1e-9


def deep(players: int) -> Game:
    weights = np.random.default_rng(3).normal(size=(players, 2)) * 2 / np.sqrt(players)
    return lambda present: np.tanh(present @ weights) * (1 + present[:, :1] * present[:, 3:4])


def test_sampling_adds_up_and_its_error_is_told() -> None:
    players, f = 60, deep(60)
    truth = shapley(f, players, permutations=4000, seed=9)
    assert truth.values is not None
    misses = []
    for seed in range(20):
        found = shapley(f, players, permutations=20, seed=seed)
        assert found.values is not None
        assert found.base + found.values.sum(axis=0) == pytest.approx(found.output, abs=1e-9)
        assert found.evaluations == 20 * 59 + 2
        misses.append((found.values - truth.values) / np.maximum(found.standard_error, 1e-12))
    spread = np.quantile(np.abs(misses), 0.9)  # Student's t with 9 degrees of freedom: 1.83
    assert 1.4 < spread < 2.3
    assert shapley(f, players, seed=4).values == pytest.approx(shapley(f, players, seed=4).values, abs=0)


def test_a_player_that_does_nothing_gets_nothing_and_rows_stay_within_the_batch() -> None:
    sizes = []

    def f(present: Any) -> Any:
        sizes.append(len(present))
        return np.exp(present[:, :20].mean(axis=1))

    found = shapley(f, 23, permutations=6, batch=50)
    assert found.values is not None
    assert not found.values[20:].any()
    assert max(sizes) <= 50
    assert sum(sizes) == found.evaluations == 6 * 22 + 2


def test_what_does_not_add_up_is_withheld() -> None:
    f, _ = pairs_game(15, 2, 5)
    said = f(np.ones((1, 15), bool))[0]
    close = shapley(f, 15, output=said + 0.5 * ADDITIVITY)
    assert close.withheld is None
    assert close.values is not None
    apart = shapley(f, 15, output=said + np.array([0, 2 * ADDITIVITY]))
    assert apart.values is None
    assert apart.withheld is not None
    assert apart.withheld.code == "not-additive"
    assert apart.additivity_gap == pytest.approx(2 * ADDITIVITY)
    undefined = shapley(lambda present: np.where(present.all(axis=1), np.nan, 1.0), 15)
    assert undefined.values is None


def test_groups_add_up_and_their_players_to_them() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(12), 5)
    rng.shuffle(group)
    f = deep(60)
    found = owen(f, group, opened=4, permutations=40)
    assert found.groups.values is not None
    assert found.groups.base + found.groups.values.sum(axis=0) == pytest.approx(found.groups.output, abs=1e-9)
    assert len(found.inside) == 4
    assert found.groups.evaluations == 40 * (11 + 4 * 4) + 2
    for number, (players, values, error) in found.inside.items():
        assert (group[players] == number).all()
        assert values.sum(axis=0) == pytest.approx(found.groups.values[number], abs=1e-9)
        assert (error >= 0).all()
    largest = np.abs(found.groups.values).max(axis=1)
    assert set(found.inside) == set(np.argsort(-largest)[:4].tolist())


def test_groups_of_pair_interactions_are_exact() -> None:
    """A pair's interaction is shared equally by both levels, so that Owen and Shapley values agree."""
    f, right = pairs_game(24, 2, 6)
    group = np.arange(24) // 4
    found = owen(f, group, opened=6, permutations=4)
    assert found.groups.values == pytest.approx(right.reshape(6, 4, 2).sum(axis=1), abs=1e-9)
    for players, values, _ in found.inside.values():
        assert values == pytest.approx(right[players], abs=1e-9)


def test_groups_of_one_player_and_groups_that_do_nothing() -> None:
    f, right = pairs_game(12, 1, 8)
    alone = owen(f, np.arange(12), permutations=4)
    assert {number: values[0, 0] for number, (_, values, _) in alone.inside.items()} == pytest.approx(
        {number: right[number, 0] for number in alone.inside}
    )
    idle = owen(lambda present: present[:, 0] * 1.0, np.arange(12) // 2, permutations=4)
    assert list(idle.inside) == [0]
    assert owen(lambda present: np.ones(len(present)), [0, 0, 1], permutations=4).inside == {}


def test_groups_withhold_too() -> None:
    f, _ = pairs_game(12, 1, 7)
    found = owen(f, np.arange(12) // 3, output=[99.0])
    assert found.groups.values is None
    assert found.inside == {}


def test_what_cannot_be_attributed_is_refused() -> None:
    with pytest.raises(BadInput, match="no players"):
        shapley(lambda present: present.sum(axis=1), 0)
    with pytest.raises(BadInput, match="cannot be paired"):
        shapley(lambda present: present.sum(axis=1), 20, permutations=5)
    with pytest.raises(BadInput, match="for 2 coalitions"):
        shapley(lambda present: np.zeros((3, 1)), 20)
    for wrong in ([], [1, 2], [0, 2]):
        with pytest.raises(BadInput, match="without gaps"):
            owen(lambda present: present.sum(axis=1), wrong)
