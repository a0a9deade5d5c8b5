"""How wide the widest way is: the largest clearance with which there still is a path."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.engines.clearance.fields import Corners, box_squares, extents
from suwen.engines.clearance.grid import Floats, checked_labels, checked_margins, checked_spacing
from suwen.engines.clearance.regions import Voxel, regions_of

FIRST_REACH_MM = 4.0


def widest_clearance_mm(
    labels: NDArray[Any],
    spacing_mm: ArrayLike,
    critical: Mapping[int, str],
    *,
    start: Voxel,
    goal: Voxel,
    corners: Corners = "forbid",
    closed: NDArray[np.bool_] | None = None,
) -> float | None:
    """The largest distance from critical structures that a path of grid moves can keep all the way.

    What `walls_for` guarantees is what counts: with this much of margin and radius together it leaves a path,
    with any more it leaves none. So it also says by how much all labels may grow before a plan fails: by
    this, less margin and radius.

    Parameters
    ----------
    labels, spacing_mm, critical, corners
        As for `walls_for`.
    start, goal
        Voxels of entry and target, of the volume.
    closed
        Voxels that no path may use.

    Returns
    -------
    float or None
        mm; infinite where there is no critical structure to keep away from, ``None`` where there is no path
        even between the bare structures.

    Raises
    ------
    BadInput
        As `walls_for` does.
    MissingExtra
        Without numba.
    """
    volume, spacing = checked_labels(labels), checked_spacing(spacing_mm)
    checked_margins(0.0, critical)
    half_diagonal = 0.5 * float(np.linalg.norm(spacing))
    reach = max(FIRST_REACH_MM, 2 * half_diagonal)
    while True:
        near = _Near(volume, spacing, critical, reach, closed)
        if not near.connected(-1.0, start, goal, corners):
            return None
        if near.empty:
            return inf
        narrowest = near.narrowest(start, goal, corners)
        if narrowest is not None:
            break
        reach *= 2
    # A tie is a wall, so the answer is a little less: by what `walls_for` takes for a tie.
    room = narrowest / (1 + 3e-6) - half_diagonal**2
    if corners == "forbid" and narrowest > 0:
        return max(0.5 * float(spacing.min()), sqrt(max(room, 0.0)))
    return sqrt(room) if room >= 0 else None


class _Near:
    """The part of a volume within reach of critical structures, and one voxel around it.

    All else is free, and connected where that shell is: what is outside of a box within a box is connected
    like a layer around the inner one. So an end that is outside may be moved to the shell.
    """

    def __init__(
        self,
        volume: NDArray[Any],
        spacing_mm: Floats,
        critical: Mapping[int, str],
        reach_mm: float,
        closed: NDArray[np.bool_] | None,
    ) -> None:
        parts = extents(volume, spacing_mm, dict.fromkeys(critical, reach_mm)).values()
        self.empty = not parts
        self.place = tuple(
            slice(0, size)
            if closed is not None or self.empty
            else slice(
                max(min(p[axis].start for p in parts) - 1, 0), min(max(p[axis].stop for p in parts) + 1, size)
            )
            for axis, size in enumerate(volume.shape)
        )
        part = volume[self.place]
        self.closed = closed
        self.reach_mm = reach_mm
        self.squares = box_squares(np.isin(part, list(critical)), spacing_mm, reach_mm)

    def connected(self, wall_mm2: float, start: Voxel, goal: Voxel, corners: Corners) -> bool:
        """Whether there is a path where every voxel with a squared distance of up to this is a wall."""
        walls = self.squares <= np.float32(wall_mm2)
        if self.closed is not None:
            walls |= self.closed
        regions = regions_of(walls, corners=corners == "allow")
        one, two = (regions.at(self._inside(voxel)) for voxel in (start, goal))
        return one == two and regions.value[one] == 0

    def narrowest(self, start: Voxel, goal: Voxel, corners: Corners) -> float | None:
        """The largest squared distance that some path keeps, ``None`` where it is beyond the reach."""
        values = np.unique(self.squares[self.squares <= self.reach_mm**2])
        if self.connected(float(values[-1]), start, goal, corners):
            return None
        below, above = -1, len(values) - 1  # there is a path with walls up to the one, none up to the other
        while above - below > 1:
            middle = (below + above) // 2
            if self.connected(float(values[middle]), start, goal, corners):
                below = middle
            else:
                above = middle
        return float(values[above])

    def _inside(self, voxel: Voxel) -> Voxel:
        """The voxel of this part that is nearest to a voxel of the volume."""
        i, j, k = (
            min(max(index - along.start, 0), along.stop - along.start - 1)
            for index, along in zip(voxel, self.place, strict=True)
        )
        return i, j, k
