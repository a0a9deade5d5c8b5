"""Slices of one stack in order: where each lies, and whether together they are a volume (PS3.3 C.7.6.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput
from suwen.formats.volume.grid import RIGID_TOLERANCE_MM, check_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME_PLANE_MM = 0.005
"""Slices nearer than this along their normal are of one plane."""

SAME_COSINE = 1e-4
"""How far direction cosines of slices of one stack may differ."""


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Where one slice lies.

    Attributes
    ----------
    position
        Image Position (Patient) (0020,0032), centre of the first pixel, LPS mm.
    orientation
        Image Orientation (Patient) (0020,0037): direction of growing column index, then of growing row index.
    spacing
        Pixel Spacing (0028,0030): between rows, then between columns, mm.
    """

    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A volume's frame and the place of each slice in it.

    Attributes
    ----------
    affine_lps
        (4, 4), from (column, row, plane) to LPS mm.
    plane_of
        For each slice, its plane from 0.
    planes
        How many planes there are.
    """

    affine_lps: NDArray[np.float64]
    plane_of: tuple[int, ...]
    planes: int


def check_upright(dataset: Any) -> None:
    """Refuse animals that walk on four legs: their coordinates are not left, posterior, superior (PS3.3 C.7.6.1).

    Raises
    ------
    BadInput
        ``missing-frame``.
    """
    if str(dataset.get("AnatomicalOrientationType") or "").strip().upper() == "QUADRUPED":
        raise BadInput(
            "the object uses the coordinates of a quadruped",
            fix="Give a volume in the coordinates of a human patient",
            code="missing-frame",
        )


def plane_of(source: Any, orientation: Any, measures: Any) -> Plane:
    """Where a slice lies, from the items that hold its position, orientation and pixel spacing.

    Raises
    ------
    BadInput
        ``missing-orientation``, ``no-spacing`` or ``not-finite``.
    """
    position, axes, spacing = (
        _numbers(source, "ImagePositionPatient", 3),
        _numbers(orientation, "ImageOrientationPatient", 6),
        _numbers(measures, "PixelSpacing", 2),
    )
    if position is None or axes is None:
        raise BadInput(
            "a slice does not say where it lies in the patient",
            fix="Send cross-sectional slices with Image Position and Orientation (Patient)",
            code="missing-orientation",
        )
    if spacing is None or min(spacing) == 0 or any(value < 0 for value in spacing):
        raise BadInput(
            "a slice has no pixel spacing above 0", fix="Send slices with Pixel Spacing", code="no-spacing"
        )
    check_numbers([*position, *axes, *spacing], "the place of a slice")
    return Plane(position=position, orientation=axes, spacing=spacing)


def _numbers(item: Any, keyword: str, count: int) -> tuple[float, ...] | None:
    value = None if item is None else item.get(keyword)
    if value is None or isinstance(value, str) or not hasattr(value, "__len__") or len(value) != count:
        return None
    return tuple(float(number) for number in value)


def stacked(slices: Sequence[Plane], *, sparse: bool, gap_mm: float | None = None) -> Stack:
    """Put slices in order along their normal.

    Parameters
    ----------
    slices
        At least one.
    sparse
        Whether planes may be left out and shared, as in a segmentation; else every plane is there once.
    gap_mm
        Distance of the planes, where a sparse object says it.

    Raises
    ------
    BadInput
        ``mixed-orientation``, ``mixed-grid``, ``duplicate-slices``, ``missing-slices``, ``uneven-spacing``,
        ``not-three-dimensional`` (one plane only), ``missing-orientation`` (directions that are none).
    """
    first = slices[0]
    _check_alike(slices)
    row, column = np.array(first.orientation).reshape(2, 3)
    lengths = np.linalg.norm([row, column], axis=1)
    if np.abs(lengths - 1).max() > 1e-3 or abs(row @ column) > 1e-2:
        raise BadInput(
            "the direction cosines of the slices are no pair of unit vectors at right angles",
            fix="Export the series again",
            code="missing-orientation",
        )
    row, column = row / lengths[0], column / lengths[1]
    positions = np.array([one.position for one in slices])
    along = positions @ np.cross(row, column)
    order = np.argsort(along, kind="stable")
    starts = np.flatnonzero(np.diff(along[order], prepend=-np.inf) > SAME_PLANE_MM)
    if len(starts) < 2:
        raise BadInput("there is one plane only", fix="Give the whole series", code="not-three-dimensional")
    if len(starts) < len(slices) and not sparse:
        raise BadInput(
            f"{len(slices) - len(starts)} slices lie in the plane of another one",
            fix="Give one volume: one phase, one echo, one time",
            code="duplicate-slices",
        )
    ends = positions[order[starts[[0, -1]]]]
    number, planes = _numbered(along, along[order][starts], sparse=sparse, gap_mm=gap_mm)
    step = (ends[1] - ends[0]) / (planes - 1)
    off = np.linalg.norm(positions - ends[0] - number[:, None] * step, axis=1).max()
    if off > RIGID_TOLERANCE_MM:
        raise BadInput(
            f"a slice lies {off:.3g} mm from where an even stack has it",
            fix="Resample the series onto an even grid",
            code="uneven-spacing",
        )
    affine = np.eye(4)
    affine[:3, 0] = row * first.spacing[1]
    affine[:3, 1] = column * first.spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = ends[0]
    return Stack(affine_lps=affine, plane_of=tuple(int(at) for at in number), planes=planes)


def _check_alike(slices: Sequence[Plane]) -> None:
    orientations = np.array([one.orientation for one in slices])
    if np.abs(orientations - orientations[0]).max() > SAME_COSINE:
        raise BadInput(
            "the slices are of different orientations", fix="Give one stack alone", code="mixed-orientation"
        )
    spacings = np.array([one.spacing for one in slices])
    if np.abs(spacings - spacings[0]).max() > 1e-4 * spacings.max():
        raise BadInput("the slices are of different pixel spacing", fix="Give one stack", code="mixed-grid")


def _numbered(
    along: NDArray[np.float64], levels: NDArray[np.float64], *, sparse: bool, gap_mm: float | None
) -> tuple[NDArray[np.int64], int]:
    """The plane of each slice, and how many planes there are."""
    gaps = np.diff(levels)
    step = gap_mm if sparse and gap_mm else float(gaps.min())
    # Counted gap by gap, and the step then taken over the whole stack: rounded positions would add up.
    planes = int(np.rint(gaps / step).sum()) + 1
    step = (levels[-1] - levels[0]) / max(planes - 1, 1)
    counts = np.rint(gaps / step)
    uneven = float(np.abs(gaps - counts * step).max())
    if planes < 2 or uneven > RIGID_TOLERANCE_MM or counts.min() < 1:
        raise BadInput(
            f"the distances of the slices vary from {gaps.min():.4g} to {gaps.max():.4g} mm",
            fix="Resample the series onto an even grid",
            code="uneven-spacing",
        )
    if not sparse and planes > len(levels):
        raise BadInput(
            f"{planes - len(levels)} slices are missing in between",
            fix="Send the whole series",
            code="missing-slices",
        )
    return np.rint((along - levels[0]) / step).astype(np.int64), planes
