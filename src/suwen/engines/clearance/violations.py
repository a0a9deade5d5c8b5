"""Where a path is too close, in stretches and in sentences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suwen.engines.clearance.certificate import StructureClearance, Violation
from suwen.engines.clearance.grid import Floats
from suwen.engines.clearance.path import Sampled


def reason(structure: StructureClearance, name: str) -> str:
    """Why a structure's margin is not kept."""
    place = f"{structure.arc_length_mm:.1f} mm along the path"
    if structure.clearance_lower_bound_mm <= 0:
        return f"The instrument touches {name} {place}"
    return (
        f"The instrument comes within {structure.clearance_lower_bound_mm:.3f} mm of {name} {place}, "
        f"closer than the margin of {structure.margin_mm:g} mm"
    )


def stretches_too_close(
    labels: list[int],
    closer: NDArray[np.bool_],
    clearance: Floats,
    walk: Sampled,
    found: list[StructureClearance],
) -> list[Violation]:
    """Stretches of samples that are too close, and the places between two samples that are, by structure."""
    stretches = []
    for row, (label, structure) in enumerate(zip(labels, found, strict=True)):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], closer[row].view(np.int8), [0]])))
        for begin, end in edges.reshape(-1, 2).tolist():
            stretches.append(
                Violation(
                    label=label,
                    from_mm=float(walk.arc_length_mm[begin]),
                    to_mm=float(walk.arc_length_mm[end - 1]),
                    clearance_mm=float(clearance[row, begin:end].min()),
                )
            )
        if not structure.holds and not edges.size:
            here = structure.arc_length_mm
            stretches.append(
                Violation(
                    label=label, from_mm=here, to_mm=here, clearance_mm=structure.clearance_lower_bound_mm
                )
            )
    return sorted(stretches, key=lambda stretch: (stretch.from_mm, stretch.label))


def marked_length_mm(marked: NDArray[np.bool_], arc_length_mm: Floats) -> float:
    """Length of path whose samples are marked: each stands for half of the way to its neighbours."""
    step = np.diff(arc_length_mm)
    share = 0.5 * (np.append(step, 0.0) + np.insert(step, 0, 0.0))
    return float(share[marked].sum())
