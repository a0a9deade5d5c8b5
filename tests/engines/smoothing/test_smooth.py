"""Any-angle smoothing: never dearer, never through a wall's box, and exact about what it costs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.clearance.checker import Checker
from suwen.engines.clearance.fields import walls_for
from suwen.engines.search import find_path
from suwen.engines.smoothing import smooth


def free_everywhere(line: Any, walls: Any, spacing: Any) -> bool:
    """Whether points close together on the line all lie in free boxes, a hair within their borders."""
    for a, b in pairwise(line):
        points = a + np.linspace(0, 1, 4001)[:, None] * (b - a)
        at = np.floor(points / spacing + 0.5).astype(int)
        if walls[tuple(at.T)].any():
            return False
    return True


def touched(line: Any, walls: Any, spacing: Any) -> int:
    """How many closed boxes of walls the line touches, tried one by one: faces, edges and corners count."""
    boxes = np.argwhere(walls)
    held = np.zeros(len(boxes), bool)
    for a, b in pairwise(line / spacing):
        enter, leave, apart = np.zeros(len(boxes)), np.ones(len(boxes)), np.zeros(len(boxes), bool)
        for axis in range(3):
            low, high, way = boxes[:, axis] - 0.5, boxes[:, axis] + 0.5, b[axis] - a[axis]
            if way == 0:
                apart |= (a[axis] < low) | (a[axis] > high)
            else:
                one, two = (low - a[axis]) / way, (high - a[axis]) / way
                enter, leave = (
                    np.maximum(enter, np.minimum(one, two)),
                    np.minimum(leave, np.maximum(one, two)),
                )
        held |= ~apart & (enter <= leave + 1e-12)
    return int(held.sum())


def integral(line: Any, cost: Any, spacing: Any) -> float:
    total = 0.0
    for a, b in pairwise(line):
        share = (np.arange(200_000) + 0.5) / 200_000
        at = np.floor((a + share[:, None] * (b - a)) / spacing + 0.5).astype(int)
        total += float(cost[tuple(at.T)].astype(float).mean() * np.linalg.norm(b - a))
    return total


@pytest.mark.parametrize("seed", range(6))
def test_it_is_never_dearer_and_never_in_a_wall(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spacing = np.array([(1, 1, 1), (0.7, 1.3, 2.0)][seed % 2], float)
    walls = rng.random((20, 18, 12)) < 0.12
    walls[0, 0, 0] = walls[-1, -1, -1] = False
    cost = (1 + 2 * rng.random(walls.shape)).astype(np.float32) if seed > 2 else None
    found = find_path(walls, spacing_mm=spacing, start=(0, 0, 0), goal=(19, 17, 11), cost=cost)
    assert found.reached
    line = smooth(found.path, walls, spacing_mm=spacing, cost=cost)
    assert line.cost <= found.cost + 1e-6
    assert line.length_mm == pytest.approx(np.linalg.norm(np.diff(line.path_mm, axis=0), axis=1).sum())
    assert np.allclose(line.path_mm[[0, -1]], found.path[[0, -1]] * spacing)
    assert free_everywhere(line.path_mm, walls, spacing)
    assert touched(line.path_mm, walls, spacing) == 0
    if cost is not None:
        assert line.cost == pytest.approx(integral(line.path_mm, cost, spacing), rel=2e-3)
    else:
        assert line.cost == pytest.approx(line.length_mm)
        assert line.length_mm < found.length_mm


def test_a_free_line_is_one_piece() -> None:
    walls = np.zeros((30, 20, 10), bool)
    found = find_path(walls, start=(0, 0, 0), goal=(29, 13, 7))
    line = smooth(found.path, walls, spacing_mm=(1, 1, 1))
    assert line.pieces == 1
    assert line.length_mm == pytest.approx(np.linalg.norm((29, 13, 7)))


def test_a_short_reach_is_a_longer_line_and_as_safe() -> None:
    rng = np.random.default_rng(8)
    walls = rng.random((25, 20, 15)) < 0.08
    walls[0, 0, 0] = walls[-1, -1, -1] = False
    found = find_path(walls, start=(0, 0, 0), goal=(24, 19, 14))
    lengths = []
    for reach in (1, 3, 400):
        line = smooth(found.path, walls, spacing_mm=(1, 1, 1), reach=reach)
        assert touched(line.path_mm, walls, np.ones(3)) == 0
        lengths.append(line.length_mm)
    assert lengths[0] == pytest.approx(found.length_mm)
    assert lengths[0] > lengths[1] >= lengths[2]


def test_no_corner_is_cut() -> None:
    walls = np.zeros((3, 3, 1), bool)
    walls[1, 0] = True
    line = smooth([[0, 0, 0], [0, 1, 0], [1, 1, 0], [2, 0, 0]], walls, spacing_mm=(1, 1, 1))
    assert line.pieces == 3, "the diagonals touch the wall's corner"


def test_a_line_over_sure_walls_is_certified() -> None:
    rng = np.random.default_rng(4)
    grid = np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij"), -1)
    labels = np.zeros((40, 40, 40), np.int16)
    labels[16:24, 12:20, 8:16] = 1
    for _ in range(6):
        labels[np.linalg.norm(grid - rng.uniform(8, 32, 3), axis=-1) < 4] = 1
    spacing = (1.0, 1.2, 0.9)
    walls = walls_for(labels, spacing, {1: "ball"}, 1.0, 0.5, moves="anywhere")
    found = find_path(walls, spacing_mm=spacing, start=(1, 1, 1), goal=(38, 30, 22))
    line = smooth(found.path, walls, spacing_mm=spacing)
    certificate = Checker(labels, spacing, {1: "ball"}).certify(line.path_mm, margin_mm=1.0, radius_mm=0.5)
    assert certificate.holds, certificate.reasons
    assert line.length_mm < found.length_mm


def test_a_single_voxel_and_no_path() -> None:
    walls = np.zeros((3, 3, 3), bool)
    assert smooth([[1, 1, 1]], walls, spacing_mm=(1, 1, 1)).length_mm == 0
    for nothing in ([], [1, 2, 3], [[1, 2]], [[0.5, 1, 1]]):
        with pytest.raises(BadInput) as refused:
            smooth(nothing, walls, spacing_mm=(1, 1, 1))
        assert refused.value.code == "bad-path"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"path": [[0, 0, 0], [2, 0, 0]]}, "bad-path"),
        ({"path": [[0, 0, 0], [0, 0, -1]]}, "bad-path"),
        ({"path": [[2, 0, 0], [3, 0, 0]]}, "bad-path"),
        ({"reach": 0}, "bad-path"),
        ({"spacing_mm": (1, 0, 1)}, "bad-spacing"),
        ({"spacing_mm": (1, 1)}, "bad-spacing"),
        ({"walls": np.zeros((3, 3), bool)}, "bad-walls"),
        ({"walls": np.zeros((3, 3, 3))}, "bad-walls"),
        ({"cost": np.ones((3, 3, 2), np.float32)}, "bad-cost"),
    ],
)
def test_what_cannot_be_smoothed(changes: dict[str, Any], code: str) -> None:
    """A gap in the path would be joined through a wall, and a cost of another shape read beyond its end."""
    given: dict[str, Any] = {"path": [[0, 0, 0], [1, 0, 0]], "walls": np.zeros((3, 3, 3), bool)}
    given |= {"spacing_mm": (1, 1, 1), "cost": np.ones((3, 3, 3), np.float32)} | changes
    with pytest.raises(BadInput) as refused:
        smooth(given.pop("path"), given.pop("walls"), **given)
    assert refused.value.code == code
