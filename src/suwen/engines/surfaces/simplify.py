"""Fewer triangles: points of one small cube become one, placed where their triangles' planes say.

Vertex clustering with quadric placement (Rossignac & Borrel 1993; Lindstrom, SIGGRAPH 2000): for each cube, the
point with the least sum of squared distances to the planes of the triangles around it. Normals are those of the
full surface, averaged, so that shading still shows what the triangles no longer do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.engines.surfaces.mesh import Mesh, crossed, summed

STIFF = 1e-3
"""Weight that draws a point to the mean of its cube where the planes leave it free."""
TRIES = 12
"""Cube sizes tried at most."""


def simplified(mesh: Mesh, most_triangles: int) -> Mesh:
    """The surface with no more triangles than that.

    Parameters
    ----------
    mesh
        Any mesh.
    most_triangles
        At least 4.

    Returns
    -------
    Mesh
        The mesh itself where it is small enough. Otherwise the finest found; no point has moved farther than
        the diagonal of a cube, which ``within_mm`` now includes.

    Raises
    ------
    BadInput
        ``bad-size``.
    """
    if most_triangles < 4:
        raise BadInput("a surface needs 4 triangles", fix="Allow more", code="bad-size")
    if len(mesh.triangles) <= most_triangles:
        return mesh
    planes = _planes(mesh)
    # Of a closed surface, about half an edge of a cube squared per triangle survives.
    side = (2 * mesh.area_mm2 / most_triangles) ** 0.5
    found, too_fine, too_coarse = None, 0.0, np.inf
    for _ in range(TRIES):
        tried = _clustered(mesh, planes, side)
        many = len(tried.triangles)
        if many <= most_triangles:
            found, too_coarse = tried, side
            if many >= 0.92 * most_triangles:
                break
        else:
            too_fine = side
        side *= (max(many, 1) / (0.97 * most_triangles)) ** 0.5
        if not too_fine < side < too_coarse:
            side = 2 * too_fine if np.isinf(too_coarse) else (too_fine + too_coarse) / 2
    return mesh if found is None else found


def _planes(mesh: Mesh) -> NDArray[np.float64]:
    """(n, 9) at each point: the quadric of the planes around it (6), and its right side (3)."""
    face = crossed(mesh.points_mm, mesh.triangles)
    area = np.linalg.norm(face, axis=1, keepdims=True)
    unit = np.divide(face, area, out=np.zeros_like(face), where=area > 0)
    off = (unit * mesh.points_mm[mesh.triangles[:, 0]]).sum(axis=1, keepdims=True)
    x, y, z = unit.T
    quadric = np.stack([x * x, x * y, x * z, y * y, y * z, z * z], axis=1)
    each = np.hstack([quadric, off * unit]) * area
    count = len(mesh.points_mm)
    return np.asarray(sum(summed(each, mesh.triangles[:, corner], count) for corner in range(3)))


def _clustered(mesh: Mesh, planes: NDArray[Any], side: float) -> Mesh:
    points = mesh.points_mm
    low = points.min(axis=0)
    cube = np.floor((points - low) / side + 0.5).astype(np.int64)
    sides = cube.max(axis=0) + 1
    key = (cube[:, 0] * sides[1] + cube[:, 1]) * sides[2] + cube[:, 2]
    _, group = np.unique(key, return_inverse=True)
    count = int(group.max()) + 1
    often = np.bincount(group, minlength=count)[:, None]
    mean = summed(points, group, count) / often
    corners = group[mesh.triangles]
    kept = corners[
        (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 0] != corners[:, 2])
    ]
    return Mesh(
        points_mm=_placed(points, planes, group, mean),
        triangles=_once(kept, count),
        normals=_unit(summed(mesh.normals, group, count)),
        within_mm=mesh.within_mm + side * 3**0.5,
    )


def _placed(
    points: NDArray[Any], planes: NDArray[Any], group: NDArray[Any], mean: NDArray[Any]
) -> NDArray[np.float64]:
    """The best point of each cube, never outside the box of the points it stands for."""
    total = summed(planes, group, len(mean))
    xx, xy, xz, yy, yz, zz = total[:, :6].T
    matrix = np.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz], axis=1).reshape(-1, 3, 3)
    stiff = STIFF * np.maximum(xx + yy + zz, 1e-12)[:, None]
    right = total[:, 6:] - (matrix @ mean[:, :, None])[:, :, 0]
    moved = np.linalg.solve(matrix + stiff[:, :, None] * np.eye(3), right[:, :, None])[:, :, 0]
    low, high = np.full_like(mean, np.inf), np.full_like(mean, -np.inf)
    np.minimum.at(low, group, points)
    np.maximum.at(high, group, points)
    return np.asarray(np.clip(mean + moved, low, high))


def _once(triangles: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Each triangle once; two that face each other, where a thin sheet fell together, not at all."""
    turned = np.take_along_axis(
        triangles, (triangles.argmin(axis=1)[:, None] + np.arange(3)) % 3, axis=1
    )  # the smallest first
    ordered = np.sort(turned, axis=1)
    key = (ordered[:, 0] * count + ordered[:, 1]) * count + ordered[:, 2]
    side = np.where(turned[:, 1] < turned[:, 2], 1, -1)
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    balance = np.bincount(group, weights=side)
    chosen = turned[first]
    flipped = (balance * side[first]) < 0
    chosen[flipped] = chosen[flipped][:, [0, 2, 1]]
    return np.asarray(chosen[balance != 0])


def _unit(vectors: NDArray[Any]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0))
