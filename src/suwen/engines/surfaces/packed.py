"""A mesh in few bytes: coordinates as 16-bit steps, normals as two bytes, triangles as short as they can be."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import Unreadable
from suwen.engines.surfaces.mesh import Mesh

HALF = 32_767


@dataclass(frozen=True, kw_only=True, eq=False)
class Packed:
    """A quantised mesh.

    Attributes
    ----------
    points
        (n, 3) int16: ``centre_mm + step_mm * point``. The error along an axis is at most half a step.
    normals
        (n, 2) int8: the octahedral map of the unit sphere (Meyer et al., EGSR 2010), in 127ths.
    triangles
        (m, 3) uint16, or uint32 where there are more points than that counts.
    centre_mm, step_mm
        (3,) and one length.
    """

    points: NDArray[np.int16]
    normals: NDArray[np.int8]
    triangles: NDArray[Any]
    centre_mm: NDArray[np.float64]
    step_mm: float

    def document(self) -> dict[str, Any]:
        """Plain JSON: counts, centre and step, and one base64 text of deflated points, triangles and normals."""
        parts = (self.points.astype("<i2"), self._wide(), self.normals)
        content = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
        return {
            "points": len(self.points),
            "triangles": len(self.triangles),
            "wide": self.triangles.dtype.itemsize == 4,
            "centre_mm": [round(float(value), 6) for value in self.centre_mm],
            "step_mm": self.step_mm,
            "data": base64.b64encode(zlib.compress(content, 9)).decode(),
        }

    def _wide(self) -> NDArray[Any]:
        return self.triangles.astype("<u4" if self.triangles.dtype.itemsize == 4 else "<u2")


def packed(mesh: Mesh) -> Packed:
    """Quantise a mesh: each coordinate to half a 65,534th of the longest side of its box."""
    if not len(mesh.points_mm):
        low = high = np.zeros(3)
    else:
        low, high = mesh.points_mm.min(axis=0), mesh.points_mm.max(axis=0)
    centre = (low + high) / 2
    step = max(float((high - low).max()) / 2 / HALF, 1e-9)
    few = len(mesh.points_mm) <= 2**16
    return Packed(
        points=np.round((mesh.points_mm - centre) / step).astype(np.int16),
        normals=_octahedral(mesh.normals),
        triangles=mesh.triangles.astype(np.uint16 if few else np.uint32),
        centre_mm=centre,
        step_mm=step,
    )


def unpacked(document: dict[str, Any]) -> Mesh:
    """The mesh that :meth:`Packed.document` describes.

    Raises
    ------
    Unreadable
        ``not-a-mesh``.
    """
    try:
        content = zlib.decompress(base64.b64decode(document["data"], validate=True))
        many, faces = int(document["points"]), int(document["triangles"])
        width = 4 if document["wide"] else 2
        ends = np.cumsum([0, 6 * many, 3 * width * faces, 2 * many])
        if len(content) != ends[-1]:
            raise ValueError
        points = np.frombuffer(content[: ends[1]], "<i2").reshape(-1, 3)
        triangles = np.frombuffer(content[ends[1] : ends[2]], f"<u{width}").reshape(-1, 3).astype(np.int64)
        normals = np.frombuffer(content[ends[2] :], np.int8).reshape(-1, 2)
        centre, step = np.array(document["centre_mm"], np.float64), float(document["step_mm"])
    except (KeyError, TypeError, ValueError, zlib.error):
        raise Unreadable("this is no packed mesh", fix="Pack it again", code="not-a-mesh") from None
    return Mesh(points_mm=centre + step * points, triangles=triangles, normals=_sphere(normals))


def _octahedral(normals: NDArray[np.float64]) -> NDArray[np.int8]:
    """Unit vectors (n, 3) folded onto a square, two bytes each."""
    total = np.abs(normals).sum(axis=1, keepdims=True)
    flat = np.divide(normals, total, out=np.zeros_like(normals), where=total > 0)
    x, y = flat[:, 0], flat[:, 1]
    lower = flat[:, 2] < 0
    folded_x = np.where(lower, (1 - np.abs(y)) * np.where(x >= 0, 1, -1), x)
    folded_y = np.where(lower, (1 - np.abs(x)) * np.where(y >= 0, 1, -1), y)
    return np.round(127 * np.stack([folded_x, folded_y], axis=1)).astype(np.int8)


def _sphere(square: NDArray[np.int8]) -> NDArray[np.float64]:
    """And back."""
    x, y = square.astype(np.float64).T / 127
    z = 1 - np.abs(x) - np.abs(y)
    under = np.maximum(-z, 0)
    vector = np.stack([x - np.where(x >= 0, under, -under), y - np.where(y >= 0, under, -under), z], axis=1)
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=1, keepdims=True), 1e-12))
