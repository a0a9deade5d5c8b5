"""What a planner sees of the structures it must spare: walls that keep a margin, and a risk that falls off.

Distances are from a voxel's centre to the nearest *box* of a structure, exact and in mm, also where spacing
differs by axis. An ordinary distance transform measures from centre to centre, which is up to half a voxel's
diagonal too far; none of that has to be given away here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import hypot
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.engines.clearance.grid import (
    Floats,
    checked_labels,
    checked_length,
    checked_margins,
    checked_spacing,
    memory_order,
    named,
)

Slices = tuple[slice, slice, slice]
Corners = Literal["forbid", "allow"]
Moves = Literal["edges", "anywhere"]


def wall_distance_mm(
    spacing_mm: ArrayLike, clearance_mm: float, *, corners: Corners = "forbid", moves: Moves = "edges"
) -> float:
    """How far a voxel's centre must be from a structure for paths through it to keep ``clearance_mm`` from it.

    With ``h`` half the diagonal of a voxel and ``R`` the clearance:

    ``moves="edges"``
        Straight moves between neighbouring free voxels, 26 of them: ``sqrt(R² + h²)``. Let the structure's
        nearest point to such a move be q, at distance m from the point p of the move. q is at least D from
        both ends. If p lies between the ends, the move is square to pq and one end is at most h from p, so m²
        >= D² - h²; if p is an end, m >= D. Where corners may not be cut and R is at most half the smallest
        spacing, 0 is enough: all voxels of the block that a move spans are free, and a move never comes
        nearer than that to the outside of its block.
    ``moves="anywhere"``
        Any curve that stays in the boxes of free voxels: ``R + h``, since no point of a box is farther than h
        from its centre.

    Returns
    -------
    float
        mm; a voxel is a wall where the distance is not above this.
    """
    spacing = checked_spacing(spacing_mm)
    clearance = checked_length(clearance_mm, "The clearance")
    half_diagonal = 0.5 * float(np.linalg.norm(spacing))
    if moves == "anywhere":
        return clearance + half_diagonal
    if corners == "forbid" and clearance <= 0.5 * spacing.min():
        return 0.0
    return hypot(clearance, half_diagonal)


def walls_for(
    labels: NDArray[Any],
    spacing_mm: ArrayLike,
    critical: Mapping[int, str],
    margin_mm: float | Mapping[int, float],
    radius_mm: float,
    *,
    corners: Corners = "forbid",
    moves: Moves = "edges",
) -> NDArray[np.bool_]:
    """Voxels a path may not use, so that every path of the other voxels keeps every margin.

    Parameters
    ----------
    labels
        Whole numbers, shape (I, J, K).
    spacing_mm
        Shape (3,).
    critical
        Label and name of each structure to keep clear of. One that the volume does not have makes no wall.
    margin_mm
        Clearance to keep, of all or of each.
    radius_mm
        Of the instrument; margin and radius add up.
    corners, moves
        What the planner does (see `wall_distance_mm`): the guarantee holds for such moves only.

    Returns
    -------
    ndarray
        True for a wall, shape (I, J, K), in the labels' own memory order.

    Raises
    ------
    BadInput
        ``not-three-dimensional``, ``not-labels``, ``bad-spacing``, ``critical-empty``, ``margin-missing``,
        ``length-unusable``.
    MissingExtra
        Without numba.
    """
    volume = checked_labels(labels)
    walls = np.zeros_like(volume, dtype=np.bool_)
    each = each_wall(volume, spacing_mm, critical, margin_mm, radius_mm, corners=corners, moves=moves)
    for _, place, wall in each:
        walls[place] |= wall
    return walls


def each_wall(
    labels: NDArray[Any],
    spacing_mm: ArrayLike,
    critical: Mapping[int, str],
    margin_mm: float | Mapping[int, float],
    radius_mm: float,
    *,
    corners: Corners = "forbid",
    moves: Moves = "edges",
) -> Iterator[tuple[int, Slices, NDArray[np.bool_]]]:
    """The same, structure by structure: its label, a part of the volume, and its walls in that part."""
    volume, spacing = checked_labels(labels), checked_spacing(spacing_mm)
    margins = checked_margins(margin_mm, critical)
    radius = checked_length(radius_mm, "The radius")
    wanted = {
        label: wall_distance_mm(spacing, margin + radius, corners=corners, moves=moves)
        for label, margin in margins.items()
    }
    for label, place in extents(volume, spacing, wanted).items():
        inside = volume[place] == label
        if wanted[label] == 0:
            yield label, place, inside
        else:
            squares = box_squares(inside, spacing, wanted[label] * (1 + 1e-5))
            # A tie is a wall, and so is what single precision could have taken for one.
            yield label, place, squares <= np.float32(wanted[label] ** 2 * (1 + 1e-6))


def risk_field(
    labels: NDArray[Any], spacing_mm: ArrayLike, weights: Mapping[int, float], *, reach_mm: float
) -> NDArray[np.float32]:
    """Risk of being near critical structures: ``max over labels of weight * (1 - min(distance, reach) / reach)²``.

    It is the weight inside a structure, falls smoothly, and is 0 from ``reach_mm`` on. The largest counts and
    not the sum, so that a structure does not weigh more for being cut into two labels.

    Parameters
    ----------
    labels
        Whole numbers, shape (I, J, K).
    spacing_mm
        Shape (3,).
    weights
        Weight of each label, zero or more, in whatever unit the planner adds to a length.
    reach_mm
        Distance from which on there is no risk, above 0.

    Returns
    -------
    ndarray
        float32, shape (I, J, K), in the labels' own memory order.

    Raises
    ------
    BadInput
        ``not-three-dimensional``, ``not-labels``, ``bad-spacing``, ``bad-weights``, ``length-unusable``.
    MissingExtra
        Without numba.
    """
    volume, spacing = checked_labels(labels), checked_spacing(spacing_mm)
    reach = checked_length(reach_mm, "The reach")
    if reach == 0:
        raise BadInput("The reach of a risk is a length above 0 mm", code="length-unusable")
    for label, weight in weights.items():
        if not np.isfinite(weight) or weight < 0:
            raise BadInput(
                f"The weight of {named(label, {})} is {weight}, and a risk is never negative",
                code="bad-weights",
                fix="Give a weight of zero or more",
            )
    risk = np.zeros_like(volume, dtype=np.float32)
    weighing = {int(label): reach for label, weight in weights.items() if weight > 0}
    for label, place in extents(volume, spacing, weighing).items():
        near = np.sqrt(box_squares(volume[place] == label, spacing, reach))
        np.minimum(near, reach, out=near)
        near *= -1 / reach
        near += 1
        near *= near
        near *= weights[label]
        np.maximum(risk[place], near, out=risk[place])
    return risk


def box_squares(mask: NDArray[np.bool_], spacing_mm: Floats, reach_mm: float) -> NDArray[np.float32]:
    """Squared distance in mm² from each centre to the nearest box of ``mask``, infinite beyond ``reach_mm``.

    Exact to single precision; same shape and memory order as the mask.
    """
    from suwen.engines.clearance import _field

    view, axes = memory_order(mask)
    s0, s1, s2 = (float(spacing_mm[axis]) for axis in axes)
    squares = _field.box_distance(view.view(np.bool_), s0, s1, s2, reach_mm)
    return squares.transpose(np.argsort(axes))


def extents(volume: NDArray[Any], spacing_mm: Floats, reach_mm: Mapping[int, float]) -> dict[int, Slices]:
    """The part of the volume that holds a label and all voxels within its reach, for each label that is there."""
    from suwen.engines.clearance import _field

    view, axes = memory_order(volume)
    keys = np.array(sorted(reach_mm), dtype=np.int64)
    first, last = (found[:, np.argsort(axes)] for found in _field.extents(view, keys))
    parts = {}
    for label, lowest, highest in zip(keys.tolist(), first, last, strict=True):
        if lowest[0] > highest[0]:
            continue
        beyond = np.ceil(reach_mm[label] / spacing_mm).astype(int)
        i, j, k = (
            slice(max(int(a), 0), min(int(b), n))
            for a, b, n in zip(lowest - beyond, highest + beyond + 1, volume.shape, strict=True)
        )
        parts[label] = (i, j, k)
    return parts
