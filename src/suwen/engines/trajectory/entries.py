"""Where a straight instrument could enter: the body's surface, thinned evenly, with its inward normals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.trajectory.normals import bone_normals, inward_normals

__all__ = ["Entries", "bone_normals", "entries_on", "inward_normals", "outer_surface"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Entries:
    """Candidate entries.

    Attributes
    ----------
    voxels
        (n, 3), sorted.
    points_mm
        (n, 3), grid mm.
    inward
        (n, 3), unit vectors into the body.
    """

    voxels: NDArray[np.int64]
    points_mm: Floats
    inward: Floats

    def __len__(self) -> int:
        return len(self.voxels)


def entries_on(
    surface: NDArray[np.bool_], body: NDArray[np.bool_], spacing_mm: ArrayLike, *, about: int, near_mm: ArrayLike,
    within_mm: float,
) -> Entries:  # fmt: skip
    """Entries evenly spread over the part of a surface that is near enough.

    Space is divided into cubes, and of each cube the surface voxel nearest its middle is taken; the cubes are
    made smaller until there are as many entries as asked for, or every voxel of the surface is one.

    Parameters
    ----------
    surface, body
        Masks (I, J, K): where entries may be; where tissue is.
    spacing_mm
        (3,).
    about
        How many are wanted, at least; there may be up to twice as many.
    near_mm, within_mm
        Entries are at most ``within_mm`` from the target ``near_mm`` (3,), or from one of several (m, 3); grid mm.

    Raises
    ------
    BadInput
        ``no-entry`` where no surface is near enough.
    """
    spacing = np.asarray(spacing_mm, np.float64)
    voxels = np.argwhere(surface)
    off = [np.linalg.norm(voxels * spacing - near, axis=1) for near in np.atleast_2d(near_mm)]
    voxels = voxels[np.minimum.reduce(off) <= within_mm]
    if not len(voxels):
        raise BadInput(
            f"no surface is within {within_mm:g} mm of the target",
            where="body",
            fix="Allow longer trajectories, or check target and body",
            code="no-entry",
        )
    chosen = _spread(voxels, spacing, about)
    normals = inward_normals(body, chosen, spacing)
    return Entries(voxels=chosen, points_mm=chosen * spacing, inward=normals)


def outer_surface(body: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels of the body that touch the air outside by a face, (I, J, K).

    Air is what is not body and can be reached from the image's border by faces, so that a sinus or the trachea
    of a closed head is none. Where the border of the image cuts the body there is no surface.
    """
    from scipy.ndimage import label

    regions, count = label(~body)
    outside = np.zeros(count + 1, bool)
    for axis in range(3):
        for at in (0, -1):
            outside[np.unique(regions.take(at, axis))] = True
    outside[0] = False
    air = outside[regions]
    near = np.zeros(body.shape, bool)
    for axis in range(3):
        ahead = [slice(None)] * 3
        behind = [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        near[tuple(ahead)] |= air[tuple(behind)]
        near[tuple(behind)] |= air[tuple(ahead)]
    return np.asarray(body & near)


def _cells(points: Floats, size: float) -> int:
    """How many cubes of this size hold points."""
    cells = np.floor(points / size).astype(np.int64)
    cells -= cells.min(0)
    i, j, k = cells.T
    across = cells.max(0) + 1
    return len(np.unique((i * across[1] + j) * across[2] + k))


def _spread(voxels: NDArray[np.int64], spacing: Floats, about: int) -> NDArray[np.int64]:
    points = voxels * spacing
    size = 32.0 * float(spacing.max())
    while size < 2.0 * float(np.ptp(points, axis=0).max()) and _cells(points, size) > about:
        size /= 0.85
    best = voxels
    while size > 0.4 * float(spacing.min()):
        cells = np.floor(points / size).astype(np.int64)
        off = np.linalg.norm(points - (cells + 0.5) * size, axis=1)
        order = np.lexsort((voxels[:, 2], voxels[:, 1], voxels[:, 0], off, *cells.T))
        first = np.ones(len(order), bool)
        first[1:] = (np.diff(cells[order], axis=0) != 0).any(1)
        best = voxels[order[first]]
        if len(best) >= about:
            break
        size *= 0.85
    return best[np.lexsort(best.T[::-1])]
