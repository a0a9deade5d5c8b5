"""The rigid move that brings paired points together best, for one weighting of them or for many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.engines.registration.rigid import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Fits:
    """One fit for each row of weights.

    Attributes
    ----------
    rotation, translation_mm
        Arrays (..., 3, 3) and (..., 3).
    differences_mm
        Array (..., n, 3): fixed minus moved point, of points without weight as well.
    sse_mm2
        Array (...): weighted sum of the squared residuals.
    sse_mirrored_mm2
        The same of the best fit with determinant -1.
    """

    rotation: Floats
    translation_mm: Floats
    differences_mm: Floats
    sse_mm2: Floats
    sse_mirrored_mm2: Floats


def fit(fixed_mm: Floats, moving_mm: Floats, weights: Floats) -> Fits:
    """Least squares by the singular value decomposition of the cross-covariance.

    Parameters
    ----------
    fixed_mm, moving_mm
        Arrays (n, 3), paired by row.
    weights
        Array (..., n), 0 or more: relative inverse variances; 0 leaves a pair out.

    Notes
    -----
    Arun, Huang and Blostein 1987; the determinant is kept at +1 as in Umeyama 1991, without which noisy or flat
    configurations come out mirrored.
    """
    # About one common centre: coordinates far from the origin would cost digits.
    centre_f, centre_m = fixed_mm.mean(axis=0), moving_mm.mean(axis=0)
    f, m = fixed_mm - centre_f, moving_mm - centre_m
    share = weights / weights.sum(axis=-1, keepdims=True)
    mean_f, mean_m = share @ f, share @ m
    cross = np.einsum("...n,ni,nj->...ij", share, m, f) - mean_m[..., :, None] * mean_f[..., None, :]
    u, _, vt = np.linalg.svd(cross)
    handed = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    moves = []
    for sign in (handed, -handed):
        corrected = vt.copy()
        corrected[..., 2, :] *= sign[..., None]
        rotation = np.swapaxes(corrected, -1, -2) @ np.swapaxes(u, -1, -2)
        shift = mean_f - np.einsum("...ij,...j->...i", rotation, mean_m)
        differences = f - m @ np.swapaxes(rotation, -1, -2) - shift[..., None, :]
        sse = (weights * (differences**2).sum(axis=-1)).sum(axis=-1)
        moves.append((rotation, shift, differences, sse))
    rotation, shift, differences, sse = moves[0]
    return Fits(
        rotation=rotation,
        translation_mm=shift + centre_f - np.einsum("...ij,j->...i", rotation, centre_m),
        differences_mm=differences,
        sse_mm2=sse,
        sse_mirrored_mm2=moves[1][3],
    )
