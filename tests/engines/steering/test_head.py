"""A needle through a simulated head, bent past a ventricle that lies in its straight way."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from suwen.engines.clearance.checker import Checker
from suwen.engines.clearance.fields import risk_field, walls_for
from suwen.engines.steering import Steered, steer
from suwen.formats.volume.phantom import head_phantom

CRITICAL = {4: "left lateral ventricle", 5: "right lateral ventricle", 8: "superior sagittal sinus",
            9: "left middle cerebral artery", 10: "left cortical vein"}  # fmt: skip
SPACING = np.array([1.0, 1.0, 1.25])
SHAPE = (170, 210, 150)
MARGIN_MM, RADIUS_MM = 1.5, 0.65
MIDDLE = (np.array(SHAPE) - 1) / 2 * SPACING
ENTRY = MIDDLE + np.array([12, 6, 70])
"""Above the ventricle; the straight way to the nucleus below it passes through it."""
TARGET = MIDDLE + np.array([12, 8, -8])


@cache
def head() -> np.ndarray:
    return head_phantom(shape=SHAPE, spacing_mm=SPACING).array


def plan(radius_mm: float, *, weighted: bool = False) -> Steered:
    walls = walls_for(head(), SPACING, CRITICAL, MARGIN_MM, RADIUS_MM, moves="anywhere")
    cost = None
    if weighted:
        cost = 1 + risk_field(head(), SPACING, dict.fromkeys(CRITICAL, 10.0), reach_mm=10.0)
    return steer(
        walls,
        spacing_mm=SPACING,
        entry_mm=ENTRY,
        direction=TARGET - ENTRY,
        target_mm=TARGET,
        radius_min_mm=radius_mm,
        cost=cost,
    )


def test_the_straight_way_is_shut() -> None:
    straight = Checker(head(), SPACING, CRITICAL).certify(
        np.array([ENTRY, TARGET]), margin_mm=MARGIN_MM, radius_mm=RADIUS_MM
    )
    assert not straight.holds


@pytest.mark.parametrize("weighted", [False, True])
def test_an_arc_goes_round_the_ventricle_and_is_certified(weighted: bool) -> None:
    found = plan(60.0, weighted=weighted)
    assert found.reached
    assert found.length_mm > 1.01 * np.linalg.norm(TARGET - ENTRY)
    assert found.max_curvature_per_mm <= 1 / 60
    assert np.array_equal(found.path_mm[0], ENTRY)
    assert np.array_equal(found.path_mm[-1], TARGET)
    certificate = Checker(head(), SPACING, CRITICAL).certify(
        found.path_mm, margin_mm=MARGIN_MM, radius_mm=RADIUS_MM
    )
    assert certificate.holds, certificate.reasons
    if weighted:
        assert found.cost > found.length_mm


def test_a_stiffer_needle_finds_no_way() -> None:
    """An arc of 400 mm strays by 78² / (8 * 400) = 1.9 mm from its chord, and the ventricle is 12 mm wide."""
    found = plan(400.0)
    assert not found.reached
    assert found.resolution.startswith("none with")
    assert "not all were tried" not in found.resolution
