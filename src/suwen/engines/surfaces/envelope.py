"""A smooth hull around a folded structure: its gaps closed, so that few triangles show its shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.clearance.fields import box_squares

COARSE_MM = 1.5
"""Every second voxel is left out while the spacing stays below twice this: a hull needs no more."""


def envelope(
    mask: ArrayLike, spacing_mm: ArrayLike, *, reach_mm: float = 4.0
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """A mask without the gaps a ball of this radius does not fit into (a morphological closing).

    Parameters
    ----------
    mask
        (I, J, K), bool.
    spacing_mm
        (3,), above 0.
    reach_mm
        Radius of the ball, above 0.

    Returns
    -------
    closed
        The closed mask, on a grid of its own: coarser where the spacing is fine, and padded.
    spacing_mm
        (3,), of that grid.
    first
        (3,), index on that grid's own spacing where its first voxel lies: what
        :func:`suwen.engines.surfaces.nets.net` takes as ``first``.

    Raises
    ------
    BadInput
        ``bad-size`` for a radius that is not above 0.
    MissingExtra
        Without numba.
    """
    if not (np.isfinite(reach_mm) and reach_mm > 0):
        raise BadInput("the radius of a hull is a length above 0 mm", fix="Give one", code="bad-size")
    given, spacing = np.asarray(mask, np.bool_), np.asarray(spacing_mm, np.float64)
    every = np.where(spacing < COARSE_MM, 2, 1)
    coarse: NDArray[Any] = given[:: every[0], :: every[1], :: every[2]]
    wide = spacing * every
    around = np.ceil(reach_mm / wide).astype(int) + 2
    padded = np.ascontiguousarray(np.pad(coarse, [(int(side), int(side)) for side in around]))
    square = np.float32(reach_mm**2)
    grown = box_squares(padded, wide, 1.01 * reach_mm) <= square
    shrunk = box_squares(np.ascontiguousarray(~grown), wide, 1.01 * reach_mm) > square
    return shrunk | padded, wide, -around.astype(np.float64)
