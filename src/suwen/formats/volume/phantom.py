"""A simulated head of labels for demonstrations and tests, marked as simulated wherever it goes.

Ellipsoids and tubes in a head of adult size, drawn by eye after head anatomy: it shows nobody and is no model
of any patient. Left and right differ (one vessel and one nucleus lie on one side only), so that a mirrored
volume is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from suwen.core.errors import BadInput
from suwen.formats.volume.grid import checked_affine
from suwen.formats.volume.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

NAMES = {
    1: "skin",
    2: "skull",
    3: "brain",
    4: "left lateral ventricle",
    5: "right lateral ventricle",
    6: "left subthalamic nucleus",
    7: "right subthalamic nucleus",
    8: "superior sagittal sinus",
    9: "left middle cerebral artery",
    10: "left cortical vein",
    11: "tumour of the right frontal lobe",
}
"""Label values of the phantom; 0 is air."""

HEAD_MM = (78.0, 98.0, 88.0)
"""Half axes of the head from left to right, front to back, and top to bottom, mm."""

MOST_VOXELS = 2**27


@dataclass(frozen=True, kw_only=True)
class _Ellipsoid:
    label: int
    centre: tuple[float, float, float]
    half: tuple[float, float, float]


_SOLIDS = (
    _Ellipsoid(label=1, centre=(0, 0, 0), half=HEAD_MM),
    _Ellipsoid(label=2, centre=(0, 0, 0), half=(72.0, 92.0, 82.0)),
    _Ellipsoid(label=3, centre=(0, 0, 0), half=(65.0, 85.0, 75.0)),
    _Ellipsoid(label=4, centre=(12, 4, 14), half=(6.0, 24.0, 8.0)),
    _Ellipsoid(label=5, centre=(-12, 4, 14), half=(6.0, 24.0, 8.0)),
    _Ellipsoid(label=6, centre=(12, 8, -8), half=(3.0, 5.0, 3.5)),
    _Ellipsoid(label=7, centre=(-12, 8, -8), half=(3.0, 5.0, 3.5)),
    _Ellipsoid(label=11, centre=(-30, -42, 22), half=(8.0, 8.0, 8.0)),
)
"""Drawn in this order, later over earlier; LPS mm around the middle of the head."""

_VESSELS = (
    (8, 3.5, ((0, -62, 50), (0, -35, 66), (0, 0, 71.5), (0, 35, 66), (0, 62, 50))),
    (9, 2.0, ((8, -6, -22), (22, -10, -20), (38, -12, -14), (48, -4, -4), (52, 10, 4))),
    (10, 1.8, ((56, -20, 24), (44, -14, 46), (26, -8, 62), (6, -2, 70))),
)
"""Label, radius (mm) and way of each vessel."""


def head_phantom(
    *,
    shape: tuple[int, int, int] = (96, 112, 104),
    spacing_mm: ArrayLike = (2.0, 2.0, 2.0),
    directions: ArrayLike | None = None,
    centre_lps_mm: ArrayLike = (0.0, 0.0, 0.0),
    scale: float = 1.0,
) -> Volume:
    """Draw the head on any rectangular grid; a voxel has the label of what is at its centre.

    Parameters
    ----------
    shape
        Voxels along the three axes, at least 2 each.
    spacing_mm
        (3,), above 0.
    directions
        (3, 3), orthonormal columns: where each axis points in LPS; ``None`` for left, posterior, superior.
        A mirror is allowed.
    centre_lps_mm
        (3,), where the middle of the head and of the grid lie.
    scale
        Size of the head; 1 is adult size, about 156 x 196 x 176 mm.

    Returns
    -------
    Volume
        Labels named as in :data:`NAMES`, ``simulated=True``.

    Raises
    ------
    BadInput
        ``bad-size`` for a shape, spacing or scale out of range; ``empty-labels`` where the grid misses the
        head; what :class:`~suwen.formats.volume.volume.Volume` refuses of the directions.
    """
    sides = tuple(int(side) for side in shape)
    spacing = np.asarray(spacing_mm, np.float64)
    sound = len(sides) == 3 and min(sides) >= 2 and np.prod(sides, dtype=float) <= MOST_VOXELS
    if not sound or spacing.shape != (3,) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise BadInput("a phantom of this size cannot be drawn", fix="Ask for less", code="bad-size")
    if not (np.isfinite(scale) and 0.05 <= scale <= 20):
        raise BadInput("a head of this scale cannot be drawn", fix="Ask for 0.05 to 20", code="bad-size")
    axes = np.eye(3) if directions is None else np.asarray(directions, np.float64)
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = np.asarray(centre_lps_mm) - affine[:3, :3] @ ((np.array(sides) - 1) / 2)
    affine = checked_affine(affine, sides)
    grid = _Grid(affine=affine, sides=sides, spacing=spacing, scale=scale)
    array = np.zeros(sides, np.uint16)
    middle = np.asarray(centre_lps_mm, np.float64)
    for solid in _SOLIDS:
        for where, at in grid.near(middle, solid.centre, max(solid.half)):
            array[where][((at / np.array(solid.half)) ** 2).sum(axis=-1) <= 1] = solid.label
    for label, radius, way in _VESSELS:
        for start, end in pairwise(np.array(way, np.float64)):
            along = end - start
            for where, at in grid.near(middle, start + along / 2, radius + float(np.linalg.norm(along)) / 2):
                array[where][_from_axis(at, along) <= radius] = label
    return Volume(
        array=array,
        affine_lps=affine,
        kind="labels",
        names=NAMES,
        source_format="phantom",
        notes=("simulated",),
        simulated=True,
    )


@dataclass(frozen=True, kw_only=True)
class _Grid:
    affine: NDArray[np.float64]
    sides: tuple[int, ...]
    spacing: NDArray[np.float64]
    scale: float

    def near(
        self, middle: NDArray[np.float64], centre: ArrayLike, reach: float
    ) -> Iterator[tuple[tuple[slice, slice, int], NDArray[np.float64]]]:
        """Plane by plane, the voxels about a place of the head and where they lie from it, in head's mm."""
        place = middle + np.asarray(centre) * self.scale
        index = np.linalg.solve(self.affine[:3, :3], place - self.affine[:3, 3])
        first = np.maximum(np.ceil(index - reach * self.scale / self.spacing), 0).astype(int)
        last = np.minimum(
            np.floor(index + reach * self.scale / self.spacing), np.array(self.sides) - 1
        ).astype(int)
        if (last < first).any():
            return
        i, j = np.meshgrid(np.arange(first[0], last[0] + 1), np.arange(first[1], last[1] + 1), indexing="ij")
        flat = (
            i[..., None] * self.affine[:3, 0] + j[..., None] * self.affine[:3, 1] + self.affine[:3, 3] - place
        )
        for plane in range(first[2], last[2] + 1):
            where = (slice(first[0], last[0] + 1), slice(first[1], last[1] + 1), plane)
            yield where, (flat + plane * self.affine[:3, 2]) / self.scale


def _from_axis(at: NDArray[np.float64], along: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of points (..., 3), given from its middle, to a segment that spans ``along``."""
    share = np.clip((at @ along) / (along @ along), -0.5, 0.5)
    return np.asarray(np.linalg.norm(at - share[..., None] * along, axis=-1))
