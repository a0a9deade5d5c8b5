"""The line of a steerable instrument: arcs that turn no more sharply than it can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.systems.surgery._anatomy import Anatomy, Floats
from suwen.systems.surgery._path_free import Certify
from suwen.systems.surgery._path_ground import Ground, wider

if TYPE_CHECKING:
    from suwen.engines.clearance.certificate import Certificate
    from suwen.engines.search import Found


def steered_line(
    anatomy: Anatomy, ground: Ground, margin_mm: float, way: Found, certified: Certify
) -> tuple[dict[str, Any], Floats | None, Certificate | None]:
    """A line of limited curvature, from the entry that the flexible path has."""
    from suwen.engines.steering import steer

    radius = anatomy.case.instrument.turning_radius_mm
    assert radius is not None  # noqa: S101  (a steerable instrument has one)
    path = way.path * anatomy.spacing_mm
    entry = anatomy.entry_mm if anatomy.entry_mm is not None else path[0]
    along = path[min(len(path) - 1, max(1, len(path) // 8))] - path[0]
    asked: dict[str, Any] = {
        "spacing_mm": anatomy.spacing_mm,
        "entry_mm": entry,
        "direction": along / np.linalg.norm(along),
        "target_mm": anatomy.target_mm,
        "radius_min_mm": radius,
        "cost": ground.cost,
    }
    walls = wider(anatomy, ground, margin_mm)
    for end in (entry, anatomy.target_mm):
        at = tuple(int(index) for index in np.floor(end / anatomy.spacing_mm + 0.5))
        walls[at] = ground.walls[at]
    found, certificate = steer(walls, **asked), None
    if found.reached:
        certificate = certified(found.path_mm)
    if certificate is None or not certificate.holds:
        # The wider walls guarantee more than the margin; between the narrower ones the check decides.
        other = steer(ground.walls, **asked)
        confirmed = certified(other.path_mm) if other.reached else None
        if confirmed is not None and (confirmed.holds or certificate is None):
            found, certificate = other, confirmed
    said: dict[str, Any] = {
        "line": f"arcs of at least {radius:g} mm radius",
        "resolution": found.resolution + ("" if anatomy.entry_mm is not None else "; from one entry"),
    }
    if certificate is None:
        return said, None, None
    said |= {"cost": float(found.cost), "max_curvature_per_mm": float(found.max_curvature_per_mm)}
    return said, found.path_mm, certificate
