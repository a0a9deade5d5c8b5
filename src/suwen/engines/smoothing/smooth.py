"""Any-angle smoothing of a grid path: the cheapest polyline over its own vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.clearance.grid import checked_spacing

REACH = 400
"""Vertices that one straight piece may span at most: keeps the work linear in the path's length."""


@dataclass(frozen=True, kw_only=True)
class Smoothed:
    """A polyline in place of a grid path.

    Attributes
    ----------
    path_mm
        Corners, (m, 3), grid mm; the first and the last are the path's own.
    length_mm
        Its length.
    cost
        Integral of the cost along it: never above the grid path's.
    pieces
        Straight pieces.
    """

    path_mm: NDArray[np.float64]
    length_mm: float
    cost: float
    pieces: int


def smooth(
    path: ArrayLike,
    walls: NDArray[Any],
    *,
    spacing_mm: ArrayLike,
    cost: NDArray[Any] | None = None,
    reach: int = REACH,
) -> Smoothed:
    """The cheapest polyline over some of a path's voxels.

    A piece is allowed where every voxel box that it touches is free, edges and corners included; its cost is
    the exact integral of the voxels' costs along it. Pieces between neighbours of the path are the path's own.

    Parameters
    ----------
    path
        Voxels (n, 3), neighbours of each other in turn.
    walls
        Array (I, J, K): not 0 where no line goes.
    spacing_mm
        (3,).
    cost
        Array (I, J, K), cost per mm; ``None`` for 1 everywhere.
    reach
        Vertices that a piece may span.

    Raises
    ------
    BadInput
        ``bad-path`` for what is no path of neighbouring voxels of the walls' grid, or for a reach below 1;
        ``bad-spacing``; ``bad-walls``; ``bad-cost`` for costs that are no array like the walls.
    MissingExtra
        Without numba.
    """
    spacing = checked_spacing(spacing_mm)
    if walls.ndim != 3 or walls.dtype.kind not in "biu":
        raise BadInput("walls are no array of three dimensions", fix="Give (I, J, K)", code="bad-walls")
    if cost is not None and cost.shape != walls.shape:
        raise BadInput("costs are no array like the walls", fix="Give (I, J, K)", code="bad-cost")
    vertices = _checked(path, walls.shape)
    if reach < 1:
        raise BadInput(f"a piece cannot span {reach} vertices", fix="1 or more", code="bad-path")
    from suwen.engines.smoothing import _sight

    flags = walls.view(np.uint8) if walls.dtype == np.bool_ else walls
    costs = np.ones((1, 1, 1), np.float32) if cost is None else cost
    if len(vertices) == 1:
        kept, total = np.zeros(1, np.int64), 0.0
    else:
        kept, total = _sight.best_subsequence(flags, costs, cost is None, vertices, spacing, reach)
    line = vertices[kept] * spacing
    pieces = np.linalg.norm(np.diff(line, axis=0), axis=1)
    return Smoothed(path_mm=line, length_mm=float(pieces.sum()), cost=float(total), pieces=len(pieces))


def _checked(path: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The path's voxels, (n, 3): all of them in the grid, each a neighbour of the one before.

    The kernel joins neighbours whatever the walls say and reads costs unasked, so that both must hold.
    """
    voxels = np.asarray(path)
    if voxels.ndim != 2 or voxels.shape[1:] != (3,) or len(voxels) < 1 or voxels.dtype.kind not in "iu":
        raise BadInput("this is no path of voxels", fix="Give (n, 3), whole numbers", code="bad-path")
    if (voxels < 0).any() or (voxels >= np.array(shape)).any():
        raise BadInput("the path leaves the grid", fix="Give the walls it was found in", code="bad-path")
    vertices = voxels.astype(np.float64)
    if (np.abs(np.diff(vertices, axis=0)) > 1).any():
        raise BadInput(
            "two voxels of the path are no neighbours", fix="Give every voxel of the path", code="bad-path"
        )
    return vertices
