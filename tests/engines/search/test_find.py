"""The search against a plain Dijkstra written here: equal costs, walkable paths, in every setting."""

from __future__ import annotations

import heapq
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.search import Found, Ground, find_path
from suwen.engines.search.ground import MOST_QUERIES

MOVES = [np.array(m) for m in product((-1, 0, 1), repeat=3) if any(m)]


def brute(walls: Any, spacing: Any, start: Any, goals: set[Any], cost: Any, corners: str) -> float:
    """Dijkstra's search as in a textbook."""
    done: set[Any] = set()
    heap = [(0.0, tuple(start))]
    while heap:
        g, here = heapq.heappop(heap)
        if here in done:
            continue
        done.add(here)
        if here in goals:
            return g
        for move in MOVES:
            there = tuple(np.array(here) + move)
            if any(a < 0 or a >= n for a, n in zip(there, walls.shape, strict=True)):
                continue
            block = [there] if corners == "allow" else [
                tuple(np.array(here) + move * np.array(part)) for part in product((0, 1), repeat=3)
            ]  # fmt: skip
            if any(walls[one] for one in block):
                continue
            mean = 1.0 if cost is None else 0.5 * (float(cost[here]) + float(cost[there]))
            heapq.heappush(heap, (g + float(np.linalg.norm(move * spacing)) * mean, there))
    return np.inf


def walkable(found: Found, walls: Any, spacing: Any, cost: Any, corners: str) -> None:
    path = found.path.astype(int)
    moves = np.diff(path, axis=0)
    assert (np.abs(moves).max(1) == 1).all()
    assert not walls[tuple(path.T)].any()
    if corners == "forbid":
        for part in product((0, 1), repeat=3):
            assert not walls[tuple((path[:-1] + moves * np.array(part)).T)].any()
    steps = np.linalg.norm(moves * spacing, axis=1)
    assert found.length_mm == pytest.approx(steps.sum())
    per_mm = np.ones(len(path)) if cost is None else cost[tuple(path.T)].astype(float)
    assert found.cost == pytest.approx((steps * 0.5 * (per_mm[1:] + per_mm[:-1])).sum())


@pytest.mark.parametrize("corners", ["forbid", "allow"])
@pytest.mark.parametrize("costs", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_it_costs_what_dijkstra_says(seed: int, costs: bool, corners: Any) -> None:
    rng = np.random.default_rng(seed)
    shape = [(7, 6, 5), (9, 9, 1), (1, 12, 8), (10, 3, 9), (8, 8, 8), (17, 4, 4)][seed]
    spacing = np.array(
        [(1, 1, 1), (1, 1, 1), (0.5, 2, 1), (3, 0.7, 1.1), (0.4, 0.4, 5), (1, 2, 3)][seed], float
    )
    walls = rng.random(shape) < 0.3
    cost = (0.5 + 3 * rng.random(shape)).astype(np.float32) if costs else None
    free = np.argwhere(~walls)
    ground = Ground(walls, spacing_mm=spacing, cost=cost, corners=corners)
    for _ in range(12):
        start, goal = free[rng.choice(len(free), 2, replace=False)]
        wanted = brute(walls, spacing, start, {tuple(goal)}, cost, corners)
        for weight in (1.0, 0.0, 1.5):
            found = find_path(ground, start=start, goal=goal, weight=weight)
            assert found.reached == np.isfinite(wanted)
            if not found.reached:
                assert found.cost == np.inf
                assert len(found.path) == 0
                continue
            walkable(found, walls, spacing, cost, corners)
            if weight <= 1:
                assert found.cost == pytest.approx(wanted, rel=1e-6)
            assert found.cost <= max(weight, 1.0) * wanted * (1 + 1e-9)
            assert found.bound == max(weight, 1.0)
            assert tuple(found.path[0]) == tuple(start)
            assert tuple(found.path[-1]) == tuple(goal)


@pytest.mark.parametrize("seed", range(4))
def test_any_of_several_goals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    walls = rng.random((8, 7, 6)) < 0.25
    walls[0, 0, 0] = False
    goals = rng.random(walls.shape) < 0.05
    goals[0, 0, 0] = False
    goals[-1, -1, -1], walls[-1, -1, -1] = True, False
    wanted = brute(
        walls, (1, 1, 1), (0, 0, 0), {tuple(g) for g in np.argwhere(goals & ~walls)}, None, "forbid"
    )
    found = find_path(walls, start=(0, 0, 0), goal=goals)
    assert found.cost == pytest.approx(wanted)
    assert not found.reached or goals[tuple(found.path[-1])]


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int16])
def test_whatever_the_array_is(kind: Any) -> None:
    rng = np.random.default_rng(3)
    walls = (rng.random((12, 9, 10)) < 0.2).astype(kind)
    walls[0, 0, 0] = walls[11, 8, 9] = 0
    whole = find_path(walls, start=(0, 0, 0), goal=(11, 8, 9))
    for other in (np.asfortranarray(walls), np.repeat(walls, 2, 0)[::2], walls[::-1][::-1]):
        assert find_path(other, start=(0, 0, 0), goal=(11, 8, 9)).cost == whole.cost


