"""No path: which structure leaves none, or how far a search for a bent one went."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from suwen.core.errors import BadInput
from suwen.core.solution import Solution
from suwen.systems.surgery._anatomy import Anatomy
from suwen.systems.surgery._document import lps, plan_document
from suwen.systems.surgery._path_ground import shut_for
from suwen.systems.surgery._straight import nearest_surface

UNITS = {"cpu_seconds": "s"}


def blocked_solution(anatomy: Anatomy, margin_mm: float, margin: Mapping[str, Any], began: float) -> Solution:
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
        closed=shut_for(anatomy, start),
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


def unbent_solution(
    anatomy: Anatomy, margin: Mapping[str, Any], said: Mapping[str, Any], began: float
) -> Solution:
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
        document=plan_document(anatomy, margin, entry_mm=anatomy.entry_mm, path_mm=None, search=dict(said)),
    )
