"""A structure as a tree of boxes that distances are measured to, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.engines.clearance.grid import Floats, Ints

FAN = 8  # the kernels' own: boxes under one node
_BITS = 10


@dataclass(frozen=True, kw_only=True)
class BoxTree:
    """Boxes level by level, as ``_boxes`` reads them.

    Attributes
    ----------
    boxes
        Lower then upper corner in grid mm, shape (boxes of all levels, 6).
    first
        Where each level begins, and the end, shape (levels + 1,).
    """

    boxes: Floats
    first: Ints

    def to_points(self, points_mm: Floats) -> Floats:
        """Distance in mm from each point (n, 3) to the nearest box, zero inside one, shape (n,)."""
        from suwen.engines.clearance import _boxes

        return _boxes.point_distances(points_mm, self.boxes, self.first)

    def to_polyline(self, vertices_mm: Floats, limit_mm: float) -> tuple[float, int, float]:
        """The least distance below ``limit_mm`` of a whole polyline, its segment (-1: none) and the fraction of it."""
        from suwen.engines.clearance import _boxes

        return _boxes.polyline_minimum(vertices_mm, self.boxes, self.first, limit_mm)

    def to_segments(self, begins_mm: Floats, ends_mm: Floats) -> Floats:
        """Distance in mm from each of many segments to the nearest box, shape (n,)."""
        from suwen.engines.clearance import _boxes

        return _boxes.segment_minima(begins_mm, ends_mm, self.boxes, self.first)


def tree_of(low: Floats, high: Floats) -> BoxTree:
    """Arrange boxes so that neighbours share a node: sorted along a Morton curve, eight to a node.

    Parameters
    ----------
    low, high
        Corners in mm, shape (n, 3), at least one box.
    """
    centre = 0.5 * (low + high)
    extent = np.maximum(np.ptp(centre, axis=0), 1e-12).max()
    cell = ((centre - centre.min(axis=0)) / extent * (2**_BITS - 1)).astype(np.int64)
    code = np.zeros(len(cell), np.int64)
    for bit in range(_BITS):
        for axis in range(3):
            code |= ((cell[:, axis] >> bit) & 1) << (3 * bit + axis)
    order = np.argsort(code, kind="stable")
    levels = [np.hstack([low[order], high[order]])]
    while len(levels[-1]) > 1:
        begins = np.arange(0, len(levels[-1]), FAN)
        around = [
            np.minimum.reduceat(levels[-1][:, :3], begins, axis=0),
            np.maximum.reduceat(levels[-1][:, 3:], begins, axis=0),
        ]
        levels.append(np.hstack(around))
    first = np.concatenate([[0], np.cumsum([len(level) for level in levels])]).astype(np.int64)
    return BoxTree(boxes=np.ascontiguousarray(np.vstack(levels)), first=first)
