"""The motion as a film that a browser can draw: points of the arm, tip and shaft, about thirty times a second."""

from __future__ import annotations

from typing import Any

import numpy as np

from suwen.engines.robot.arm import STEP_S, Floats
from suwen.engines.robot.measure import Measured
from suwen.engines.robot.placement import Placement

POINTS = ("base", "shoulder", "elbow", "wrist", "flange", "tip")
"""What a frame holds, in this order; drawn as one line they are the arm."""
_FRAMES = {"base": 0, "shoulder": 1, "elbow": 3, "wrist": 5, "flange": 7}
MOST_FRAMES = 400


def film(found: Measured, placement: Placement, *, per_s: float = 30.0) -> dict[str, Any]:
    """Frames of a run, thinned to at most :data:`MOST_FRAMES`.

    Parameters
    ----------
    found
        The run.
    placement
        Of the base.
    per_s
        Frames per second of the motion.

    Returns
    -------
    dict
        ``points`` names what each frame's ``at`` holds, LPS mm to 0.01 mm; ``axis`` is the shaft's direction,
        ``error_mm`` the tip's at that time, ``inside`` whether it is in the patient, ``t_s`` since the beginning.
    """
    steps = len(found.tip_lps_mm)
    every = max(1, round(1 / (per_s * STEP_S)), -(-steps // (MOST_FRAMES - 1)))
    rows = np.unique(np.append(np.arange(0, steps, every), steps - 1))
    arm = np.stack(
        [placement.to_lps(found.pose.frames[rows, _FRAMES[name], :3, 3]) for name in POINTS[:-1]]
        + [found.tip_lps_mm[rows]],
        axis=1,
    )
    return {
        "frame": "LPS",
        "unit": "mm",
        "points": list(POINTS),
        "per_s": 1 / (every * STEP_S),
        "frames": [
            {
                "t_s": round(float(row * STEP_S), 3),
                "at": _rounded(arm[place], 2),
                "axis": _rounded(found.axis_lps[row], 5),
                "error_mm": round(float(found.tip_error_mm[row]), 4),
                "inside": bool(found.inside[row]),
            }
            for place, row in enumerate(rows.tolist())
        ],
    }


def _rounded(values: Floats, digits: int) -> Any:
    return np.round(values, digits).tolist()
