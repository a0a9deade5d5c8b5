"""Real label volumes, the structures that are critical in each, and pairs of voxels to plan between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from _common import data_dir
from numpy.typing import NDArray

HEAD = (4, 5, 11, 12, 13, 15, 17, 24, 25, 43, 50, 51, 52, 53, 77, 78, 83, 85, 215, 216)
"""Ventricles, basal nuclei, hippocampi and optic tracts of the SPL head: 20 structures."""
BODY = (18, 19, 20, 52, 53, 63, 64, 65, 66, 79)
"""Bowel, great vessels and the spinal cord among TotalSegmentator's labels."""
CIRCLE = tuple(range(1, 16))
"""Every artery of the circle of Willis."""


@dataclass(frozen=True)
class Anatomy:
    """One label volume: what is critical in it, and the margin and the instrument it is planned with."""

    name: str
    labels: NDArray[Any]
    spacing_mm: NDArray[np.float64]
    critical: dict[int, str]
    margin_mm: float
    radius_mm: float


def anatomies() -> Iterator[Anatomy]:
    """The volumes, one at a time."""
    import nibabel
    import nrrd

    folder = data_dir() / "surgery" / "anatomy"
    head, _ = nrrd.read(str(folder / "spl_head" / "hncma-atlas.nrrd"))
    yield _anatomy("spl_head", head, (1.0, 1.0, 1.0), HEAD, 1.0, 0.5)
    for name, file, chosen, margin, radius in (
        ("totalseg_3mm", "totalseg/example_seg.nii.gz", BODY, 3.0, 1.0),
        ("totalseg_fast_3mm", "totalseg/example_seg_fast.nii.gz", BODY, 3.0, 1.0),
        ("totalseg_dicom", "totalseg/example_seg_dicom.nii.gz", BODY, 2.0, 0.7),
        ("topcow_ct", "topcow/topcow_ct_roi_003.nii.gz", CIRCLE, 0.8, 0.4),
        ("topcow_mr", "topcow/topcow_mr_roi_003.nii.gz", CIRCLE, 0.8, 0.4),
    ):
        image = nibabel.load(folder / file)
        labels = np.asarray(image.dataobj)
        yield _anatomy(name, labels, image.header.get_zooms()[:3], chosen, margin, radius)


def _anatomy(
    name: str,
    labels: NDArray[Any],
    spacing: Any,
    chosen: tuple[int, ...] | None,
    margin: float,
    radius: float,
) -> Anatomy:
    """The volume with those of its labels that are critical."""
    found = set(np.unique(labels).tolist())
    critical = {label: "" for label in chosen if label in found}
    return Anatomy(name, labels, np.array(spacing, dtype=np.float64), critical, margin, radius)


def pairs(anatomy: Anatomy, walls: NDArray[np.bool_], count: int, seed: int) -> list[tuple[Any, Any]]:
    """Entries on the border of the volume and targets as near to a wall as a free voxel can be, with a path between."""
    from suwen.engines.clearance.regions import regions_of

    rng = np.random.default_rng(seed)
    regions = regions_of(walls, corners=False)
    shape = np.array(walls.shape)
    near = np.zeros_like(walls)
    for axis in range(3):
        for step in (-1, 1):
            near |= np.roll(walls, step, axis)
    targets = np.argwhere(near & ~walls)
    found: list[tuple[Any, Any]] = []
    while len(found) < count:
        entry = rng.integers(0, shape)
        axis = rng.integers(0, 3)
        entry[axis] = rng.choice([0, shape[axis] - 1])
        start = tuple(int(i) for i in entry)
        goal = tuple(int(i) for i in targets[rng.integers(0, len(targets))])
        if start != goal and not walls[start] and regions.at(start) == regions.at(goal):
            found.append((start, goal))
    return found
