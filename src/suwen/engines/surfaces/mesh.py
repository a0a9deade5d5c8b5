"""A triangle mesh: points in mm, triangles that turn anticlockwise seen from outside, and a normal per point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Mesh:
    """A surface.

    Attributes
    ----------
    points_mm
        (n, 3), in whatever frame the maker says: grid mm where a mask was meshed.
    triangles
        (m, 3), indices of points.
    normals
        (n, 3), unit length, outwards.
    within_mm
        A bound on how far any point of the surface of the mask is from a point of this one, and the other way
        round, per step that made it: smoothing and simplification add up.
    """

    points_mm: Floats
    triangles: Indices
    normals: Floats
    within_mm: float = 0.0

    @property
    def area_mm2(self) -> float:
        """Area of all triangles."""
        return float(0.5 * np.linalg.norm(self._crossed(), axis=1).sum())

    @property
    def volume_mm3(self) -> float:
        """What a closed surface encloses; positive where its triangles turn outwards.

        The sum of signed tetrahedra about the origin, as the divergence theorem gives it.
        """
        first = self.points_mm[self.triangles[:, 0]]
        return float((first * self._crossed()).sum() / 6)

    def open_edges(self) -> int:
        """How many edges belong to an odd number of triangles: 0 for a closed surface."""
        ends = np.sort(self.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        _, often = np.unique(ends, axis=0, return_counts=True)
        return int((often % 2).sum())

    def moved(self, rotation: ArrayLike, origin_mm: ArrayLike) -> Mesh:
        """The mesh after a rigid move; a mirror keeps its outside outside.

        Parameters
        ----------
        rotation
            (3, 3), orthonormal; its determinant may be -1.
        origin_mm
            (3,), where the old origin goes.
        """
        turn = np.asarray(rotation, np.float64)
        mirrored = np.linalg.det(turn) < 0
        return replace(
            self,
            points_mm=self.points_mm @ turn.T + np.asarray(origin_mm, np.float64),
            normals=self.normals @ turn.T,
            triangles=np.ascontiguousarray(self.triangles[:, ::-1]) if mirrored else self.triangles,
        )

    def _crossed(self) -> Floats:
        return crossed(self.points_mm, self.triangles)


def crossed(points_mm: NDArray[Any], triangles: NDArray[Any]) -> Floats:
    """(m, 3): normals of triangles, twice their area long."""
    first, second, third = (points_mm[triangles[:, corner]] for corner in range(3))
    return np.asarray(np.cross(second - first, third - first))


def normals_of(points_mm: Floats, triangles: Indices) -> Floats:
    """(n, 3): unit normals at the points, each triangle counted by its area."""
    face = crossed(points_mm, triangles)
    total = np.zeros_like(points_mm)
    for corner in range(3):
        total += summed(face, triangles[:, corner], len(points_mm))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(np.divide(total, length, out=np.zeros_like(total), where=length > 0))


def summed(values: NDArray[Any], groups: NDArray[Any], count: int) -> Floats:
    """(count, d): sums of rows (m, d) by the group they belong to."""
    columns = [np.bincount(groups, weights=column, minlength=count) for column in values.T]
    return np.stack(columns, axis=1)


EMPTY = Mesh(
    points_mm=np.zeros((0, 3)), triangles=np.zeros((0, 3), np.int64), normals=np.zeros((0, 3)), within_mm=0.0
)
