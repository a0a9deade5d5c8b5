"""Kernels for distances to a tree of boxes, exact for points and for segments; import inside functions only.

A tree is one array of boxes ``(lo x, lo y, lo z, hi x, hi y, hi z)``, level by level: the boxes themselves
first, then for every eight the box around them, up to one root. ``first[level]`` says where a level begins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suwen.engines.compiled import compiled

FAN = 8
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@compiled
def point_to_box(x: float, y: float, z: float, box: Floats) -> float:
    """Squared distance from a point to a closed box, zero inside."""
    dx: float = max(box[0] - x, 0.0, x - box[3])
    dy: float = max(box[1] - y, 0.0, y - box[4])
    dz: float = max(box[2] - z, 0.0, z - box[5])
    return dx * dx + dy * dy + dz * dz


@compiled
def _slope(a: Floats, d: Floats, t: float, box: Floats) -> float:
    """Half the derivative of the squared distance from ``a + t d`` to the box."""
    slope = 0.0
    for axis in range(3):
        x = a[axis] + t * d[axis]
        if x < box[axis]:
            slope += (x - box[axis]) * d[axis]
        elif x > box[axis + 3]:
            slope += (x - box[axis + 3]) * d[axis]
    return slope


@compiled
def segment_to_box(a: Floats, d: Floats, box: Floats) -> tuple[float, float]:
    """Squared distance from the segment ``a`` to ``a + d`` to a closed box, and the fraction of it where that is.

    The squared distance along the segment is convex and piecewise quadratic, its pieces ending where the
    segment passes a plane of the box; so its slope is followed from plane to plane until it turns, and its
    zero taken in closed form.
    """
    best = 0.0
    slope = _slope(a, d, 0.0, box)
    if slope < 0.0:
        best = 1.0
        before = 0.0
        while before < 1.0:
            t = 1.0
            for axis in range(3):
                if d[axis] != 0.0:
                    for side in range(2):
                        end = (box[axis + 3 * side] - a[axis]) / d[axis]
                        if before < end < t:
                            t = end
            there = _slope(a, d, t, box)
            if there >= 0.0:
                best = before + (t - before) * slope / (slope - there)
                break
            before = t
            slope = there
    x, y, z = a[0] + best * d[0], a[1] + best * d[1], a[2] + best * d[2]
    return point_to_box(x, y, z, box), best


@compiled
def point_distances(points: Floats, boxes: Floats, first: Ints) -> Floats:
    """Distance from each point to the nearest box, shape (points,).

    Points are best given along a path: the box that was nearest to one bounds the search for the next.
    """
    out = np.empty(len(points))
    levels = len(first) - 1
    levels_of = np.empty(FAN * levels + 1, np.int64)
    nodes = np.empty(FAN * levels + 1, np.int64)
    bounds = np.empty(FAN * levels + 1)
    nearest = 0
    for number in range(len(points)):
        x, y, z = points[number, 0], points[number, 1], points[number, 2]
        best = point_to_box(x, y, z, boxes[nearest])
        levels_of[0], nodes[0], bounds[0] = levels - 1, 0, 0.0
        depth = 1
        while depth > 0:
            depth -= 1
            level, node = levels_of[depth] - 1, nodes[depth]
            if bounds[depth] >= best:
                continue
            if level < 0:  # one box is the whole tree
                best = point_to_box(x, y, z, boxes[node])
                continue
            floor = depth
            end = min(FAN * node + FAN, first[level + 1] - first[level])
            for child in range(FAN * node, end):
                bound = point_to_box(x, y, z, boxes[first[level] + child])
                if bound >= best:
                    continue
                if level == 0:
                    best = bound
                    nearest = child
                    continue
                place = depth  # the nearest on top
                while place > floor and bounds[place - 1] < bound:
                    levels_of[place], nodes[place] = levels_of[place - 1], nodes[place - 1]
                    bounds[place] = bounds[place - 1]
                    place -= 1
                levels_of[place], nodes[place], bounds[place] = level, child, bound
                depth += 1
        out[number] = np.sqrt(best)
    return out


@compiled
def segment_minimum(
    begin: Floats, along: Floats, boxes: Floats, first: Ints, limit: float
) -> tuple[float, float]:
    """Distance from a segment to the nearest box if it is below ``limit``, and the fraction of it where that is.

    Returns ``limit`` and -1 where no box is nearer.
    """
    levels = len(first) - 1
    levels_of = np.empty(FAN * levels + 1, np.int64)
    nodes = np.empty(FAN * levels + 1, np.int64)
    bounds = np.empty(FAN * levels + 1)
    best = limit * limit
    where = -1.0
    levels_of[0], nodes[0] = levels - 1, 0
    bounds[0], where_root = segment_to_box(begin, along, boxes[first[levels - 1]])
    if levels == 1:
        return (np.sqrt(bounds[0]), where_root) if bounds[0] < best else (limit, -1.0)
    depth = 1
    while depth > 0:
        depth -= 1
        level, node = levels_of[depth] - 1, nodes[depth]
        if bounds[depth] >= best:
            continue
        floor = depth
        end = min(FAN * node + FAN, first[level + 1] - first[level])
        for child in range(FAN * node, end):
            bound, fraction = segment_to_box(begin, along, boxes[first[level] + child])
            if bound >= best:
                continue
            if level == 0:
                best = bound
                where = fraction
                continue
            place = depth
            while place > floor and bounds[place - 1] < bound:
                levels_of[place], nodes[place] = levels_of[place - 1], nodes[place - 1]
                bounds[place] = bounds[place - 1]
                place -= 1
            levels_of[place], nodes[place], bounds[place] = level, child, bound
            depth += 1
    return (np.sqrt(best), where) if where >= 0.0 else (limit, -1.0)


@compiled
def polyline_minimum(vertices: Floats, boxes: Floats, first: Ints, limit: float) -> tuple[float, int, float]:
    """The least distance of a whole polyline below ``limit``: how far, on which segment, at which fraction of it.

    The segment is -1 where nothing is nearer than ``limit``.
    """
    best, segment, fraction = limit, -1, -1.0
    for number in range(len(vertices) - 1):
        distance, where = segment_minimum(
            vertices[number], vertices[number + 1] - vertices[number], boxes, first, best
        )
        if where >= 0.0:
            best, segment, fraction = distance, number, where
    return best, segment, fraction


@compiled
def segment_minima(begins: Floats, ends: Floats, boxes: Floats, first: Ints) -> Floats:
    """Distance from each of many segments to its nearest box, shape (segments,)."""
    out = np.empty(len(begins))
    for number in range(len(begins)):
        middle = 0.5 * (begins[number] + ends[number])
        limit = np.sqrt(point_to_box(middle[0], middle[1], middle[2], boxes[first[len(first) - 2]]))
        root = boxes[first[len(first) - 2]]
        for axis in range(3):  # no box is farther than the far corner of the box around them all
            limit += root[axis + 3] - root[axis]
        out[number], _ = segment_minimum(
            begins[number], ends[number] - begins[number], boxes, first, limit + 1.0
        )
    return out
