"""Kernels for many straight lines: the first box of a mask that each one meets, and how far apart they are.

Import inside functions only.
"""

from __future__ import annotations

from math import floor, inf, sqrt
from typing import Any

import numpy as np

from suwen.engines.compiled import compiled

_TIE = 1e-9


@compiled
def first_hits(mask: Any, begins: Any, ends: Any) -> Any:
    """The first voxel of a mask whose box each line touches, -1 where it meets none.

    Box by box (Amanatides and Woo 1987), so that nothing is stepped over. Where a line passes an edge or a
    corner, every box that meets there is touched; one that runs within the face of two boxes is in the upper.

    Parameters
    ----------
    mask
        (I, J, K), not 0 where it holds.
    begins, ends
        (n, 3), indices; they may be fractions. What lies outside the array is not in the mask.

    Returns
    -------
    ndarray
        (n, 3).
    """
    out = np.full((len(begins), 3), -1, np.int64)
    here = np.empty(3, np.int64)
    step = np.empty(3, np.int64)
    due = np.empty(3)
    every = np.empty(3)
    for line in range(len(begins)):
        steps = 1
        for axis in range(3):
            a, b = begins[line, axis], ends[line, axis]
            here[axis] = floor(a + 0.5)
            steps += abs(floor(b + 0.5) - here[axis]) + 1
            way = b - a
            if way > 0:
                step[axis], every[axis], due[axis] = 1, 1 / way, (here[axis] + 0.5 - a) / way
            elif way < 0:
                step[axis], every[axis], due[axis] = -1, -1 / way, (here[axis] - 0.5 - a) / way
            else:
                step[axis], every[axis], due[axis] = 0, inf, inf
        tied = 0
        for _ in range(steps):
            found = False
            for part in range(8):  # the box itself, then those whose edge or corner was passed on the way
                if part & tied != part or (part == tied and tied != 0):
                    continue
                i = here[0] - (step[0] if part & 1 else 0)
                j = here[1] - (step[1] if part & 2 else 0)
                k = here[2] - (step[2] if part & 4 else 0)
                inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1] and 0 <= k < mask.shape[2]
                if inside and mask[i, j, k] != 0:
                    out[line, 0], out[line, 1], out[line, 2] = i, j, k
                    found = True
                    break
            nearest = min(due[0], due[1], due[2])
            if found or nearest > 1.0 + _TIE:
                break
            tied = 0
            for axis in range(3):
                if due[axis] - nearest <= _TIE:
                    tied |= 1 << axis
                    here[axis] += step[axis]
                    due[axis] += every[axis]
    return out


@compiled
def _point_to_segment(p: Any, a: Any, b: Any) -> float:
    along, length = 0.0, 0.0
    for axis in range(3):
        along += (p[axis] - a[axis]) * (b[axis] - a[axis])
        length += (b[axis] - a[axis]) ** 2
    share = min(max(along / length, 0.0), 1.0) if length > 0 else 0.0
    square = 0.0
    for axis in range(3):
        square += (p[axis] - a[axis] - share * (b[axis] - a[axis])) ** 2
    return square


@compiled
def segment_to_segment(a: Any, b: Any, c: Any, d: Any) -> float:
    """Least distance between segments ab and cd, in closed form.

    It is that of the lines' nearest points where both lie inside, else that of an end to the other segment
    (Ericson 2005, Real-Time Collision Detection, 5.1.9). Where the lines are all but parallel an end is as near
    as any point, so that their small determinant does no harm.
    """
    best = min(
        _point_to_segment(a, c, d),
        _point_to_segment(b, c, d),
        _point_to_segment(c, a, b),
        _point_to_segment(d, a, b),
    )
    uu = vv = uv = uw = vw = 0.0
    for axis in range(3):
        u, v, w = b[axis] - a[axis], d[axis] - c[axis], a[axis] - c[axis]
        uu += u * u
        vv += v * v
        uv += u * v
        uw += u * w
        vw += v * w
    across = uu * vv - uv * uv
    if across > 1e-12 * uu * vv:
        s, t = (uv * vw - vv * uw) / across, (uu * vw - uv * uw) / across
        if 0 <= s <= 1 and 0 <= t <= 1:
            square = 0.0
            for axis in range(3):
                apart = a[axis] - c[axis] + s * (b[axis] - a[axis]) - t * (d[axis] - c[axis])
                square += apart * apart
            best = min(best, square)
    return sqrt(best)


@compiled
def apart(begins: Any, ends: Any, others: Any, other_ends: Any, least: float) -> Any:
    """Whether each segment of one set keeps ``least`` from each of another, (n, m)."""
    out = np.empty((len(begins), len(others)), np.bool_)
    for row in range(len(begins)):
        for column in range(len(others)):
            distance = segment_to_segment(begins[row], ends[row], others[column], other_ends[column])
            out[row, column] = distance >= least
    return out


@compiled
def distances(begins: Any, ends: Any, others: Any, other_ends: Any) -> Any:
    """Distance of each segment of one set to the segment of another in the same place, (n,)."""
    out = np.empty(len(begins))
    for row in range(len(begins)):
        out[row] = segment_to_segment(begins[row], ends[row], others[row], other_ends[row])
    return out
