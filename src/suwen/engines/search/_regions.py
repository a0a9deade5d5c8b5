"""Which free voxels are connected, by union of runs along k: one pass over the bits of the walls; compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from suwen.engines.compiled import compiled

_FULL = 255


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
def _scan(bits: Any, line: int, by_k: Any, begin: Any, end: Any, at: int) -> int:
    """Write the runs of one line of bits from ``at`` on; return where the next one goes. Its last byte is wall."""
    wall = True
    for byte in range(1, len(by_k)):
        value = bits[line + by_k[byte]]
        if value == (_FULL if wall else 0):
            continue
        for bit in range(8):
            if (value >> bit & 1 != 0) != wall:
                wall = not wall
                if wall:
                    end[at] = 8 * byte + bit - 8
                    at += 1
                else:
                    begin[at] = 8 * byte + bit - 8
    return at


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
def regions(bits: Any, rows: Any, shape: Any, diagonal: bool) -> Any:
    """Runs of free voxels: first run of each line; begin, end and region of each run.

    Parameters
    ----------
    bits, rows
        As :func:`suwen.engines.search._kernel.search` reads them.
    shape
        (I, J, K).
    diagonal
        Whether regions touch by edges and corners too; else by faces alone. With moves that cut no corner the
        two are the same question: all voxels between two diagonal ones are free, so a way over faces exists.
    """
    by_i, by_j, by_k = rows
    across = shape[1]
    lines = shape[0] * across
    first = np.zeros(lines + 1, np.int64)
    begin, end = np.empty(2 * lines, np.int32), np.empty(2 * lines, np.int32)
    most = shape[2] // 2 + 1
    for line in range(lines):
        if first[line] + most > len(begin):
            begin = np.concatenate((begin, np.empty(len(begin) + most, np.int32)))
            end = np.concatenate((end, np.empty(len(end) + most, np.int32)))
        first[line + 1] = _scan(
            bits, by_i[line // across + 1] + by_j[line % across + 1], by_k, begin, end, first[line]
        )
    begin, end = begin[: first[lines]].copy(), end[: first[lines]].copy()
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
    for run in range(len(parent)):
        parent[run] = _root(parent, run)
    return first, begin, end, parent


@compiled
def region_at(runs: Any, voxels: Any, across: int) -> Any:
    """Region of each of some free voxels (n, 3)."""
    first, begin, end, region = runs
    out = np.full(len(voxels), -1, np.int64)
    for n in range(len(voxels)):
        line = voxels[n, 0] * across + voxels[n, 1]
        low, high = first[line], first[line + 1]
        while low < high:
            middle = (low + high) // 2
            if end[middle] <= voxels[n, 2]:
                low = middle + 1
            else:
                high = middle
        if low < first[line + 1] and begin[low] <= voxels[n, 2]:
            out[n] = region[low]
    return out
