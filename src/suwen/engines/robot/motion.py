"""A motion from a path: checked, placed, timed, simulated and measured, as one document."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np

from suwen.engines.robot.arm import STEP_S, Tool, mjcf, sha256, within
from suwen.engines.robot.control import Controller, Gains
from suwen.engines.robot.film import film
from suwen.engines.robot.margins import Margins, margins
from suwen.engines.robot.measure import Measured, limits_used, measure, settled_after_s, spread, stop_of
from suwen.engines.robot.placement import Placement
from suwen.engines.robot.plant import NOMINAL, Disturbance, Plant
from suwen.engines.robot.prepare import Planned, prepare
from suwen.engines.robot.simulate import Alarms, Log, run
from suwen.engines.robot.timing import Pace, Timed

STATEMENT = (
    "Simulation only: errors are those of a rigid model with the disturbances named here, not the accuracy of a "
    "device, and nothing here may steer one"
)


@dataclass(frozen=True, kw_only=True)
class Motion:
    """A simulated motion and its measured error.

    Attributes
    ----------
    planned
        What was to happen.
    log, found
        What happened, and how far that was off.
    stop
        How the arm stops; see :func:`suwen.engines.robot.measure.stop_of`.
    settings
        Everything that decided it, as plain JSON.
    settled_mm
        Error that counts as settled.
    loop
        Margins of the control loop.
    """

    planned: Planned
    log: Log
    found: Measured
    stop: dict[str, Any] | None
    settings: dict[str, Any]
    settled_mm: float
    loop: Margins
    film_per_s: float

    def document(self, *, with_film: bool = True) -> dict[str, Any]:
        """Plain JSON: duration, errors in mm, settling, limits, stop, seed, hashes and the film.

        Parameters
        ----------
        with_film
            Whether the film is in it.
        """
        timed, found, rest = self.planned.timed, self.found, round(self.settings["pace"]["settle_s"] / STEP_S)
        moving = slice(min(rest, len(found.tip_error_mm) - 1), None)
        after = round(self.settings["pace"]["hold_s"] / STEP_S)
        stopped = self.log.stop_at is not None
        document = {
            "simulated": True,
            "statement": STATEMENT,
            "frame": "LPS",
            "unit": "mm",
            "duration_s": len(self.log.q_rad) * STEP_S,
            "completed": not stopped,
            "tip_error_mm": spread(found.tip_error_mm[moving]),
            "path_error_mm": spread(found.path_error_mm[moving]),
            "rcm_drift_mm": spread(found.entry_drift_mm[found.inside]),
            "taking_up_load": {
                "tip_error_mm": spread(found.tip_error_mm[:rest]),
                "rcm_drift_mm": spread(found.entry_drift_mm[:rest]),
                "settled_after_s": settled_after_s(found.tip_error_mm[:rest], self.settled_mm),
            },
            "settling": {
                "within_mm": self.settled_mm,
                "after_motion_s": None
                if stopped
                else settled_after_s(found.tip_error_mm[-after:], self.settled_mm),
            },
            "target_error_mm": None
            if stopped
            else float(np.linalg.norm(found.tip_lps_mm[-1] - timed.tip_lps_mm[-1])),
            "limits": limits_used(self.log, timed, self.planned.limits),
            "stop": self.stop,
            "timing": {
                "planned_s": timed.duration_s,
                "slowed_to": timed.scaled,
                "limits_planned": timed.peak,
            },
            "loop": asdict(self.loop),
            "route": self.planned.route.document(),
            "base": {
                **self.planned.choice.placement.document(),
                "criterion": self.planned.choice.criterion,
                "reachable": self.planned.choice.reachable,
                "tried": self.planned.choice.tried,
                "least_manipulability": min(leg.least_manipulability for leg in self.planned.legs),
                "q_start_rad": timed.q_rad[0].tolist(),
            },
            "settings": self.settings,
        }
        if with_film:
            document["film"] = film(found, self.planned.choice.placement, per_s=self.film_per_s)
        return document


def follow(
    path_lps_mm: Any,
    *,
    entry_lps_mm: Any,
    shaft: str = "needle",
    tool: Tool | None = None,
    pace: Pace | None = None,
    gains: Gains | None = None,
    disturbance: Disturbance = NOMINAL,
    alarms: Alarms | None = None,
    base: Placement | None = None,
    patient_position: str = "supine",
    approach_mm: float = 20.0,
    entry_tolerance_mm: float = 0.5,
    straight_tolerance_mm: float = 0.1,
    corner_tolerance_mm: float = 0.05,
    settled_mm: float = 0.05,
    stop_at_s: float | None = None,
    stop_check: bool = True,
    rotors: bool = True,
    film_per_s: float = 30.0,
    seed: int = 0,
) -> Motion:
    """Simulate an arm that takes an instrument along a path, and measure how far it is off.

    Parameters
    ----------
    path_lps_mm
        Array (n, 3), LPS, mm: from outside or from the entry to the target.
    entry_lps_mm
        Array (3,): remote centre of motion, through which the shaft passes; on the path.
    shaft
        ``needle`` (straight behind the entry), ``pivoting`` or ``steerable``; see
        :func:`suwen.engines.robot.route.plan`.
    tool, pace, gains, disturbance, alarms
        Instrument, speeds, control loop, what the controller does not know, and when it stops by itself.
    base
        Placement of the arm's base; chosen from a table where none is given. Its z axis points up.
    patient_position
        Key of :data:`suwen.engines.robot.placement.UP_LPS`: decides what is up for a base that is chosen.
    approach_mm
        Straight way in the air before a path that begins at the entry.
    entry_tolerance_mm, straight_tolerance_mm, corner_tolerance_mm
        See :func:`suwen.engines.robot.route.plan`.
    settled_mm
        Error that counts as settled.
    stop_at_s
        When a stop is commanded; the run then ends after it.
    stop_check
        Whether a second run measures a stop in the middle of the insertion.
    rotors
        Whether joints feel their rotors.
    film_per_s
        Frames of the film.
    seed
        Of the noise; the same seed gives the same document.

    Raises
    ------
    BadInput
        ``path-shape``, ``not-finite``, ``suspect-units``, ``entry-off-path``, ``not-rigid``.
    Refused
        ``not-straight``, ``shaft-too-short``, ``unreachable``, ``near-singular``, ``self-collision``, ``no-timing``,
        ``unstable-gains``.
    UnknownSetting
        ``unknown-shaft``, ``unknown-patient-position``, ``setting-out-of-range``.
    MissingExtra
        mujoco, ruckig or scipy is not installed.
    """
    gains, pace, alarms = gains or Gains(), pace or Pace(), alarms or Alarms()
    within("settled_mm", settled_mm, 1e-4, 10)
    within("film_per_s", film_per_s, 0.5, 1000)
    within("seed", seed, 0, 2**63 - 1)
    planned = prepare(
        path_lps_mm,
        entry_lps_mm=entry_lps_mm,
        shaft=shaft,
        tool=tool,
        pace=pace,
        base=base,
        patient_position=patient_position,
        approach_mm=approach_mm,
        entry_tolerance_mm=entry_tolerance_mm,
        straight_tolerance_mm=straight_tolerance_mm,
        corner_tolerance_mm=corner_tolerance_mm,
    )
    timed = planned.timed
    if stop_at_s is not None:
        within("stop_at_s", stop_at_s, 0, timed.duration_s)
    loop = _margins(gains, disturbance.delay_ms)
    believed = mjcf(planned.tool, rotors=rotors)
    controller = Controller(believed, gains=gains, delay_steps=disturbance.delay_ms, limits=planned.limits)
    plant = Plant(planned.tool, disturbance, seed, rotors=rotors)

    def once(at_s: float | None) -> tuple[Log, Measured]:
        plant.reset(timed.q_rad[0], seed)
        controller.reset(timed.q_rad[0])
        log = run(
            plant,
            controller,
            timed,
            planned.legs,
            planned.choice.placement,
            entry_lps_mm=planned.route.entry_lps_mm,
            alarms=alarms,
            limits=planned.limits,
            stop_at_s=at_s,
        )
        return log, measure(log, planned.route, planned.choice.placement, planned.tool)

    log, found = once(stop_at_s)
    stop = stop_of(log, found)
    if stop is None and stop_check:
        stop = stop_of(*once(_fastest(timed)))
    settings = {
        "shaft": shaft,
        "tool": asdict(planned.tool),
        "pace": asdict(pace),
        "gains": asdict(gains),
        "disturbance": {**asdict(disturbance), "push_n": list(disturbance.push_n)},
        "alarms": asdict(alarms),
        "patient_position": None if base is not None else patient_position,
        "approach_mm": approach_mm,
        "entry_tolerance_mm": entry_tolerance_mm,
        "straight_tolerance_mm": straight_tolerance_mm,
        "corner_tolerance_mm": corner_tolerance_mm,
        "stop_at_s": stop_at_s,
        "rotors": rotors,
        "seed": seed,
        "path_sha256": sha256(np.asarray(path_lps_mm, "<f8").tobytes().hex()),
        "arm_sha256": sha256(believed),
        "plant_sha256": sha256(plant.xml),
        "versions": {name: version(name) for name in ("mujoco", "ruckig", "scipy", "numpy")},
    }
    return Motion(
        planned=planned,
        log=log,
        found=found,
        stop=stop,
        settings=settings,
        settled_mm=settled_mm,
        loop=loop,
        film_per_s=film_per_s,
    )


def _fastest(timed: Timed) -> float:
    """Time at the middle of the fastest part inside the patient."""
    speed = np.where(timed.inside, timed.speed_mm_s, 0.0)
    rows = np.flatnonzero(speed >= speed.max() * 0.999)
    return float(rows[len(rows) // 2]) * STEP_S


@lru_cache(maxsize=64)
def _margins(gains: Gains, delay_steps: int) -> Margins:
    return margins(gains, delay_steps)
