"""Best-first search over poses, joined by straight pieces and arcs; compiled."""

from __future__ import annotations

from math import acos, ceil, cos, floor, inf, sin, sqrt
from typing import Any

import numpy as np

from suwen.engines.compiled import compiled

_CELL_MM = 2.5
"""Poses in one cube of this side whose tangents agree count as the same."""
_TURN = 0.12
"""Tangents agree to within so much in each coordinate."""
_HASH = 1 << 21


@compiled
def _side(tangent: Any, angle: float, out: Any) -> None:
    """Unit vector square to a tangent, turned by an angle about it from a fixed direction."""
    axis = 0
    for other in range(1, 3):
        if abs(tangent[other]) < abs(tangent[axis]):
            axis = other
    u = np.zeros(3)
    u[axis] = 1.0
    along = tangent[axis]
    size = 0.0
    for at in range(3):
        u[at] -= along * tangent[at]
        size += u[at] * u[at]
    size = sqrt(size)
    for at in range(3):
        u[at] /= size
    for at in range(3):
        left, right = (at + 1) % 3, (at + 2) % 3
        v = tangent[left] * u[right] - tangent[right] * u[left]
        out[at] = cos(angle) * u[at] + sin(angle) * v


@compiled
def along(
    walls: Any, cost: Any, uniform: bool, spacing: Any, pose: Any, side: Any, bend: float, length: float
) -> float:
    """Cost of an arc from a pose; infinite where it meets a wall or leaves the grid.

    Looked at every quarter of the smallest spacing; ``bend`` is the curvature, 0 for a straight piece.
    """
    count = ceil(length / (0.25 * min(spacing[0], spacing[1], spacing[2])))
    step = length / count
    total = 0.0
    for n in range(count + 1):
        s = n * step
        ahead = s if bend == 0.0 else sin(bend * s) / bend
        aside = 0.0 if bend == 0.0 else (1.0 - cos(bend * s)) / bend
        i = floor((pose[0] + ahead * pose[3] + aside * side[0]) / spacing[0] + 0.5)
        j = floor((pose[1] + ahead * pose[4] + aside * side[1]) / spacing[1] + 0.5)
        k = floor((pose[2] + ahead * pose[5] + aside * side[2]) / spacing[2] + 0.5)
        if i < 0 or j < 0 or k < 0 or i >= walls.shape[0] or j >= walls.shape[1] or k >= walls.shape[2]:
            return inf
        if walls[i, j, k] != 0:
            return inf
        half = 0.5 if n in (0, count) else 1.0
        total += half * step * (1.0 if uniform else cost[i, j, k])
    return total


@compiled
def _end(pose: Any, side: Any, bend: float, length: float, out: Any) -> None:
    """Pose at the end of an arc."""
    ahead = length if bend == 0.0 else sin(bend * length) / bend
    aside = 0.0 if bend == 0.0 else (1.0 - cos(bend * length)) / bend
    size = 0.0
    for at in range(3):
        out[at] = pose[at] + ahead * pose[3 + at] + aside * side[at]
        out[3 + at] = cos(bend * length) * pose[3 + at] + sin(bend * length) * side[at]
        size += out[3 + at] ** 2
    for at in range(3):
        out[3 + at] /= sqrt(size)


@compiled
def _last(pose: Any, target: Any, most: float, side: Any) -> Any:
    """The arc from a pose that ends in the target: its curvature and length; length 0 where there is none."""
    distance, ahead = 0.0, 0.0
    for at in range(3):
        distance += (target[at] - pose[at]) ** 2
        ahead += (target[at] - pose[at]) * pose[3 + at]
    distance = sqrt(distance)
    if distance == 0.0 or ahead <= 0.0:
        return 0.0, 0.0
    angle = acos(min(1.0, ahead / distance))
    bend = 2.0 * sin(angle) / distance
    if bend > most:
        return 0.0, 0.0
    size = 0.0
    for at in range(3):
        side[at] = target[at] - pose[at] - ahead * pose[3 + at]
        size += side[at] ** 2
    size = sqrt(size)
    if size < 1e-9 * distance:
        side[:] = 0.0
        return 0.0, distance
    for at in range(3):
        side[at] /= size
    return bend, distance * angle / sin(angle)


@compiled
def _key(pose: Any) -> int:
    key = 1469598103934665603
    for at in range(6):
        cell = floor(pose[at] / (_CELL_MM if at < 3 else _TURN))
        key = ((key ^ (cell + 4096)) * 1099511628211) & 0x7FFFFFFFFFFFFFFF
    return key


