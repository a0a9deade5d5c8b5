"""Paths that a shaft cannot follow are refused before anything moves; those it can are rounded within tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.errors import SuwenError
from suwen.engines.robot.arm import Tool
from suwen.engines.robot.curve import smooth, to_polyline, turns_rad
from suwen.engines.robot.route import Route, plan

ENTRY = np.array([10.0, -80.0, 30.0])
DOWN = np.array([0.2, 1.0, 0.1]) / np.linalg.norm([0.2, 1.0, 0.1])
SIDE = np.cross(DOWN, [0, 0, 1.0])


def made(path: Any, entry: Any = ENTRY, **settings: Any) -> Route:
    return plan(
        path,
        entry,
        **{
            "shaft": "needle",
            "tool": Tool(),
            "approach_mm": 20.0,
            "entry_tolerance_mm": 0.5,
            "straight_tolerance_mm": 0.1,
            "corner_tolerance_mm": 0.05,
            **settings,
        },
    )


def straight(depth_mm: float = 80.0, outside_mm: float = 0.0) -> np.ndarray:
    return np.stack([ENTRY - outside_mm * DOWN, ENTRY + depth_mm * DOWN])


def bent() -> np.ndarray:
    along = np.linspace(0, 1, 60)[:, None]
    return ENTRY + 80 * along * DOWN + 15 * along**2 * SIDE


def test_a_path_from_the_entry_gets_an_approach_and_both_legs_join() -> None:
    route = made(straight())
    assert [leg.inside for leg in route.legs] == [False, True]
    assert [leg.curve.length_mm for leg in route.legs] == pytest.approx([20, 80])
    first, second = route.legs
    assert np.allclose(first.curve.at(np.array([20.0])), ENTRY)
    assert np.allclose(second.curve.at(np.array([0.0, 80.0])), straight())
    assert np.allclose(first.axis_lps(np.zeros((2, 3))), DOWN)


def test_a_path_that_begins_outside_is_cut_at_the_entry() -> None:
    route = made(straight(outside_mm=35))
    assert [leg.curve.length_mm for leg in route.legs] == pytest.approx([35, 80])
    assert route.depth_mm == pytest.approx(80)


def test_a_pivoting_shaft_always_points_from_the_entry_to_the_tip() -> None:
    route = made(bent(), shaft="pivoting")
    leg = route.legs[-1]
    points = leg.curve.at(np.linspace(5, leg.curve.length_mm, 40))
    axes = leg.axis_lps(points)
    assert np.linalg.norm(np.cross(points - ENTRY, axes), axis=1).max() < 1e-9
    assert to_polyline(points, bent())[0].max() <= route.corner_mm + 1e-6 <= 0.05
    assert route.document()["shaft_sweeps"]


def test_a_steerable_instrument_is_fed_by_the_length_of_its_path() -> None:
    route = made(bent(), shaft="steerable")
    length = np.linalg.norm(np.diff(bent(), axis=0), axis=1).sum()
    assert route.legs[-1].curve.length_mm == pytest.approx(length)
    assert route.legs[-1].curve.length_mm > 80
    tangent = bent()[1] - bent()[0]
    assert np.allclose(route.direction_lps, tangent / np.linalg.norm(tangent))
    assert "drive" in route.tip_means


def test_a_sharp_corner_is_stopped_in_and_a_blunt_one_rounded() -> None:
    corner = np.stack(
        [ENTRY, ENTRY + 40 * DOWN, ENTRY + 50 * DOWN + 15 * SIDE, ENTRY + 60 * DOWN + 28 * SIDE]
    )
    assert np.degrees(turns_rad(corner)).round().tolist() == [56, 4]
    route = made(corner, shaft="pivoting")
    assert [leg.inside for leg in route.legs] == [False, True, True]
    assert np.allclose(route.legs[1].curve.at(np.array([1e9])), corner[1])
    assert 0 < route.corner_mm <= 0.05


@pytest.mark.parametrize("tolerance_mm", [0.01, 0.1, 1.0])
def test_rounding_keeps_its_tolerance_and_arc_length_is_arc_length(tolerance_mm: float) -> None:
    zigzag = np.array([[0, 0, 0], [10, 0, 0], [20, 5, 0], [30, 5, 4], [31, 5.2, 4], [45, 5, 4.0]])
    curve, off = smooth(zigzag, tolerance_mm)
    s = np.linspace(0, curve.length_mm, 4000)
    points = curve.at(s)
    assert off <= tolerance_mm
    assert to_polyline(points, zigzag)[0].max() <= tolerance_mm
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert np.abs(steps / (s[1] - s[0]) - 1).max() < 1e-3
    assert np.allclose(points[[0, -1]], zigzag[[0, -1]])
    assert np.allclose(np.linalg.norm(curve.tangent(s), axis=1), 1)


def test_the_curvature_of_a_circle_is_that_of_its_radius() -> None:
    angle = np.linspace(0, np.pi, 200)
    curve, _ = smooth(np.stack([10 * np.cos(angle), 10 * np.sin(angle), 0 * angle], axis=1), 0.05)
    inner = curve.curvature(np.linspace(3, curve.length_mm - 3, 100))
    assert np.abs(inner - 0.1).max() < 1e-3


WRONG: dict[str, tuple[str, Any, Any, dict[str, Any]]] = {
    "metres": ("suspect-units", straight() / 1000, ENTRY / 1000, {}),
    "micrometres": ("suspect-units", straight() * 1000, ENTRY * 1000, {}),
    "no length": ("suspect-units", np.stack([ENTRY, ENTRY]), ENTRY, {}),
    "not numbers": ("not-finite", np.stack([ENTRY, ENTRY * np.nan]), ENTRY, {}),
    "entry not a number": ("not-finite", straight(), ENTRY * np.inf, {}),
    "one point": ("path-shape", ENTRY[None], ENTRY, {}),
    "two coordinates": ("path-shape", straight()[:, :2], ENTRY, {}),
    "text": ("path-shape", "a path", ENTRY, {}),
    "ragged": ("path-shape", [[1, 2, 3], [4, 5]], ENTRY, {}),
    "entry elsewhere": ("entry-off-path", straight(), ENTRY + 3, {}),
    "backwards": ("entry-off-path", straight()[::-1], ENTRY, {}),
    "curved": ("not-straight", bent(), ENTRY, {}),
    "there and back": ("not-straight", np.stack([ENTRY, ENTRY + 60 * DOWN, ENTRY + 50 * DOWN]), ENTRY, {}),
    "kink at the entry": ("not-straight", np.stack([ENTRY - 20 * SIDE, ENTRY, ENTRY + 50 * DOWN]), ENTRY, {}),
    "too deep": ("shaft-too-short", straight(195), ENTRY, {}),
    "unknown shaft": ("unknown-shaft", straight(), ENTRY, {"shaft": "laser"}),
    "approach in metres": ("setting-out-of-range", straight(), ENTRY, {"approach_mm": -1.0}),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_no_shaft_can_follow_is_refused_with_its_reason(case: str) -> None:
    code, path, entry, settings = WRONG[case]
    with pytest.raises(SuwenError) as raised:
        made(path, entry, **settings)
    assert raised.value.code == code
    assert raised.value.fix
    assert raised.value.where
