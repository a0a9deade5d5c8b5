"""Walls that know whose they are: for each voxel the set of structures whose walls it is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.engines.clearance.fields import Corners, each_wall


def wall_sets(
    labels: NDArray[Any],
    spacing_mm: ArrayLike,
    critical: Mapping[int, str],
    margin_mm: float | Mapping[int, float],
    radius_mm: float,
    *,
    corners: Corners = "forbid",
) -> tuple[list[tuple[int, ...]], NDArray[np.int32]]:
    """Which structures' walls each voxel is in: the sets that occur, and an index into them, shape (I, J, K).

    Raises
    ------
    BadInput
        As `walls_for`.
    """
    sets: list[tuple[int, ...]] = [()]
    index: dict[tuple[int, ...], int] = {(): 0}
    walls = np.zeros_like(labels, dtype=np.int32)
    for label, place, wall in each_wall(labels, spacing_mm, critical, margin_mm, radius_mm, corners=corners):
        part = walls[place]
        met = part[wall]
        wider = np.arange(len(sets), dtype=np.int32)
        for before in np.flatnonzero(np.bincount(met, minlength=1)).tolist():
            merged = (*sets[before], label)
            if merged not in index:
                index[merged] = len(sets)
                sets.append(merged)
            wider[before] = index[merged]
        part[wall] = wider[met]
    return sets, walls
