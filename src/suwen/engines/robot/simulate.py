"""The run: plant and controller at 1 kHz, alarms, and a stop along the path; everything is logged at every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suwen.engines.robot.arm import JOINTS, STEP_S, Floats, Limits, within
from suwen.engines.robot.control import Controller
from suwen.engines.robot.joints import JointLeg
from suwen.engines.robot.placement import Placement
from suwen.engines.robot.plant import Plant
from suwen.engines.robot.timing import Timed

STOP_STEPS = 6
"""A stop brings the wanted speed to zero in this many steps, evenly."""
WATCH_STOP_S = 0.4
"""How long a stopped arm is watched while it holds its place."""


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """When the arm stops by itself.

    Attributes
    ----------
    tip_mm
        Largest distance between the tip as the controller knows it and where it should be now.
    entry_mm
        Largest distance of the shaft's line from the entry, as the controller knows it, while the tip is inside.
    deepest_mm
        Greatest depth of the tip behind the entry, along the shaft; ``None`` for that of the path and ``tip_mm`` more.
    """

    tip_mm: float = 1.0
    entry_mm: float = 1.0
    deepest_mm: float | None = None

    def __post_init__(self) -> None:
        within("alarms.tip_mm", self.tip_mm, 0.01, 100)
        within("alarms.entry_mm", self.entry_mm, 0.01, 100)
        if self.deepest_mm is not None:
            within("alarms.deepest_mm", self.deepest_mm, 0, 1000)


@dataclass(kw_only=True)
class Log:
    """What happened, one row per step; the state is that before the step's torque.

    Attributes
    ----------
    q_rad, qd_rad_s, torque_nm, command_rad_s2
        Arrays (n, 7): true state, torque before it is cut to its limit, acceleration commanded, feedback included.
    wanted_tip_lps_mm
        Array (n, 3).
    inside
        Array (n,).
    stop_at, stop_why
        Row in which a stop was asked for, and why; ``None`` where none was.
    """

    q_rad: Floats
    qd_rad_s: Floats
    torque_nm: Floats
    command_rad_s2: Floats
    wanted_tip_lps_mm: Floats
    inside: Any
    stop_at: int | None = None
    stop_why: str | None = None


@dataclass(kw_only=True)
class _Halt:
    """A stop under way: along the path after a command, where the arm is after an alarm."""

    row: int
    leg: int
    arc_mm: float
    speed_mm_s: float
    q_rad: Floats = field(default_factory=lambda: np.zeros(JOINTS))
    qd_rad_s: Floats = field(default_factory=lambda: np.zeros(JOINTS))


def run(
    plant: Plant,
    controller: Controller,
    timed: Timed,
    legs: Sequence[JointLeg],
    placement: Placement,
    *,
    entry_lps_mm: Floats,
    alarms: Alarms,
    limits: Limits,
    stop_at_s: float | None,
) -> Log:
    """Let the controller move the plant along a timed motion, or until it is stopped.

    Parameters
    ----------
    plant, controller
        Both are reset to the motion's first posture.
    timed, legs
        What to do, and the legs it was timed from.
    placement
        Of the base.
    entry_lps_mm
        Remote centre of motion.
    alarms, limits
        That stop the arm.
    stop_at_s
        When a stop is commanded; ``None`` for never.
    """
    steps = len(timed.q_rad)
    room = steps + round(WATCH_STOP_S / STEP_S)
    log = Log(
        q_rad=np.empty((room, JOINTS)),
        qd_rad_s=np.empty((room, JOINTS)),
        torque_nm=np.empty((room, JOINTS)),
        command_rad_s2=np.empty((room, JOINTS)),
        wanted_tip_lps_mm=np.empty((room, 3)),
        inside=np.empty(room, bool),
    )
    tips, entry = placement.to_base(timed.tip_lps_mm), placement.to_base(entry_lps_mm)
    reach = float(np.linalg.norm(timed.tip_lps_mm[timed.inside] - entry_lps_mm, axis=1).max())
    deepest_m = (reach + alarms.tip_mm if alarms.deepest_mm is None else alarms.deepest_mm) / 1000
    commanded = None if stop_at_s is None else round(stop_at_s / STEP_S)
    halt: _Halt | None = None
    row = 0
    while row < (steps if halt is None else halt.row + round(WATCH_STOP_S / STEP_S)):
        controller.observe(plant.measure())
        if halt is None and commanded is not None and row >= commanded:
            halt = _begin(row, timed, None)
            log.stop_at, log.stop_why = row, "command"
        if halt is None:
            q, qd, qdd = timed.q_rad[row], timed.qd_rad_s[row], timed.qdd_rad_s2[row]
            log.wanted_tip_lps_mm[row] = timed.tip_lps_mm[row]
        else:
            q, qd, qdd, log.wanted_tip_lps_mm[row] = _halted(halt, row, timed, legs)
        log.q_rad[row], log.qd_rad_s[row] = plant.data.qpos, plant.data.qvel
        torque = controller.command(q, qd, qdd)
        log.torque_nm[row] = controller.torque_wanted
        log.command_rad_s2[row] = controller.acceleration_wanted
        log.inside[row] = timed.inside[min(row, steps - 1) if halt is None else min(halt.row, steps - 1)]
        if halt is None:
            why = _alarm(controller, tips[row], entry, bool(timed.inside[row]), alarms, deepest_m, limits)
            if why:
                halt = _begin(row, timed, controller)
                log.stop_at, log.stop_why = row, why
        plant.advance(torque)
        row += 1
    for name in ("q_rad", "qd_rad_s", "torque_nm", "command_rad_s2", "wanted_tip_lps_mm", "inside"):
        setattr(log, name, getattr(log, name)[:row])
    return log


def _alarm(
    controller: Controller,
    tip_base_m: Floats,
    entry_base_m: Floats,
    inside: bool,
    alarms: Alarms,
    deepest_m: float,
    limits: Limits,
) -> str | None:
    """Why to stop now, by what the controller knows; ``None`` for no reason."""
    away = controller.tip_base_m - tip_base_m
    if 1e6 * float(away @ away) > alarms.tip_mm**2:
        return "tip-error"
    if inside:
        lever = entry_base_m - controller.tip_base_m
        along = float(lever @ controller.axis)
        if 1e6 * (float(lever @ lever) - along * along) > alarms.entry_mm**2:
            return "entry-drift"
        if -along > deepest_m:
            return "too-deep"
    if (np.abs(controller.now[0]) > limits.position_rad).any():
        return "joint-limit"
    return None


def _begin(row: int, timed: Timed, controller: Controller | None) -> _Halt:
    """Start a stop; with a controller from the state it knows, else from what is wanted."""
    made = _Halt(
        row=row,
        leg=int(timed.leg[row]),
        arc_mm=float(timed.arc_mm[row]),
        speed_mm_s=float(timed.speed_mm_s[row]),
    )
    if controller is not None:
        made.leg, made.row = -1, row + 1
        made.q_rad, made.qd_rad_s = controller.now[0].copy(), controller.now[1].copy()
    return made


def _halted(
    halt: _Halt, row: int, timed: Timed, legs: Sequence[JointLeg]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Wanted angles, speeds, accelerations and tip so many steps after a stop was asked for."""
    lasts = STOP_STEPS * STEP_S
    t = min((row - halt.row) * STEP_S, lasts)
    left = 1 - t / lasts
    way, braking = t * (1 + left) / 2, (-1 / lasts if t < lasts else 0.0)
    tip = timed.tip_lps_mm[min(halt.row, len(timed.tip_lps_mm) - 1)]
    if halt.leg < 0:
        return halt.q_rad + halt.qd_rad_s * way, halt.qd_rad_s * left, halt.qd_rad_s * braking, tip
    one, v = legs[halt.leg], halt.speed_mm_s
    s = min(halt.arc_mm + v * way, one.leg.curve.length_mm)
    q, q1, q2 = (np.asarray(one.spline(s, nu=order)) for order in range(3))
    return q, q1 * v * left, q2 * (v * left) ** 2 + q1 * v * braking, one.leg.curve.at(np.array([s]))[0]
