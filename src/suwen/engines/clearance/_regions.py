"""Kernels that join runs into connected regions and say which regions touch; import inside functions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suwen.engines.compiled import compiled

Ints = NDArray[np.int64]


@compiled
def _root(parent: Ints, run: int) -> int:
    """The run that stands for a run's region; the way there is halved each time."""
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@compiled
def _line_beside(line: int, beside: int, columns: int) -> int:
    """An earlier line next to a line, -1 where the volume ends: 0 and 1 share a face with it, 2 and 3 an edge."""
    a, b = line // columns, line % columns
    if beside != 1:
        a -= 1
    if beside in (1, 2):
        b -= 1
    elif beside == 3:
        b += 1
    return a * columns + b if a >= 0 and 0 <= b < columns else -1


@compiled
def join(
    first: Ints, value: Ints, start: Ints, stop: Ints, rows: int, columns: int, corners: bool
) -> tuple[Ints, int]:
    """Region of each run, numbered from 0, and their number.

    Two runs of one value are of one region where voxels of theirs share a face; with ``corners`` an edge or a
    corner is enough.
    """
    parent = np.arange(len(value))
    slack = 1 if corners else 0
    for line in range(rows * columns):
        for beside in range(4 if corners else 2):
            other = _line_beside(line, beside, columns)
            if other < 0:
                continue
            begin, end = first[other], first[other + 1]
            for run in range(first[line], first[line + 1]):
                while begin < end and stop[begin] + slack <= start[run]:
                    begin += 1
                near = begin
                while near < end and start[near] < stop[run] + slack:
                    if value[near] == value[run]:
                        one, two = _root(parent, run), _root(parent, near)
                        parent[max(one, two)] = min(one, two)
                    near += 1
    region = np.empty(len(value), np.int64)
    number = 0
    for run in range(len(value)):
        root = _root(parent, run)  # never a later run, so it has its number
        if root == run:
            region[run] = number
            number += 1
        else:
            region[run] = region[root]
    return region, number


@compiled
def contacts(
    first: Ints, region: Ints, start: Ints, stop: Ints, rows: int, columns: int, corners: bool
) -> tuple[Ints, Ints]:
    """Every pair of touching runs of different regions."""
    slack = 1 if corners else 0
    longest = 0  # between two lines there are at most four times as many pairs
    for line in range(rows * columns):
        longest = max(longest, first[line + 1] - first[line])
    one = np.empty(4 * len(region) + 40 * longest, np.int64)
    two = np.empty_like(one)
    count = 0
    for line in range(rows * columns):
        if count + 20 * longest >= len(one):
            one = np.append(one, np.empty_like(one))
            two = np.append(two, np.empty_like(two))
        for run in range(first[line], first[line + 1] - 1):  # one run of a line touches the next
            one[count], two[count] = run, run + 1
            count += 1
        for beside in range(4 if corners else 2):
            other = _line_beside(line, beside, columns)
            if other < 0:
                continue
            begin, end = first[other], first[other + 1]
            for run in range(first[line], first[line + 1]):
                while begin < end and stop[begin] + slack <= start[run]:
                    begin += 1
                near = begin
                while near < end and start[near] < stop[run] + slack:
                    if region[near] != region[run]:
                        one[count], two[count] = run, near
                        count += 1
                    near += 1
    return one[:count], two[:count]
