"""The error of a surface registration at a target, from how the answer moves when regions of the surface are left out.

The distances that are left after matching say little of it: neighbouring points err together, and a smooth surface
fits well while it slides. Leaving out one whole region after the other keeps neighbours together and lets the
surface slide if it can.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput
from suwen.engines.registration.error import TargetErrors
from suwen.engines.registration.fiducials import points_of
from suwen.engines.registration.icp import SurfaceRegistration, match
from suwen.engines.registration.radius import error_radius
from suwen.engines.registration.rigid import Floats
from suwen.engines.registration.surface import surface_of

HALVINGS = 3
"""Of the moving points, each along its longest extent: 8 regions. More are smaller than what errs together on skin."""
FEWEST_PER_REGION = 20


def surface_tre(
    registration: SurfaceRegistration,
    fixed_mm: ArrayLike,
    moving_mm: ArrayLike,
    targets_mm: ArrayLike,
    *,
    normals: ArrayLike | None = None,
    overlap: float | None = None,
    coverage: float = 0.95,
) -> TargetErrors:
    """Random registration error at targets, by a jackknife over 8 regions of the moving points.

    Parameters
    ----------
    registration
        The answer.
    fixed_mm, moving_mm, normals, overlap
        As it was found from; at least 160 moving points.
    targets_mm
        Array (m, 3) in the fixed frame.
    coverage
        0.5 to below 1.

    Returns
    -------
    TargetErrors
        ``fle_mm`` is the RMS distance of the kept points from the surface, ``degrees_of_freedom`` 7: the radius
        covers what so few regions leave open. What is wrong with the whole surface, such as a skin segmented too
        wide or pressed in everywhere, is not in it.

    Raises
    ------
    BadInput
        ``too-few-points``, ``coverage-unusable`` and what :func:`~suwen.engines.registration.surface.surface_of`
        refuses.

    Notes
    -----
    Delete-a-group jackknife (Quenouille 1956; Shao and Wu 1989): (g - 1) / g times the sum of the outer products of
    the deviations.
    """
    surface, moving = surface_of(fixed_mm, normals), points_of(moving_mm, "moving")
    targets = points_of(targets_mm, "targets")
    if len(moving) < FEWEST_PER_REGION * 2**HALVINGS:
        raise BadInput(
            f"{len(moving)} points are too few to leave regions of them out",
            where="moving",
            fix=f"Give at least {FEWEST_PER_REGION * 2**HALVINGS}",
            code="too-few-points",
        )
    origin = registration.inverse().apply(targets)
    reached = []
    for region in regions(moving):
        rest = np.delete(moving, region, axis=0)
        found = match(surface, rest, registration.transform, method=registration.method, overlap=overlap)
        reached.append(found.transform.apply(origin))
    off = np.stack(reached) - np.mean(reached, axis=0)
    count = len(off)
    covariance = np.einsum("gmi,gmj->mij", off, off) * (count - 1) / count
    return TargetErrors(
        targets_mm=targets,
        covariance_mm2=covariance,
        rms_mm=np.sqrt(np.trace(covariance, axis1=1, axis2=2)),
        radius_mm=error_radius(covariance, coverage, degrees_of_freedom=count - 1),
        coverage=coverage,
        fle_mm=registration.rms_mm,
        degrees_of_freedom=count - 1,
    )


def regions(points_mm: Floats) -> list[Any]:
    """Indices of the points of each region: halved again and again along the longest extent."""
    parts = [np.arange(len(points_mm))]
    for _ in range(HALVINGS):
        halves = []
        for part in parts:
            at = points_mm[part]
            along = at[:, int(np.argmax(np.ptp(at, axis=0)))]
            order = np.argsort(along, kind="stable")
            halves += [part[order[: len(part) // 2]], part[order[len(part) // 2 :]]]
        parts = halves
    return parts
