"""Whether a registration of images agrees with itself: there and back, and from known displacements."""

from __future__ import annotations

from typing import Any

import numpy as np

from suwen.core.errors import Refused
from suwen.engines.registration import _simpleitk
from suwen.engines.registration.images import Placed, SelfCheck, inverse, moved
from suwen.engines.registration.rigid import Floats, Rigid, turn

KNOWN = (((0.6, 0.0, -0.8), (0.0, 0.8, 0.6)), ((-0.48, 0.64, 0.6), (-0.8, -0.36, 0.48)))
"""Axes and directions of the known displacements."""
TURNED_DEG, SHIFTED_MM = 4.0, 6.0


def self_check(
    fixed: Placed,
    moving: Placed,
    images: tuple[Any, Any],
    start: Floats,
    reached: _simpleitk.Reached,
    plan: _simpleitk.Plan,
) -> SelfCheck:
    """Register back, and after known displacements, and compare over the overlap.

    Parameters
    ----------
    fixed, moving
        The images.
    images
        The same for SimpleITK.
    start, reached
        The registration to judge: from where it began, array (4, 4), fixed to moving, and what it found.
    plan
        How it was run; the others are run alike.

    Raises
    ------
    Refused
        ``not-converged``: an error is above the limit, so another start finds another answer.

    Notes
    -----
    Inverse consistency: Christensen and Johnson 2001, IEEE TMI 20(7). A displacement is known exactly as it is
    applied to the moving image's affine; nothing is resampled.
    """
    probes = fixed.probes()
    there = moved(reached.to_moving, probes)
    shared = moving.holds(there)
    probes, there = probes[shared], there[shared]
    limit = max(fixed.voxel_mm, moving.voxel_mm)
    back = _simpleitk.optimise(images[1], images[0], inverse(start), plan)
    round_trip = float(np.linalg.norm(moved(back.to_moving, there) - probes, axis=1).max())
    worst = 0.0
    for axis, way in KNOWN:
        known = displacement(moving.centre_lps_mm, axis, way)
        displaced = _simpleitk.image_of(moving.array, known.matrix @ moving.affine_lps)
        again = _simpleitk.optimise(images[0], displaced, start, plan)
        off = known.inverse().apply(moved(again.to_moving, probes)) - there
        worst = max(worst, float(np.linalg.norm(off, axis=1).max()))
    found = SelfCheck(inverse_consistency_mm=round_trip, recovery_mm=worst, limit_mm=limit)
    if max(round_trip, worst) > limit:
        raise Refused(
            f"the registration does not agree with itself: {round_trip:.2g} mm there and back, {worst:.2g} mm from "
            f"known displacements, {limit:.2g} mm allowed",
            fix="Give a start near the answer, as from landmarks, and check that both images show the same anatomy",
            code="not-converged",
        )
    return found


def displacement(centre_lps_mm: Floats, axis: tuple[float, ...], way: tuple[float, ...]) -> Rigid:
    """A known rigid displacement about a centre: turned about ``axis`` and shifted along ``way``, both of length 1."""
    rotation = turn(np.radians(TURNED_DEG) * np.array(axis))
    return Rigid(
        rotation=rotation,
        translation_mm=centre_lps_mm - rotation @ centre_lps_mm + SHIFTED_MM * np.array(way),
    )
