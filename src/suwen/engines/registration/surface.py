"""A surface as points with normals: what they are estimated from, and what a match to it leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput, Refused
from suwen.engines.registration.fiducials import points_of
from suwen.engines.registration.rigid import Floats, scipy_module

NEIGHBOURS = 16
"""Of a point, to which its tangent plane is fitted."""
FEWEST = 50
"""Points below which a surface is none."""
LEAST_STABILITY = 0.003
"""A motion that changes the distances to the surface by less than 5% of its size, the root of this, slides along it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """Points of a surface, ready to be searched.

    Attributes
    ----------
    points_mm, normals
        Arrays (n, 3); normals of unit length, either side.
    normal_noise
        Variance of the normals' direction, rad2, that the scatter about the tangent planes lets expect; 0 where
        they were given.
    tree
        scipy's ``cKDTree`` of the points.
    """

    points_mm: Floats
    normals: Floats
    normal_noise: float
    tree: Any


def surface_of(points_mm: ArrayLike, normals: ArrayLike | None = None, *, where: str = "fixed") -> Surface:
    """Points as a surface, normals by the plane through each one's neighbours unless they are given.

    Parameters
    ----------
    points_mm
        Array (n, 3), at least 50.
    normals
        Array (n, 3), of any length but 0.
    where
        Named in errors.

    Raises
    ------
    BadInput
        ``too-few-points``, ``bad-normals`` and what :func:`~suwen.engines.registration.fiducials.points_of` refuses.
    """
    spatial = scipy_module("spatial", "Registering surfaces")
    points = points_of(points_mm, where)
    if len(points) < FEWEST:
        raise BadInput(
            f"{len(points)} points are no surface",
            where=where,
            fix=f"Give at least {FEWEST}, better some thousand",
            code="too-few-points",
        )
    tree = spatial.cKDTree(points)
    if normals is None:
        return _with_tangents(points, tree)
    given = np.asarray(normals, float)
    lengths = np.linalg.norm(given, axis=-1, keepdims=True)
    if given.shape != points.shape or not np.isfinite(given).all() or (lengths == 0).any():
        raise BadInput(
            f"the normals have the shape {given.shape}, or one has no direction",
            where="normals",
            fix="Give one for each point, or none and let them be estimated",
            code="bad-normals",
        )
    return Surface(points_mm=points, normals=given / lengths, normal_noise=0.0, tree=tree)


def _with_tangents(points: Floats, tree: Any) -> Surface:
    """Normals as the direction of least scatter of the neighbours (Hoppe et al. 1992)."""
    _, near = tree.query(points, k=min(NEIGHBOURS, len(points)))
    patches = points[near] - points[near].mean(axis=1, keepdims=True)
    scatter, axes = np.linalg.eigh(np.swapaxes(patches, 1, 2) @ patches / near.shape[1])
    # A line fitted across a patch of in-plane variance s turns by the noise over the root of k s.
    noise = scatter[:, 0] / np.maximum(near.shape[1] * scatter[:, 1], 1e-30)
    return Surface(points_mm=points, normals=axes[:, :, 0], normal_noise=float(np.median(noise)), tree=tree)


def rows(points_mm: Floats, normals: Floats) -> tuple[Floats, Floats, float]:
    """What each point's distance to its tangent plane is worth in a rigid motion.

    Returns
    -------
    rows
        Array (k, 6): change of distance per radian of rotation about the centre times ``radius_mm``, and per mm of
        translation.
    centre
        Array (3,).
    radius_mm
        RMS distance of the points from the centre, by which rotations become comparable with translations.
    """
    centre = points_mm.mean(axis=0)
    # All in one point, they have no radius and hold no rotation.
    radius = float(np.sqrt(((points_mm - centre) ** 2).sum(axis=1).mean())) or 1.0
    return np.concatenate([np.cross(points_mm - centre, normals) / radius, normals], axis=1), centre, radius


def check_stability(points_mm: Floats, normals: Floats, normal_noise: float) -> float:
    """How well the surface holds the match along the rigid motion that it holds least.

    Parameters
    ----------
    points_mm, normals
        Arrays (k, 3): the matched points, and the surface's normals there.
    normal_noise
        As in :class:`Surface`: noise in normals holds nothing, and is not counted.

    Returns
    -------
    float
        Smallest eigenvalue of the mean of the outer products of :func:`rows`, 0 to 1/3: the mean square change of
        distance per unit of that motion.

    Raises
    ------
    Refused
        ``surface-underdetermined``: a sphere can be turned, a plane shifted, a cylinder both, and no distance
        changes.

    Notes
    -----
    Gelfand et al. 2003, Geometrically stable sampling for the ICP algorithm, 3DIM.
    """
    found, _, radius = rows(points_mm, normals)
    values, vectors = np.linalg.eigh(found.T @ found / len(found))
    least = normal_noise + max(LEAST_STABILITY, normal_noise)
    if values[0] >= least:
        return float(values[0])
    free = int((values < least).sum())
    motion = vectors[:, 0]
    turning = float(np.linalg.norm(motion[:3]))
    kind = "turned about" if turning > 0.7 else "shifted along"
    axis = motion[:3] / turning if turning > 0.7 else motion[3:] / np.linalg.norm(motion[3:])
    raise Refused(
        f"the surface can be {kind} ({axis[0]:.2f}, {axis[1]:.2f}, {axis[2]:.2f}) and still fits: {free} of 6 motions "
        f"are open (stability {values[0]:.1e}, {least:.1e} asked; radius {radius:.0f} mm)",
        where="fixed, moving",
        fix="Take points of a region without that symmetry, such as brow, nose and ears, or use fiducials",
        code="surface-underdetermined",
    )
