"""What the tip and the shaft are to do: a path that was checked, cut into legs that begin and end at rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from suwen.core.errors import BadInput, Refused, UnknownSetting, nearest
from suwen.engines.robot.arm import Floats, Tool, within
from suwen.engines.robot.curve import STOP_DEG, Curve, smooth, to_polyline, turns_rad

SHAFTS = ("needle", "pivoting", "steerable")
SHORTEST_MM, LONGEST_MM = 1.0, 1000.0
"""A path outside this range is taken for one in other units."""
HOLDER_CLEARANCE_MM = 10.0
"""The holder stays this far outside the entry."""


@dataclass(frozen=True, kw_only=True)
class Leg:
    """A part of the motion from rest to rest.

    Attributes
    ----------
    inside
        Whether the tip is in the patient.
    curve
        Of the tip, mm, in LPS.
    axis_lps
        Shaft directions (n, 3) at tip positions (n, 3).
    """

    inside: bool
    curve: Curve
    axis_lps: Callable[[Floats], Floats]


@dataclass(frozen=True, kw_only=True)
class Route:
    """A checked path.

    Attributes
    ----------
    legs
        In order; they join.
    entry_lps_mm, direction_lps
        Where the shaft passes, and its direction there.
    depth_mm
        Length of the path inside the patient.
    reach_mm
        Greatest distance of the tip from the entry.
    corner_mm
        How far rounded corners leave the polyline that was asked for, at most.
    shaft
        ``needle``, ``pivoting`` or ``steerable``.
    tip_means
        Whose tip is measured: a steerable instrument's bending is not simulated, so it is the drive's, straight on.
    """

    legs: tuple[Leg, ...]
    entry_lps_mm: Floats
    direction_lps: Floats
    depth_mm: float
    reach_mm: float
    corner_mm: float
    shaft: str
    tip_means: str

    def document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "shaft": self.shaft,
            "entry_lps_mm": self.entry_lps_mm.tolist(),
            "direction_lps": self.direction_lps.tolist(),
            "depth_mm": self.depth_mm,
            "reach_mm": self.reach_mm,
            "legs": [
                {
                    "inside": leg.inside,
                    "length_mm": leg.curve.length_mm,
                    "from": _ends(leg)[0],
                    "to": _ends(leg)[1],
                }
                for leg in self.legs
            ],
            "corner_mm": self.corner_mm,
            "tip_means": self.tip_means,
            "shaft_sweeps": self.shaft == "pivoting",
        }


def plan(
    path_lps_mm: Any,
    entry_lps_mm: Any,
    *,
    shaft: str,
    tool: Tool,
    approach_mm: float,
    entry_tolerance_mm: float,
    straight_tolerance_mm: float,
    corner_tolerance_mm: float,
) -> Route:
    """Check a path against what a shaft can do, and cut it into legs.

    A ``needle`` is rigid and held by tissue: behind the entry its path is straight. A ``pivoting`` shaft is rigid and
    turns about the entry in a cavity, so its tip may go anywhere, and sweeps what lies between; a certificate of the
    tip's path does not cover that. A ``steerable`` instrument bends by itself: the arm only feeds it along the
    entry's tangent, by the path's length.

    Parameters
    ----------
    path_lps_mm
        Array (n, 3) from outside, or from the entry, to the target.
    entry_lps_mm
        Array (3,): remote centre of motion; on the path.
    shaft
        One of :data:`SHAFTS`.
    tool
        Its shaft must be long enough.
    approach_mm
        Straight way in the air that is put before a path that begins at the entry.
    entry_tolerance_mm, straight_tolerance_mm, corner_tolerance_mm
        How far the entry may lie from the path, how far a needle's path may leave its chord, and how far rounding
        may leave a polyline.

    Raises
    ------
    BadInput
        ``path-shape``, ``not-finite``, ``suspect-units``, ``entry-off-path``.
    Refused
        ``not-straight``, ``shaft-too-short``.
    UnknownSetting
        ``unknown-shaft``, ``setting-out-of-range``.
    """
    if shaft not in SHAFTS:
        raise UnknownSetting(
            f"the shaft '{shaft}' is not known",
            where="shaft",
            fix=nearest(shaft, SHAFTS),
            code="unknown-shaft",
        )
    within("approach_mm", approach_mm, 0, 300)
    for name, value in (
        ("entry_tolerance_mm", entry_tolerance_mm),
        ("straight_tolerance_mm", straight_tolerance_mm),
        ("corner_tolerance_mm", corner_tolerance_mm),
    ):
        within(name, value, 1e-6, 5)
    path, entry = checked(path_lps_mm, entry_lps_mm)
    gap, place = to_polyline(entry[None], path)
    if gap[0] > entry_tolerance_mm:
        raise BadInput(
            f"the entry lies {gap[0]:.3g} mm from the path, {entry_tolerance_mm:g} mm are allowed",
            where="entry_lps_mm",
            fix="Give the point at which the path enters the patient, in LPS mm",
            code="entry-off-path",
        )
    outside, inside = _cut(path, float(place[0]), entry)
    depth = float(np.linalg.norm(np.diff(inside, axis=0), axis=1).sum())
    if depth < SHORTEST_MM:
        raise BadInput(
            f"the path ends {depth:.3g} mm behind the entry",
            where="path_lps_mm",
            fix="Order the path from the entry to the target, and give mm",
            code="suspect-units" if len(outside) < 2 else "entry-off-path",
        )
    direction = inside[1] - inside[0] if shaft != "needle" else inside[-1] - inside[0]
    direction = direction / np.linalg.norm(direction)
    if shaft == "needle":
        _straight(inside, "behind the entry", straight_tolerance_mm)
        inside = inside[[0, -1]]
    elif shaft == "steerable":
        inside = entry + np.array([[0.0], [depth]]) * direction
    if len(outside) > 1:
        _straight(
            np.concatenate([outside[:1], entry[None]]), "before the entry", straight_tolerance_mm, outside
        )
        if np.linalg.norm(np.cross(entry - outside[0], direction)) > straight_tolerance_mm:
            raise Refused(
                "the path before the entry is not in line with the path behind it",
                where="path_lps_mm",
                fix="Begin the path at the entry: a straight approach is then put before it",
                code="not-straight",
            )
        outside = outside[[0, -1]]
    elif approach_mm:
        outside = np.stack([entry - approach_mm * direction, entry])
    reach = float(np.linalg.norm(inside - entry, axis=1).max())
    if reach > tool.shaft_length_mm - HOLDER_CLEARANCE_MM:
        raise Refused(
            f"the path ends {reach:.0f} mm from the entry, the shaft has {tool.shaft_length_mm:.0f} mm and "
            f"{HOLDER_CLEARANCE_MM:.0f} mm of it stay outside",
            where="path_lps_mm",
            fix="Use a longer shaft",
            code="shaft-too-short",
        )
    return _route(outside, inside, entry, direction, depth, shaft, corner_tolerance_mm)


def checked(path_lps_mm: Any, entry_lps_mm: Any) -> tuple[Floats, Floats]:
    """Path and entry as arrays (n, 3) and (3,), or a :class:`BadInput` that says what is wrong with them."""
    try:
        path, entry = np.asarray(path_lps_mm, float), np.asarray(entry_lps_mm, float)
    except (TypeError, ValueError):
        path, entry = np.zeros(0), np.zeros(0)
    if path.ndim != 2 or path.shape[1:] != (3,) or len(path) < 2 or entry.shape != (3,):
        raise BadInput(
            "a path of at least two points with three coordinates, and an entry with three, are needed",
            where="path_lps_mm, entry_lps_mm",
            fix="Give arrays (n, 3) and (3,) in LPS mm",
            code="path-shape",
        )
    if not (np.isfinite(path).all() and np.isfinite(entry).all()):
        raise BadInput(
            "the path or the entry has coordinates that are not numbers",
            where="path_lps_mm, entry_lps_mm",
            fix="Give finite LPS coordinates in mm",
            code="not-finite",
        )
    apart = np.concatenate([[True], np.linalg.norm(np.diff(path, axis=0), axis=1) > 1e-6])
    path = path[apart]
    length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    if not SHORTEST_MM <= length <= LONGEST_MM or np.abs(path).max() > 10 * LONGEST_MM:
        raise BadInput(
            f"the path is {length:.3g} mm long, which no instrument's is",
            where="path_lps_mm",
            fix="Give mm, not metres or voxels; multiply metres by 1000",
            code="suspect-units",
        )
    return path, entry


def _cut(path: Floats, place_mm: float, entry: Floats) -> tuple[Floats, Floats]:
    """The path before and behind a place along it; both hold the entry itself."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    near = 1e-3
    before, behind = path[along < place_mm - near], path[along > place_mm + near]
    return np.concatenate([before, entry[None]]), np.concatenate([entry[None], behind])


