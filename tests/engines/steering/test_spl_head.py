"""A steerable needle in a real head: from its surface into the left subthalamic nucleus, past what is critical."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from suwen.engines.clearance.checker import Checker
from suwen.engines.clearance.fields import risk_field, walls_for
from suwen.engines.steering import steer

NUCLEUS = 391
CRITICAL = {4: "left lateral ventricle", 43: "right lateral ventricle", 15: "fourth ventricle", 24: "third ventricle",
            11: "left caudate nucleus", 17: "left hippocampus", 85: "optic chiasm"}  # fmt: skip
MARGIN_MM, RADIUS_MM, TURN_MM = 1.0, 0.5, 50.0
ONE = (1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def head(data_dir: Path) -> NDArray[Any]:
    """The labels of the SPL head, 256³ at 1 mm."""
    import nrrd

    labels, _ = nrrd.read(str(data_dir / "surgery" / "anatomy" / "spl_head" / "hncma-atlas.nrrd"))
    return labels


def entries(labels: NDArray[Any], target: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Points of the head's surface: the last labelled voxel along directions from the target."""
    draw = np.random.default_rng(0)
    found = []
    while len(found) < count:
        way = draw.normal(size=3)
        ray = target + np.arange(0, 200, 0.5)[:, None] * way / np.linalg.norm(way)
        at = np.floor(ray + 0.5).astype(int)
        at = at[((at >= 0) & (at < labels.shape)).all(1)]
        last = at[np.flatnonzero(labels[tuple(at.T)])[-1]]
        if 40 < np.linalg.norm(last - target) < 130:
            found.append(last.astype(float))
    return np.array(found)


def curvature(points: NDArray[Any]) -> NDArray[Any]:
    """Inverse radius of the circle through every three successive points."""
    a, b, c = points[:-2], points[1:-1], points[2:]
    twice = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    sides = [np.linalg.norm(x - y, axis=1) for x, y in ((a, b), (b, c), (a, c))]
    return 2 * twice / (sides[0] * sides[1] * sides[2])


@pytest.mark.parametrize("weighted", [False, True])
def test_every_needle_that_is_found_is_certified(head: NDArray[Any], weighted: bool) -> None:
    voxels = np.argwhere(head == NUCLEUS)
    target = voxels[((voxels - voxels.mean(0)) ** 2).sum(1).argmin()].astype(float)
    walls = walls_for(head, ONE, CRITICAL, MARGIN_MM, RADIUS_MM, moves="anywhere")
    cost = 1 + risk_field(head, ONE, dict.fromkeys(CRITICAL, 2.0), reach_mm=8.0) if weighted else None
    checker = Checker(head, ONE, CRITICAL)
    reached, bent = 0, 0
    for entry in entries(head, target, 8):
        if walls[tuple(entry.astype(int))]:
            continue
        inward = (target - entry) / np.linalg.norm(target - entry)
        found = steer(
            walls, spacing_mm=ONE, entry_mm=entry, direction=inward, target_mm=target, radius_min_mm=TURN_MM,
            cost=cost, cone_deg=30.0, level_max=0,
        )  # fmt: skip
        straight = checker.certify([entry, target], margin_mm=MARGIN_MM, radius_mm=RADIUS_MM).holds
        if not found.reached:
            assert found.resolution.startswith("none with")
            continue
        reached, bent = reached + 1, bent + (not straight)
        certificate = checker.certify(found.path_mm, margin_mm=MARGIN_MM, radius_mm=RADIUS_MM)
        assert certificate.holds, certificate.reasons
        assert np.array_equal(found.path_mm[0], entry)
        assert np.array_equal(found.path_mm[-1], target)
        assert curvature(found.path_mm).max() <= 1 / TURN_MM + 1e-6
        first = (
            (found.path_mm[1] - found.path_mm[0])
            @ inward
            / np.linalg.norm(np.diff(found.path_mm[:2], axis=0))
        )
        assert np.degrees(np.arccos(min(1.0, first))) <= 30.5
        assert found.cost >= found.length_mm * (1 - 1e-9) >= np.linalg.norm(target - entry) * (1 - 1e-6)
    assert reached >= 4
    assert bent >= 2, "at least two of them where no straight needle goes"
