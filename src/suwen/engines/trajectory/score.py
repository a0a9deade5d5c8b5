"""Every candidate scored exactly and ranked: the feasible first, the others with what they miss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput

Floats = NDArray[np.float64]
AIR, TOUCHES, MARGIN, ANGLE, LENGTH = "air", "touches", "margin", "angle", "length"
REASONS = (AIR, TOUCHES, MARGIN, ANGLE, LENGTH)
"""Why a candidate is not feasible; the first of these that holds comes first."""
DIGITS = 9
"""Scores that agree to so many digits are equal, and keep the order of the entries."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a trajectory must keep.

    Attributes
    ----------
    margin_mm
        Clearance from every critical structure, beyond the instrument's radius: the error that is not exceeded
        in 95 of 100 cases (see :mod:`suwen.engines.clearance.budget`), and never a figure of habit.
    angle_deg
        Largest angle to the bone's (or body's) inward normal. Drills slip above about 30°.
    length_mm
        Longest way from entry to target.

    Raises
    ------
    BadInput
        ``bad-limits`` for one that is negative or not finite.
    """

    margin_mm: float
    angle_deg: float = 30.0
    length_mm: float = 110.0

    def __post_init__(self) -> None:
        values = (self.margin_mm, self.angle_deg, self.length_mm)
        if not all(np.isfinite(value) and value >= 0 for value in values):
            raise BadInput("a limit is negative or none", fix="0 or more", code="bad-limits")


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What the score is made of; each part is 0 at its best and about 1 where it is barely tolerable.

    ``score = clearance * exp(-slack / 3 mm) + angle * angle / limit + length * length / limit + risk * mean risk``,
    lower is better. Slack is the least clearance beyond the margin, mean risk is per mm of way; the weights have no
    unit, and so has the score.

    Raises
    ------
    BadInput
        ``bad-weights`` for one that is negative or not finite.
    """

    clearance: float = 1.0
    angle: float = 0.5
    length: float = 0.5
    risk: float = 0.5

    def __post_init__(self) -> None:
        values = (self.clearance, self.angle, self.length, self.risk)
        if not all(np.isfinite(value) and value >= 0 for value in values):
            raise BadInput("a weight is negative or none", fix="0 or more", code="bad-weights")


SLACK_MM = 3.0
"""Clearance beyond the margin that brings the clearance part down to 1/e."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Candidates in the order they were given; see ``order`` for the ranking.

    Attributes
    ----------
    length_mm, angle_deg, slack_mm, risk
        (n,): way; angle to the normal, NaN where there is none; least clearance beyond the margin, which is what
        is left of it at the error that the margin stands for; mean of the risk along the way, infinite through
        air.
    nearest
        (n,), column of the structure with the least clearance beyond its margin.
    clearance_mm
        (n, structures).
    score
        (n,), lower is better.
    feasible
        (n,).
    missed
        (n, reasons), bool, in the order of :data:`REASONS`.
    order
        (n,), indices from the best to the worst.
    """

    length_mm: Floats
    angle_deg: Floats
    slack_mm: Floats
    risk: Floats
    nearest: NDArray[np.int64]
    clearance_mm: Floats
    score: Floats
    feasible: NDArray[np.bool_]
    missed: NDArray[np.bool_]
    order: NDArray[np.int64]

    def reasons(self, at: int) -> list[str]:
        """Why a candidate is not feasible; empty where it is."""
        return [reason for reason, held in zip(REASONS, self.missed[at], strict=True) if held]


