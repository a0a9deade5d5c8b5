"""What every plan says, in JSON's own types and LPS millimetres: image, instrument, margin, certificate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.documents import plain

if TYPE_CHECKING:
    from suwen.engines.clearance.certificate import Certificate
    from suwen.systems.surgery._anatomy import Anatomy

DIGITS = 4
"""Digits after the point of a coordinate in mm: a tenth of a micrometre."""


def image_document(anatomy: Anatomy) -> dict[str, Any]:
    """Which image, in which frame: what a plan may be followed on."""
    labels = anatomy.case.labels
    return {
        "sha256": labels.content_key(),
        "frame_sha256": labels.frame_key(),
        "frame": "LPS",
        "frame_of_reference": labels.frame_of_reference,
        "shape": list(labels.shape),
        "spacing_mm": plain(labels.spacing_mm),
        "affine_lps": plain(labels.affine_lps),
        "stored": labels.handedness + "-handed",
        "notes": list(labels.notes),
    }


def question_document(anatomy: Anatomy) -> dict[str, Any]:
    """What was asked."""
    case = anatomy.case
    asked: dict[str, Any] = plain(case.question)
    names = {str(value): case.labels.name_of(value) for value in (*case.weights, *case.bone)}
    return {"case_sha256": case.content_key(), **asked, "names": names, "notes": list(anatomy.notes)}


def lps(anatomy: Anatomy, grid_mm: Any) -> list[list[float]]:
    """Points (n, 3) in grid mm as LPS mm."""
    points: list[list[float]] = np.round(anatomy.to_lps(grid_mm), DIGITS).tolist()
    return points


def certificate_document(anatomy: Anatomy, found: Certificate) -> dict[str, Any]:
    """A certificate with names and LPS millimetres."""
    whole = found.as_dict()
    curve = whole["curve"]
    names = anatomy.critical
    return {
        "holds": found.holds,
        "reasons": list(found.reasons),
        "clearance_mm": found.clearance_mm,
        "clearance_lower_bound_mm": found.clearance_lower_bound_mm,
        "nearest": names[found.nearest_label],
        "at_lps_mm": lps(anatomy, [found.at_grid_mm])[0],
        "arc_mm": found.arc_length_mm,
        "length_mm": found.length_mm,
        "radius_mm": found.radius_mm,
        "step_mm": found.step_mm,
        "samples": found.samples,
        "violation_mm": found.violation_mm,
        "outside_mm": found.outside_mm,
        "violations": whole["violations"],
        "structures": [
            {
                "label": one["label"],
                "name": one["name"],
                "clearance_mm": one["clearance_mm"],
                "clearance_lower_bound_mm": one["clearance_lower_bound_mm"],
                "margin_mm": one["margin_mm"],
                "slack_mm": one["slack_mm"],
                "at_lps_mm": lps(anatomy, [one["at_grid_mm"]])[0],
                "arc_mm": one["arc_length_mm"],
                "holds": one["holds"],
            }
            for one in whole["structures"]
        ],
        "curve": {
            "arc_mm": [round(value, 3) for value in curve["arc_length_mm"]],
            "clearance_mm": [round(value, 4) for value in curve["clearance_mm"]],
            "nearest": [names[label] for label in curve["label"]],
        },
    }


def plan_document(
    anatomy: Anatomy, margin: Mapping[str, Any], *, entry_mm: Any, path_mm: Any, **rest: Any
) -> dict[str, Any]:
    """A plan without its certificate; ``rest`` adds to it or replaces."""
    return {
        "image": image_document(anatomy),
        "question": question_document(anatomy),
        "instrument": plain(anatomy.case.instrument),
        "margin": dict(margin),
        "entry_lps_mm": None if entry_mm is None else lps(anatomy, [entry_mm])[0],
        "target_lps_mm": lps(anatomy, [anatomy.target_mm])[0],
        "path_lps_mm": None if path_mm is None else lps(anatomy, path_mm),
        "length_mm": None,
        "cost": None,
        "blocked_by": [],
        "alternatives": [],
        "risk": None,
        "certificate": None,
        **rest,
    }


def nearest_structure(found: Certificate) -> tuple[str, float, float]:
    """Name, clearance and margin of the structure with the least slack."""
    first = found.structures[0]
    return first.name, first.clearance_lower_bound_mm, first.margin_mm
