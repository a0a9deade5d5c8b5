"""Straight pieces and arcs of a pose, through voxel boxes; compiled.

A pose is (6,): a place in grid mm and the unit tangent there. A piece leaves it along the tangent and bends with one
curvature towards ``side``, a unit vector square to the tangent: the plane in which the bevel of the needle lies.
"""

from __future__ import annotations

from math import acos, atan2, ceil, cos, floor, inf, pi, sin, sqrt
from typing import Any

import numpy as np

from suwen.engines.compiled import compiled

_SAGITTA_MM = 1e-3
"""A piece is looked at and given back in chords no farther than this from it."""
_HERE_MM = 1e-9


@compiled
def square_to(tangent: Any, angle: float, out: Any) -> None:
    """Write the unit vector square to a tangent that is turned about it by an angle from a fixed one."""
    axis = 0
    for other in range(1, 3):
        if abs(tangent[other]) < abs(tangent[axis]):
            axis = other
    u = np.zeros(3)
    u[axis] = 1.0
    size = 0.0
    for at in range(3):
        u[at] -= tangent[axis] * tangent[at]
        size += u[at] * u[at]
    size = sqrt(size)
    for at in range(3):
        left, right = (at + 1) % 3, (at + 2) % 3
        v = tangent[left] * u[right] - tangent[right] * u[left]
        out[at] = (cos(angle) * u[at] + sin(angle) * v) / size


@compiled
def chords(spacing: Any, bend: float, length: float) -> int:
    """Number of chords for a piece: each a quarter of a voxel at most, and less than 0.001 mm from the arc."""
    most = 0.25 * min(spacing[0], spacing[1], spacing[2])
    if bend > 0.0:
        most = min(most, sqrt(8.0 * _SAGITTA_MM / bend))
    count: int = max(1, ceil(length / most))
    return count


@compiled
def _reach(bend: float, s: float) -> Any:
    """How far ahead and to the side an arc is after a length s."""
    if bend == 0.0:
        return s, 0.0
    return sin(bend * s) / bend, 2.0 * sin(0.5 * bend * s) ** 2 / bend


@compiled
def _solid(walls: Any, i: int, j: int, k: int) -> bool:
    if i < 0 or j < 0 or k < 0 or i >= walls.shape[0] or j >= walls.shape[1] or k >= walls.shape[2]:
        return True
    return bool(walls[i, j, k] != 0)


@compiled
def _blocked(walls: Any, a: Any, b: Any) -> bool:
    """Whether a box of the block that two voxels span is a wall: a chord between them touches no other box."""
    for i in range(min(a[0], b[0]), max(a[0], b[0]) + 1):
        for j in range(min(a[1], b[1]), max(a[1], b[1]) + 1):
            for k in range(min(a[2], b[2]), max(a[2], b[2]) + 1):
                if _solid(walls, i, j, k):
                    return True
    return False


@compiled
def along(
    walls: Any, cost: Any, uniform: bool, spacing: Any, pose: Any, side: Any, bend: float, length: float
) -> float:
    """Cost of a piece from a pose; infinite where it touches a wall's box or leaves the grid.

    Exact for the chords that :func:`points` gives: one is shorter than a quarter of a voxel, so it passes from a box
    to the next one along each axis at most once, and all boxes of the block between its ends must be free. Like a
    move on the grid, it cuts no corner.

    Parameters
    ----------
    walls, cost
        (I, J, K): not 0 for a wall; cost per mm, read unless ``uniform``. The integral is the trapezoidal one.
    spacing
        (3,), mm.
    bend, length
        Curvature in 1/mm, 0 for a straight piece; length in mm.
    """
    count = chords(spacing, bend, length)
    step = length / count
    total = 0.0
    here, before = np.empty(3, np.int64), np.empty(3, np.int64)
    for n in range(count + 1):
        ahead, aside = _reach(bend, n * step)
        moved = 0
        for axis in range(3):
            place = pose[axis] + ahead * pose[3 + axis] + aside * side[axis]
            here[axis] = floor(place / spacing[axis] + 0.5)
            if n > 0 and here[axis] != before[axis]:
                moved += 1
        if (n == 0 or moved == 1) and _solid(walls, here[0], here[1], here[2]):
            return inf
        if moved > 1 and _blocked(walls, before, here):
            return inf
        before[:] = here
        if not uniform:
            total += (0.5 if n in (0, count) else 1.0) * step * cost[here[0], here[1], here[2]]
    return length if uniform else total


