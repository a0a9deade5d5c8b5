"""Curvature-limited paths: straight where nothing is in the way, never bent more than allowed, never through a wall."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.clearance.checker import Checker
from suwen.engines.clearance.fields import walls_for
from suwen.engines.steering import Steered, steer

EMPTY = np.zeros((60, 40, 40), bool)
SPACING = np.array([1.0, 1.0, 1.0])


def go(walls: Any = EMPTY, **changes: Any) -> Steered:
    given = {
        "spacing_mm": SPACING, "entry_mm": (2, 20, 20), "direction": (1, 0, 0), "target_mm": (55, 20, 20),
        "radius_min_mm": 50.0,
    }  # fmt: skip
    return steer(walls, **(given | changes))


def curvature(points: np.ndarray) -> np.ndarray:
    """Inverse radius of the circle through every three successive points."""
    a, b, c = points[:-2], points[1:-1], points[2:]
    twice = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    sides = [np.linalg.norm(x - y, axis=1) for x, y in ((a, b), (b, c), (a, c))]
    return 2 * twice / (sides[0] * sides[1] * sides[2])


def test_free_space_gives_the_straight_line() -> None:
    found = go()
    assert found.reached
    assert found.length_mm == pytest.approx(53)
    assert found.max_curvature_per_mm == 0
    assert np.allclose(found.path_mm[-1], (55, 20, 20))


def test_a_direction_is_kept_and_never_bent_more_than_allowed() -> None:
    found = go(cone_deg=0.0, target_mm=(45, 28, 20))
    bend = 2 * 8 / (43**2 + 8**2)
    one_arc = 2 * np.arcsin(bend * np.hypot(43, 8) / 2) / bend
    assert np.hypot(43, 8) < found.length_mm <= one_arc + 1e-6, "no longer than the single arc"
    assert curvature(found.path_mm).max() <= 1 / 50 * (1 + 1e-3)
    tangent = found.path_mm[1] - found.path_mm[0]
    assert tangent[0] / np.linalg.norm(tangent) == pytest.approx(1, abs=1e-4)
    assert np.allclose(found.path_mm[-1], (45, 28, 20), atol=1e-9)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.5, 0.8, 1.0)])
def test_it_bends_round_a_ball_and_is_certified(spacing: tuple[float, float, float]) -> None:
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in (80, 70, 60)], indexing="ij"), -1) * spacing
    middle = np.array([40.0, 28.0, 30.0])
    labels = (np.linalg.norm(grid - middle, axis=-1) < 7).astype(np.int16)
    walls = walls_for(labels, spacing, {1: "ball"}, 1.5, 0.5, moves="anywhere")
    found = go(
        walls,
        spacing_mm=spacing,
        entry_mm=(4.0, 28.0, 30.0),
        target_mm=(74.0, 28.0, 30.0),
        radius_min_mm=45.0,
    )
    assert found.reached
    assert found.length_mm > 70
    certificate = Checker(labels, spacing, {1: "ball"}).certify(found.path_mm, margin_mm=1.5, radius_mm=0.5)
    assert certificate.holds, certificate.reasons
    assert curvature(found.path_mm).max() <= 1 / 45 * (1 + 1e-3)
    assert found.cost == pytest.approx(found.length_mm, rel=1e-6)
    first = found.path_mm[1] - found.path_mm[0]
    assert np.degrees(np.arccos(first[0] / np.linalg.norm(first))) <= 30.5


def test_a_dear_region_is_gone_round() -> None:
    cost = np.ones(EMPTY.shape, np.float32)
    cost[24:33, 17:24, 17:24] = 9
    straight, round_about = go(), go(cost=cost)
    assert round_about.reached
    assert round_about.cost < 53 + 8 * 9 - 10, "cheaper than straight through"
    assert round_about.length_mm > straight.length_mm


def test_it_ends_and_says_so_where_there_is_none() -> None:
    walls = np.zeros((40, 24, 24), bool)
    walls[20] = True
    walls[20, 22:, 22:] = False
    found = go(walls, entry_mm=(14, 2, 2), target_mm=(24, 2, 2), radius_min_mm=60.0)
    assert not found.reached
    assert found.resolution.startswith("none with")
    assert len(found.path_mm) == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"radius_min_mm": 0}, "bad-radius"),
        ({"radius_min_mm": float("nan")}, "bad-radius"),
        ({"direction": (0, 0, 0)}, "bad-direction"),
        ({"direction": (0, float("nan"), 0)}, "bad-direction"),
        ({"target_mm": (99, 0, 0)}, "outside-image"),
        ({"entry_mm": (float("nan"), 0, 0)}, "outside-image"),
        ({"target_mm": (2, 20, 20)}, "same-place"),
    ],
)
def test_what_cannot_be_asked(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(BadInput) as refused:
        go(**changes)
    assert refused.value.code == code


def test_ends_in_walls() -> None:
    for end, code in (((2, 20, 20), "start-in-wall"), ((55, 20, 20), "target-in-wall")):
        walls = EMPTY.copy()
        walls[end] = True
        with pytest.raises(BadInput) as refused:
            go(walls)
        assert refused.value.code == code