@pytest.mark.parametrize("corners", ["forbid", "allow"])
def test_an_enclosed_target_is_noticed_soon(corners: Any) -> None:
    walls = np.zeros((90, 90, 90), bool)
    walls[40:60, 40:60, 40:60] = True
    walls[45:55, 45:55, 45:55] = False
    found = find_path(walls, start=(0, 0, 0), goal=(50, 50, 50), corners=corners)
    assert not found.reached
    assert found.expanded < walls.size // 20, "it asked whether the target can be reached at all"
    goals = np.zeros_like(walls)
    goals[50, 50, 50] = True
    assert not find_path(walls, start=(0, 0, 0), goal=goals, corners=corners).reached
    walls[40:45, 50, 50] = False
    assert find_path(walls, start=(0, 0, 0), goal=(50, 50, 50), corners=corners).reached


def test_a_gap_of_a_corner_counts_by_the_rule() -> None:
    walls = np.ones((40, 40, 40), bool)
    walls[:20] = False
    walls[20:, 20:, 20:] = False
    walls[19, 19:, :] = walls[19, :, 19:] = True
    walls[19, 19, 19] = False
    walls[20, 20, 20] = False
    reach = {
        rule: find_path(walls, start=(0, 0, 0), goal=(39, 39, 39), corners=rule).reached
        for rule in ("allow", "forbid")
    }  # type: ignore[arg-type]
    assert reach == {"allow": True, "forbid": False}


def test_many_queries_on_one_ground_do_not_disturb_each_other() -> None:
    rng = np.random.default_rng(1)
    walls = rng.random((15, 15, 15)) < 0.3
    free = np.argwhere(~walls)
    ground = Ground(walls, spacing_mm=(1, 1, 1))
    for _ in range(60):
        start, goal = free[rng.choice(len(free), 2, replace=False)]
        assert find_path(ground, start=start, goal=goal).cost == find_path(walls, start=start, goal=goal).cost
    ground.queries = MOST_QUERIES
    again = find_path(ground, start=free[0], goal=free[-1])
    assert ground.queries == 1
    assert again.cost == find_path(walls, start=free[0], goal=free[-1]).cost


WALLS = np.zeros((4, 5, 6), bool)
WALLS[1, 1, 1] = True


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"start": (1, 1, 1)}, "start-in-wall"),
        ({"goal": (1, 1, 1)}, "target-in-wall"),
        ({"start": (-1, 0, 0)}, "outside-image"),
        ({"goal": (0, 0, 6)}, "outside-image"),
        ({"goal": (0.5, 0, 0)}, "bad-voxel"),
        ({"goal": np.zeros((4, 5, 6), bool)}, "no-target"),
        ({"goal": np.zeros((4, 5, 5), bool)}, "no-target"),
        ({"weight": -1}, "bad-weight"),
        ({"weight": float("nan")}, "bad-weight"),
        ({"spacing_mm": (1, 0, 1)}, "bad-spacing"),
        ({"spacing_mm": (1, float("nan"), 1)}, "bad-spacing"),
        ({"corners": "cut"}, "bad-corners"),
        ({"cost": np.zeros((4, 5, 6), np.float32)}, "bad-cost"),
        ({"cost": np.ones((4, 5), np.float32)}, "bad-cost"),
        ({"cost": np.full((4, 5, 6), np.inf, np.float32)}, "bad-cost"),
        ({"cost": np.full((4, 5, 6), 1e300)}, "bad-cost"),
        ({"cost": np.ones((4, 5, 6), int)}, "bad-cost"),
        ({"walls": np.zeros((4, 5))}, "bad-walls"),
        ({"walls": np.zeros((4, 5, 6))}, "bad-walls"),
    ],
)
def test_what_cannot_be_asked(changes: dict[str, Any], code: str) -> None:
    given: dict[str, Any] = {"start": (0, 0, 0), "goal": (3, 4, 5), "walls": WALLS} | changes
    with pytest.raises(BadInput) as refused:
        find_path(given.pop("walls"), **given)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("file", "every"),
    [
        ("movingai2d/dao/arena.map.scen", 1), ("movingai2d/dao/den312d.map.scen", 7),
        ("movingai2d/dao/lak303d.map.scen", 20), ("movingai3d/Simple.3dmap.3dscen", 12),
        ("movingai3d/Complex.3dmap.3dscen", 12),
    ],
)  # fmt: skip
def test_it_equals_the_published_optimum(file: str, every: int, data_dir: Path) -> None:
    from suwen.formats.movingai.scenarios import read_scenario

    path = data_dir / "surgery" / file
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    queries = read_scenario(path)[::every]
    ground = Ground(queries[0].grid.walls, spacing_mm=(1, 1, 1))
    assert len(queries) >= 15
    for query in queries:
        cost = (
            0.0 if query.start == query.goal else find_path(ground, start=query.start, goal=query.goal).cost
        )
        assert cost == pytest.approx(query.optimal, rel=1e-3, abs=1e-3)
