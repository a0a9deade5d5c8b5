"""Who competed: the deployed model and all others of a report, ranked by the metric that decides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from suwen.core.report import Estimate, Report
from suwen.core.task import Task
from suwen.lifecycle.evaluation.glossary import line_of

MODEL = "model"
"""What the deployed model is called where nobody says which contestant it is."""

_RANKED = {"higher", "lower"}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One contestant.

    Attributes
    ----------
    name
        As in the report's baselines, or the winner's.
    figures
        Metric to estimate.
    deployed
        Whether it is the model the report is about.
    """

    name: str
    figures: Mapping[str, Estimate]
    deployed: bool


def decisive(report: Report, task: Task) -> str | None:
    """Metric that ranks: the task's own where the report has it, else the first it leads with.

    A stem such as ``rmse`` stands for the first metric of the report that begins with it.
    """
    for wanted in (getattr(task, "decisive", ""), *task.metrics, *report.metrics):
        for name in (wanted, *(one for one in report.metrics if wanted and one.startswith(f"{wanted}_"))):
            line = line_of(name) if name in report.metrics else None
            if line is not None and line.direction in _RANKED:
                return name
    return None


def standings(report: Report, metric: str | None, winner: str = "") -> list[Standing]:
    """Everyone, the best by ``metric`` first; an undefined figure ranks last, and equals keep their order.

    Parameters
    ----------
    report
        Its metrics are the deployed model's, its baselines all others'.
    metric
        From :func:`decisive`; without one the order is the report's.
    winner
        Which contestant the deployed model is, where known.
    """
    found = [Standing(name=winner or MODEL, figures=report.metrics, deployed=True)]
    found += [Standing(name=name, figures=one, deployed=False) for name, one in report.baselines.items()]
    if metric is None:
        return found
    line = line_of(metric)
    sign = 1.0 if line is not None and line.direction == "lower" else -1.0

    def key(one: Standing) -> float:
        value = one.figures[metric].value if metric in one.figures else math.nan
        return math.inf if math.isnan(value) else sign * value

    return sorted(found, key=key)


def rivals(report: Report, metric: str | None, most: int) -> list[str]:
    """Names of the best baselines, at most ``most``, in the report's order."""
    best = [one.name for one in standings(report, metric) if not one.deployed][:most]
    return [name for name in report.baselines if name in best]


def figure_digits(value: float) -> int:
    """Digits after the point that a figure deserves: three below 10, fewer above."""
    size = abs(value)
    return 3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0
