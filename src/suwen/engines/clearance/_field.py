"""Kernels for where labels are and how far voxel centres are from voxel boxes; import inside functions only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.engines.compiled import compiled

Squares = NDArray[np.float32]
Ints = NDArray[np.int64]


@compiled
def extents(view: NDArray[Any], keys: Ints) -> tuple[Ints, Ints]:
    """First and last index of each sorted key along each axis, both of shape (keys, 3); first > last where absent."""
    rows, columns, length = view.shape
    first = np.full((len(keys), 3), rows + columns + length)
    last = np.full((len(keys), 3), -1)
    for a in range(rows):
        for b in range(columns):
            before = view[a, b, 0]
            key = -1
            for c in range(length):
                value = view[a, b, c]
                if c == 0 or value != before:
                    before = value
                    key = int(np.searchsorted(keys, np.int64(value)))
                    if key == len(keys) or keys[key] != value:
                        key = -1
                if key >= 0:
                    first[key, 0] = min(first[key, 0], a)
                    first[key, 1] = min(first[key, 1], b)
                    first[key, 2] = min(first[key, 2], c)
                    last[key, 0] = max(last[key, 0], a)
                    last[key, 1] = max(last[key, 1], b)
                    last[key, 2] = max(last[key, 2], c)
    return first, last


@compiled
def _along_line(
    mask: NDArray[np.bool_], spacing: float, reach: float, out: Squares, used: NDArray[np.bool_]
) -> None:
    """Squared distance along the last axis to the nearest box of the line."""
    rows, columns, length = mask.shape
    for a in range(rows):
        for b in range(columns):
            gap = np.inf
            for c in range(length):
                gap = 0.0 if mask[a, b, c] else (0.5 * spacing if gap == 0.0 else gap + spacing)
                out[a, b, c] = gap * gap if gap <= reach else np.inf
                used[a, b] |= mask[a, b, c]
            gap = np.inf
            for c in range(length - 1, -1, -1):
                gap = 0.0 if mask[a, b, c] else (0.5 * spacing if gap == 0.0 else gap + spacing)
                if gap <= reach and gap * gap < out[a, b, c]:
                    out[a, b, c] = gap * gap


@compiled
def _across_lines(
    squares: Squares, used: NDArray[np.bool_], spacing: float, reach: float, axis: int
) -> Squares:
    """Take in the lines beside each line, to as far as the reach, along the first or the second axis."""
    rows, columns, length = squares.shape
    out = squares.copy()
    number = rows if axis == 0 else columns
    steps = min(int(np.floor(reach / spacing + 0.5)), number - 1)
    for a in range(rows):
        for b in range(columns):
            here = a if axis == 0 else b
            line = out[a, b]
            for k in range(-steps, steps + 1):
                if k == 0 or here + k < 0 or here + k >= number:
                    continue
                row, column = (a + k, b) if axis == 0 else (a, b + k)
                if not used[row, column]:
                    continue
                gap = (abs(k) - 0.5) * spacing
                extra = np.float32(gap * gap)
                other = squares[row, column]
                for c in range(length):
                    found = other[c] + extra
                    line[c] = found if found < line[c] else line[c]
    return out


@compiled
def box_distance(mask: NDArray[np.bool_], s0: float, s1: float, s2: float, reach: float) -> Squares:
    """Squared distance in mm² from each voxel's centre to the nearest box of the mask; infinite beyond the reach.

    The squared distance to a box is a sum over the axes of ``(|steps| - 1/2)² spacing²``, or 0 for no step,
    so it is taken one axis after the other.
    """
    rows, columns, _ = mask.shape
    squares = np.empty(mask.shape, np.float32)
    used = np.zeros((rows, columns), np.bool_)
    _along_line(mask, s2, reach, squares, used)
    squares = _across_lines(squares, used, s1, reach, 1)
    for a in range(rows):
        some = False
        for b in range(columns):
            some |= used[a, b]
        for b in range(columns):
            used[a, b] = some
    return _across_lines(squares, used, s0, reach, 0)
