"""Plots of survival: curves of the thirds of risk, calibration at the horizon, error over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from suwen.core.report import Report
from suwen.lifecycle.evaluation.plots import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Painter,
    paint,
    points,
    with_interval,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

_COLOURS = {"low": GREEN, "middle": BLUE, "high": ORANGE}


def draw(report: Report) -> dict[str, bytes]:
    """Draw those of these plots that the report has points for: name to PNG bytes."""
    painters: Mapping[str, tuple[str, Painter]] = {
        "survival_thirds": ("Observed and predicted", _thirds),
        "survival_calibration": ("Calibration at the horizon", _calibration),
        "survival_errors": ("Brier score over time", _errors),
    }
    return paint(report, painters)


def _thirds(figure: Figure, report: Report) -> None:
    """Kaplan-Meier's curve and the mean predicted one of each third of risk."""
    found = points(report, "survival_thirds")
    axes = figure.add_subplot()
    for group in found["groups"]:
        colour = _COLOURS[group["name"]]
        axes.plot(
            found["times"],
            group["observed"],
            color=colour,
            linewidth=2,
            drawstyle="steps-post",
            label=f"{group['name']} risk, observed (n = {group['n']})",
        )
        axes.plot(found["times"], group["predicted"], color=colour, linewidth=1.3, linestyle=(0, (4, 2)))
    axes.plot([], [], color=GREY, linewidth=1.3, linestyle=(0, (4, 2)), label="predicted")
    axes.set(ylim=(-0.015, 1.015), xlim=(0, None), xlabel="time", ylabel="probability without the event")
    axes.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none")


def _calibration(figure: Figure, report: Report) -> None:
    """Observed against predicted probability in groups of predicted risk."""
    found = points(report, "survival_calibration")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    spread = [
        [0.0 if math.isnan(lo) else o - lo for o, lo in zip(found["observed"], found["lo"], strict=True)],
        [0.0 if math.isnan(hi) else hi - o for o, hi in zip(found["observed"], found["hi"], strict=True)],
    ]
    axes.errorbar(
        found["predicted"],
        found["observed"],
        yerr=spread,
        fmt="o",
        color=BLUE,
        ecolor="#9cc3dc",
        markersize=4.5,
        label=with_interval("groups of equally many", "slope", report.metrics.get("hazard_slope")),
    )
    axes.set(
        xlim=(-0.015, 1.015),
        ylim=(-0.015, 1.015),
        xlabel=f"predicted probability of the event by {found['horizon']:g}",
        ylabel="observed (Kaplan-Meier)",
    )
    axes.set_aspect("equal")
    axes.legend(loc="upper left")


def _errors(figure: Figure, report: Report) -> None:
    """Brier score of the model and of the same curve for everybody."""
    found = points(report, "survival_errors")
    axes = figure.add_subplot()
    axes.plot(
        found["times"],
        found["model"],
        color=BLUE,
        linewidth=2,
        label=with_interval("model", "IBS", report.metrics.get("ibs")),
    )
    label = with_interval("Kaplan-Meier", "IBS", report.baselines.get("kaplan_meier", {}).get("ibs"))
    axes.plot(
        found["times"],
        found["kaplan_meier"],
        color=ORANGE,
        linewidth=1.4,
        linestyle=(0, (5, 2)),
        label=label,
    )
    axes.set(xlim=(0, None), ylim=(0, None), xlabel="time", ylabel="Brier score")
    axes.legend(loc="lower right")
