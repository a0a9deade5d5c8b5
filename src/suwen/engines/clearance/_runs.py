"""Kernels that cut a volume into runs of equal values; import inside functions only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.engines.compiled import compiled


@compiled
def count(view: NDArray[Any]) -> NDArray[np.int64]:
    """Where each line's runs begin, shape (lines + 1,); the last is the number of runs."""
    rows, columns, length = view.shape
    first = np.zeros(rows * columns + 1, np.int64)
    for a in range(rows):
        for b in range(columns):
            number = 1
            before = view[a, b, 0]
            for c in range(1, length):
                value = view[a, b, c]
                if value != before:
                    number += 1
                    before = value
            line = a * columns + b
            first[line + 1] = first[line] + number
    return first


@compiled
def fill(
    view: NDArray[Any], first: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Value, first voxel and end of every run, as they were counted."""
    rows, columns, length = view.shape
    total = first[rows * columns]
    value = np.empty(total, np.int64)
    start = np.empty(total, np.int64)
    stop = np.empty(total, np.int64)
    at = 0
    for a in range(rows):
        for b in range(columns):
            before = view[a, b, 0]
            value[at] = before
            start[at] = 0
            for c in range(1, length):
                now = view[a, b, c]
                if now != before:
                    stop[at] = c
                    at += 1
                    value[at] = now
                    start[at] = c
                    before = now
            stop[at] = length
            at += 1
    return value, start, stop
