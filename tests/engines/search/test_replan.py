"""Planning again: always what a fresh search would answer, and often without one."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.search import Ground, find_path
from suwen.engines.search.replan import Replanner

SPACING = (1.0, 0.7, 2.0)


def _fresh(planner: Replanner) -> float:
    ground = planner.ground
    return find_path(
        ground.walls.copy(), spacing_mm=SPACING, start=planner.start, goal=planner.goal, cost=ground.per_mm,
        corners=ground.corners,
    ).cost  # fmt: skip


@pytest.mark.parametrize("corners", ["forbid", "allow"])
@pytest.mark.parametrize("costs", [False, True])
def test_it_answers_as_a_fresh_search_does(corners: str, costs: bool) -> None:
    rng = np.random.default_rng(7)
    kept = 0
    for _ in range(12):
        shape = (9, 11, 7)
        walls = rng.random(shape) < 0.25
        walls[0, 0, 0] = walls[-1, -1, -1] = False
        cost = (1 + rng.random(shape)).astype(np.float32) if costs else None
        if cost is not None:
            cost[4, 4, 4] = 1.0
        planner = Replanner(
            Ground(walls, spacing_mm=SPACING, cost=cost, corners=corners),
            (0, 0, 0),
            (8, 10, 6),  # type: ignore[arg-type]
        )
        before = walls.copy()
        for _ in range(25):
            voxels = rng.integers(0, shape, (rng.integers(1, 4), 3))
            voxels = voxels[~((voxels == 0).all(1) | (voxels == np.array(shape) - 1).all(1))]
            if not len(voxels):
                continue
            if costs and rng.random() < 0.4:
                got = planner.change(voxels, cost=(1 + rng.random(len(voxels))).astype(np.float32))
            else:
                got = planner.change(voxels, walls=rng.random(len(voxels)) < 0.5)
            kept += got.kept
            assert got.found.cost == pytest.approx(_fresh(planner), abs=1e-5)
        assert np.array_equal(walls, before), "the caller's array is not touched"
    assert kept > 60, "most small changes do not matter, and that is known without a search"


def test_a_wall_on_the_path_is_gone_round() -> None:
    planner = Replanner(Ground(np.zeros((9, 9, 1), bool), spacing_mm=(1, 1, 1)), (0, 4, 0), (8, 4, 0))
    got = planner.change([[4, 4, 0]], walls=[True])
    assert not got.kept
    assert got.found.cost == pytest.approx(4 + 2 + 2 * np.sqrt(2)), "no corner is cut on the way round"
    back = planner.change([[4, 4, 0]], walls=[False])
    assert back.found.cost == pytest.approx(8)
    far = planner.change([[4, 0, 0]], walls=[True])
    assert far.kept
    assert "stays the best" in far.why


def test_it_says_when_the_last_way_closes_and_opens() -> None:
    walls = np.zeros((5, 5, 1), bool)
    walls[2] = True
    walls[2, 2] = False
    planner = Replanner(Ground(walls, spacing_mm=(1, 1, 1)), (0, 2, 0), (4, 2, 0))
    assert not planner.change([[2, 2, 0]], walls=[True]).found.reached
    assert planner.change([[2, 1, 0]], walls=[False]).found.reached


def test_another_target() -> None:
    planner = Replanner(Ground(np.zeros((9, 9, 1), bool), spacing_mm=(1, 1, 1)), (0, 0, 0), (8, 0, 0))
    assert planner.retarget((0, 5, 0)).found.cost == 5


def test_what_cannot_be_changed_is_refused() -> None:
    planner = Replanner(Ground(np.zeros((4, 4, 1), bool), spacing_mm=(1, 1, 1)), (0, 0, 0), (3, 3, 0))
    for voxels in ([[9, 0, 0]], [[0, -1, 0]], [1, 2, 3]):
        with pytest.raises(BadInput) as refused:
            planner.change(voxels, walls=True)
        assert refused.value.code == "bad-voxel"
    with pytest.raises(BadInput) as refused:
        planner.change([[1, 1, 0]], cost=[2.0])
    assert refused.value.code == "bad-cost"
    with pytest.raises(BadInput) as refused:
        planner.change([[0, 0, 0]], walls=[True])
    assert refused.value.code == "start-in-wall"


def test_what_is_refused_changes_nothing() -> None:
    cost = np.ones((9, 9, 1), np.float32)
    ground = Ground(np.zeros(cost.shape, bool), spacing_mm=(1, 1, 1), cost=cost)
    planner = Replanner(ground, (0, 4, 0), (8, 4, 0))
    path = planner.found.path[1:-1].astype(int)
    for voxels, given, code in (
        (path, {"walls": True, "cost": 0.5}, "bad-cost"),
        (path, {"walls": True, "cost": np.nan}, "bad-cost"),
        ([*path.tolist(), [0, 4, 0]], {"walls": True}, "start-in-wall"),
        ([*path.tolist(), [8, 4, 0]], {"walls": True, "cost": 2.0}, "target-in-wall"),
        (path, {"walls": [True, False]}, "bad-voxel"),
        (path, {"cost": np.ones((len(path), 2))}, "bad-voxel"),
    ):
        with pytest.raises(BadInput) as refused:
            planner.change(voxels, **given)  # type: ignore[arg-type]
        assert refused.value.code == code
        assert not ground.walls.any()
        assert (ground.per_mm == 1).all()
        got = planner.change([[0, 0, 0]], walls=False)
        assert got.kept
        assert got.found.cost == pytest.approx(8)


def test_of_a_voxel_named_twice_the_last_word_counts() -> None:
    for said in ([True, False], [False, True]):
        planner = Replanner(Ground(np.zeros((9, 9, 1), bool), spacing_mm=(1, 1, 1)), (0, 4, 0), (8, 4, 0))
        got = planner.change([[4, 4, 0], [4, 4, 0]], walls=said)
        assert got.kept != said[-1]
        fresh = find_path(planner.ground.walls.copy(), start=(0, 4, 0), goal=(8, 4, 0))
        assert got.found.cost == pytest.approx(fresh.cost)
        assert find_path(planner.ground, start=(0, 4, 0), goal=(8, 4, 0)).cost == pytest.approx(fresh.cost)
        ends = planner.change([[0, 4, 0], [0, 4, 0]], walls=[True, False])
        assert ends.found.cost == pytest.approx(fresh.cost)
