"""The report's plots as PNG: ROC, precision-recall, reliability, confusion and risk-coverage.

Drawn from the report alone, so that a stored ``report.json`` can be drawn again. Colours are Okabe and
Ito's, told apart by colour-blind readers; model and baseline also differ in line style.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from suwen.core.errors import MissingExtra
from suwen.core.report import Estimate, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#767676", "#222222"
_BASELINE_STYLES = ((ORANGE, (0, (5, 2))), (GREEN, (0, (1, 1.2))), ("#CC79A7", (0, (6, 1.5, 1, 1.5))))
_STYLE: dict[str, Any] = {
    "font.size": 9.5,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "axes.titlesize": 9.5,
}
_CJK = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "PingFang SC", "Microsoft YaHei")
_DPI = 150


def draw(report: Report) -> dict[str, bytes]:
    """Draw every plot that the report has points for.

    Returns
    -------
    dict
        ``roc``, ``pr``, ``reliability``, ``confusion``, ``risk_coverage`` to PNG bytes.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("matplotlib", "train", "drawing the report's plots") from None

    painters: Mapping[str, tuple[str, Callable[[Figure, Report], None]]] = {
        "roc": ("ROC", _roc),
        "pr": ("Precision and recall", _pr),
        "reliability": ("Reliability", _reliability),
        "confusion": ("Confusion", _confusion),
        "risk_coverage": ("Risk and coverage", _risk_coverage),
    }
    drawn = {}
    # A glyph that no installed font has is drawn as a box; that is no reason to fail an evaluation.
    style: Any = {**_STYLE, "font.family": _fonts(report)}
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for name, (title, painter) in painters.items():
            if name not in report.curves:
                continue
            figure = Figure(figsize=(4.7, 4.3), dpi=_DPI, layout="constrained")
            FigureCanvasAgg(figure)
            painter(figure, report)
            figure.suptitle(title, fontsize=11.5, fontweight="bold", color=INK)
            figure.axes[0].set_title(f"{report.task} · {report.split} · n = {report.n}", color=INK)
            png = io.BytesIO()
            figure.savefig(png, format="png", metadata={"Software": None})
            drawn[name] = png.getvalue()
    return drawn


def _fonts(report: Report) -> list[str]:
    """Font families: an installed Chinese one is added only where a name needs it."""
    families = ["DejaVu Sans"]
    names = f"{report.task}{report.split}{report.curves.get('confusion', '')}{list(report.baselines)}"
    if not names.isascii():
        from matplotlib import font_manager

        installed = set(font_manager.get_font_names())
        families += [family for family in _CJK if family in installed]
    return families


def _points(report: Report, name: str) -> dict[str, Any]:
    found = report.curves[name]
    return dict(found) if isinstance(found, Mapping) else {}


def _with_interval(name: str, title: str, one: Estimate | None) -> str:
    if one is None or math.isnan(one.value):
        return name
    return f"{name}: {title} {one.value:.3f} ({one.lo:.3f}–{one.hi:.3f})"


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015), xlabel=x, ylabel=y)
    axes.set_aspect("equal")


def _undefined(axes: Axes) -> None:
    axes.text(0.5, 0.5, "undefined: one class only", ha="center", va="center", color=GREY)


def _curves(axes: Axes, report: Report, name: str, x: str, y: str, metric: str, title: str) -> None:
    """Model and baselines as lines, the figure with its interval in the legend."""
    points = _points(report, name)
    # Average precision is the area under these steps: each precision holds back to the recall before.
    style_of_steps: Literal["steps-pre", "default"] = "steps-pre" if name == "pr" else "default"
    label = _with_interval("model", title, report.metrics.get(metric))
    axes.plot(
        points["model"][x],
        points["model"][y],
        color=BLUE,
        linewidth=2,
        zorder=3,
        label=label,
        drawstyle=style_of_steps,
    )
    for index, (baseline, line) in enumerate(points["baselines"].items()):
        colour, style = _BASELINE_STYLES[index % len(_BASELINE_STYLES)]
        label = _with_interval(baseline, title, report.baselines.get(baseline, {}).get(metric))
        axes.plot(
            line[x],
            line[y],
            color=colour,
            linestyle=style,
            linewidth=1.4,
            label=label,
            drawstyle=style_of_steps,
        )
    if not points["model"][x]:
        _undefined(axes)


def _roc(figure: Figure, report: Report) -> None:
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    _curves(axes, report, "roc", "fpr", "tpr", "auroc", "AUROC")
    point = _points(report, "operating_point")
    points_defined = bool(_points(report, "roc")["model"]["fpr"])
    if len(_points(report, "confusion")["classes"]) == 2 and points_defined:
        x, y = 1 - point["specificity"], point["sensitivity"]
        label = f"operating point, p ≥ {point['threshold']:.3g}"
        axes.plot(
            x, y, "o", color="white", markeredgecolor=BLUE, markeredgewidth=2, markersize=8, label=label
        )
    _unit_square(axes, "1 − specificity", "sensitivity")
    axes.legend(loc="lower right")


def _pr(figure: Figure, report: Report) -> None:
    axes = figure.add_subplot()
    share = _points(report, "pr")["prevalence"]
    axes.axhline(share, color=GREY, linewidth=0.8, linestyle=":")
    axes.text(0.01, share, f"prevalence {share:.2f}", fontsize=8, color=GREY, va="bottom")
    _curves(axes, report, "pr", "recall", "precision", "auprc", "AUPRC")
    _unit_square(axes, "recall (sensitivity)", "precision (PPV)")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.02))


def _reliability(figure: Figure, report: Report) -> None:
    bins = _points(report, "reliability")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    upper.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    spread = [
        [max(0.0, o - lo) for o, lo in zip(bins["observed"], bins["lo"], strict=True)],
        [max(0.0, hi - o) for o, hi in zip(bins["observed"], bins["hi"], strict=True)],
    ]
    label = _with_interval("15 equal bins", "ECE", report.metrics.get("ece"))
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
    positive = _points(report, "operating_point")["positive"]
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
    found = _points(report, "confusion")
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
    found = _points(report, "risk_coverage")
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