@compiled
def search(  # noqa: PLR0912, PLR0915  (one loop over a heap)
    walls: Any,
    cost: Any,
    uniform: bool,
    spacing: Any,
    starts: Any,
    target: Any,
    most: float,
    bends: Any,
    angles: Any,
    step: float,
    least: float,
    nodes: int,
) -> Any:
    """Grow arcs from the starts until no cheaper way to the target is left, or ``nodes`` poses are used.

    Parameters
    ----------
    walls, cost
        (I, J, K): not 0 for a wall; cost per mm, read unless ``uniform``.
    spacing
        (3,), mm.
    starts
        (n, 6), positions and unit tangents, grid mm.
    target
        (3,), grid mm.
    most
        Largest curvature, 1/mm.
    bends, angles, step
        Curvatures, bevel planes (rad) and length (mm) of a piece.
    least
        Least cost per mm, for the heuristic: the straight distance at that cost.
    nodes
        Poses at most.

    Returns
    -------
    tuple
        Poses (m, 6), parents (m,), pieces (m, 5) (curvature, length, side) that led to each; the pose from which the
        last arc leaves, -1 for none, that arc (5,), its whole cost, and whether poses ran out.
    """
    poses, parents = np.empty((nodes, 6)), np.full(nodes, -1, np.int64)
    pieces, costs = np.zeros((nodes, 5)), np.empty(nodes)
    heap_f, heap_at = np.empty(nodes + 1), np.empty(nodes + 1, np.int64)
    seen = np.zeros(_HASH, np.int64)
    known = np.full(_HASH, inf)
    count, size = 0, 0
    best, best_at, last = inf, -1, np.zeros(5)
    side, pose, out = np.zeros(3), np.empty(6), np.empty(6)
    spent = False
    for n in range(len(starts)):
        poses[count], costs[count] = starts[n], 0.0
        away = 0.0
        for at in range(3):
            away += (target[at] - starts[n, at]) ** 2
        heap_f[size], heap_at[size] = least * sqrt(away), count
        size += 1
        count += 1
    while size > 0:
        f, here = heap_f[0], heap_at[0]
        size -= 1
        value, item = heap_f[size], heap_at[size]
        slot = 0
        while True:
            child = 2 * slot + 1
            if child >= size:
                break
            if child + 1 < size and heap_f[child + 1] < heap_f[child]:
                child += 1
            if heap_f[child] >= value:
                break
            heap_f[slot], heap_at[slot] = heap_f[child], heap_at[child]
            slot = child
        heap_f[slot], heap_at[slot] = value, item
        if f >= best:
            break
        pose[:] = poses[here]
        bend, length = _last(pose, target, most, side)
        if length > 0.0:
            whole = costs[here] + along(walls, cost, uniform, spacing, pose, side, bend, length)
            if whole < best:
                best, best_at = whole, here
                last[0], last[1] = bend, length
                last[2:] = side
        for b in range(len(bends)):
            for a in range(1 if bends[b] == 0.0 else len(angles)):
                _side(pose[3:], angles[a], side)
                way = along(walls, cost, uniform, spacing, pose, side, bends[b], step)
                if way == inf:
                    continue
                _end(pose, side, bends[b], step, out)
                away = 0.0
                for at in range(3):
                    away += (target[at] - out[at]) ** 2
                g = costs[here] + way
                f = g + least * sqrt(away)
                if f >= best:
                    continue
                key = _key(out)
                slot = key % _HASH
                tries = 0
                while seen[slot] != 0 and seen[slot] != key and tries < 64:
                    slot = (slot + 1) % _HASH
                    tries += 1
                if seen[slot] == key and known[slot] <= g + 1e-9:
                    continue
                seen[slot], known[slot] = key, g
                if count == nodes:
                    spent = True
                    break
                poses[count], parents[count], costs[count] = out, here, g
                pieces[count, 0], pieces[count, 1] = bends[b], step
                pieces[count, 2:] = side
                slot = size
                size += 1
                while slot > 0 and heap_f[(slot - 1) // 2] > f:
                    heap_f[slot], heap_at[slot] = heap_f[(slot - 1) // 2], heap_at[(slot - 1) // 2]
                    slot = (slot - 1) // 2
                heap_f[slot], heap_at[slot] = f, count
                count += 1
            if spent:
                break
        if spent:
            break
    return poses[:count], parents[:count], pieces[:count], best_at, last, best, spent