@compiled
def points(spacing: Any, pose: Any, side: Any, bend: float, length: float) -> Any:
    """Ends of the chords of a piece, (n + 1, 3): those that :func:`along` looks at."""
    count = chords(spacing, bend, length)
    step = length / count
    out = np.empty((count + 1, 3))
    for n in range(count + 1):
        ahead, aside = _reach(bend, n * step)
        for axis in range(3):
            out[n, axis] = pose[axis] + ahead * pose[3 + axis] + aside * side[axis]
    return out


@compiled
def end(pose: Any, side: Any, bend: float, length: float, out: Any) -> None:
    """Write the pose at the end of a piece."""
    ahead, aside = _reach(bend, length)
    size = 0.0
    for at in range(3):
        out[at] = pose[at] + ahead * pose[3 + at] + aside * side[at]
        out[3 + at] = cos(bend * length) * pose[3 + at] + sin(bend * length) * side[at]
        size += out[3 + at] ** 2
    for at in range(3):
        out[3 + at] /= sqrt(size)


@compiled
def last(pose: Any, target: Any, most: float, side: Any) -> Any:
    """The piece from a pose that ends in the target: its curvature and length; length 0 where there is none.

    One circle touches the tangent and passes through the target. With ``a`` the angle between the tangent and the
    target's direction and ``d`` its distance, its curvature is ``2 sin a / d`` and the arc ``d a / sin a`` long. Arcs
    of more than half a turn (``a`` above 90 degrees) are left out.
    """
    distance, ahead = 0.0, 0.0
    for at in range(3):
        distance += (target[at] - pose[at]) ** 2
        ahead += (target[at] - pose[at]) * pose[3 + at]
    distance = sqrt(distance)
    if distance < _HERE_MM or ahead <= 0.0:
        return 0.0, 0.0
    aside = 0.0
    for at in range(3):
        side[at] = target[at] - pose[at] - ahead * pose[3 + at]
        aside += side[at] ** 2
    aside = sqrt(aside)
    if aside < 1e-9 * distance:
        side[:] = 0.0
        return 0.0, distance
    bend = 2.0 * aside / distance**2
    if bend > most:
        return 0.0, 0.0
    for at in range(3):
        side[at] /= aside
    return bend, distance * acos(min(1.0, ahead / distance)) / (aside / distance)


@compiled
def shortest(pose: Any, target: Any, most: float) -> float:
    """Length below which no curve of curvature up to ``most`` leads from a pose to the target.

    With R the least radius: one arc of R, then straight on, is the shortest way to a point outside the ring of all
    circles of R that touch the tangent (Dubins 1957, without a heading at the end). Into that ring, and to any point
    behind, nothing leads that is shorter than half a circle: the tangent turns by ``s / R`` at most, so what is
    gained ahead is at least ``R sin(s / R)``.
    """
    radius = 1.0 / most
    distance, ahead = 0.0, 0.0
    for at in range(3):
        distance += (target[at] - pose[at]) ** 2
        ahead += (target[at] - pose[at]) * pose[3 + at]
    aside = sqrt(max(0.0, distance - ahead**2))
    straight = distance - 2.0 * radius * aside  # squared
    if ahead < -_HERE_MM or straight < -_HERE_MM * radius:
        return max(sqrt(distance), pi * radius)
    straight = sqrt(max(0.0, straight))
    turn = 0.5 * pi + atan2(aside - radius, max(0.0, ahead)) - atan2(straight, radius)
    return max(sqrt(distance), radius * turn + straight)
