"""The line of a flexible instrument: the cheapest way on the grid, drawn at any angle as far as it is certified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.systems.surgery._anatomy import Anatomy, Floats
from suwen.systems.surgery._path_ground import Ground, wider

if TYPE_CHECKING:
    from suwen.engines.clearance.certificate import Certificate
    from suwen.engines.search import Found

Certify = Callable[[Floats], "Certificate"]


def cheapest_way(anatomy: Anatomy, ground: Ground) -> Found | None:
    """The cheapest path on the grid from entry to target; ``None`` where there is none."""
    from suwen.engines.search import find_path

    if ground.walls[anatomy.target] or (anatomy.entry is not None and ground.walls[anatomy.entry]):
        return None
    if anatomy.entry is None:
        assert ground.starts is not None  # noqa: S101  (there is a body where there is no entry)
        if not ground.starts.any():
            return None
        found = find_path(
            ground.walls,
            spacing_mm=anatomy.spacing_mm,
            start=anatomy.target,
            goal=ground.starts,
            cost=ground.cost,
        )
        found = replace(found, path=found.path[::-1]) if found.reached else found
    else:
        found = find_path(
            ground.walls,
            spacing_mm=anatomy.spacing_mm,
            start=anatomy.entry,
            goal=anatomy.target,
            cost=ground.cost,
        )
    return found if found.reached else None


def free_line(
    anatomy: Anatomy, ground: Ground, margin_mm: float, way: Found, certified: Certify
) -> tuple[dict[str, Any], Floats, Certificate]:
    """The line an instrument follows, as good as the certificate allows, and what was found on the way."""
    best: tuple[float, Floats, Certificate, str] | None = None
    for name, points, cost in _candidates(anatomy, ground, margin_mm, way):
        certificate = certified(points)
        if best is None or (certificate.holds and (not best[2].holds or cost < best[0])):
            best = (cost, points, certificate, name)
        if certificate.holds:
            break
    assert best is not None  # noqa: S101  (the grid path itself is a candidate)
    cost, points, certificate, name = best
    points = _exact_ends(anatomy, points, certified, certificate)
    final = certified(points)
    said = {
        "line": name,
        "cost": cost,
        "spacing_mm": anatomy.spacing_mm.tolist(),
        "shortened": way.length_mm / final.length_mm - 1,
    }
    return said, points, final


def _candidates(
    anatomy: Anatomy, ground: Ground, margin_mm: float, way: Found
) -> Iterator[tuple[str, Floats, float]]:
    """Lines from the shortest to the surest: the last one is the grid path, which the walls guarantee."""
    from suwen.engines.smoothing import smooth

    spacing = anatomy.spacing_mm
    smoothed = smooth(way.path, ground.walls, spacing_mm=spacing, cost=ground.cost)
    yield "any angle", smoothed.path_mm, smoothed.cost
    surer = smooth(way.path, wider(anatomy, ground, margin_mm), spacing_mm=spacing, cost=ground.cost)
    yield "any angle, where the margin surely allows it", surer.path_mm, surer.cost
    yield "grid", way.path * spacing, float(way.cost)


def _exact_ends(anatomy: Anatomy, points: Floats, certified: Certify, before: Certificate) -> Floats:
    """The line with its ends at the very points that were asked for, where that can be certified as well."""
    moved = points.copy()
    moved[-1] = anatomy.target_mm
    if anatomy.entry_mm is not None:
        moved[0] = anatomy.entry_mm
    if before.holds and not np.allclose(moved, points) and not certified(moved).holds:
        return points
    return moved if before.holds else points
