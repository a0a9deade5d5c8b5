"""The route in joint angles: inverse kinematics along each leg, and a spline through its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suwen.core.errors import Refused
from suwen.engines.robot.arm import Floats, Limits, Tool, mjcf, mujoco_module
from suwen.engines.robot.kinematics import forward, manipulability, solve, task
from suwen.engines.robot.placement import SOLVED, Choice, Placement
from suwen.engines.robot.route import Leg, Route

SINGULAR = 0.05
"""Smallest singular value of the task's Jacobian that is still moved through: there a joint turns 20 rad for every
400 mm of the tip or radian of the shaft."""
NODE_MM = 1.0
"""Distance of the nodes."""
MARGIN = 0.98
"""Part of each joint's range that is used."""
SPLINE_MM = 0.001
"""Between the nodes tip and shaft may leave the curve by this."""


@dataclass(frozen=True, kw_only=True)
class JointLeg:
    """One leg in joint angles as a function of arc length.

    Attributes
    ----------
    leg
        What it does in space.
    spline
        Of degree 5, from arc length in mm to angles (7,).
    least_manipulability
        Along it.
    """

    leg: Leg
    spline: Any
    least_manipulability: float


def along(
    route: Route, placement: Placement, q_rad: Floats, *, tool: Tool, limits: Limits
) -> tuple[JointLeg, ...]:
    """Joint angles along every leg, each beginning where the last one ended.

    Parameters
    ----------
    route
        What to do.
    placement
        Of the base.
    q_rad
        Array (7,): a posture near the beginning.
    tool, limits
        Of the arm.

    Raises
    ------
    Refused
        ``unreachable``, ``near-singular`` or ``self-collision``, with where on the path.
    """
    bounds = Limits(position_rad=limits.position_rad * MARGIN)
    made, travelled = [], 0.0
    total = sum(leg.curve.length_mm for leg in route.legs)
    for leg in route.legs:
        count = max(12, int(np.ceil(leg.curve.length_mm / NODE_MM))) + 1
        for _ in range(4):
            s = np.linspace(0, leg.curve.length_mm, count)
            nodes, least = _march(leg, placement, q_rad, s, travelled, total, tool=tool, limits=bounds)
            spline = _spline(s, nodes)
            if _misses(leg, placement, spline, s, tool) <= SPLINE_MM:
                break
            count = 2 * count - 1
        made.append(JointLeg(leg=leg, spline=spline, least_manipulability=least))
        q_rad, travelled = nodes[-1], travelled + leg.curve.length_mm
    apart(made, tool)
    return tuple(made)


def _march(
    leg: Leg,
    placement: Placement,
    q: Floats,
    s_mm: Floats,
    travelled_mm: float,
    total_mm: float,
    *,
    tool: Tool,
    limits: Limits,
) -> tuple[Floats, float]:
    """Angles at the nodes, each the nearest solution to the last: the null space moves as little as it can."""
    points = leg.curve.at(s_mm)
    tips, axes = placement.to_base(points), leg.axis_lps(points) @ placement.rotation
    nodes, least = np.empty((len(s_mm), 7)), np.inf
    for at, (tip, axis) in enumerate(zip(tips, axes, strict=True)):
        guess = 2 * nodes[at - 1] - nodes[at - 2] if at > 1 else q
        where = f"path, {travelled_mm + s_mm[at]:.1f} of {total_mm:.1f} mm from its beginning"
        nodes[at], rest = solve(guess, tip, axis, tip_m=tool.tip_m, limits=limits, rounds=30, comfort=0.0)
        _, rows = task(forward(nodes[at], tool.tip_m), tip, axis)
        here = float(manipulability(rows))
        least = min(least, here)
        if here < SINGULAR:
            raise Refused(
                f"the arm comes too near a singular posture (smallest singular value {here:.3f}, {SINGULAR:g} asked)",
                where=where,
                fix="Move the base",
                code="near-singular",
            )
        if float(rest) > SOLVED:
            raise Refused(
                "the arm cannot reach the path with the shaft through the entry",
                where=where,
                fix="Move the base, use a longer shaft, or choose another entry",
                code="unreachable",
            )
    return nodes, least


def start(choice: Choice, route: Route, *, tool: Tool, limits: Limits) -> Floats:
    """The posture (7,) at the beginning, moved in the null space away from the joints' limits, elbow up."""
    first = route.legs[0]
    point = first.curve.at(np.zeros(1))
    bounds = Limits(position_rad=limits.position_rad * MARGIN)
    q, rest = solve(
        choice.q_rad,
        choice.placement.to_base(point)[0],
        (first.axis_lps(point) @ choice.placement.rotation)[0],
        tip_m=tool.tip_m,
        limits=bounds,
        rounds=200,
    )
    return q if float(rest) < SOLVED else choice.q_rad


def _spline(s_mm: Floats, nodes: Floats) -> Any:
    from scipy.interpolate import make_interp_spline

    return make_interp_spline(s_mm, nodes, k=5)


def _misses(leg: Leg, placement: Placement, spline: Any, s_mm: Floats, tool: Tool) -> float:
    """How far the spline's tip, or its shaft at the entry, is off between the nodes, mm."""
    middle = (s_mm[1:] + s_mm[:-1]) / 2
    points = leg.curve.at(middle)
    pose = forward(np.asarray(spline(middle)), tool.tip_m)
    tip = np.linalg.norm(placement.to_lps(pose.tip_base_m) - points, axis=1).max()
    turn = np.linalg.norm(np.cross(pose.axis @ placement.rotation.T, leg.axis_lps(points)), axis=1).max()
    return float(max(tip, turn * tool.shaft_length_mm))


def apart(legs: Sequence[JointLeg], tool: Tool) -> None:
    """Refuse a motion in which capsules of the arm that are not neighbours touch, looking every 10 mm of the path.

    Raises
    ------
    Refused
        ``self-collision``.
    """
    mujoco = mujoco_module()
    model = mujoco.MjModel.from_xml_string(mjcf(tool, collide=True))
    data, travelled = mujoco.MjData(model), 0.0
    for one in legs:
        length = one.leg.curve.length_mm
        for s in np.linspace(0, length, max(2, int(length / 10) + 1)):
            data.qpos[:] = one.spline(s)
            mujoco.mj_kinematics(model, data)
            mujoco.mj_collision(model, data)
            if data.ncon:
                pair = [model.geom(int(data.contact[0].geom[side])).name for side in (0, 1)]
                raise Refused(
                    f"{pair[0]} and {pair[1]} of the arm would touch",
                    where=f"path, {travelled + s:.1f} mm from its beginning",
                    fix="Move the base",
                    code="self-collision",
                )
        travelled += length
