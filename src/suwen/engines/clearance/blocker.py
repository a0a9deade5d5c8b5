"""Why there is no path: the fewest structures that would have to be opened, and if it is they or their margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.clearance.blocked import Blocked, Cause, Situation, sentence
from suwen.engines.clearance.fewest import CLOSED, Crossing, fewest_structures
from suwen.engines.clearance.fields import Corners
from suwen.engines.clearance.grid import (
    Floats,
    checked_labels,
    checked_length,
    checked_margins,
    checked_spacing,
)
from suwen.engines.clearance.regions import Regions, Voxel, regions_of
from suwen.engines.clearance.wall_sets import wall_sets
from suwen.engines.clearance.widest import widest_clearance_mm


def blocked_by(
    labels: NDArray[Any],
    spacing_mm: ArrayLike,
    *,
    critical: Mapping[int, str],
    margin_mm: float | Mapping[int, float],
    radius_mm: float,
    start: Sequence[int],
    goal: Sequence[int],
    corners: Corners = "forbid",
    closed: NDArray[np.bool_] | None = None,
) -> Blocked | None:
    """Say which structures keep a path of grid moves from going from the entry to the target.

    The walls are those of `walls_for`. Free space and the walls of each structure, overlaps by themselves,
    are cut into connected regions; the answer is the way from the target's region to the entry's that passes
    the walls of the fewest structures.

    Parameters
    ----------
    labels
        Whole numbers, shape (I, J, K).
    spacing_mm
        Shape (3,).
    critical, margin_mm, radius_mm, corners
        As the path was planned with.
    start, goal
        Voxels of entry and target.
    closed
        Voxels that no path may use whatever is opened, shape (I, J, K); none by default.

    Returns
    -------
    Blocked or None
        ``None`` where there is a path.

    Raises
    ------
    BadInput
        ``outside-image`` where an end is not a voxel of the volume, and what `walls_for` raises.
    MissingExtra
        Without numba.
    """
    volume, spacing = checked_labels(labels), checked_spacing(spacing_mm)
    margins, radius = checked_margins(margin_mm, critical), checked_length(radius_mm, "The radius")
    entry, target = (
        checked_voxel(point, volume.shape, end) for point, end in ((start, "entry"), (goal, "target"))
    )
    shut = _checked_closed(closed, volume.shape)
    sets, walls = wall_sets(volume, spacing, critical, margins, radius, corners=corners)
    if shut is not None:
        walls[shut] = CLOSED
    regions = regions_of(walls, corners=corners == "allow")
    at_entry, at_target = regions.at(entry), regions.at(target)
    if at_entry == at_target and regions.value[at_entry] == 0:
        return None
    crossing = fewest_structures(regions, sets, at_target, at_entry)
    cause: Cause = "closed"
    widest = None
    if crossing is not None:
        widest = widest_clearance_mm(
            volume, spacing, critical, start=entry, goal=target, corners=corners, closed=shut
        )
        cause = _cause(widest, radius)
    sizes = [regions.voxels(at) if regions.value[at] == 0 else 0 for at in (at_target, at_entry)]
    situation, here = _situation(regions, sets, volume, target, entry)
    found = Blocked(
        structures=_ordered(crossing.structures if crossing else (), situation, here),
        situation=situation,
        cause=cause,
        enclosed="target" if sizes[0] <= sizes[1] else "entry",
        enclosed_voxels=min(sizes),
        at_grid_mm=_meets(regions, crossing, target, spacing),
        widest_clearance_mm=widest,
        fewest_proven=crossing.proven if crossing else True,
        sentence="",
    )
    return replace(found, sentence=sentence(found, here, critical, margins, radius))


def checked_voxel(point: Sequence[int], shape: tuple[int, ...], end: str) -> Voxel:
    """A voxel of the volume.

    Raises
    ------
    BadInput
        ``outside-image``.
    """
    try:
        voxel = np.asarray(point)
    except ValueError:  # rows of unequal length
        voxel = np.array([])
    if voxel.shape != (3,) or voxel.dtype.kind not in "iu" or (voxel < 0).any() or (voxel >= shape).any():
        raise BadInput(
            f"The {end} {point} is not a voxel of a volume of {' x '.join(map(str, shape))}",
            code="outside-image",
            fix="Give the index of a voxel inside the image",
        )
    i, j, k = (int(index) for index in voxel)
    return i, j, k


def _checked_closed(closed: NDArray[np.bool_] | None, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """The voxels closed to any path, if there are some."""
    if closed is None:
        return None
    if closed.shape != shape or closed.dtype != np.bool_:
        raise BadInput(
            f"Closed voxels are true or false for each voxel of {shape}, these are {closed.dtype} of {closed.shape}",
            code="size-mismatch",
        )
    return closed


def _cause(widest_mm: float | None, radius_mm: float) -> Cause:
    """What blocks, by the widest way there is."""
    if widest_mm is None:
        return "structure"
    return "margin" if widest_mm >= radius_mm else "instrument"


def _situation(
    regions: Regions,
    sets: Sequence[tuple[int, ...]],
    volume: NDArray[Any],
    target: Voxel,
    entry: Voxel,
) -> tuple[Situation, tuple[int, ...]]:
    """Whether an end is in a wall, the target first; and in which structure, or in whose margins."""
    for end, inside, near in (
        (target, "target-in-structure", "target-in-margin"),
        (entry, "entry-in-structure", "entry-in-margin"),
    ):
        value = int(regions.value[regions.at(end)])
        if value in (0, CLOSED):
            continue
        label = int(volume[end])
        if label in sets[value]:
            return cast("Situation", inside), (label,)
        return cast("Situation", near), sets[value]
    return "enclosed", ()


def _ordered(structures: tuple[int, ...], situation: Situation, here: tuple[int, ...]) -> tuple[int, ...]:
    """What the target itself lies in comes first, whatever else overlaps there."""
    first = [label for label in here if label in structures] if situation.startswith("target") else []
    return tuple(dict.fromkeys([*first, *structures]))


def _meets(
    regions: Regions, crossing: Crossing | None, target: Voxel, spacing_mm: Floats
) -> tuple[float, float, float]:
    """Where the way out of the target first meets a wall, in grid mm: the target itself where it is in one."""
    voxel = target
    way = crossing.regions if crossing else ()
    for inner, outer in pairwise(way):
        if regions.value[inner] == 0:
            voxel = regions.contact(inner, outer, target, spacing_mm)
            break
        if inner == way[0]:
            break
    x, y, z = (float(index * length) for index, length in zip(voxel, spacing_mm, strict=True))
    return x, y, z
