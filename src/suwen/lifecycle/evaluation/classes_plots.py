"""Plots of classes: ROC, precision-recall, reliability, confusion, risk-coverage and decision curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from suwen.core.report import Report
from suwen.lifecycle.evaluation.plots import BLUE, GREY, INK, LINES, Painter, paint, points, with_interval
from suwen.lifecycle.evaluation.standings import rivals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_RIVALS = 3
"""Baselines drawn beside the model, the best ones; the table has all."""


def draw(report: Report) -> dict[str, bytes]:
    """Draw those of these plots that the report has points for: name to PNG bytes."""
    painters: Mapping[str, tuple[str, Painter]] = {
        "roc": ("ROC", _roc),
        "pr": ("Precision and recall", _pr),
        "reliability": ("Reliability", _reliability),
        "confusion": ("Confusion", _confusion),
        "risk_coverage": ("Risk and coverage", _risk_coverage),
        "decision_curve": ("Decision curve", _decision_curve),
    }
    return paint(report, painters)


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015), xlabel=x, ylabel=y)
    axes.set_aspect("equal")


def _undefined(axes: Axes) -> None:
    axes.text(0.5, 0.5, "undefined: one class only", ha="center", va="center", color=GREY)


def _curves(axes: Axes, report: Report, name: str, x: str, y: str, metric: str, title: str) -> None:
    """Model and baselines as lines, the figure with its interval in the legend."""
    found = points(report, name)
    # Average precision is the area under these steps: each precision holds back to the recall before.
    style_of_steps: Literal["steps-pre", "default"] = "steps-pre" if name == "pr" else "default"
    label = with_interval("model", title, report.metrics.get(metric))
    axes.plot(
        found["model"][x],
        found["model"][y],
        color=BLUE,
        linewidth=2,
        zorder=3,
        label=label,
        drawstyle=style_of_steps,
    )
    shown = rivals(report, metric, MOST_RIVALS)
    for baseline, (colour, style) in zip(shown, LINES, strict=False):
        line = found["baselines"][baseline]
        label = with_interval(baseline, title, report.baselines.get(baseline, {}).get(metric))
        axes.plot(
            line[x],
            line[y],
            color=colour,
            linestyle=style,
            linewidth=1.4,
            label=label,
            drawstyle=style_of_steps,
        )
    _others(axes, len(found["baselines"]) - len(shown))
    if not found["model"][x]:
        _undefined(axes)


def _others(axes: Axes, count: int) -> None:
    """A line of the legend for the baselines that are not drawn."""
    if count > 0:
        axes.plot([], [], " ", label=f"and {count} more in the table")


def _roc(figure: Figure, report: Report) -> None:
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    _curves(axes, report, "roc", "fpr", "tpr", "auroc", "AUROC")
    point = points(report, "operating_point")
    defined = bool(points(report, "roc")["model"]["fpr"]) and {"sensitivity", "specificity"} <= set(point)
    many = len(points(report, "confusion").get("classes", ())) > 2  # decided by the largest, at no threshold
    if defined and not many:
        x, y = 1 - point["specificity"], point["sensitivity"]
        label = f"operating point, p ≥ {point['threshold']:.3g}"
        axes.plot(
            x, y, "o", color="white", markeredgecolor=BLUE, markeredgewidth=2, markersize=8, label=label
        )
    _unit_square(axes, "1 − specificity", "sensitivity")
    axes.legend(loc="lower right")


def _pr(figure: Figure, report: Report) -> None:
    axes = figure.add_subplot()
    share = points(report, "pr")["prevalence"]
    axes.axhline(share, color=GREY, linewidth=0.8, linestyle=":")
    axes.text(0.01, share, f"prevalence {share:.2f}", fontsize=8, color=GREY, va="bottom")
    _curves(axes, report, "pr", "recall", "precision", "auprc", "AUPRC")
    _unit_square(axes, "recall (sensitivity)", "precision (PPV)")
    axes.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none")


def _reliability(figure: Figure, report: Report) -> None:
    bins = points(report, "reliability")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    upper.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    spread = [
        [max(0.0, o - lo) for o, lo in zip(bins["observed"], bins["lo"], strict=True)],
        [max(0.0, hi - o) for o, hi in zip(bins["observed"], bins["hi"], strict=True)],
    ]
    label = with_interval("15 equal bins", "ECE", report.metrics.get("ece"))
    upper.errorbar(
        bins["mean_predicted"],
        bins["observed"],
        yerr=spread,
        fmt="o",
        color=BLUE,
        ecolor="#9cc3dc",
        markersize=4.5,
        label=label,
    )
    upper.set(xlim=(-0.015, 1.015), ylim=(-0.03, 1.03), ylabel="observed frequency")
    upper.legend(loc="upper left")
    counts = bins["histogram"]
    left, width = counts["edges"][:-1], counts["edges"][1] - counts["edges"][0]
    positive = points(report, "operating_point").get("positive", "positive")
    lower.bar(left, counts["positive"], width, align="edge", color=BLUE, label=positive)
    lower.bar(
        left,
        counts["negative"],
        width,
        align="edge",
        bottom=counts["positive"],
        color="#f0b48a",
        label=f"not {positive}",
    )
    lower.set(xlabel=f"predicted probability of {positive}", ylabel="samples")
    lower.legend(loc="upper center", ncols=2, handlelength=1)


def _confusion(figure: Figure, report: Report) -> None:
    found = points(report, "confusion")
    classes, matrix = found["classes"], found["matrix"]
    axes = figure.add_subplot()
    axes.grid(visible=False)
    totals = [max(1, sum(row)) for row in matrix]
    shares = [[cell / total for cell in row] for row, total in zip(matrix, totals, strict=True)]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    size = 15 if len(classes) <= 3 else 9
    for i, row in enumerate(matrix):
        for j, cell in enumerate(row):
            ink = "white" if shares[i][j] > 0.55 else INK
            axes.text(j, i - 0.05, str(cell), ha="center", va="bottom", fontsize=size, color=ink)
            axes.text(
                j, i + 0.03, f"{shares[i][j]:.1%}", ha="center", va="top", fontsize=size * 0.6, color=ink
            )
    ticks = range(len(classes))
    slant = 0 if len(classes) <= 3 else 40
    axes.set_xticks(ticks, classes, rotation=slant, ha="center" if slant == 0 else "right")
    axes.set_yticks(ticks, classes, rotation=90 if slant == 0 else 0, va="center")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="decided", ylabel="truth")


def _risk_coverage(figure: Figure, report: Report) -> None:
    found = points(report, "risk_coverage")
    axes = figure.add_subplot()
    axes.plot(found["coverage"], found["risk"], color=BLUE, linewidth=2, label=f"AURC {found['aurc']:.4f}")
    axes.fill_between(found["coverage"], found["risk"], color=BLUE, alpha=0.12, linewidth=0)
    axes.plot(
        found["coverage"][-1],
        found["risk"][-1],
        "o",
        color=BLUE,
        markersize=5,
        clip_on=False,
        label=f"all answered: error {found['risk'][-1]:.1%}",
    )
    axes.set(xlim=(0, 1.0), xlabel="coverage (share answered, surest first)", ylabel="error rate among them")
    axes.set_ylim(0, max(0.02, 1.15 * max(found["risk"])))
    axes.legend(loc="upper left")


def _decision_curve(figure: Figure, report: Report) -> None:
    found = points(report, "decision_curve")
    at = [100 * t for t in found["threshold"]]
    axes = figure.add_subplot()
    axes.axhline(0, color=INK, linewidth=1, label="treat none")
    axes.plot(at, found["treat_all"], color=GREY, linewidth=1.2, linestyle=":", label="treat all")
    axes.fill_between(at, found["lo"], found["hi"], color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(at, found["model"], color=BLUE, linewidth=2, zorder=3, label="model (95% interval)")
    shown = [name for name in rivals(report, "auroc", MOST_RIVALS) if name in found["baselines"]]
    for name, (colour, style) in zip(shown, LINES, strict=False):
        axes.plot(at, found["baselines"][name], color=colour, linestyle=style, linewidth=1.4, label=name)
    _others(axes, len(found["baselines"]) - len(shown))
    top = max(*found["model"], *found["hi"], found["treat_all"][0], 0.01)
    axes.set(
        xlim=(0, at[-1]),
        ylim=(-0.25 * top, 1.08 * top),
        xlabel="treat from a risk of (%)",
        ylabel="net benefit (true positives per case)",
    )
    axes.legend(loc="upper right")
