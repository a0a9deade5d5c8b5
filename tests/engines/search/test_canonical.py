"""Ways that are left out never cost anything: every setting against a plain Dijkstra, on grids drawn at random."""

from __future__ import annotations

import heapq
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.core.errors import BadInput, Refused
from suwen.engines.search import Ground, distance_field, find_path, warm
from suwen.engines.search.canonical import MOVES, STILL, rules_for

SPACINGS = ((1.0, 1.0, 1.0), (0.5, 0.5, 3.0), (0.3, 1.0, 1.5), (2.0, 0.7, 0.7))


def everywhere(walls: Any, spacing: Any, start: Any, cost: Any, corners: str) -> Any:
    """Cost of every voxel, by a search that leaves nothing out."""
    out = np.full(walls.shape, np.inf)
    out[start] = 0.0
    heap = [(0.0, start)]
    moves = [move for move in product((-1, 0, 1), repeat=3) if any(move)]
    while heap:
        g, here = heapq.heappop(heap)
        if g > out[here]:
            continue
        for move in moves:
            there = tuple(a + b for a, b in zip(here, move, strict=True))
            if not all(0 <= a < n for a, n in zip(there, walls.shape, strict=True)):
                continue
            block = tuple(slice(min(a, b), max(a, b) + 1) for a, b in zip(here, there, strict=True))
            if walls[there] if corners == "allow" else walls[block].any():
                continue
            mean = 1.0 if cost is None else (float(cost[here]) + float(cost[there])) / 2
            total = g + float(np.linalg.norm(np.multiply(move, spacing))) * mean
            if total < out[there]:
                out[there] = total
                heapq.heappush(heap, (total, there))
    return out


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 7)] * 3),
    share=st.sampled_from([0.0, 0.1, 0.3, 0.5]),
    spacing=st.sampled_from(SPACINGS),
    kind=st.sampled_from(["uniform", "two costs", "any cost", "steep"]),
    corners=st.sampled_from(["forbid", "allow"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_field_is_dijkstra_s(
    shape: Any, share: float, spacing: Any, kind: str, corners: Any, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    walls = rng.random(shape) < share
    start = tuple(int(n) for n in rng.integers(0, shape))
    walls[start] = False
    cost = {
        "uniform": None,
        "two costs": np.where(rng.random(shape) < 0.1, 3, 1).astype(np.float32),
        "any cost": rng.uniform(0.5, 4, shape).astype(np.float32),
        "steep": np.exp(rng.uniform(0, 20, shape)).astype(np.float32),
    }[kind]
    wanted = everywhere(walls, spacing, start, cost, corners)
    ground = Ground(walls, spacing_mm=spacing, cost=cost, corners=corners)
    np.testing.assert_allclose(distance_field(ground, start=start), wanted, rtol=1e-8)
    for goal in np.argwhere(~walls)[:: max(1, walls.size // 6)]:
        if tuple(goal) != start:
            for weight in (1.0, 2.0):
                found = find_path(ground, start=start, goal=goal, weight=weight)
                least = wanted[tuple(goal)]
                assert found.reached == np.isfinite(least)
                assert not found.reached or least * (1 - 1e-8) <= found.cost <= weight * least * (1 + 1e-8)


@pytest.mark.parametrize("corners", ["forbid", "allow"])
@pytest.mark.parametrize("spacing", SPACINGS)
def test_there_and_back_cost_the_same(spacing: Any, corners: Any) -> None:
    rng = np.random.default_rng(5)
    walls = rng.random((20, 18, 16)) < 0.35
    free = np.argwhere(~walls)
    ground = Ground(walls, spacing_mm=spacing, corners=corners)
    reached = 0
    for _ in range(25):
        one, other = free[rng.choice(len(free), 2, replace=False)]
        there, back = (find_path(ground, start=a, goal=b) for a, b in ((one, other), (other, one)))
        reached += there.reached
        assert there.cost == pytest.approx(back.cost, rel=1e-9)
    assert reached > 5


def test_in_the_open_each_direction_has_its_natural_moves() -> None:
    steps = np.linalg.norm(np.array(MOVES), axis=1)
    for cutting in (False, True):
        natural = rules_for(steps, cutting=cutting).natural
        for came, move in enumerate(MOVES):
            axes = sum(map(abs, move))
            assert int(natural[came]).bit_count() == {0: 26, 1: 1, 2: 3, 3: 7}[axes]
            if came != STILL:
                assert natural[came] >> came & 1, "straight on is never left out"


def test_in_the_open_few_voxels_are_expanded_and_each_once() -> None:
    walls = np.zeros((30, 30, 30), bool)
    ground = Ground(walls, spacing_mm=(1, 1, 1))
    found = find_path(ground, start=(2, 3, 4), goal=(27, 20, 9), weight=0.0)
    assert found.expanded <= walls.size
    assert found.cost == pytest.approx(5 * 3**0.5 + 12 * 2**0.5 + 8)


def test_costs_far_apart_outgrow_the_buckets_and_stay_exact() -> None:
    cost = np.ones((40, 5, 5), np.float32)
    cost[20] = 1e6
    ground = Ground(np.zeros(cost.shape, bool), spacing_mm=(1, 1, 1), cost=cost)
    found = find_path(ground, start=(0, 2, 2), goal=(39, 2, 2))
    assert found.cost == pytest.approx(38 + 0.5 + 0.5 + 2 * 0.5 * 1e6 - 1, rel=1e-12)
    assert found.bound == 1.0


def test_a_limit_is_said_and_never_taken_for_no_path() -> None:
    ground = Ground(np.zeros((40, 40, 40), bool), spacing_mm=(1, 1, 1))
    with pytest.raises(Refused) as refused:
        find_path(ground, start=(0, 0, 0), goal=(39, 20, 3), weight=0.0, expand_limit=50)
    assert refused.value.code == "search-limit"
    assert find_path(ground, start=(0, 0, 0), goal=(39, 20, 3), expand_limit=10**6).reached


def test_one_voxel_is_no_path_but_a_target_among_several() -> None:
    walls = np.zeros((4, 4, 4), bool)
    with pytest.raises(BadInput) as refused:
        find_path(walls, start=(1, 1, 1), goal=(1, 1, 1))
    assert refused.value.code == "same-place"
    goals = np.ones_like(walls)
    found = find_path(walls, start=(1, 1, 1), goal=goals)
    assert (found.reached, found.cost, len(found.path)) == (True, 0.0, 1)


def test_the_field_refuses_a_start_that_is_none() -> None:
    walls = np.zeros((3, 3, 3), bool)
    walls[1, 1, 1] = True
    for start, code in (((1, 1, 1), "start-in-wall"), ((0, 0, 3), "outside-image")):
        with pytest.raises(BadInput) as refused:
            distance_field(walls, start=start)
        assert refused.value.code == code


def test_after_warming_nothing_is_compiled() -> None:
    from suwen.engines.search import _kernel, _layout, _regions

    warm()
    kernels = (
        _kernel.search,
        _layout.trace,
        _layout.tile,
        _layout.costs_of,
        _regions.regions,
        _regions.region_at,
    )
    before = [len(kernel.signatures) for kernel in kernels]  # type: ignore[attr-defined]
    rng = np.random.default_rng(2)
    walls = np.asfortranarray(rng.random((30, 20, 10)) < 0.2)
    walls[0, 0, 0] = walls[-1, -1, -1] = False
    cost = np.asfortranarray(1 + rng.random(walls.shape))
    goals = np.zeros_like(walls)
    goals[-1, -1, -1] = True
    for goal in ((29, 19, 9), goals):
        for field in (None, cost):
            find_path(walls, start=(0, 0, 0), goal=goal, cost=field)
            distance_field(walls, start=(0, 0, 0), cost=field)
    assert [len(kernel.signatures) for kernel in kernels] == before  # type: ignore[attr-defined]
