"""What a run shows: errors of tip and shaft in mm, settling, limits, and the stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from suwen.engines.robot.arm import STEP_S, Floats, Limits, Tool
from suwen.engines.robot.curve import Curve
from suwen.engines.robot.kinematics import Pose, forward
from suwen.engines.robot.placement import Placement
from suwen.engines.robot.route import Route
from suwen.engines.robot.simulate import Log
from suwen.engines.robot.timing import Timed

STANDSTILL_RAD_S = 0.005
"""Every joint slower than this is at rest: 0.3 degrees a second. Encoder noise of 20 µrad alone makes 0.003."""
CHORD_MM = 0.0005
"""How far the path may lie from the chords that stand for it when the distance to it is measured."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Of one run, one row per ms.

    Attributes
    ----------
    pose
        The arm, in its base's frame.
    tip_lps_mm, axis_lps
        Arrays (n, 3): true tip and shaft direction.
    tip_error_mm
        Array (n,): from where the tip should be at that time.
    path_error_mm
        Array (n,): from the path, wherever along it.
    entry_drift_mm
        Array (n,): from the shaft's line to the entry.
    inside
        Array (n,): whether the tip is in the patient.
    """

    pose: Pose
    tip_lps_mm: Floats
    axis_lps: Floats
    tip_error_mm: Floats
    path_error_mm: Floats
    entry_drift_mm: Floats
    inside: Any


def measure(log: Log, route: Route, placement: Placement, tool: Tool) -> Measured:
    """Measure a run against its route, by the true state and forward kinematics."""
    pose = forward(log.q_rad, tool.tip_m)
    tip, axis = placement.to_lps(pose.tip_base_m), pose.axis @ placement.rotation.T
    path = np.concatenate(
        [leg.curve.at(np.linspace(0, leg.curve.length_mm, _pieces(leg.curve))) for leg in route.legs]
    )
    path = path[np.concatenate([[True], np.linalg.norm(np.diff(path, axis=0), axis=1) > 1e-6])]
    return Measured(
        pose=pose,
        tip_lps_mm=tip,
        axis_lps=axis,
        tip_error_mm=np.linalg.norm(tip - log.wanted_tip_lps_mm, axis=1),
        path_error_mm=to_path(tip, path),
        entry_drift_mm=np.linalg.norm(np.cross(route.entry_lps_mm - tip, axis), axis=1),
        inside=np.asarray(log.inside),
    )


def _pieces(curve: Curve) -> int:
    """Points along a curve whose chords keep :data:`CHORD_MM`: a chord's is its squared length times curvature / 8.

    None is longer than a mm, so that the nearest vertex belongs to the nearest chord.
    """
    bend = float(curve.curvature(np.linspace(0, curve.length_mm, max(50, int(4 * curve.length_mm)))).max())
    return 2 + int(curve.length_mm * max(1.0, np.sqrt(bend / (8 * CHORD_MM))))


def to_path(points_mm: Floats, path_mm: Floats) -> Floats:
    """Distance (k,) of points to a polyline (n, 3) with short edges: to the edges at the nearest vertex."""
    from scipy.spatial import cKDTree

    nearest = cKDTree(path_mm).query(points_mm)[1]
    best = np.full(len(points_mm), np.inf)
    for shift in (-1, 0):
        start = np.clip(nearest + shift, 0, len(path_mm) - 2)
        edge, off = path_mm[start + 1] - path_mm[start], points_mm - path_mm[start]
        along = np.sum(off * edge, axis=1) / np.maximum(np.sum(edge**2, axis=1), 1e-30)
        best = np.minimum(best, np.linalg.norm(off - np.clip(along, 0, 1)[:, None] * edge, axis=1))
    return best


def spread(values_mm: Floats) -> dict[str, float] | None:
    """Largest, 95th percentile and root mean square; ``None`` of nothing."""
    if not len(values_mm):
        return None
    return {
        "max": float(values_mm.max()),
        "p95": float(np.percentile(values_mm, 95)),
        "rms": float(np.sqrt(np.mean(values_mm**2))),
    }


def settled_after_s(errors_mm: Floats, within_mm: float) -> float | None:
    """Time until errors stay within a bound; ``None`` when they do not."""
    outside = np.flatnonzero(errors_mm > within_mm)
    after = int(outside[-1]) + 1 if len(outside) else 0
    return after * STEP_S if after < len(errors_mm) else None


def limits_used(log: Log, timed: Timed, limits: Limits) -> dict[str, Any]:
    """Greatest share of every limit, by joint the worst, and which were exceeded.

    Position and speed are the true ones; acceleration is commanded, with feedback, until a stop; jerk is planned;
    torque is what was asked for, before it is cut.
    """
    free = slice(0, log.stop_at)
    command = log.command_rad_s2[free]
    shares = {
        "position": float(np.abs(log.q_rad / limits.position_rad).max()),
        "velocity": float(np.abs(log.qd_rad_s / limits.velocity_rad_s).max()),
        "acceleration": float(np.abs(command / limits.acceleration_rad_s2).max()) if len(command) else 0.0,
        "jerk_planned": timed.peak["jerk"],
        "torque": float(np.abs(log.torque_nm / limits.torque_nm).max()),
    }
    return {"used": shares, "exceeded": sorted(name for name, share in shares.items() if share > 1)}


def stop_of(log: Log, found: Measured) -> dict[str, Any] | None:
    """How the arm stopped; ``None`` where it was not asked to."""
    if log.stop_at is None:
        return None
    at = log.stop_at
    speeds = np.abs(log.qd_rad_s[at:]).max(axis=1)
    moving = np.flatnonzero(speeds > STANDSTILL_RAD_S)
    still = int(moving[-1]) + 1 if len(moving) else 0
    stood = still < len(speeds)
    place = found.tip_lps_mm[at + still] if stood else found.tip_lps_mm[-1]
    held = np.linalg.norm(found.tip_lps_mm[at + still :] - place, axis=1)
    since = max(0, at - 20)
    went = float(np.linalg.norm(found.tip_lps_mm[at] - found.tip_lps_mm[since]))
    return {
        "asked_at_s": at * STEP_S,
        "why": log.stop_why,
        "tip_speed_before_mm_s": went / ((at - since) * STEP_S) if at else 0.0,
        "standstill_after_ms": still * STEP_S * 1000 if stood else None,
        "standstill_rad_s": STANDSTILL_RAD_S,
        "tip_travel_mm": float(np.linalg.norm(place - found.tip_lps_mm[at])),
        "held_within_mm": float(held.max()) if stood else None,
        "watched_s": (len(speeds) - still) * STEP_S,
    }
