"""The surface of a mask by surface nets: one point in each cell of eight voxels that the surface runs through.

Surface nets (Gibson, MICCAI 1998) give a closed surface with one point per cell between eight voxel centres.
Smoothing (Taubin, SIGGRAPH 1995: a step forward, a slightly longer step back, so that nothing shrinks) takes the
stairs away, and no point may leave its cell. A cell that the surface runs through has a voxel corner of the
surface at its centre: so every point stays within half a voxel, along each axis, of the mask's own surface.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.surfaces.mesh import EMPTY, Mesh, normals_of

FORWARD, BACK = 0.63, -0.65
"""Taubin's steps: the pass band ends at 1 / FORWARD + 1 / BACK = 0.05, where 2 is the highest frequency."""
ROUNDS = 16

_CORNERS = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
_EDGES = [
    (one, two)
    for one in range(8)
    for two in range(one + 1, 8)
    if np.abs(_CORNERS[one] - _CORNERS[two]).sum() == 1
]


def net(
    mask: ArrayLike, spacing_mm: ArrayLike, *, first: ArrayLike = (0, 0, 0), rounds: int = ROUNDS
) -> Mesh:
    """The closed surface of a mask.

    Parameters
    ----------
    mask
        (I, J, K), bool: the structure, or the part of a volume it lies in.
    spacing_mm
        (3,), above 0.
    first
        (3,), index in the volume of the mask's first voxel.
    rounds
        Of smoothing; 0 leaves the points at the mean of the cell's crossings.

    Returns
    -------
    Mesh
        In grid mm of the volume; empty for an empty mask. ``within_mm`` is half a voxel's diagonal.

    Raises
    ------
    BadInput
        ``not-three-dimensional``, ``bad-spacing``.
    """
    given = np.asarray(mask, np.bool_)
    spacing = np.asarray(spacing_mm, np.float64)
    if given.ndim != 3:
        raise BadInput(
            f"a surface was asked of {given.ndim} dimensions", fix="Give three", code="not-three-dimensional"
        )
    if spacing.shape != (3,) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise BadInput("the spacing is not three lengths above 0 mm", fix="State it", code="bad-spacing")
    if not given.any():
        return EMPTY
    padded = np.pad(given, 1)
    cells, number = _cells(padded)
    at = _starts(padded, cells)
    quads, beside = _quads(padded, number, len(cells))
    at = _smoothed(at, beside, rounds)
    # Cell (0, 0, 0) of the padded mask lies between index -1 and 0 of the mask.
    points = (at + cells - 0.5 + np.asarray(first, np.float64)) * spacing
    triangles = _split(points, quads)
    return Mesh(
        points_mm=points,
        triangles=triangles,
        normals=normals_of(points, triangles),
        within_mm=float(0.5 * np.linalg.norm(spacing)),
    )


def _cells(padded: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Cells (n, 3) that the surface runs through, and the number of each in a grid of all cells."""
    byte = padded.view(np.uint8)
    for axis in range(3):
        byte = byte.take(range(1, byte.shape[axis]), axis) + byte.take(range(byte.shape[axis] - 1), axis)
    active = np.flatnonzero((byte > 0) & (byte < 8))
    number = np.full(byte.shape, -1, np.int32)
    number.ravel()[active] = np.arange(len(active), dtype=np.int32)
    return np.stack(np.unravel_index(active, byte.shape), axis=1), number


def _starts(padded: NDArray[np.bool_], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Where each cell's point begins, -0.5 to 0.5 from its centre: the mean of the crossings of its edges."""
    inside = np.stack([padded[tuple((cells + corner).T)] for corner in _CORNERS], axis=1)
    total, often = np.zeros((len(cells), 3)), np.zeros(len(cells))
    for one, two in _EDGES:
        crosses = inside[:, one] != inside[:, two]
        total[crosses] += (_CORNERS[one] + _CORNERS[two]) / 2
        often += crosses
    return np.asarray(total / often[:, None] - 0.5)


def _quads(
    padded: NDArray[np.bool_], number: NDArray[np.int32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Four cells around each pair of voxels the surface parts, and which cells lie beside which.

    Returns
    -------
    quads
        (q, 4), anticlockwise seen from outside.
    beside
        (n, 6): the cells joined to each by an edge; ``n`` where there is none.
    """
    quads, beside = [], np.full((count, 6), count, np.int64)
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        ahead, behind = _shifted(padded, axis, 1), _shifted(padded, axis, 0)
        places = np.argwhere(ahead != behind)
        leaves = behind[tuple(places.T)]  # from inside to outside along the axis
        around = []
        for du, dv in ((-1, -1), (0, -1), (0, 0), (-1, 0)):
            cell = places.copy()
            cell[:, u] += du
            cell[:, v] += dv
            around.append(number[tuple(cell.T)].astype(np.int64))
        one = np.stack(around, axis=1)
        for start, end, way in ((0, 1, u), (3, 2, u), (0, 3, v), (1, 2, v)):
            beside[one[:, start], 2 * way] = one[:, end]
            beside[one[:, end], 2 * way + 1] = one[:, start]
        quads.append(np.where(leaves[:, None], one, one[:, ::-1]))
    return np.concatenate(quads), beside


def _shifted(padded: NDArray[np.bool_], axis: int, by: int) -> NDArray[np.bool_]:
    window: list[Any] = [slice(None)] * 3
    window[axis] = slice(by, padded.shape[axis] - 1 + by)
    return np.asarray(padded[tuple(window)])


def _smoothed(at: NDArray[np.float64], beside: NDArray[np.int64], rounds: int) -> NDArray[np.float64]:
    """Taubin's rounds, in voxels; no point leaves its cell."""
    count = len(at)
    has = beside < count
    degree = np.maximum(has.sum(axis=1), 1)[:, None]
    # A neighbour's offset is from its own centre, which is one voxel further along its axis.
    ways = np.array([[sign * (axis == way) for axis in range(3)] for way in range(3) for sign in (1.0, -1.0)])
    away = has @ ways
    held = np.vstack([at, np.zeros(3)])
    for step in (FORWARD, BACK) * rounds:
        mean = sum((held[beside[:, way]] for way in range(6)), away) / degree
        held[:count] += step * (mean - held[:count])
        np.clip(held, -0.5, 0.5, out=held)
    return held[:count]


def _split(points: NDArray[np.float64], quads: NDArray[np.int64]) -> NDArray[np.int64]:
    """Two triangles of each quad, along the shorter diagonal."""
    one, two, three, four = quads.T
    shorter = np.linalg.norm(points[one] - points[three], axis=1) <= np.linalg.norm(
        points[two] - points[four], axis=1
    )
    along = np.stack([one, two, three, one, three, four], axis=1)
    across = np.stack([two, three, four, two, four, one], axis=1)
    return np.where(shorter[:, None], along, across).reshape(-1, 3)
