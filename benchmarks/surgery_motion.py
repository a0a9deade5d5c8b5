"""A simulated arm follows a path through its entry: errors of tip and entry, limits and stops, nominal and disturbed.

Simulation only: micrometres here are those of a rigid model, not the accuracy of a device. An 80 mm insertion by a
needle, and a helix of 20 mm in a cavity behind 60 mm of straight way by a shaft that pivots in the entry; 1 ms steps.
``nominal`` is a perfect model, ``disturbed`` has 0.5 kg of unknown payload, 20 µrad of encoder noise and 4 ms of delay.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from _common import parser, publish

TARGETS = {
    "tip_error_nominal_mm": 0.05,
    "tip_error_disturbed_mm": 0.5,
    "rcm_drift_mm": 0.5,
    "stop_ms": 10,
    "limits_exceeded": 0,
}
ENTRY = np.array([10.0, -80.0, 30.0])
DOWN = np.array([0.2, 1.0, 0.1]) / np.linalg.norm([0.2, 1.0, 0.1])


def paths() -> dict[str, tuple[str, Any]]:
    """Kind of shaft and points of each path."""
    side = np.cross(DOWN, [1.0, 0, 0])
    side /= np.linalg.norm(side)
    share = np.linspace(0, 1, 600)[:, None]
    opened = np.clip(2 * share, 0, 1)
    radius = 10 * opened**3 * (10 - 15 * opened + 6 * opened**2)
    turn = 4 * np.pi * share
    spiral = radius * (np.cos(turn) * side + np.sin(turn) * np.cross(DOWN, side))
    helix = np.concatenate([ENTRY[None], ENTRY + (60 + 20 * share) * DOWN + spiral])
    return {"insertion": ("needle", np.stack([ENTRY, ENTRY + 80 * DOWN])), "helix": ("pivoting", helix)}


def once(points: Any, entry: Any, **settings: Any) -> dict[str, Any]:
    """Figures of one motion."""
    from suwen.engines.robot import follow

    began = time.process_time()
    document = follow(points, entry_lps_mm=entry, **settings).document(with_film=False)
    load, motion = document["taking_up_load"]["tip_error_mm"], document["tip_error_mm"]
    return {
        "tip_error_mm": {"max_with_load_taken_up": max(load["max"], motion["max"]), **motion},
        "path_error_mm": document["path_error_mm"],
        "rcm_drift_mm": document["rcm_drift_mm"],
        "load_taken_up_after_s": document["taking_up_load"]["settled_after_s"],
        "settling_s": document["settling"]["after_motion_s"],
        "target_error_mm": document["target_error_mm"],
        "limits_used": document["limits"]["used"],
        "limits_exceeded": document["limits"]["exceeded"],
        "stop_ms": document["stop"] and document["stop"]["standstill_after_ms"],
        "stop_held_within_mm": document["stop"] and document["stop"]["held_within_mm"],
        "duration_s": document["duration_s"],
        "modulus_margin": document["loop"]["modulus"],
        "cpu_s": time.process_time() - began,
    }


def worst(runs: list[Any]) -> Any:
    """Largest of every figure over several runs; ``None`` is worse than any number, names are gathered."""
    if isinstance(runs[0], dict):
        return {name: worst([run[name] for run in runs]) for name in runs[0]}
    if isinstance(runs[0], list):
        return sorted({name for run in runs for name in run})
    return None if any(run is None for run in runs) else max(runs)


def harder(points: Any, pace: Any) -> dict[str, Any]:
    """The insertion with more, or with less, than the claim has."""
    from suwen.engines.robot.control import Gains
    from suwen.engines.robot.plant import DISTURBED
    from suwen.engines.robot.simulate import Alarms

    loose = Alarms(tip_mm=50.0, entry_mm=50.0)
    cases: dict[str, dict[str, Any]] = {
        "links and rotors 10 % heavier": {"disturbance": replace(DISTURBED, inertia_error=0.1)},
        "links and rotors 10 % lighter": {"disturbance": replace(DISTURBED, inertia_error=-0.1)},
        "1 Nm dry and 2 Nms viscous friction": {
            "disturbance": replace(DISTURBED, friction_nm=1.0, damping_nms_rad=2.0)
        },
        "2 kg payload": {"disturbance": replace(DISTURBED, payload_kg=2.0)},
        "100 urad noise": {"disturbance": replace(DISTURBED, noise_urad=100.0)},
        "8 ms delay": {"disturbance": replace(DISTURBED, delay_ms=8)},
        "4 ms delay unknown to the controller": {
            "disturbance": replace(DISTURBED, delay_ms=0, unknown_delay_ms=4)
        },
        "joints without rotors": {"disturbance": DISTURBED, "rotors": False, "alarms": loose},
        "baseline: no load observer": {
            "disturbance": DISTURBED,
            "gains": Gains(load_rad_s=0.5),
            "alarms": loose,
        },
    }
    return {name: once(points, ENTRY, pace=pace, **settings) for name, settings in cases.items()}


def anywhere(count: int, pace: Any) -> dict[str, Any]:
    """Entries and straight lines drawn at random around a supine patient's head, from the half space above."""
    from suwen.core.errors import Refused
    from suwen.engines.robot.plant import DISTURBED

    rng, runs, refused = np.random.default_rng(0), [], {}
    for seed in range(count):
        direction = rng.normal(size=3)
        direction[1] = abs(direction[1])
        direction /= np.linalg.norm(direction)
        entry = rng.normal(0, 60, 3)
        points = np.stack([entry, entry + rng.uniform(20, 100) * direction])
        try:
            runs.append(once(points, entry, pace=pace, disturbance=DISTURBED, seed=seed))
        except Refused as reason:
            refused[reason.code] = refused.get(reason.code, 0) + 1
    return {"lines": count, "refused": refused, "worst": worst(runs) if runs else None}


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=5, help="runs of each disturbed motion")
    options.add_argument("--lines", type=int, default=30, help="random straight lines")
    options.add_argument("--speed", type=float, default=5.0, help="of the tip inside the patient, mm/s")
    options.add_argument("--without-harder", action="store_true", help="the claims alone")
    given = options.parse_args()

    from suwen.engines.robot.control import Gains
    from suwen.engines.robot.margins import margins
    from suwen.engines.robot.motion import STATEMENT
    from suwen.engines.robot.plant import DISTURBED, NOMINAL
    from suwen.engines.robot.timing import Pace

    pace, made = Pace(insertion_mm_s=given.speed), paths()
    claims: dict[str, dict[str, Any]] = {}
    for name, (shaft, points) in made.items():
        disturbed = [
            once(points, ENTRY, shaft=shaft, pace=pace, disturbance=DISTURBED, seed=seed)
            for seed in range(given.seeds)
        ]
        claims[name] = {
            "nominal": once(points, ENTRY, shaft=shaft, pace=pace, disturbance=NOMINAL),
            "disturbed": worst(disturbed),
        }
    every = [case for pair in claims.values() for case in pair.values()]
    loops = {f"{delay} ms": margins(Gains(), delay) for delay in (0, 4, 8)}
    document: dict[str, Any] = {
        "statement": STATEMENT,
        **{
            f"tip_error_{case}_mm": max(
                pair[case]["tip_error_mm"]["max_with_load_taken_up"] for pair in claims.values()
            )
            for case in ("nominal", "disturbed")
        },
        "rcm_drift_mm": max(case["rcm_drift_mm"]["max"] for case in every),
        "stop_ms": worst([case["stop_ms"] for case in every]),
        "limits_exceeded": len(worst([case["limits_exceeded"] for case in every])),
        "seeds": given.seeds,
        "speed_mm_s": given.speed,
        "claims": claims,
        "loop": {name: vars(loop) for name, loop in loops.items()},
    }
    if not given.without_harder:
        quick = Pace(insertion_mm_s=20.0)
        document["harder_insertion_at_20_mm_s"] = harder(made["insertion"][1], quick)
        document["stop_ms_by_speed_mm_s"] = {
            f"{speed:g}": once(
                made["insertion"][1], ENTRY, pace=Pace(insertion_mm_s=speed), disturbance=DISTURBED
            )["stop_ms"]
            for speed in (5.0, 10.0, 20.0, 40.0)
        }
    if given.lines:
        document["anywhere"] = anywhere(given.lines, Pace(insertion_mm_s=20.0))
    publish({**document, "targets": TARGETS}, as_json=given.json)


if __name__ == "__main__":
    main()
