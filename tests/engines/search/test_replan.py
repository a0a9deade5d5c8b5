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
