"""The answer "no path", with its reason in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from suwen.core.documents import plain
from suwen.engines.clearance.grid import named

Situation = Literal[
    "target-in-structure", "target-in-margin", "entry-in-structure", "entry-in-margin", "enclosed"
]
Cause = Literal["structure", "instrument", "margin", "closed"]


@dataclass(frozen=True, kw_only=True)
class Blocked:
    """There is no path, and this is why.

    Attributes
    ----------
    structures
        Labels of the fewest structures that would have to be opened, in order from the target; empty where
        what is in the way may not be opened at all.
    situation
        Whether an end itself lies in a structure or in its margin, or both are free and walls are in between.
    cause
        What blocks: the structures themselves, the instrument's thickness, the margin, or voxels that were
        closed to any path.
    enclosed, enclosed_voxels
        The end whose free surroundings are the smaller, and how many voxels they have; 0 where it lies in a
        wall.
    at_grid_mm
        Where the way out of the target first meets a wall.
    widest_clearance_mm
        Largest distance from the axis to the critical structures with which there is a path at all; ``None``
        where the structures themselves block.
    fewest_proven
        Whether no smaller set of structures will do. False only when the search for one was cut short.
    sentence
        All this in words.
    """

    structures: tuple[int, ...]
    situation: Situation
    cause: Cause
    enclosed: Literal["target", "entry"]
    enclosed_voxels: int
    at_grid_mm: tuple[float, float, float]
    widest_clearance_mm: float | None
    fewest_proven: bool
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """The answer as a JSON document."""
        document: dict[str, Any] = plain(self)
        return document


def sentence(
    blocked: Blocked,
    here: tuple[int, ...],
    critical: Mapping[int, str],
    margins_mm: Mapping[int, float],
    radius_mm: float,
) -> str:
    """Say in words what is in the way, where, and what would let a path through.

    Parameters
    ----------
    blocked
        What was found.
    here
        The structures that the end lies in or too near to, where its situation is one of these.
    critical, margins_mm, radius_mm
        As the path was planned with.
    """
    if not blocked.structures:
        return "No path: voxels closed to any path part the target from the entry, whatever is opened"
    others = [label for label in blocked.structures if label not in here]
    if blocked.situation == "enclosed":
        around = "one voxel" if blocked.enclosed_voxels == 1 else f"{blocked.enclosed_voxels:,} voxels"
        verb = "closes" if len(others) == 1 else "close"
        what = f"{_listed(others, critical)} {verb} off the {blocked.enclosed} within {around}"
    else:
        end, _, where = blocked.situation.split("-")
        if where == "structure":
            what = f"the {end} lies in {_listed(here, critical)}"
        else:
            margin = max(margins_mm[label] for label in here)
            what = f"the {end} is closer to {_listed(here, critical)} than a margin of {margin:g} mm allows"
        if others:
            what += f", and {_listed(others, critical)} would have to be opened too"
    return f"No path: {what}; {_remedy(blocked, radius_mm)}"


def _remedy(blocked: Blocked, radius_mm: float) -> str:
    """Whether a smaller margin or a thinner instrument would do."""
    widest = blocked.widest_clearance_mm
    if widest is None:
        return "that is so whatever the margin and the instrument"
    if blocked.cause == "margin":
        return f"a margin of up to {widest - radius_mm:.2f} mm would leave a path"
    return f"without any margin, an instrument of up to {widest:.2f} mm radius would still pass"


def _listed(labels: Sequence[int], critical: Mapping[int, str]) -> str:
    """Structures as a sentence lists them."""
    names = [named(label, critical) for label in labels]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
