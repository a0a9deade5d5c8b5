"""Whether the observations of a cohort are whole: hour histogram, early ends, doubles, what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.formats.signals.cleaning import Reasons, by_reason
from suwen.formats.signals.observations import Observations

LATE_SHARE = 0.6
"""Below this share of what an hour of the window's second half holds, its last hour is called incomplete. In the
whole set-a of PhysioNet/CinC 2012 the share is 0.92; without the last value of every variable, as in the altered
public copies, 0.13 to 0.2."""
EARLY_END_H = 12.0
"""A stay whose last observation lies this long before its declared end is called truncated."""
WORST = 5
"""Variables named in a sentence."""

_SAID = {
    "missing": "missing",
    "impossible": "impossible in a living patient, taken as missing",
    "converted": "converted into the unit of their variable",
    "repeated": "repeated at the same time, kept",
    "contradictory": "contradicted by another of the same stay",
    "unparsed": "not plain numbers, left out",
}


def audit(
    stays: Sequence[Observations], reasons: Reasons, *, window_h: float | None = None
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Look a cohort over.

    Parameters
    ----------
    stays
        The readable stays.
    reasons
        What was counted while they were read.
    window_h
        Hours that every stay should cover; ``None`` where each has its own length.

    Returns
    -------
    tuple
        Sentences for the audit and the model card, and the same as JSON's own types: ``stays``,
        ``observations``, ``hour_histogram``, ``late_share``, ``truncated_stays``, ``identical_stays``,
        ``by_reason`` and ``by_variable``.
    """
    histogram = _hours(stays, window_h)
    copies = Counter(stay.content_key() for stay in stays)
    found: dict[str, Any] = {
        "stays": len(stays),
        "observations": int(sum(len(stay) for stay in stays)),
        "hour_histogram": histogram.tolist(),
        "late_share": _late_share(histogram) if window_h else None,
        "truncated_stays": _truncated(stays),
        "identical_stays": sum(count - 1 for count in copies.values()),
        "by_reason": by_reason(reasons),
        "by_variable": _by_variable(reasons),
    }
    return tuple(_sentences(found)), found


def _hours(stays: Sequence[Observations], window_h: float | None) -> NDArray[np.int64]:
    """Observations in each hour since the start."""
    hours = np.concatenate([stay.hours for stay in stays]) if stays else np.zeros(0)
    last = int(window_h) if window_h else int(hours.max()) + 1 if len(hours) else 0
    counts = np.bincount(np.minimum(hours.astype(np.int64), max(last - 1, 0)), minlength=last)
    return counts.astype(np.int64)


def _late_share(histogram: NDArray[np.int64]) -> float | None:
    """Observations in the last hour, in the share of an hour of the window's second half."""
    before = histogram[len(histogram) // 2 : -1]
    if not len(before) or not before.sum():
        return None
    return round(float(histogram[-1] / before.mean()), 3)


def _truncated(stays: Sequence[Observations]) -> int:
    return sum(len(stay) > 0 and stay.length_h - float(stay.hours[-1]) >= EARLY_END_H for stay in stays)


def _by_variable(reasons: Reasons) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for (reason, variable), count in sorted(reasons.items()):
        table.setdefault(reason, {})[variable] = count
    return table


def _sentences(found: Mapping[str, Any]) -> list[str]:
    lines = []
    share = found["late_share"]
    if share is not None and share < LATE_SHARE:
        lines.append(
            f"LATE OBSERVATIONS LACKING: the last hour holds {share:.0%} of what the hours before it hold, as in "
            "the altered public copies; figures from such data are not comparable"
        )
    if found["truncated_stays"]:
        lines.append(
            f"{found['truncated_stays']} stays end {EARLY_END_H:g} hours or more before their declared end"
        )
    if found["identical_stays"]:
        lines.append(f"{found['identical_stays']} stays repeat the observations of another")
    return [*lines, *_counted(found["by_reason"], found["by_variable"])]


def sentences(reasons: Reasons) -> tuple[list[str], dict[str, Any]]:
    """Counts by reason in words, and as ``by_reason`` and ``by_variable``."""
    totals, table = by_reason(reasons), _by_variable(reasons)
    return _counted(totals, table), {"by_reason": totals, "by_variable": table}


def _counted(totals: Mapping[str, int], table: Mapping[str, Mapping[str, int]]) -> list[str]:
    lines = []
    for reason, count in sorted(totals.items()):
        of = table[reason]
        worst = sorted(of, key=lambda name: (-of[name], name))[:WORST]
        named = ", ".join(f"{name} {of[name]}" for name in worst) + (" ..." if len(of) > WORST else "")
        lines.append(f"{count} values {_SAID.get(reason, reason)} ({named})")
    return lines
