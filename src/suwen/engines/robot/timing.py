"""When: jerk-limited timing along the path by ruckig, slowed until no joint's limit is exceeded at any step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suwen.core.errors import MissingExtra, Refused
from suwen.engines.robot.arm import STEP_S, Floats, Limits, within
from suwen.engines.robot.joints import JointLeg

SHARE = 0.95
"""Part of each joint limit that timing uses; the rest is left to feedback."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast the tip goes.

    Attributes
    ----------
    insertion_mm_s, approach_mm_s
        Greatest speed of the tip in the patient and in the air, mm/s.
    acceleration_mm_s2, jerk_mm_s3
        Of the tip along its path; across it (in curves) the same acceleration holds.
    settle_s, hold_s
        Rest before the motion, in which the arm takes up its load, and after it.
    """

    insertion_mm_s: float = 5.0
    approach_mm_s: float = 20.0
    acceleration_mm_s2: float = 200.0
    jerk_mm_s3: float = 2000.0
    settle_s: float = 0.4
    hold_s: float = 0.3

    def __post_init__(self) -> None:
        for name, low, high in (
            ("insertion_mm_s", 0.1, 200),
            ("approach_mm_s", 0.1, 500),
            ("acceleration_mm_s2", 1, 5000),
            ("jerk_mm_s3", 10, 100000),
            ("settle_s", 0, 10),
            ("hold_s", 0.05, 10),
        ):
            within(f"pace.{name}", getattr(self, name), low, high)


@dataclass(frozen=True, kw_only=True)
class Timed:
    """What every joint is to do at every step.

    Attributes
    ----------
    q_rad, qd_rad_s, qdd_rad_s2
        Arrays (n, 7), one row per ms, rest at both ends.
    tip_lps_mm
        Array (n, 3): commanded tip.
    axis_lps
        Array (n, 3): commanded shaft direction.
    leg, arc_mm, speed_mm_s
        Arrays (n,): which leg, how far along it, and how fast.
    inside
        Array (n,): whether the tip is in the patient.
    peak
        Greatest share of each limit that is used: ``position``, ``velocity``, ``acceleration``, ``jerk``.
    scaled
        Least factor by which a leg's speed was cut for a joint's sake; 1 where none was.
    """

    q_rad: Floats
    qd_rad_s: Floats
    qdd_rad_s2: Floats
    tip_lps_mm: Floats
    axis_lps: Floats
    leg: Any
    arc_mm: Floats
    speed_mm_s: Floats
    inside: Any
    peak: dict[str, float]
    scaled: float

    @property
    def duration_s(self) -> float:
        """Of the whole, rests included."""
        return len(self.q_rad) * STEP_S


def schedule(legs: Sequence[JointLeg], pace: Pace, limits: Limits) -> Timed:
    """Time every leg from rest to rest; limits along the path are cut until the joints' hold at every step.

    Parameters
    ----------
    legs
        In order.
    pace
        Wanted along the path.
    limits
        Of the joints.

    Raises
    ------
    Refused
        ``no-timing``: no speed above a hundredth of the wanted one is within the joints' limits.
    """
    parts, scaled = [], 1.0
    for number, one in enumerate(legs):
        part, factor = _leg(number, one, pace, limits)
        parts.append(part)
        scaled = min(scaled, factor)
    first, last = parts[0], parts[-1]
    before, after = round(pace.settle_s / STEP_S), round(pace.hold_s / STEP_S)
    joined = {
        name: np.concatenate(
            [
                np.repeat(first[name][:1], before, 0),
                *(part[name] for part in parts),
                np.repeat(last[name][-1:], after, 0),
            ]
        )
        for name in first
    }
    peak = _peak(joined["q"], joined["qd"], joined["qdd"], limits)
    return Timed(
        q_rad=joined["q"],
        qd_rad_s=joined["qd"],
        qdd_rad_s2=joined["qdd"],
        tip_lps_mm=joined["tip"],
        axis_lps=joined["axis"],
        leg=joined["leg"],
        arc_mm=joined["s"],
        speed_mm_s=joined["v"],
        inside=joined["inside"],
        peak=peak,
        scaled=scaled,
    )


def _leg(number: int, one: JointLeg, pace: Pace, limits: Limits) -> tuple[dict[str, Floats], float]:
    """One leg's samples, and by what its speed had to be cut."""
    length, inside = one.leg.curve.length_mm, one.leg.inside
    bend = float(one.leg.curve.curvature(np.linspace(0, length, max(50, int(length / 0.1)))).max())
    wanted = pace.insertion_mm_s if inside else pace.approach_mm_s
    fastest = min(wanted, float(np.sqrt(pace.acceleration_mm_s2 / bend)) if bend > 1e-9 else wanted)
    factor = 1.0
    while factor > 0.01:
        speed = (fastest * factor, pace.acceleration_mm_s2 * factor**2, pace.jerk_mm_s3 * factor**3)
        s, v, a = _profile(length, *speed)
        q, q1, q2 = (np.asarray(one.spline(s, nu=order)) for order in range(3))
        qd, qdd = q1 * v[:, None], q2 * v[:, None] ** 2 + q1 * a[:, None]
        peak = _peak(q, qd, qdd, limits)
        over = max(peak["velocity"], np.sqrt(peak["acceleration"]), np.cbrt(peak["jerk"])) / SHARE
        if over <= 1:
            points = one.leg.curve.at(s)
            return {
                "q": q,
                "qd": qd,
                "qdd": qdd,
                "tip": points,
                "axis": np.array(one.leg.axis_lps(points)),
                "leg": np.full(len(s), number),
                "s": s,
                "v": v,
                "inside": np.full(len(s), inside),
            }, factor * fastest / wanted
        factor *= min(0.95, 0.99 / float(over))
    raise Refused(
        "the joints cannot follow the path at a hundredth of the wanted speed",
        where=f"path, leg {number + 1}",
        fix="Move the base or smooth the path",
        code="no-timing",
    )


def _profile(
    length_mm: float, speed: float, acceleration: float, jerk: float
) -> tuple[Floats, Floats, Floats]:
    """Arc length, speed and acceleration at every step, from rest to rest."""
    try:
        from ruckig import InputParameter, Ruckig, Trajectory
    except ImportError:
        raise MissingExtra("ruckig", "surgery", "Timing a motion") from None
    asked, found = InputParameter(1), Trajectory(1)
    asked.current_position, asked.target_position = [0.0], [length_mm]
    asked.max_velocity, asked.max_acceleration, asked.max_jerk = [speed], [acceleration], [jerk]
    Ruckig(1).calculate(asked, found)
    times = np.arange(int(np.ceil(found.duration / STEP_S)) + 2) * STEP_S
    states = np.array([[each[0] for each in found.at_time(min(t, found.duration))] for t in times.tolist()])
    rest = times >= found.duration
    states[rest] = (length_mm, 0.0, 0.0)
    return np.clip(states[:, 0], 0, length_mm), states[:, 1], states[:, 2]


def _peak(q: Floats, qd: Floats, qdd: Floats, limits: Limits) -> dict[str, float]:
    """Greatest share of each kind of limit; jerk is what the acceleration changes by from step to step."""
    jerk = np.diff(qdd, axis=0) / STEP_S if len(qdd) > 1 else np.zeros_like(qdd)
    return {
        "position": float(np.abs(q / limits.position_rad).max()),
        "velocity": float(np.abs(qd / limits.velocity_rad_s).max()),
        "acceleration": float(np.abs(qdd / limits.acceleration_rad_s2).max()),
        "jerk": float(np.abs(jerk / limits.jerk_rad_s3).max()),
    }
