"""Everything before a motion: the path checked, the base placed, the joints' way found and timed, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from suwen.core.errors import MissingExtra, Refused
from suwen.engines.robot import joints, timing
from suwen.engines.robot.arm import Limits, Tool, mujoco_module
from suwen.engines.robot.placement import Choice, Placement, candidates, choose, more_postures, up_of
from suwen.engines.robot.route import Route, plan
from suwen.engines.robot.timing import Pace, Timed

PROBES = 16
"""Placements are compared at so many points of the path at most."""
TRIED = 6
"""So many placements of the table, or postures of a given one, are followed before the best one's refusal is given."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A motion before it is run.

    Attributes
    ----------
    route, choice, legs, timed
        The path, the base, the joints' way and its timing.
    tool, limits
        Of the arm.
    """

    route: Route
    choice: Choice
    legs: tuple[joints.JointLeg, ...]
    timed: Timed
    tool: Tool
    limits: Limits


def prepare(
    path_lps_mm: Any,
    *,
    entry_lps_mm: Any,
    shaft: str = "needle",
    tool: Tool | None = None,
    pace: Pace | None = None,
    base: Placement | None = None,
    patient_position: str = "supine",
    approach_mm: float = 20.0,
    entry_tolerance_mm: float = 0.5,
    straight_tolerance_mm: float = 0.1,
    corner_tolerance_mm: float = 0.05,
) -> Planned:
    """Everything before the run: refuses what the arm cannot do, before anything moves.

    Parameters and errors are those of :func:`suwen.engines.robot.follow`.
    """
    _packages()
    tool, limits = tool or Tool(), Limits()
    route = plan(
        path_lps_mm,
        entry_lps_mm,
        shaft=shaft,
        tool=tool,
        approach_mm=approach_mm,
        entry_tolerance_mm=entry_tolerance_mm,
        straight_tolerance_mm=straight_tolerance_mm,
        corner_tolerance_mm=corner_tolerance_mm,
    )
    up = up_of(patient_position)
    probes = [(leg, leg.curve.at(np.linspace(0, leg.curve.length_mm, 4))) for leg in route.legs]
    taken = np.unique(np.linspace(0, 4 * len(probes) - 1, min(PROBES, 4 * len(probes))).round().astype(int))
    refusal: Refused | None = None
    for postures in [None] if base is None else [None, more_postures(limits)]:
        try:
            choices = choose(
                np.concatenate([points for _, points in probes])[taken],
                np.concatenate([leg.axis_lps(points) for leg, points in probes])[taken],
                entry_lps_mm=route.entry_lps_mm,
                tip_m=tool.tip_m,
                limits=limits,
                placements=candidates(route.entry_lps_mm, up) if base is None else [base],
                postures_rad=postures,
            )
        except Refused as refused:
            refusal = refusal or refused
            continue
        for choice in choices[:TRIED]:
            try:
                q = joints.start(choice, route, tool=tool, limits=limits)
                legs = joints.along(route, choice.placement, q, tool=tool, limits=limits)
                timed = timing.schedule(legs, pace or Pace(), limits)
            except Refused as refused:
                refusal = refusal or refused
                continue
            return Planned(route=route, choice=choice, legs=legs, timed=timed, tool=tool, limits=limits)
    assert refusal is not None  # noqa: S101 (every way to here was refused)
    raise refusal


def _packages() -> None:
    """Raise :class:`MissingExtra` before any work is done for nothing."""
    mujoco_module()
    for name, purpose in (("ruckig", "Timing a motion"), ("scipy", "Smoothing a path")):
        try:
            __import__(name)
        except ImportError:
            raise MissingExtra(name, "surgery", purpose) from None
