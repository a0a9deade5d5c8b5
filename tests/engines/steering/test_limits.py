"""What a steered path keeps to: cone, length, least radius however small, and where it may end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.engines.steering import Steered, steer

FREE = np.zeros((80, 60, 40), bool)


def go(walls: Any = FREE, **changes: Any) -> Steered:
    given: dict[str, Any] = {
        "spacing_mm": (1, 1, 1), "entry_mm": (4, 30, 20), "direction": (1, 0, 0), "target_mm": (70, 30, 20),
        "radius_min_mm": 40.0,
    }  # fmt: skip
    return steer(walls, **(given | changes))


def curvature(points: np.ndarray) -> np.ndarray:
    """Inverse radius of the circle through every three successive points."""
    a, b, c = points[:-2], points[1:-1], points[2:]
    twice = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    sides = [np.linalg.norm(x - y, axis=1) for x, y in ((a, b), (b, c), (a, c))]
    return 2 * twice / (sides[0] * sides[1] * sides[2])


@pytest.mark.parametrize("cone", [5.0, 20.0, 30.0])
def test_the_first_direction_stays_in_the_cone(cone: float) -> None:
    walls = FREE.copy()
    walls[30:36, 26:34] = True
    found = go(walls, cone_deg=cone)
    assert found.reached
    first = (found.path_mm[1] - found.path_mm[0])[0] / np.linalg.norm(found.path_mm[1] - found.path_mm[0])
    assert np.degrees(np.arccos(min(1, first))) <= cone + 0.2, "half the turn of one chord"
    assert np.array_equal(found.path_mm[0], (4, 30, 20))
    assert np.array_equal(found.path_mm[-1], (70, 30, 20))
    assert not walls[tuple(np.floor(found.path_mm + 0.5).astype(int).T)].any()
    assert curvature(found.path_mm).max() <= 1 / 40 * (1 + 1e-3)


@pytest.mark.parametrize("radius", [1.5, 6.0, 200.0])
def test_chords_lie_close_to_arcs_of_any_radius(radius: float) -> None:
    found = go(cone_deg=0, target_mm=(60, 36, 20), radius_min_mm=radius)
    assert found.reached
    steps = np.linalg.norm(np.diff(found.path_mm, axis=0), axis=1)
    assert (steps**2).max() * found.max_curvature_per_mm / 8 <= 0.001 + 1e-9
    assert found.max_curvature_per_mm <= 1 / radius
    assert curvature(found.path_mm).max() <= 1 / radius * (1 + 1e-3)


def test_a_target_beside_the_entry_is_behind_the_turning_circle() -> None:
    found = go(entry_mm=(20, 30, 20), target_mm=(22, 38, 20))
    assert not found.reached
    assert found.resolution.startswith("none with")
    assert found.arcs == ()
    assert np.isinf(found.length_mm)


def test_no_path_is_longer_than_allowed() -> None:
    walls = FREE.copy()
    walls[30:36, 20:40] = True
    free = go(walls)
    assert free.reached
    assert free.length_mm == pytest.approx(sum(length for _, length in free.arcs))
    short = go(walls, length_max_mm=66.5)
    assert not short.reached
    assert "66 mm long" in short.resolution or "67 mm long" in short.resolution


def test_a_wall_as_thin_as_an_edge_is_not_slipped_through() -> None:
    """Boxes that meet in an edge only: a straight line through that edge is no way."""
    walls = FREE.copy()
    walls[40, :31] = True
    walls[41, 31:] = True
    assert not go(walls, level_max=0).reached


def test_pieces_of_every_memory_order_agree() -> None:
    walls = FREE.copy()
    walls[30:36, 24:36] = True
    cost = np.ones(FREE.shape, np.float32)
    one = go(walls, cost=cost)
    other = go(np.asfortranarray(walls), cost=np.asfortranarray(cost))
    assert np.array_equal(one.path_mm, other.path_mm)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cone_deg": 120}, "bad-cone"),
        ({"cone_deg": float("nan")}, "bad-cone"),
        ({"tolerance_mm": -1}, "bad-tolerance"),
        ({"length_max_mm": 0}, "bad-length"),
        ({"level_max": 9}, "bad-level"),
        ({"spacing_mm": (1, 0, 1)}, "bad-spacing"),
        ({"cost": np.zeros(FREE.shape, np.float32)}, "bad-cost"),
        ({"cost": np.ones((2, 2, 2), np.float32)}, "bad-cost"),
        ({"walls": np.zeros((4, 4), bool)}, "bad-walls"),
        ({"direction": (1, 0)}, "bad-direction"),
        ({"entry_mm": (1, 2)}, "outside-image"),
    ],
)
def test_what_cannot_be_asked(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(BadInput) as refused:
        go(**changes)
    assert refused.value.code == code