def score(
    entries_mm: Floats,
    target_mm: ArrayLike,
    *,
    clearance_mm: Floats,
    normals: Floats,
    risk: Floats,
    limits: Limits,
    weights: Weights,
    margins_mm: ArrayLike | None = None,
) -> Scored:
    """Score and rank candidates whose measures are known.

    Parameters
    ----------
    entries_mm, target_mm
        (n, 3) and (3,), or (n, 3), one for each entry; grid mm.
    clearance_mm
        (n, structures): exact distance of each segment to each critical structure, less the radius.
    normals
        (n, 3): inward normal of bone or body where the trajectory meets it; NaN where there is none.
    risk
        (n,): mean risk along the way; infinite where it leaves the body.
    limits, weights
        What is kept, and what counts.
    margins_mm
        (structures,): of each structure by itself, in place of the one margin of ``limits``.

    Returns
    -------
    Scored
        Feasible candidates rank by score; the others after them, by how many limits they miss, then by the
        clearance that is missing, then by score, then in the order given.

    Raises
    ------
    BadInput
        ``same-place`` where an entry is its target.
    """
    way = np.asarray(target_mm, np.float64) - entries_mm
    length = _lengths(entries_mm, target_mm)
    with np.errstate(invalid="ignore"):
        angle = np.degrees(np.arccos(np.clip(np.einsum("ni,ni->n", way, normals) / length, -1, 1)))
    least = clearance_mm.min(1)
    room = clearance_mm - (limits.margin_mm if margins_mm is None else np.asarray(margins_mm, np.float64))
    slack = room.min(1)
    missed = np.stack(
        [
            ~np.isfinite(risk),
            least <= 0,
            slack < 0,
            ~(angle <= limits.angle_deg),
            length > limits.length_mm,
        ],
        axis=1,
    )
    value = (
        weights.clearance * np.exp(-np.maximum(slack, 0) / SLACK_MM)
        + weights.angle * np.where(np.isfinite(angle), angle, 180.0) / max(limits.angle_deg, 1.0)
        + weights.length * length / max(limits.length_mm, 1.0)
        + weights.risk * np.where(np.isfinite(risk), risk, 1.0)
    )
    rounded = np.round(value, DIGITS)
    short = np.round(np.maximum(-slack, 0), DIGITS)
    order = np.lexsort((np.arange(len(value)), rounded, short, missed.sum(1)))
    return Scored(
        length_mm=length,
        angle_deg=angle,
        slack_mm=slack,
        risk=risk,
        nearest=room.argmin(1),
        clearance_mm=clearance_mm,
        score=value,
        feasible=np.asarray(~missed.any(1)),
        missed=missed,
        order=order,
    )


def mean_risk(
    entries_mm: Floats,
    target_mm: ArrayLike,
    closed: NDArray[np.bool_],
    risk: NDArray[np.float32],
    spacing_mm: ArrayLike,
) -> Floats:
    """Mean of a risk (I, J, K) along each way, exact box by box; infinite where the way touches a closed voxel.

    Parameters
    ----------
    entries_mm, target_mm
        (n, 3) and (3,), or (n, 3), one for each entry; grid mm.
    closed, risk
        (I, J, K): where nothing may go; risk per mm of way.
    spacing_mm
        (3,).

    Raises
    ------
    BadInput
        ``same-place`` where an entry is its target.
    MissingExtra
        Without numba.
    """
    from suwen.engines.smoothing import _sight

    spacing = np.asarray(spacing_mm, np.float64)
    targets = np.broadcast_to(np.asarray(target_mm, np.float64), entries_mm.shape)
    begins, ends = entries_mm / spacing, targets / spacing
    length = _lengths(entries_mm, targets)
    flags = closed.view(np.uint8)
    out = np.empty(len(entries_mm))
    for row in range(len(out)):
        out[row] = _sight.integral(flags, risk, False, begins[row], ends[row], spacing) / length[row]
    return out


def _lengths(entries_mm: Floats, target_mm: ArrayLike) -> Floats:
    length = np.asarray(np.linalg.norm(np.asarray(target_mm, np.float64) - entries_mm, axis=1))
    if (length <= 0).any():
        raise BadInput("an entry is the target", where="entries", fix="Choose another", code="same-place")
    return length


def histogram(scored: Scored) -> Mapping[str, int]:
    """How many candidates miss each limit."""
    return {reason: int(scored.missed[:, at].sum()) for at, reason in enumerate(REASONS)}
