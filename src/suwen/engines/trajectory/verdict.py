"""What the ranking comes to: a feasible trajectory, or the best there is and what stands in its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.engines.clearance.grid import named
from suwen.engines.trajectory.score import AIR, Scored, histogram

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a trajectory keeps everything; nothing is relaxed to find one.

    Attributes
    ----------
    feasible
        How many candidates do.
    best_slack_mm, best_clearance_mm, best_at
        The most clearance beyond the margin of any candidate that stays in the body, that clearance, and the
        structure it is least at; ``None`` where every one leaves the body.
    ceiling_mm, ceiling_at
        How much room beyond the margin there is at the best of the targets themselves, and at which structure:
        no trajectory whatever, from no entry, has more. Below 0 the margin cannot be kept at this target.
    missed
        How many candidates miss each limit.
    said
        All of it in a sentence.
    """

    feasible: int
    best_slack_mm: float | None
    best_clearance_mm: float | None
    best_at: str | None
    ceiling_mm: float
    ceiling_at: str
    missed: Mapping[str, int]
    said: str

    def as_dict(self) -> dict[str, Any]:
        """Plain types."""
        return {**self.__dict__, "missed": dict(self.missed)}


def verdict_on(
    scored: Scored, structures: Sequence[tuple[int, str]], margins_mm: Floats, at_targets_mm: Floats
) -> Verdict:
    """Sum up a ranking.

    Parameters
    ----------
    scored
        What was ranked.
    structures, margins_mm
        Label and name of each column of clearances, and its margin.
    at_targets_mm
        (targets, structures): clearance at the target points themselves.
    """
    names = [named(label, {label: name}) for label, name in structures]
    room = at_targets_mm - margins_mm
    target = int(room.min(1).argmax())
    narrow = int(room[target].argmin())
    inside = np.isfinite(scored.risk)
    best = int(np.where(inside, scored.slack_mm, -np.inf).argmax()) if inside.any() else None
    column = None if best is None else int(scored.nearest[best])
    clearance = None if best is None else float(scored.clearance_mm[best, column])
    slack = None if best is None else float(scored.slack_mm[best])
    missed = histogram(scored)
    feasible = int(scored.feasible.sum())
    if feasible:
        said = f"{feasible} of {len(scored.order)} candidates keep every limit"
    elif best is None or column is None or clearance is None or slack is None:
        said = f"infeasible: every one of {len(scored.order)} candidates leaves the body ({AIR})"
    elif slack < 0:
        said = (
            f"infeasible: best achievable clearance {clearance:.2f} mm, at {names[column]}, where "
            f"{margins_mm[column]:.2f} mm are asked for"
        )
        if room[target, narrow] < 0:
            said += (
                f"; the target itself has {at_targets_mm[target, narrow]:.2f} mm beside {names[narrow]}, "
                "so that no entry can do better"
            )
    else:
        counts = ", ".join(f"{count} miss {name}" for name, count in missed.items() if count)
        said = f"infeasible: the margin can be kept, but not with the other limits: of {len(scored.order)} {counts}"
    return Verdict(
        feasible=feasible,
        best_slack_mm=slack,
        best_clearance_mm=clearance,
        best_at=None if column is None else names[column],
        ceiling_mm=float(room[target, narrow]),
        ceiling_at=names[narrow],
        missed=missed,
        said=said,
    )
