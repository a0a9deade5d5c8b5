"""Where a straight instrument could enter: the body's surface, thinned evenly, with its inward normals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput

Floats = NDArray[np.float64]
SMOOTHING_MM = 3.0
"""Standard deviation of the Gaussian that a mask is smoothed with before its gradient is a normal."""


@dataclass(frozen=True, kw_only=True)
class Entries:
    """Candidate entries.

    Attributes
    ----------
    voxels
        (n, 3).
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
        Entries are at most ``within_mm`` from the point ``near_mm`` (3,), the target.

    Raises
    ------
    BadInput
        ``no-entry`` where no surface is near enough.
    """
    spacing = np.asarray(spacing_mm, np.float64)
    voxels = np.argwhere(surface)
    voxels = voxels[np.linalg.norm(voxels * spacing - np.asarray(near_mm), axis=1) <= within_mm]
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


def inward_normals(mask: NDArray[np.bool_], voxels: NDArray[np.int64], spacing_mm: ArrayLike) -> Floats:
    """Unit vectors (n, 3) into a mask: the gradient of the mask smoothed by :data:`SMOOTHING_MM`, grid mm.

    Where the gradient vanishes there is no normal: NaN.
    """
    from scipy.ndimage import gaussian_filter

    spacing = np.asarray(spacing_mm, np.float64)
    reach = np.ceil(4 * SMOOTHING_MM / spacing).astype(int) + 1
    low = np.maximum(voxels.min(0) - reach, 0)
    high = np.minimum(voxels.max(0) + reach + 1, mask.shape)
    part = mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
    smooth = gaussian_filter(part, SMOOTHING_MM / spacing, truncate=4.0, mode="nearest")
    at = voxels - low
    out = np.empty((len(voxels), 3))
    for axis in range(3):
        ahead, behind = at.copy(), at.copy()
        ahead[:, axis] = np.minimum(at[:, axis] + 1, part.shape[axis] - 1)
        behind[:, axis] = np.maximum(at[:, axis] - 1, 0)
        run = (ahead[:, axis] - behind[:, axis]) * spacing[axis]
        out[:, axis] = (smooth[tuple(ahead.T)].astype(np.float64) - smooth[tuple(behind.T)]) / run
    length = np.linalg.norm(out, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(length > 1e-6, out / length, np.nan))


def _spread(voxels: NDArray[np.int64], spacing: Floats, about: int) -> NDArray[np.int64]:
    points = voxels * spacing
    size = 32.0 * float(spacing.max())
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


def bone_normals(
    bone: NDArray[np.bool_], entries: Floats, target_mm: ArrayLike, spacing_mm: ArrayLike
) -> tuple[NDArray[Any], Floats]:
    """Where each trajectory meets bone, and the bone's inward normal there.

    Parameters
    ----------
    bone
        Mask (I, J, K).
    entries
        (n, 3), grid mm.
    target_mm, spacing_mm
        (3,).

    Returns
    -------
    tuple
        Whether it meets bone at all, (n,); normals (n, 3), NaN where it does not.
    """
    spacing = np.asarray(spacing_mm, np.float64)
    ends = np.asarray(target_mm, np.float64)
    steps = int(np.ceil(np.linalg.norm(entries - ends, axis=1).max() / (0.5 * spacing.min()))) + 1
    met = np.full((len(entries), 3), -1, np.int64)
    open_ = np.ones(len(entries), bool)
    for share in np.linspace(0.0, 1.0, steps):
        at = np.floor((entries + share * (ends - entries)) / spacing + 0.5).astype(np.int64)
        at = np.clip(at, 0, np.array(bone.shape) - 1)
        hit = open_ & bone[tuple(at.T)]
        met[hit] = at[hit]
        open_ &= ~hit
    normals = np.full((len(entries), 3), np.nan)
    if (~open_).any():
        normals[~open_] = inward_normals(_filled(bone), met[~open_], spacing)
    return ~open_, normals


def _filled(bone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bone with what it encloses: its inner surface must not turn the normal about."""
    from scipy.ndimage import binary_closing, binary_fill_holes

    closed = binary_closing(bone, iterations=2)
    for axis in range(3):
        for at in range(closed.shape[axis]):
            plane = closed[(slice(None),) * axis + (at,)]
            plane |= binary_fill_holes(plane)
    return np.asarray(closed)
