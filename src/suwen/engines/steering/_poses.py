"""Best-first search over poses that straight pieces and arcs join; compiled."""

from __future__ import annotations

from math import floor, inf, sqrt
from typing import Any

import numpy as np

from suwen.engines.compiled import compiled
from suwen.engines.steering._arcs import along, end, last, shortest, square_to

_SLOTS = 1 << 21
"""Of the table of cells: several times the poses there may be."""


@compiled
def _away(pose: Any, target: Any) -> float:
    total = 0.0
    for at in range(3):
        total += (target[at] - pose[at]) ** 2
    return sqrt(total)


@compiled
def _cell(pose: Any, cell: Any) -> int:
    """Poses of one cell count as the same: a number of 63 bits for place and tangent in steps of ``cell``."""
    key = 1469598103934665603  # FNV-1a
    for at in range(6):
        key = (key ^ (floor(pose[at] / cell[at // 3]) + 65536)) * 1099511628211
        key ^= key >> 29
    return int(key & 0x7FFFFFFFFFFFFFFF) | 1


@compiled
def _push(heap_f: Any, heap_at: Any, size: int, f: float, item: int) -> None:
    slot = size
    while slot > 0 and heap_f[(slot - 1) // 2] > f:
        heap_f[slot], heap_at[slot] = heap_f[(slot - 1) // 2], heap_at[(slot - 1) // 2]
        slot = (slot - 1) // 2
    heap_f[slot], heap_at[slot] = f, item


@compiled
def _pop(heap_f: Any, heap_at: Any, size: int) -> None:
    """Take the first of ``size`` entries out."""
    value, item = heap_f[size - 1], heap_at[size - 1]
    slot = 0
    while True:
        child = 2 * slot + 1
        if child >= size - 1:
            break
        if child + 1 < size - 1 and heap_f[child + 1] < heap_f[child]:
            child += 1
        if heap_f[child] >= value:
            break
        heap_f[slot], heap_at[slot] = heap_f[child], heap_at[child]
        slot = child
    heap_f[slot], heap_at[slot] = value, item


@compiled
def search(  # noqa: PLR0912, PLR0915  (one loop over a heap)
    walls: Any,
    cost: Any,
    uniform: bool,
    spacing: Any,
    starts: Any,
    target: Any,
    tolerance: float,
    most: float,
    bends: Any,
    angles: Any,
    step: float,
    cell: Any,
    least: float,
    longest: float,
    nodes: int,
) -> Any:
    """Grow pieces from the starts until no cheaper way to the target is left, or ``nodes`` poses are used.

    Parameters
    ----------
    walls, cost
        (I, J, K): not 0 for a wall; cost per mm, read unless ``uniform``.
    spacing
        (3,), mm.
    starts
        (n, 6), poses.
    target, tolerance
        (3,), grid mm; a pose this near to it ends the path, where no arc hits it.
    most
        Largest curvature, 1/mm.
    bends, angles, step
        Curvatures, bevel planes (rad) and length (mm) of a piece.
    cell
        (2,): sides of a cell of poses, in mm and in parts of a unit tangent.
    least
        Least cost per mm: it, times the length of the shortest curve, never overestimates what is left.
    longest
        Length that a path may have, mm.
    nodes
        Poses at most.

    Returns
    -------
    tuple
        Poses (m, 6), parents (m,), pieces (m, 5) (curvature, length, side) that led to each; the pose from which the
        last arc leaves, -1 for none, that arc (5,), the whole cost, and whether poses ran out.
    """
    poses, parents = np.empty((nodes, 6)), np.full(nodes, -1, np.int64)
    pieces, slots = np.zeros((nodes, 5)), np.full(nodes, -1, np.int64)
    costs, lengths = np.empty(nodes), np.empty(nodes)
    heap_f, heap_at = np.empty(nodes + 1), np.empty(nodes + 1, np.int64)
    seen, owner = np.zeros(_SLOTS, np.int64), np.zeros(_SLOTS, np.int64)
    count, size = 0, 0
    best, best_at, closing = inf, -1, np.zeros(5)
    side, pose, out = np.zeros(3), np.empty(6), np.empty(6)
    spent = False
    for n in range(len(starts)):
        left = shortest(starts[n], target, most)
        if left > longest:
            continue
        poses[count], costs[count], lengths[count] = starts[n], 0.0, 0.0
        _push(heap_f, heap_at, size, least * left, count)
        size += 1
        count += 1
    while size > 0 and not spent:
        if heap_f[0] >= best:
            break
        here = heap_at[0]
        _pop(heap_f, heap_at, size)
        size -= 1
        if slots[here] >= 0 and owner[slots[here]] != here:
            continue  # a cheaper pose of this cell has come since
        pose[:] = poses[here]
        bend, length = last(pose, target, most, side)
        if 0.0 < length <= longest - lengths[here]:
            whole = costs[here] + along(walls, cost, uniform, spacing, pose, side, bend, length)
            if whole < best:
                best, best_at = whole, here
                closing[0], closing[1] = bend, length
                closing[2:] = side
        elif length == 0.0 and parents[here] >= 0 and costs[here] < best and _away(pose, target) <= tolerance:
            best, best_at = costs[here], here
            closing[:] = 0.0
        for b in range(len(bends)):
            for a in range(1 if bends[b] == 0.0 else len(angles)):
                square_to(pose[3:], angles[a], side)
                end(pose, side, bends[b], step, out)
                left = shortest(out, target, most)
                g = costs[here] + least * step
                if lengths[here] + step + left > longest or g + least * left >= best:
                    continue
                key = _cell(out, cell)
                slot = key % _SLOTS
                while seen[slot] != 0 and seen[slot] != key:
                    slot = (slot + 1) % _SLOTS
                if seen[slot] == key and costs[owner[slot]] <= g:
                    continue
                g = costs[here] + along(walls, cost, uniform, spacing, pose, side, bends[b], step)
                f = g + least * left
                if g == inf or f >= best or (seen[slot] == key and costs[owner[slot]] <= g):
                    continue
                if count == nodes:
                    spent = True
                    break
                seen[slot], owner[slot], slots[count] = key, count, slot
                poses[count], parents[count] = out, here
                costs[count], lengths[count] = g, lengths[here] + step
                pieces[count, 0], pieces[count, 1] = bends[b], step
                pieces[count, 2:] = side
                _push(heap_f, heap_at, size, f, count)
                size += 1
                count += 1
            if spent:
                break
    return poses[:count], parents[:count], pieces[:count], best_at, closing, best, spent
