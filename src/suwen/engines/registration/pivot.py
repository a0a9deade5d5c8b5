"""Pivot calibration: where a tracked tool's tip is, from poses with the tip held in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput, Refused
from suwen.engines.registration.radius import error_radius
from suwen.engines.registration.rigid import Floats, Rigid

FEWEST = 10
"""Poses below which nothing is calibrated."""
LEAST_CONDITION = 0.08
"""Smallest singular value over the root of the number of poses: tilts up to 15 degrees in all directions reach it."""
LARGEST_ARM_MM = 2000.0
"""No tip is further from its marker than this."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pivot:
    """A calibrated tip.

    Attributes
    ----------
    tip_mm
        Array (3,): the tip in the tool's own (marker) frame.
    pivot_mm
        Array (3,): where it was held, in the tracker's frame.
    rmse_mm
        Root mean square distance of the tip from the pivot over the poses. As with fiducials this is no error of
        the tip.
    largest_mm
        The largest of these distances.
    tip_covariance_mm2
        Array (3, 3), in the tool's frame.
    tip_radius_mm
        The tip lies no further from ``tip_mm`` than this with 95% probability, if the poses' errors are independent.
    condition
        Smallest singular value of the equations over the root of the number of poses, 0 to 1: how well the poses
        differ.
    swing_deg
        Largest angle between two poses.
    poses
        How many.
    """

    tip_mm: Floats
    pivot_mm: Floats
    rmse_mm: float
    largest_mm: float
    tip_covariance_mm2: Floats
    tip_radius_mm: float
    condition: float
    swing_deg: float
    poses: int

    def as_dict(self) -> dict[str, Any]:
        """The calibration as JSON's own types."""
        plain = ("rmse_mm", "largest_mm", "tip_radius_mm", "condition", "swing_deg", "poses")
        arrays = ("tip_mm", "pivot_mm", "tip_covariance_mm2")
        return {name: getattr(self, name) for name in plain} | {
            name: getattr(self, name).tolist() for name in arrays
        }


def calibrate_pivot(poses: ArrayLike, *, largest_rmse_mm: float = 2.0) -> Pivot:
    """The tip of a tool from its tracked poses while it was turned about the tip.

    Parameters
    ----------
    poses
        Array (n, 4, 4), at least 10: rigid, from the tool's frame to the tracker's, mm.
    largest_rmse_mm
        A calibration worse than this is refused: the tip slipped.

    Raises
    ------
    BadInput
        ``too-few-poses``, ``not-rigid``, ``not-finite``, ``too-little-rotation``: not turned enough, or about one
        axis only, along which the tip stays unknown.
    Refused
        ``pivot-unsteady``; ``wrong-units`` where the tip comes out metres from the marker.

    Notes
    -----
    The linear least squares of R_i tip - pivot = -t_i over all poses (the algebraic one-step method of Yaniv 2015,
    SPIE 9415). Covariance: residual variance times the inverse normal matrix.
    """
    given = np.asarray(poses, float)
    if given.ndim != 3 or given.shape[1:] != (4, 4) or len(given) < FEWEST:
        raise BadInput(
            f"the poses have the shape {given.shape}",
            where="poses",
            fix=f"Give (n, 4, 4) with at least {FEWEST} poses, better some hundred",
            code="too-few-poses",
        )
    if not np.isfinite(given).all():
        raise BadInput(
            "a pose is not finite", where="poses", fix="Leave out what was not tracked", code="not-finite"
        )
    turns = np.stack([Rigid.from_matrix(one).rotation for one in given])
    n = len(given)
    rows = np.concatenate([turns, np.broadcast_to(-np.eye(3), (n, 3, 3))], axis=2).reshape(-1, 6)
    left, values, right = np.linalg.svd(rows, full_matrices=False)
    condition = float(values[-1] / np.sqrt(n))
    least_trace = float((turns.reshape(n, 9) @ turns.reshape(n, 9).T).min())
    swing = float(np.degrees(np.arccos(np.clip((least_trace - 1) / 2, -1, 1))))
    if condition < LEAST_CONDITION:
        free = right[-1, :3] / np.linalg.norm(right[-1, :3])
        raise BadInput(
            f"the tool was turned too little, or about one axis: {swing:.0f} degrees between the furthest poses, "
            f"condition {condition:.2g}, {LEAST_CONDITION:g} asked; the tip is open along "
            f"({free[0]:.2f}, {free[1]:.2f}, {free[2]:.2f})",
            where="poses",
            fix="Tilt it by 30 degrees and more in all directions",
            code="too-little-rotation",
        )
    solution = right.T @ (left.T @ -given[:, :3, 3].reshape(-1) / values)
    off = np.linalg.norm(turns @ solution[:3] + given[:, :3, 3] - solution[3:], axis=1)
    rmse = float(np.sqrt((off**2).mean()))
    if np.linalg.norm(solution[:3]) > LARGEST_ARM_MM:
        raise Refused(
            f"the tip comes out {np.linalg.norm(solution[:3]) / 1000:.3g} m from its marker",
            where="poses",
            fix="Give translations in mm",
            code="wrong-units",
        )
    if rmse > largest_rmse_mm:
        raise Refused(
            f"the tip wanders by {rmse:.3g} mm RMS, {largest_rmse_mm:g} mm allowed",
            where="poses",
            fix="Hold the tip in a divot and record again",
            code="pivot-unsteady",
        )
    free_values = 3 * n - 6
    covariance = (right.T / values**2 @ right)[:3, :3] * float((off**2).sum()) / free_values
    return Pivot(
        tip_mm=solution[:3],
        pivot_mm=solution[3:],
        rmse_mm=rmse,
        largest_mm=float(off.max()),
        tip_covariance_mm2=covariance,
        tip_radius_mm=float(error_radius(covariance, degrees_of_freedom=free_values)),
        condition=condition,
        swing_deg=swing,
        poses=n,
    )
