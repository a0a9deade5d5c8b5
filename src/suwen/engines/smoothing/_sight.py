"""Lines of sight through voxel boxes, with the exact integral of the cost along them; compiled."""

from __future__ import annotations

from math import floor, inf, sqrt
from typing import Any

import numpy as np

from suwen.engines.compiled import compiled

_TIE = 1e-9


@compiled
def integral(  # noqa: PLR0912  (one walk over boxes)
    walls: Any, cost: Any, uniform: bool, a: Any, b: Any, spacing: Any
) -> float:
    """Cost of the straight line from ``a`` to ``b``; infinite where it touches a wall's box or leaves the grid.

    Box by box (Amanatides and Woo 1987). Where the line passes an edge or a corner, every box that meets there
    is touched and must be free: no corner is cut.

    Parameters
    ----------
    walls, cost
        (I, J, K): not 0 for a wall; cost per mm, read unless ``uniform``.
    a, b
        (3,), indices; they may be fractions.
    spacing
        (3,), mm.
    """
    here = np.empty(3, np.int64)
    last = np.empty(3, np.int64)
    step = np.empty(3, np.int64)
    due = np.empty(3)
    every = np.empty(3)
    length = 0.0
    for axis in range(3):
        here[axis] = floor(a[axis] + 0.5)
        last[axis] = floor(b[axis] + 0.5)
        way = b[axis] - a[axis]
        length += (way * spacing[axis]) ** 2
        if way > 0:
            step[axis], every[axis], due[axis] = 1, 1 / way, (here[axis] + 0.5 - a[axis]) / way
        elif way < 0:
            step[axis], every[axis], due[axis] = -1, -1 / way, (here[axis] - 0.5 - a[axis]) / way
        else:
            step[axis], every[axis], due[axis] = 0, inf, inf
    length = sqrt(length)
    total, t = 0.0, 0.0
    while True:
        for axis in range(3):
            if here[axis] < 0 or here[axis] >= walls.shape[axis]:
                return inf
        if walls[here[0], here[1], here[2]] != 0:
            return inf
        nearest = min(due[0], due[1], due[2])
        until = min(nearest, 1.0)
        total += (until - t) * length * (1.0 if uniform else cost[here[0], here[1], here[2]])
        t = until
        if nearest >= 1.0 - _TIE or (here[0] == last[0] and here[1] == last[1] and here[2] == last[2]):
            rest = (1.0 - t) * length * (1.0 if uniform else cost[here[0], here[1], here[2]])
            return float(total + rest)
        tied = 0
        for axis in range(3):
            if due[axis] - nearest <= _TIE:
                tied |= 1 << axis
        if tied & (tied - 1):
            for part in range(1, 7):
                if part & tied != part or part == tied:
                    continue
                i = here[0] + (step[0] if part & 1 else 0)
                j = here[1] + (step[1] if part & 2 else 0)
                k = here[2] + (step[2] if part & 4 else 0)
                inside = 0 <= i < walls.shape[0] and 0 <= j < walls.shape[1] and 0 <= k < walls.shape[2]
                if not inside or walls[i, j, k] != 0:
                    return inf
        for axis in range(3):
            if tied >> axis & 1:
                here[axis] += step[axis]
                due[axis] += every[axis]


@compiled
def best_subsequence(walls: Any, cost: Any, uniform: bool, vertices: Any, spacing: Any, reach: int) -> Any:
    """The cheapest way over some of the vertices, the first and the last among them.

    Dynamic programming over all pairs at most ``reach`` apart; neighbours are joined whatever the walls say, for
    the given path goes there.

    Returns
    -------
    tuple
        Indices of the vertices kept, and the cost.
    """
    n = len(vertices)
    best, before = np.full(n, inf), np.zeros(n, np.int64)
    best[0] = 0.0
    for j in range(1, n):
        for i in range(max(0, j - reach), j):
            if best[i] >= best[j]:
                continue
            way = integral(walls, cost, uniform, vertices[i], vertices[j], spacing)
            if way == inf and i == j - 1:
                way = _edge(cost, uniform, vertices[i], vertices[j], spacing)
            if best[i] + way < best[j] - 1e-12:
                best[j], before[j] = best[i] + way, i
    kept = np.empty(n, np.int64)
    count, at = 0, n - 1
    while at != 0:
        kept[count] = at
        count += 1
        at = before[at]
    kept[count] = 0
    return kept[: count + 1][::-1].copy(), best[n - 1]


@compiled
def _edge(cost: Any, uniform: bool, a: Any, b: Any, spacing: Any) -> float:
    total = 0.0
    for axis in range(3):
        total += ((b[axis] - a[axis]) * spacing[axis]) ** 2
    if uniform:
        return sqrt(total)
    i, j = np.empty(3, np.int64), np.empty(3, np.int64)
    for axis in range(3):
        i[axis], j[axis] = floor(a[axis] + 0.5), floor(b[axis] + 0.5)
    return float(sqrt(total) * 0.5 * (cost[i[0], i[1], i[2]] + cost[j[0], j[1], j[2]]))
