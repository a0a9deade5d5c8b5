"""A path through anatomy: walls with their margin, the cheapest way, a smooth line, the certificate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from suwen.core.errors import Refused
from suwen.core.solution import Solution
from suwen.formats.surgical.case import Case
from suwen.systems.surgery._anatomy import Anatomy, Floats, anatomy_of
from suwen.systems.surgery._checking import checker_of
from suwen.systems.surgery._document import certificate_document, nearest_structure, plan_document
from suwen.systems.surgery._margin import budget_of, margin_document
from suwen.systems.surgery._path_free import cheapest_way, free_line
from suwen.systems.surgery._path_ground import Ground, ground_of
from suwen.systems.surgery._path_none import blocked_solution, unbent_solution
from suwen.systems.surgery._path_steered import steered_line

if TYPE_CHECKING:
    from suwen.engines.clearance.certificate import Certificate
    from suwen.engines.search import Found

UNITS = {"length_mm": "mm", "slack_mm": "mm", "clearance_mm": "mm", "margin_mm": "mm", "cpu_seconds": "s"}


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
    way = cheapest_way(anatomy, ground)
    if way is None:
        return blocked_solution(anatomy, budget.margin_mm, margin, began)
    found, line, certificate = _line(anatomy, ground, budget.margin_mm, way)
    if line is None or certificate is None:
        return unbent_solution(anatomy, margin, found, began)
    return _answered(anatomy, margin, found, line, certificate, began)


def _line(
    anatomy: Anatomy, ground: Ground, margin_mm: float, way: Found
) -> tuple[dict[str, Any], Floats | None, Certificate | None]:
    """The line that the instrument follows, its certificate, and how both were found."""
    checker, radius_mm = checker_of(anatomy), anatomy.case.instrument.radius_mm

    def certified(points: Floats) -> Certificate:
        return checker.certify(points, margin_mm=margin_mm, radius_mm=radius_mm)

    make = steered_line if anatomy.case.instrument.kind == "steerable" else free_line
    said, line, certificate = make(anatomy, ground, margin_mm, way, certified)
    found = {
        "method": "A*, 26 neighbours, no corner cutting",
        "grid_cost": float(way.cost),
        "cost": float(way.cost),
        "expanded": int(way.expanded),
        "optimality_bound": float(way.bound),
    }
    return found | said, line, certificate


def _answered(
    anatomy: Anatomy,
    margin: Mapping[str, Any],
    found: Mapping[str, Any],
    line: Floats,
    certificate: Certificate,
    began: float,
) -> Solution:
    """A path with what the independent check says of it; without it, where that says no."""
    name, clearance, asked = nearest_structure(certificate)
    document = plan_document(
        anatomy,
        margin,
        entry_mm=line[0],
        path_mm=line,
        length_mm=certificate.length_mm,
        cost=found["cost"],
        certificate=certificate_document(anatomy, certificate),
        search=dict(found),
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