def _straight(ends: Floats, where: str, tolerance_mm: float, points: Floats | None = None) -> None:
    """Refuse points that leave the chord between the first and the last, or go back along it."""
    points = ends if points is None else points
    chord = (ends[-1] - ends[0]) / np.linalg.norm(ends[-1] - ends[0])
    off = np.linalg.norm(np.cross(points - ends[0], chord), axis=1)
    back = np.diff((points - ends[0]) @ chord).min()
    if off.max() > tolerance_mm or back < -tolerance_mm:
        raise Refused(
            f"the path {where} leaves a straight line by {max(float(off.max()), -float(back)):.3g} mm, "
            f"a rigid shaft can follow {tolerance_mm:g} mm",
            where=f"path_lps_mm, point {int(off.argmax())} {where}",
            fix="Plan a straight trajectory, or declare the shaft steerable (or pivoting in a cavity)",
            code="not-straight",
        )


def _route(
    outside: Floats,
    inside: Floats,
    entry: Floats,
    direction: Floats,
    depth_mm: float,
    shaft: str,
    tolerance_mm: float,
) -> Route:
    def steady(points: Floats) -> Floats:
        return np.broadcast_to(direction, points.shape)

    def through(points: Floats) -> Floats:
        away = points - entry
        far = np.linalg.norm(away, axis=1, keepdims=True)
        return np.where(far > 1e-6, away / np.maximum(far, 1e-9), direction)

    legs, worst = [], 0.0
    for within_patient, points in ((False, outside), (True, inside)):
        if len(points) < 2:
            continue
        sharp = (np.flatnonzero(turns_rad(points) > np.radians(STOP_DEG)) + 1).tolist()
        cuts = [0, *sharp, len(points) - 1]
        for start, stop in pairwise(cuts):
            curve, off = smooth(points[start : stop + 1], tolerance_mm)
            worst = max(worst, off)
            axis = through if shaft == "pivoting" and within_patient else steady
            legs.append(Leg(inside=within_patient, curve=curve, axis_lps=axis))
    return Route(
        legs=tuple(legs),
        entry_lps_mm=entry,
        direction_lps=direction,
        depth_mm=depth_mm,
        reach_mm=float(np.linalg.norm(inside - entry, axis=1).max()),
        corner_mm=worst,
        shaft=shaft,
        tip_means="the drive's, straight on" if shaft == "steerable" else "the instrument's",
    )


def _ends(leg: Leg) -> list[list[float]]:
    return [point.tolist() for point in leg.curve.at(np.array([0.0, leg.curve.length_mm]))]
