"""The baseline of planning: the straight line from the entry, or from the nearest skin, scored by the same checker."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from suwen.formats.surgical.case import Case
from suwen.systems.surgery._anatomy import Anatomy, anatomy_of, surface_of
from suwen.systems.surgery._checking import checker_of
from suwen.systems.surgery._margin import budget_of


def straight_case(case: Case, protocol: Mapping[str, float]) -> Mapping[str, float]:
    """Figures of the straight line: what a hurried hand would draw."""
    began = time.process_time()
    anatomy = anatomy_of(case)
    margin_mm = budget_of(case, protocol).margin_mm
    line = np.stack([start_of(anatomy), anatomy.target_mm])
    found = checker_of(anatomy).certify(line, margin_mm=margin_mm, radius_mm=case.instrument.radius_mm)
    slack = min(one.slack_mm for one in found.structures)
    return {
        "found": 1.0,
        "certified": float(found.holds),
        "length_mm": found.length_mm,
        "slack_mm": slack,
        "cpu_seconds": time.process_time() - began,
    }


def start_of(anatomy: Anatomy) -> NDArray[np.float64]:
    """The entry, or the point of the surface nearest the target, grid mm."""
    if anatomy.entry_mm is not None:
        return anatomy.entry_mm
    return np.array(nearest_surface(anatomy)) * anatomy.spacing_mm


def nearest_surface(anatomy: Anatomy) -> tuple[int, int, int]:
    """The voxel of the surface nearest the target."""
    surface = np.argwhere(surface_of(anatomy.case))
    off = np.linalg.norm((surface - np.array(anatomy.target)) * anatomy.spacing_mm, axis=1)
    i, j, k = (int(index) for index in surface[int(off.argmin())])
    return i, j, k
