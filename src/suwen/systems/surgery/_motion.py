"""The solver of motions: a simulated arm follows a path, with the disturbances of the protocol, and is measured."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Players
from suwen.core.limit import Limit
from suwen.core.prediction import Abstention
from suwen.core.solution import Solution
from suwen.formats.surgical.motion_case import MotionCase, read_motion
from suwen.formats.surgical.source import Question

PROTOCOL = (
    Limit(
        name="payload_kg",
        default=0.5,
        least=0,
        most=5,
        meaning="load on the flange that the controller is not told",
    ),
    Limit(
        name="noise_urad", default=20, least=0, most=1000, meaning="noise of the joints' encoders, SD, µrad"
    ),
    Limit(name="delay_ms", default=4, least=0, most=20, meaning="age of the readings"),
    Limit(
        name="insertion_mm_s",
        default=10,
        least=0.5,
        most=100,
        meaning="greatest speed of the tip in the patient",
    ),
    Limit(
        name="tip_error_limit_mm",
        default=0.5,
        least=0.01,
        most=10,
        meaning="largest tip error that is accepted",
    ),
    Limit(
        name="drift_limit_mm", default=0.5, least=0.01, most=10, meaning="largest drift of the remote centre"
    ),
    Limit(name="stop_limit_ms", default=10, least=1, most=1000, meaning="longest time to standstill"),
)
DISTURBED = ("payload_kg", "noise_urad", "delay_ms")
SHAFTS = {"rigid": "needle", "free": "steerable", "steerable": "steerable"}
UNITS = {
    "tip_error_mm": "mm",
    "remote_centre_drift_mm": "mm",
    "stop_time_ms": "ms",
    "duration_s": "s",
    "cpu_seconds": "s",
}


def read_questions(item: Any) -> Sequence[Question]:
    """One plan or path."""
    return [read_motion(item)]


class MotionSolver:
    """See :class:`suwen.engines.solver.task.Solver`."""

    needs: tuple[str, ...] = ("mujoco", "ruckig", "scipy")
    extra = "surgery"

    def refusal(self, question: Any, protocol: Mapping[str, float]) -> Abstention | None:
        """What the arm cannot follow is told when it is tried."""
        return None

    def solve(self, question: Any, protocol: Mapping[str, float]) -> Solution:
        """The motion with its measured error, accepted where every limit of the protocol is kept."""
        began = time.process_time()
        document = _followed(question, protocol)
        figures = _figures(document)
        missed = [
            f"{what} {figures[key]:.3g} {unit} is above {protocol[limit]:g}"
            for key, what, unit, limit in (
                ("tip_error_mm", "the tip's error of", "mm", "tip_error_limit_mm"),
                ("remote_centre_drift_mm", "the remote centre's drift of", "mm", "drift_limit_mm"),
                ("stop_time_ms", "the stop of", "ms", "stop_limit_ms"),
            )
            if not figures[key] <= protocol[limit]
        ]
        missed += [f"the limit of {name} was exceeded" for name in document["limits"]["exceeded"]]
        said = (
            f"tip error at most {figures['tip_error_mm']:.3f} mm, remote centre drift at most "
            f"{figures['remote_centre_drift_mm']:.3f} mm, stop in {figures['stop_time_ms']:.0f} ms "
            f"(simulated, {protocol['payload_kg']:g} kg unknown load, {protocol['delay_ms']:g} ms delay)"
        )
        return Solution(
            kind="motion",
            found=True,
            holds=not missed,
            said="; ".join([said, *missed]),
            figures={
                **figures,
                "found": 1.0,
                "certified": float(not missed),
                "cpu_seconds": time.process_time() - began,
            },
            units=UNITS,
            document={**document, "missed": missed},
        )

    def beside(self, question: Any, protocol: Mapping[str, float]) -> Mapping[str, Mapping[str, float]]:
        """The same arm with a controller that learns an unknown load hardly at all."""
        figures = _figures(_followed(question, protocol, learns=False))
        return {"without_load_estimate": {**figures, "found": 1.0}}

    def opened(self, question: Any, protocol: Mapping[str, float], solution: Solution) -> Players:
        """What the tip's error would be without the load, the noise, the delay."""

        def answer(present: NDArray[np.bool_]) -> NDArray[np.float64]:
            rows = []
            for chosen in np.asarray(present, bool):
                some = dict(zip(DISTURBED, chosen.tolist(), strict=True))
                given = {**protocol, **{name: 0.0 for name, there in some.items() if not there}}
                rows.append([_figures(_followed(question, given))["tip_error_mm"]])
            return np.array(rows)

        return Players(
            variables=DISTURBED,
            periods=(None,) * len(DISTURBED),
            shown=tuple(f"{protocol[name]:g}" for name in DISTURBED),
            answer=answer,
            outputs=("largest tip error",),
            unit="mm of tip error",
            headline=0,
        )


def _followed(question: MotionCase, protocol: Mapping[str, float], *, learns: bool = True) -> dict[str, Any]:
    """The document of a motion, its film in the words of a plan."""
    return _document(question, tuple(sorted(protocol.items())), learns)


@lru_cache(maxsize=16)
def _document(question: MotionCase, numbers: tuple[tuple[str, float], ...], learns: bool) -> dict[str, Any]:
    from suwen.engines.robot.arm import Tool
    from suwen.engines.robot.control import Gains
    from suwen.engines.robot.motion import follow
    from suwen.engines.robot.plant import Disturbance
    from suwen.engines.robot.timing import Pace

    protocol = dict(numbers)
    gains = Gains() if learns else replace(Gains(), load_rad_s=0.5)
    motion = follow(
        np.array(question.path_lps_mm),
        entry_lps_mm=np.array(question.entry_lps_mm),
        shaft=SHAFTS[question.instrument.kind],
        tool=Tool(shaft_radius_mm=max(question.instrument.radius_mm, 0.1)),
        pace=Pace(insertion_mm_s=protocol["insertion_mm_s"]),
        gains=gains,
        disturbance=Disturbance(
            payload_kg=protocol["payload_kg"],
            noise_urad=protocol["noise_urad"],
            delay_ms=int(protocol["delay_ms"]),
        ),
    )
    document = motion.document()
    film = document["film"]
    film["frames"] = [
        {
            "t_s": one["t_s"],
            "joints_lps_mm": one["at"],
            "tip_lps_mm": one["at"][-1],
            "error_mm": one["error_mm"],
            "inside": one["inside"],
        }
        for one in film["frames"]
    ]
    document["limits_exceeded"] = document["limits"]["exceeded"]
    document["stop_ms"] = None if document["stop"] is None else document["stop"]["standstill_after_ms"]
    return document


def _figures(document: Mapping[str, Any]) -> dict[str, float]:
    stop = document["stop_ms"]
    drift = document["rcm_drift_mm"]
    return {
        "tip_error_mm": float(document["tip_error_mm"]["max"]),
        "remote_centre_drift_mm": np.nan if drift is None else float(drift["max"]),
        "stop_time_ms": np.inf if stop is None else float(stop),
        "limits_kept": float(not document["limits"]["exceeded"]),
        "duration_s": float(document["duration_s"]),
    }
