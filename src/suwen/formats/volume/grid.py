"""Geometry of a voxel grid: what an affine must be before a length in it means anything."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SHEAR_TOLERANCE = 1e-3
"""Largest cosine between two axes of a grid that still counts as rectangular."""

RIGID_TOLERANCE_MM = 0.05
"""How far a corner may lie from where a rectangular grid would put it: the step of the path checker."""

LARGEST_NUMBER = 1e9
"""A kilometre in micrometres: sums and squares of such figures are still exact enough to be judged."""

FLIP_XY = np.diag([-1.0, -1.0, 1.0, 1.0])
"""RAS to LPS and back: the first two axes change their sign."""


def checked_affine(affine: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """An affine under which the grid is a rigid, rectangular frame.

    Parameters
    ----------
    affine
        (4, 4), from voxel index (centres) to mm.
    shape
        Voxels along the three axes.

    Returns
    -------
    ndarray
        The same, float64.

    Raises
    ------
    BadInput
        ``bad-affine`` for a wrong shape or last row, ``not-finite``, ``implausible-size``,
        ``no-spacing`` where an axis has length 0, ``singular-affine``, or ``sheared``.
    """
    try:
        matrix = np.array(affine, np.float64)
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.shape != (4, 4):
        raise BadInput("the affine is not a 4 x 4 matrix", fix="Give the affine", code="bad-affine")
    check_numbers(matrix, "the affine")
    if not np.array_equal(matrix[3], [0, 0, 0, 1]):
        raise BadInput(
            "the last row of the affine is not 0 0 0 1", fix="Export the volume again", code="bad-affine"
        )
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    if (spacing <= 0).any():
        raise BadInput(
            "a voxel has no length along one axis",
            fix="Give the spacing of all three axes",
            code="no-spacing",
        )
    axes = matrix[:3, :3] / spacing
    if abs(np.linalg.det(axes)) < 1e-6:
        raise BadInput(
            "two axes of the volume point the same way", fix="Export the volume again", code="singular-affine"
        )
    _check_shear(axes, spacing, shape)
    return matrix + 0.0  # no negative zeros


def check_numbers(numbers: ArrayLike, what: str) -> None:
    """Refuse figures of a place that are no numbers, or larger than any place is in any unit.

    Raises
    ------
    BadInput
        ``not-finite`` or ``implausible-size``.
    """
    array = np.asarray(numbers, np.float64)
    if not np.isfinite(array).all():
        raise BadInput(
            f"{what} holds NaN or infinite values", fix="Export the volume again", code="not-finite"
        )
    if np.abs(array).max(initial=0) > LARGEST_NUMBER:
        raise BadInput(
            f"{what} holds a length that is no place of a patient in any unit",
            fix="Export the volume again",
            code="implausible-size",
        )


def _check_shear(axes: NDArray[np.float64], spacing: NDArray[np.float64], shape: tuple[int, ...]) -> None:
    cosine = float(np.abs(axes.T @ axes - np.eye(3)).max())
    corners = np.array(list(product((-0.5, 0.5), repeat=3))) * np.array(shape) * spacing
    off = float(np.linalg.norm(corners @ (axes - nearest_rotation(axes)).T, axis=1).max())
    if cosine > SHEAR_TOLERANCE or off > RIGID_TOLERANCE_MM:
        raise BadInput(
            f"the axes of the volume are not at right angles: cosine {cosine:.2g}, corners {off:.2g} mm off",
            fix="Resample it onto a rectangular grid, as for a tilted gantry",
            code="sheared",
        )


def nearest_rotation(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The orthonormal matrix nearest to three unit columns, a mirror where they are one.

    The orthogonal factor of the polar decomposition (Higham 1986, SIAM J. Sci. Stat. Comput. 7(4)).

    Parameters
    ----------
    axes
        (3, 3), not singular.
    """
    left, _, right = np.linalg.svd(axes)
    return np.asarray(left @ right)


def points(given: ArrayLike) -> NDArray[np.float64]:
    """Coordinates as (n, 3) float64, from (n, 3) or a single (3,).

    Raises
    ------
    BadInput
        ``bad-points`` for another shape; NaN and infinity pass, as they are inside nothing.
    """
    try:
        array = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.ndim == 1 and array.shape == (3,):
        array = array[None]
    if array.ndim != 2 or array.shape[1] != 3:
        raise BadInput("points are not rows of three numbers", fix="Give (n, 3)", code="bad-points")
    return array


def stored(array: NDArray[Any], kind: str) -> NDArray[Any]:
    """Values in the one type that engines meet: labels uint16 (uint32 where one needs it), images float32.

    Raises
    ------
    BadInput
        ``not-labels`` for label values that are no whole numbers, ``negative-labels``, ``empty-labels`` where
        all are 0, ``label-too-large`` above 2^32 - 1; ``not-finite`` for an image without one finite value;
        ``not-numbers`` for any other type of array.
    """
    if array.dtype.kind not in "buif":
        raise BadInput(
            "the volume holds no plain numbers", fix="Give one number per voxel", code="not-numbers"
        )
    if kind == "image":
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(array, np.float32)
        if not np.isfinite(values).any():
            raise BadInput(
                "no voxel of the image has a finite value", fix="Export it again", code="not-finite"
            )
        return values
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.rint(array)).all()):
        raise BadInput(
            "the label values are not whole numbers",
            fix="Give the segmentation and not the image; resample labels with nearest neighbour",
            code="not-labels",
        )
    low, high = array.min(), array.max()
    if low < 0:
        raise BadInput(
            "a label value is negative", fix="Number labels from 1, background 0", code="negative-labels"
        )
    if high == 0:
        raise BadInput(
            "every voxel is background: the labels are empty",
            fix="Check the segmentation",
            code="empty-labels",
        )
    if high >= 2**32:
        raise BadInput(
            "a label value is above 2^32 - 1", fix="Number the labels anew", code="label-too-large"
        )
    return np.ascontiguousarray(array, np.uint16 if high < 2**16 else np.uint32)
