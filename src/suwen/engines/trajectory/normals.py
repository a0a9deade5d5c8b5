"""Which way is in: normals of the skin where an instrument enters, and of the bone it is drilled through."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
SMOOTHING_MM = 3.0
"""Standard deviation of the Gaussian that a mask is smoothed with before its gradient is a normal."""


def inward_normals(mask: NDArray[np.bool_], voxels: NDArray[np.int64], spacing_mm: ArrayLike) -> Floats:
    """Unit vectors (n, 3) into a mask: the gradient of the mask smoothed by :data:`SMOOTHING_MM`, grid mm.

    The gradient is the central difference of the two neighbours along each axis. Beyond the image the mask goes on
    as it is at the border. Where the gradient vanishes there is no normal: NaN.

    Parameters
    ----------
    mask
        (I, J, K).
    voxels
        (n, 3), where normals are wanted.
    spacing_mm
        (3,).
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
        rise = smooth[tuple(ahead.T)].astype(np.float64) - smooth[tuple(behind.T)]
        out[:, axis] = rise / np.where(run > 0, run, 1.0)  # an image one voxel thin has no slope across
    length = np.linalg.norm(out, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(length > 1e-6, out / length, np.nan))


def bone_normals(
    bone: NDArray[np.bool_], entries_mm: Floats, target_mm: ArrayLike, spacing_mm: ArrayLike
) -> tuple[NDArray[np.bool_], Floats]:
    """Where each trajectory first meets bone, and the bone's inward normal there.

    The bone is taken with what it encloses (see :func:`enclosed`), for the inner table of a thin skull must not
    turn the normal about.

    Parameters
    ----------
    bone
        Mask (I, J, K).
    entries_mm
        (n, 3), grid mm.
    target_mm
        (3,), or (n, 3), one for each entry; grid mm.
    spacing_mm
        (3,).

    Returns
    -------
    tuple
        Whether it meets bone at all, (n,); normals (n, 3), NaN where it does not.

    Raises
    ------
    MissingExtra
        Without numba.
    """
    from suwen.engines.trajectory import _lines

    spacing = np.asarray(spacing_mm, np.float64)
    ends = np.broadcast_to(np.asarray(target_mm, np.float64), entries_mm.shape) / spacing
    at = _lines.first_hits(np.ascontiguousarray(bone).view(np.uint8), entries_mm / spacing, ends)
    meets = at[:, 0] >= 0
    normals = np.full((len(entries_mm), 3), np.nan)
    if meets.any():
        places, back = np.unique(at[meets], axis=0, return_inverse=True)
        normals[meets] = inward_normals(enclosed(bone), places, spacing)[back.reshape(-1)]
    return meets, normals


def enclosed(bone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bone, and what lies between bone on both sides along at least two of the three axes, (I, J, K).

    A skull is open below and at the orbits, so that filling it from outside runs out; this does not.
    """
    sides = np.zeros(bone.shape, np.uint8)
    for axis in range(3):
        before = np.logical_or.accumulate(bone, axis=axis)
        after = np.flip(np.logical_or.accumulate(np.flip(bone, axis), axis=axis), axis)
        sides += before & after
    return np.asarray(bone | (sides >= 2))
