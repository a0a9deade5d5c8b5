"""Measures of straight trajectories that are slow and share no code with the engine."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest


def _clearance(a: Any, b: Any, labels: Any, spacing: Any, label: int) -> float:
    """Distance of the segment ab to the nearest of all boxes of a label, from every place where it could be least.

    Along the segment the squared distance to a box is a parabola between the planes of the box's faces, so that
    its minimum is at an end, at such a plane, or at the bottom of one of the parabolas.
    """
    centres = np.argwhere(labels == label) * spacing
    low, high = centres - spacing / 2, centres + spacing / 2
    way = b - a
    planes = np.full((len(centres), 8), 0.0)
    planes[:, 7] = 1.0
    for axis in range(3):
        if way[axis]:
            planes[:, 2 * axis + 1] = np.clip((low[:, axis] - a[axis]) / way[axis], 0, 1)
            planes[:, 2 * axis + 2] = np.clip((high[:, axis] - a[axis]) / way[axis], 0, 1)
    planes.sort(axis=1)
    places = [planes]
    for piece in range(7):
        begin, end = planes[:, piece], planes[:, piece + 1]
        middle = a + ((begin + end) / 2)[:, None] * way
        below, above = middle < low, middle > high
        face = np.where(below, low, np.where(above, high, 0.0))
        outside = below | above
        square = (outside * way**2).sum(1)
        bottom = np.where(
            square > 0, (outside * (face - a) * way).sum(1) / np.where(square > 0, square, 1), begin
        )
        places.append(np.clip(bottom, begin, end)[:, None])
    points = a + np.hstack(places)[..., None] * way
    gap = np.maximum(np.maximum(low[:, None] - points, points - high[:, None]), 0)
    return float(np.sqrt((gap**2).sum(-1)).min())


def _risk(a: Any, b: Any, closed: Any, risk: Any, spacing: Any) -> float:
    """Mean of the risk over the pieces between the planes that are passed; infinite where a closed box is touched."""
    begin, way = a / spacing, (b - a) / spacing
    cuts = [0.0, 1.0]
    for axis in range(3):
        first, last = sorted((begin[axis], begin[axis] + way[axis]))
        cuts += [(plane - begin[axis]) / way[axis] for plane in np.arange(np.ceil(first - 0.5) + 0.5, last)]
    cuts = np.unique(cuts)
    for cut in cuts[1:-1]:
        at = begin + cut * way + 0.5
        sides = [{int(np.floor(x - 1e-9)), int(np.floor(x + 1e-9))} for x in at]
        if any(closed[voxel] for voxel in product(*sides)):
            return float("inf")
    total = 0.0
    for one, two in pairwise(cuts):
        voxel = tuple(np.floor(begin + (one + two) / 2 * way + 0.5).astype(int))
        if closed[voxel]:
            return float("inf")
        total += (two - one) * float(risk[voxel])
    return total


@pytest.fixture(scope="session")
def exact_clearance() -> Callable[..., float]:
    """See :func:`_clearance`."""
    return _clearance


@pytest.fixture(scope="session")
def exact_risk() -> Callable[..., float]:
    """See :func:`_risk`."""
    return _risk
