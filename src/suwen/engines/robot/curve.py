"""A smooth curve along a polyline: corners rounded within a stated tolerance, or kept and stopped at.

The curve is the uniform B-spline of degree 5 whose control points lie on the polyline. It stays in their convex hull,
passes through both ends, and four derivatives are continuous, which is what limited jerk asks for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suwen.engines.robot.arm import Floats

DEGREE = 5
STOP_DEG = 30.0
"""A sharper corner is not rounded: the tip stops in it."""
CUT = 56 / 120
"""How much of ``spacing * sin(turn / 2)`` the spline cuts off a corner: its weights 1, 26, 66, 26, 1 over 120."""
SPACING_MM = 2.0
"""Control points are no further apart."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A curve that can be asked by arc length.

    Attributes
    ----------
    control_mm
        Array (n, 3): control points, two beyond either end.
    grid
        Array (m,): parameters at which :attr:`arc_mm` is known.
    arc_mm
        Array (m,): arc length there.
    """

    control_mm: Floats
    grid: Floats
    arc_mm: Floats

    @property
    def length_mm(self) -> float:
        """Arc length of the whole."""
        return float(self.arc_mm[-1])

    def at(self, s_mm: Floats) -> Floats:
        """Points (k, 3) at arc lengths (k,)."""
        return _value(self.control_mm, self._parameter(s_mm), 0)

    def tangent(self, s_mm: Floats) -> Floats:
        """Unit tangents (k, 3)."""
        slope = _value(self.control_mm, self._parameter(s_mm), 1)
        return np.asarray(slope / np.linalg.norm(slope, axis=1, keepdims=True))

    def curvature(self, s_mm: Floats) -> Floats:
        """Curvature (k,), 1/mm."""
        u = self._parameter(s_mm)
        one, two = _value(self.control_mm, u, 1), _value(self.control_mm, u, 2)
        return np.asarray(np.linalg.norm(np.cross(one, two), axis=1) / np.linalg.norm(one, axis=1) ** 3)

    def _parameter(self, s_mm: Floats) -> Floats:
        """Parameter at arc lengths: a first guess from the table, then Newton's method on Gauss's quadrature."""
        s = np.clip(s_mm, 0, self.length_mm)
        cell = np.clip(np.searchsorted(self.arc_mm, s, side="right") - 1, 0, len(self.grid) - 2)
        low, u = self.grid[cell], np.interp(s, self.arc_mm, self.grid)
        for _ in range(6):
            missing = s - self.arc_mm[cell] - _arc(self.control_mm, low, u)
            speed = np.linalg.norm(_value(self.control_mm, u, 1), axis=1)
            u = np.clip(u + missing / speed, 0, self.grid[-1])
        return np.asarray(u)


def smooth(points_mm: Floats, tolerance_mm: float) -> tuple[Curve, float]:
    """The curve along a polyline without a corner to stop at, and how far it leaves the polyline.

    Parameters
    ----------
    points_mm
        Array (n, 3), neighbours apart.
    tolerance_mm
        Corners are cut by no more than this.

    Returns
    -------
    tuple of (Curve, float)
        The second is measured, mm.
    """
    edges = np.diff(points_mm, axis=0)
    lengths = np.linalg.norm(edges, axis=1)
    corner = np.concatenate([[0.0], np.sin(turns_rad(points_mm) / 2), [0.0]])
    widest = np.minimum(SPACING_MM, 0.9 * tolerance_mm / (CUT * np.maximum(corner, 1e-9)))
    parts = [
        np.linspace(points_mm[at], points_mm[at + 1], _pieces(length, widest[at : at + 2]), endpoint=False)
        for at, length in enumerate(lengths)
    ]
    inner = np.concatenate([*parts, points_mm[-1:]])
    if len(inner) < 4:
        inner = np.linspace(points_mm[0], points_mm[-1], 5)
    before, after = 2 * inner[0] - inner[[2, 1]], 2 * inner[-1] - inner[[-2, -3]]
    control = np.concatenate([before, inner, after])
    grid = np.linspace(0, len(inner) - 1, 4 * (len(inner) - 1) + 1)
    arc = np.concatenate([[0.0], np.cumsum(_arc(control, grid[:-1], grid[1:]))])
    made = Curve(control_mm=control, grid=grid, arc_mm=arc)
    return made, float(_beside(_value(control, grid, 0), grid, inner).max())


def turns_rad(points_mm: Floats) -> Floats:
    """Angle (n - 2,) by which a polyline turns at each inner vertex."""
    edges = np.diff(points_mm, axis=0)
    edges = edges / np.linalg.norm(edges, axis=1, keepdims=True)
    along = np.sum(edges[:-1] * edges[1:], axis=1)
    return np.asarray(np.arctan2(np.linalg.norm(np.cross(edges[:-1], edges[1:]), axis=1), along))


def to_polyline(points_mm: Floats, polyline_mm: Floats) -> tuple[Floats, Floats]:
    """Distance (k,) from points to a polyline, and the arc length (k,) along it where it is nearest, mm."""
    starts, edges = polyline_mm[:-1], np.diff(polyline_mm, axis=0)
    squared = np.maximum(np.sum(edges**2, axis=1), 1e-30)
    before = np.concatenate([[0.0], np.cumsum(np.sqrt(squared))])[:-1]
    gap, place = np.empty(len(points_mm)), np.empty(len(points_mm))
    rows = max(1, 2_000_000 // len(starts))
    for at in range(0, len(points_mm), rows):
        off = points_mm[at : at + rows, None] - starts
        share = np.clip(np.einsum("kni,ni->kn", off, edges) / squared, 0, 1)
        far = np.linalg.norm(off - share[..., None] * edges, axis=-1)
        best = far.argmin(axis=1)
        row = np.arange(len(best))
        gap[at : at + rows] = far[row, best]
        place[at : at + rows] = before[best] + share[row, best] * np.sqrt(squared[best])
    return gap, place


def _beside(points_mm: Floats, grid: Floats, inner_mm: Floats) -> Floats:
    """Distance (m,) of the curve to the polyline of its control points, by the six edges next to each parameter."""
    best = np.full(len(points_mm), np.inf)
    for shift in range(-3, 3):
        start = np.clip(np.floor(grid).astype(int) + shift, 0, len(inner_mm) - 2)
        edge, off = inner_mm[start + 1] - inner_mm[start], points_mm - inner_mm[start]
        share = np.clip(np.sum(off * edge, axis=1) / np.sum(edge**2, axis=1), 0, 1)
        best = np.minimum(best, np.linalg.norm(off - share[:, None] * edge, axis=1))
    return best


def _pieces(length_mm: float, widest_mm: Floats) -> int:
    return max(1, int(np.ceil(length_mm / float(widest_mm.min()))))


def _value(control_mm: Floats, u: Floats, derivative: int) -> Floats:
    """The uniform B-spline at parameters; parameter 0 is at the third control point."""
    from scipy.interpolate import BSpline

    knots = np.arange(len(control_mm) + DEGREE + 1) - (DEGREE + 1) / 2 - 2
    return np.asarray(BSpline(knots, control_mm, DEGREE)(u, nu=derivative))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


def _arc(control_mm: Floats, low: Floats, high: Floats) -> Floats:
    """Arc length between parameters, arrays of one shape, by Gauss's quadrature with eight nodes."""
    half = (high - low) / 2
    u = low[:, None] + half[:, None] * (1 + _NODES)
    speed = np.linalg.norm(_value(control_mm, u.ravel(), 1), axis=1).reshape(u.shape)
    return np.asarray(half * (speed @ _WEIGHTS))
