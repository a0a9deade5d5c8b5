"""A path through anatomy: walls with their margin, the cheapest way, a smooth line, the certificate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, Refused
from suwen.core.solution import Solution
from suwen.formats.surgical.case import Case
from suwen.systems.surgery._anatomy import Anatomy, Voxel, anatomy_of, surface_of
from suwen.systems.surgery._checking import checker_of
from suwen.systems.surgery._document import certificate_document, lps, nearest_structure, plan_document
from suwen.systems.surgery._margin import budget_of, margin_document
from suwen.systems.surgery._straight import nearest_surface

if TYPE_CHECKING:
    from suwen.engines.clearance.certificate import Certificate

Floats = NDArray[np.float64]
UNITS = {"length_mm": "mm", "slack_mm": "mm", "clearance_mm": "mm", "margin_mm": "mm", "cpu_seconds": "s"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Ground:
    """What a planner walks on.

    Attributes
    ----------
    walls
        Array (I, J, K), bool: where a path may not go.
    cost
        Array (I, J, K), float32: cost per mm, 1 where nothing is near.
    starts
        Voxels the path may begin at: the entry, or the free surface of the body.
    """

    walls: NDArray[np.bool_]
    cost: NDArray[np.float32]
    starts: NDArray[np.bool_] | None


def solve_case(case: Case, protocol: Mapping[str, float]) -> Solution:
    """The safest path of one case, certified; or which structure leaves none.

    Raises
    ------
    BadInput, Refused
        As :func:`suwen.systems.surgery._anatomy.anatomy_of`; ``not-a-path`` for a rigid instrument.
    """
    if case.instrument.kind == "rigid":
        raise Refused(
            "a rigid instrument follows a straight line, not a path",
            where="instrument",
            fix="Plan it with: suwen plan trajectory",
            code="not-a-path",
        )
    began = time.process_time()
    anatomy = anatomy_of(case)
    budget = budget_of(case, protocol)
    margin = margin_document(case, budget)
    ground = ground_of(anatomy, protocol, budget.margin_mm)
    way = _way(anatomy, ground)
    if way is None:
        return _blocked(anatomy, ground, budget.margin_mm, margin, began)
    found, line, certificate = _line(anatomy, ground, budget.margin_mm, way)
    if line is None or certificate is None:
        return _refused(anatomy, margin, found, began)
    name, clearance, asked = nearest_structure(certificate)
    document = plan_document(
        anatomy,
        margin,
        entry_mm=line[0],
        path_mm=line,
        length_mm=certificate.length_mm,
        cost=found["cost"],
        certificate=certificate_document(anatomy, certificate),
        search=found,
    )
    if not certificate.holds:  # never put forward what the check does not confirm
        document |= {"path_lps_mm": None, "refused_because": list(certificate.reasons)}
    said = (
        f"certified: {certificate.length_mm:.1f} mm, never less than {clearance:.2f} mm from {name} "
        f"(margin {asked:.2f} mm)"
        if certificate.holds
        else f"refused by the independent check: {'; '.join(certificate.reasons)}"
    )
    figures = {
        "found": 1.0,
        "certified": float(certificate.holds),
        "length_mm": certificate.length_mm,
        "clearance_mm": clearance,
        "margin_mm": asked,
        "slack_mm": clearance - asked,
        "cost": float(found["cost"]),
        "cpu_seconds": time.process_time() - began,
    }
    return Solution(
        kind="path",
        found=True,
        holds=certificate.holds,
        said=said,
        figures=figures,
        units=UNITS,
        document=document,
    )


def ground_of(anatomy: Anatomy, protocol: Mapping[str, float], margin_mm: float) -> Ground:
    """Walls and costs of a case.

    Parameters
    ----------
    anatomy
        Placed on its grid.
    protocol
        Weight and reach of the risk.
    margin_mm
        Of every critical structure, beyond the instrument's radius.
    """
    from suwen.engines.clearance.fields import risk_field, walls_for

    case, spacing = anatomy.case, anatomy.spacing_mm
    walls = walls_for(
        anatomy.labels, spacing, anatomy.critical, margin_mm, case.instrument.radius_mm, corners="forbid"
    )
    weights = {**dict.fromkeys(anatomy.critical, protocol["risk_weight"]), **case.weights}
    cost = risk_field(anatomy.labels, spacing, weights, reach_mm=protocol["risk_reach_mm"])
    cost += np.float32(1)
    starts = None
    if anatomy.entry is None:
        starts = surface_of(case) & ~walls
    if anatomy.closed is not None:
        open_ends = [end for end in (anatomy.entry, anatomy.target) if end is not None]
        shut = anatomy.closed
        if starts is not None:
            shut = shut & ~starts
        walls |= shut
        for end in open_ends:
            walls[end] &= not anatomy.closed[end]
    return Ground(walls=walls, cost=cost, starts=starts)


def _way(anatomy: Anatomy, ground: Ground) -> Any:
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


def _line(
    anatomy: Anatomy, ground: Ground, margin_mm: float, way: Any
) -> tuple[dict[str, Any], Floats | None, Certificate | None]:
    """The line an instrument follows, as good as the certificate allows, and what was found on the way."""
    case, spacing = anatomy.case, anatomy.spacing_mm
    said: dict[str, Any] = {
        "method": "A*, 26 neighbours, no corner cutting",
        "grid_cost": float(way.cost),
        "cost": float(way.cost),
        "expanded": int(way.expanded),
        "optimality_bound": float(way.bound),
    }
    checker = checker_of(anatomy)

    def certified(points: Floats) -> Certificate:
        return checker.certify(points, margin_mm=margin_mm, radius_mm=case.instrument.radius_mm)

    if case.instrument.kind == "steerable":
        return _steered(anatomy, ground, margin_mm, way, said, certified)
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
    saved = way.length_mm / final.length_mm - 1 if hasattr(way, "length_mm") else None
    said |= {"line": name, "cost": cost, "spacing_mm": spacing.tolist(), "shortened": saved}
    return said, points, final


def _candidates(anatomy: Anatomy, ground: Ground, margin_mm: float, way: Any) -> Any:
    """Lines from the shortest to the surest: the last one is the grid path, which the walls guarantee."""
    from suwen.engines.smoothing import smooth

    spacing = anatomy.spacing_mm
    smoothed = smooth(way.path, ground.walls, spacing_mm=spacing, cost=ground.cost)
    yield "any angle", smoothed.path_mm, smoothed.cost
    wider = _wider(anatomy, ground, margin_mm)
    surer = smooth(way.path, wider, spacing_mm=spacing, cost=ground.cost)
    yield "any angle, where the margin surely allows it", surer.path_mm, surer.cost
    yield "grid", way.path * spacing, float(way.cost)


def _wider(anatomy: Anatomy, ground: Ground, margin_mm: float) -> NDArray[np.bool_]:
    """Walls that guarantee the margin to any line between them, not to moves of the grid alone."""
    from suwen.engines.clearance.fields import walls_for

    radius_mm = anatomy.case.instrument.radius_mm
    wider = walls_for(
        anatomy.labels, anatomy.spacing_mm, anatomy.critical, margin_mm, radius_mm, moves="anywhere"
    )
    wider |= ground.walls
    return wider


def _exact_ends(anatomy: Anatomy, points: Floats, certified: Any, before: Certificate) -> Floats:
    """The line with its ends at the very points that were asked for, where that can be certified as well."""
    moved = points.copy()
    moved[-1] = anatomy.target_mm
    if anatomy.entry_mm is not None:
        moved[0] = anatomy.entry_mm
    if before.holds and not np.allclose(moved, points) and not certified(moved).holds:
        return points
    return moved if before.holds else points


def _steered(
    anatomy: Anatomy, ground: Ground, margin_mm: float, way: Any, said: dict[str, Any], certified: Any
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
    walls = _wider(anatomy, ground, margin_mm)
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
    said |= {
        "line": f"arcs of at least {radius:g} mm radius",
        "resolution": found.resolution + ("" if anatomy.entry_mm is not None else "; from one entry"),
    }
    if certificate is None:
        return said, None, None
    said |= {"cost": float(found.cost), "max_curvature_per_mm": float(found.max_curvature_per_mm)}
    return said, found.path_mm, certificate


def _blocked(
    anatomy: Anatomy, ground: Ground, margin_mm: float, margin: Mapping[str, Any], began: float
) -> Solution:
    """No path: which structure would have to be opened."""
    from suwen.engines.clearance.blocker import blocked_by

    start = anatomy.entry
    if start is None:
        start = nearest_surface(anatomy)
    found = blocked_by(
        anatomy.labels,
        anatomy.spacing_mm,
        critical=anatomy.critical,
        margin_mm=margin_mm,
        radius_mm=anatomy.case.instrument.radius_mm,
        start=start,
        goal=anatomy.target,
        closed=_shut(anatomy, start),
    )
    if found is None:
        raise BadInput(
            "the planner and the blocker disagree", fix="Report this case", code="planner-disagrees"
        )
    blocked = [
        {"label": label, "name": anatomy.critical[label], "at_lps_mm": lps(anatomy, [found.at_grid_mm])[0]}
        for label in found.structures
    ]
    widest = found.widest_clearance_mm
    radius = anatomy.case.instrument.radius_mm
    document = plan_document(
        anatomy,
        margin,
        entry_mm=anatomy.entry_mm,
        path_mm=None,
        blocked_by=blocked,
        blocked={
            **{key: value for key, value in found.as_dict().items() if key != "at_grid_mm"},
            "margin_that_would_do_mm": None if widest is None else max(widest - radius, 0.0),
        },
    )
    seconds = time.process_time() - began
    return Solution(
        kind="path",
        found=False,
        holds=False,
        said=found.sentence,
        figures={"found": 0.0, "cpu_seconds": seconds},
        units=UNITS,
        document=document,
    )


def _refused(anatomy: Anatomy, margin: Mapping[str, Any], said: dict[str, Any], began: float) -> Solution:
    """No line of limited curvature, although there is a way for a flexible one."""
    radius = anatomy.case.instrument.turning_radius_mm
    sentence = f"No path found that turns by at least {radius:g} mm radius ({said['resolution']})"
    return Solution(
        kind="path",
        found=False,
        holds=False,
        said=sentence,
        figures={"found": 0.0, "cpu_seconds": time.process_time() - began},
        units=UNITS,
        document=plan_document(anatomy, margin, entry_mm=anatomy.entry_mm, path_mm=None, search=said),
    )


def _shut(anatomy: Anatomy, start: Voxel) -> NDArray[np.bool_] | None:
    if anatomy.closed is None:
        return None
    shut = anatomy.closed.copy()
    shut[start] = False
    return shut
