"""Where a straight instrument could end: a point, or points inside a structure with how deep they lie in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.clearance.grid import checked_labels, checked_spacing

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Candidate targets.

    Attributes
    ----------
    points_mm
        (m, 3), grid mm.
    depth_mm
        (m,): how far the point is from the outside of its structure, the error that it forgives; NaN for a point
        that was given.
    label
        The structure they lie in; ``None`` for points that were given.
    """

    points_mm: Floats
    depth_mm: Floats
    label: int | None

    def __len__(self) -> int:
        return len(self.points_mm)


def target_points(points_mm: ArrayLike, shape: tuple[int, ...], spacing_mm: ArrayLike) -> Targets:
    """Points that were given, all of them in the image.

    Parameters
    ----------
    points_mm
        (3,) or (m, 3), grid mm.
    shape
        Of the label volume.
    spacing_mm
        (3,).

    Raises
    ------
    BadInput
        ``bad-point`` for what is no point, ``outside-image``.
    """
    spacing = checked_spacing(spacing_mm)
    try:
        points = np.atleast_2d(np.asarray(points_mm, np.float64))
    except (TypeError, ValueError):
        points = np.empty((0, 0))
    if points.ndim != 2 or points.shape[1:] != (3,) or not len(points) or not np.isfinite(points).all():
        raise BadInput(
            "a target is not three finite numbers",
            where="targets",
            fix="[x, y, z] in grid mm",
            code="bad-point",
        )
    index = points / spacing
    outside = ((index < -0.5) | (index > np.array(shape) - 0.5)).any(1)
    if outside.any():
        raise BadInput(
            f"the target {np.round(points[outside][0], 2).tolist()} lies outside the image",
            where="targets",
            fix="Check frame and unit: they are read as mm from the first voxel's centre",
            code="outside-image",
        )
    return Targets(points_mm=points, depth_mm=np.full(len(points), np.nan), label=None)


def targets_in(
    labels: NDArray[Any],
    spacing_mm: ArrayLike,
    label: int,
    *,
    about: int = 8,
    room_mm: Callable[[Floats], Floats] | None = None,
) -> Targets:
    """Points inside a structure: the voxel with most room, the deepest, and deep ones far from each other.

    Depth is exact: from the voxel's centre to the nearest box that is not the structure, also where that is
    outside the image. What is less than half as deep as the deepest is left out: an error would miss the structure.
    Only where no deep voxel has any room the clearest of all comes first, however shallow: where there is none
    either, there is none in the structure.

    Parameters
    ----------
    labels
        Whole numbers, (I, J, K).
    spacing_mm
        (3,).
    label
        The structure.
    about
        How many are wanted, at most.
    room_mm
        What is left at points (n, 3), grid mm, beside everything critical and its margin, (n,). Without it the
        deepest comes first.

    Raises
    ------
    BadInput
        ``empty-structure`` where no voxel has the label; ``not-three-dimensional``, ``not-labels``,
        ``bad-spacing``.
    MissingExtra
        Without numba.
    """
    from suwen.engines.clearance.fields import box_squares

    volume, spacing = checked_labels(labels), checked_spacing(spacing_mm)
    own = np.argwhere(volume == label)
    if not len(own):
        raise BadInput(
            f"the label volume has no voxel of label {label}",
            where="targets",
            fix="Check the number, or the segmentation",
            code="empty-structure",
        )
    low, size = own.min(0), np.ptp(own, axis=0) + 1
    part = np.pad(
        volume[tuple(slice(a, a + n) for a, n in zip(low, size, strict=True))] == label,
        1,
        constant_values=False,
    )
    reach = float(np.linalg.norm((size + 2) * spacing))
    depth = np.sqrt(box_squares(~part, spacing, reach)[tuple((own - low + 1).T)].astype(np.float64))
    depth = np.round(depth, 6)
    room = np.zeros(len(own)) if room_mm is None else np.round(room_mm(own * spacing), 6)
    deep = np.flatnonzero(depth >= 0.5 * depth.max())
    some = deep if room[deep].max() >= 0 else np.arange(len(own))
    off = np.round(np.linalg.norm((own - own.mean(0)) * spacing, axis=1), 6)
    order = np.lexsort((*own[some].T[::-1], off[some], -depth[some], -room[some]))
    first = _spread(int(some[order[0]]), deep, own * spacing, depth, off, max(int(about), 1))
    return Targets(points_mm=own[first] * spacing, depth_mm=depth[first], label=int(label))


def _spread(
    first: int, deep: NDArray[np.int64], points: Floats, depth: Floats, off: Floats, most: int
) -> NDArray[np.int64]:
    """The first point, the deepest, and then always the deep one farthest from those there are; indices of points."""
    chosen = [first]
    gap = np.linalg.norm(points[deep] - points[first], axis=1)
    while len(chosen) < most and gap.max() > 0:
        away = np.round(gap, 6) if len(chosen) > 1 else gap > 0
        far = np.lexsort((*points[deep].T[::-1], off[deep], -depth[deep], -away.astype(np.float64)))[0]
        chosen.append(int(deep[far]))
        np.minimum(gap, np.linalg.norm(points[deep] - points[deep[far]], axis=1), out=gap)
    return np.array(chosen)
