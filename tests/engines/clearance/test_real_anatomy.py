"""Plans on real anatomy: what the search finds between the walls, the checker certifies and brute force confirms."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.engines.clearance.checker import Checker
from suwen.engines.clearance.fields import walls_for
from suwen.engines.clearance.regions import regions_of
from suwen.engines.search import find_path

BODY = (18, 19, 20, 52, 63, 64, 79)  # bowel, great vessels, spinal cord
VOLUMES = {
    "head": (1.0, 0.5, 4),
    "totalseg/example_seg.nii.gz": (3.0, 1.0, 4),
    "totalseg/example_seg_dicom.nii.gz": (2.0, 0.7, 2),
    "topcow/topcow_ct_roi_003.nii.gz": (0.8, 0.4, 5),
    "topcow/topcow_mr_roi_003.nii.gz": (
        0.2,
        0.0,
        5,
    ),  # less than half a voxel: no dilation, only the corner rule
}


@pytest.fixture
def anatomy(request, data_dir, head, deep):
    """Labels, spacing and critical structures of a volume."""
    if request.param == "head":
        return head, np.ones(3), deep
    import nibabel

    image = nibabel.load(data_dir / "surgery" / "anatomy" / request.param)
    labels = np.asarray(image.dataobj)
    chosen = BODY if request.param.startswith("totalseg") else range(1, 16)
    critical = {label: f"structure {label}" for label in chosen if (labels == label).any()}
    return labels, np.array(image.header.get_zooms()[:3], dtype=float), critical


def _ends(walls, count):
    """Entries on the border and targets beside a wall, of one region."""
    rng = np.random.default_rng(3)
    regions = regions_of(walls, corners=False)
    beside = np.argwhere((np.roll(walls, 1, 0) | np.roll(walls, 1, 1) | np.roll(walls, -1, 2)) & ~walls)
    while count:
        entry = rng.integers(0, walls.shape)
        axis = rng.integers(0, 3)
        entry[axis] = rng.choice([0, walls.shape[axis] - 1])
        start, goal = (tuple(map(int, voxel)) for voxel in (entry, rng.choice(beside)))
        if start != goal and not walls[start] and regions.at(start) == regions.at(goal):
            count -= 1
            yield start, goal


def _near(path, labels, spacing, critical, brute_force):
    """Least distance of samples every 0.05 mm to every critical box of the path's surroundings."""
    least = np.inf
    for begin, end in zip(path[:-1] * spacing, path[1:] * spacing, strict=True):
        low = np.maximum(np.floor(np.minimum(begin, end) / spacing).astype(int) - 6, 0)
        high = np.ceil(np.maximum(begin, end) / spacing).astype(int) + 7
        part = np.isin(labels[low[0] : high[0], low[1] : high[1], low[2] : high[2]], list(critical))
        if part.any():
            pieces = int(np.ceil(np.linalg.norm(end - begin) / 0.05))
            points = np.linspace(begin, end, pieces + 1) - low * spacing
            least = min(least, brute_force(points, part, spacing, 1).min())
    return least


@pytest.mark.parametrize(("anatomy", "asked"), list(VOLUMES.items()), indirect=["anatomy"], ids=list(VOLUMES))
def test_every_plan_is_certified_and_brute_force_agrees(anatomy, asked, brute_force) -> None:
    labels, spacing, critical = anatomy
    margin, radius, count = asked
    walls = walls_for(labels, spacing, critical, margin, radius)
    checker = Checker(labels, spacing, critical)
    for start, goal in _ends(walls, count):
        plan = find_path(walls, spacing_mm=spacing, start=start, goal=goal)
        found = checker.certify(plan.path * spacing, margin_mm=margin, radius_mm=radius)
        assert found.holds, found.reasons
        assert found.length_mm == pytest.approx(plan.length_mm)
        least = _near(plan.path, labels, spacing, critical, brute_force)
        assert least >= margin + radius - 1e-9
        seen = 5 * spacing.min()  # as far as the surroundings reach for certain
        assert min(least, seen) == pytest.approx(min(found.clearance_mm + radius, seen), abs=1e-6)


def test_a_plan_that_cuts_corners_around_bare_labels_is_caught() -> None:
    """The corner rule decides: with corners cut, the shortest path touches what it goes around."""
    labels = np.zeros((7, 7, 1), np.uint8)
    labels[3, :4] = 1
    walls = labels > 0
    checker = Checker(labels, [1, 1, 1], {1: "artery"})
    held = {}
    for corners in ("allow", "forbid"):
        plan = find_path(walls, spacing_mm=[1, 1, 1], start=(2, 2, 0), goal=(4, 2, 0), corners=corners)
        held[corners] = checker.certify(plan.path, margin_mm=0, radius_mm=0).holds
    assert held == {"allow": False, "forbid": True}
