"""Whether two places of a grid are connected, by union of runs: one pass, however far apart they are; compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from suwen.engines.compiled import compiled


@compiled
def _root(parent: Any, one: int) -> int:
    while parent[one] != one:
        parent[one] = parent[parent[one]]
        one = parent[one]
    return one


@compiled
def _join(parent: Any, one: int, other: int) -> None:
    a, b = _root(parent, one), _root(parent, other)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@compiled
def _runs(walls: Any, columns: int, lines: int) -> Any:
    """Runs of free voxels: first run of each line, begin and end of each run within its line."""
    first = np.zeros(lines + 1, np.int64)
    total = 0
    for line in range(lines):
        first[line] = total
        offset = line * columns
        before = True
        for k in range(columns):
            wall = walls[offset + k] != 0
            if before and not wall:
                total += 1
            before = wall
    first[lines] = total
    begin, end = np.empty(total, np.int32), np.empty(total, np.int32)
    at = 0
    for line in range(lines):
        offset = line * columns
        before = True
        for k in range(columns):
            wall = walls[offset + k] != 0
            if before and not wall:
                begin[at] = k
            elif wall and not before:
                end[at] = k
                at += 1
            before = wall
        if not before:
            end[at] = columns
            at += 1
    return first, begin, end


@compiled
def _overlap(parent: Any, first: Any, begin: Any, end: Any, line: int, other: int, reach: int) -> None:
    a, b = first[line], first[other]
    while a < first[line + 1] and b < first[other + 1]:
        if begin[a] < end[b] + reach and begin[b] < end[a] + reach:
            _join(parent, a, b)
        if end[a] < end[b]:
            a += 1
        else:
            b += 1


@compiled
def _run_at(first: Any, begin: Any, end: Any, place: int, columns: int) -> int:
    line, k = place // columns, place % columns
    for run in range(first[line], first[line + 1]):
        if begin[run] <= k < end[run]:
            return int(run)
    return -1


@compiled
def connected(
    walls: Any, rows: int, columns: int, diagonal: bool, start: int, target: int, goals: Any
) -> bool:
    """Whether the target, or any goal where ``target`` is negative, is in the same region as the start.

    Parameters
    ----------
    walls
        uint8, flat.
    rows, columns
        Voxels of a plane and of a line.
    diagonal
        Whether regions touch by edges and corners too; else by faces alone. With moves that cut no corner the
        two are the same question: all voxels between two diagonal ones are free, so a way over faces exists.
    start, target
        Places.
    goals
        uint8, flat: not 0 at a goal.
    """
    lines = len(walls) // columns
    across = rows // columns
    first, begin, end = _runs(walls, columns, lines)
    parent = np.arange(len(begin))
    reach = 1 if diagonal else 0
    for line in range(lines):
        j = line % across
        if line >= across:
            _overlap(parent, first, begin, end, line, line - across, reach)
            if diagonal and j > 0:
                _overlap(parent, first, begin, end, line, line - across - 1, reach)
            if diagonal and j < across - 1:
                _overlap(parent, first, begin, end, line, line - across + 1, reach)
        if j > 0:
            _overlap(parent, first, begin, end, line, line - 1, reach)
    home = _root(parent, _run_at(first, begin, end, start, columns))
    if target >= 0:
        return bool(_root(parent, _run_at(first, begin, end, target, columns)) == home)
    for line in range(lines):
        for run in range(first[line], first[line + 1]):
            if _root(parent, run) == home:
                for k in range(begin[run], end[run]):
                    if goals[line * columns + k]:
                        return True
    return False
