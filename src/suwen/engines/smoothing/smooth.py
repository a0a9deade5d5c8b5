"""Any-angle smoothing of a grid path: the cheapest polyline over its own vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput

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
        ``bad-path`` for no path of voxels.
    MissingExtra
        Without numba.
    """
    vertices = np.asarray(path, np.float64)
    if vertices.ndim != 2 or vertices.shape[1:] != (3,) or len(vertices) < 1:
        raise BadInput("this is no path of voxels", fix="Give (n, 3)", code="bad-path")
    from suwen.engines.smoothing import _sight

    spacing = np.asarray(spacing_mm, np.float64)
    flags = walls.view(np.uint8) if walls.dtype == np.bool_ else walls
    costs = np.ones((1, 1, 1), np.float32) if cost is None else cost
    if len(vertices) == 1:
        kept, total = np.zeros(1, np.int64), 0.0
    else:
        kept, total = _sight.best_subsequence(flags, costs, cost is None, vertices, spacing, reach)
    line = vertices[kept] * spacing
    pieces = np.linalg.norm(np.diff(line, axis=0), axis=1)
    return Smoothed(path_mm=line, length_mm=float(pieces.sum()), cost=float(total), pieces=len(pieces))
