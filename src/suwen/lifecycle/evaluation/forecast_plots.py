"""Plots of forecasts: the Clarke error grid, alarms at every threshold, coverage of the intervals by range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suwen.core.report import Report
from suwen.lifecycle.evaluation.plots import BLUE, GREY, INK, LINES, Painter, paint, points
from suwen.lifecycle.evaluation.standings import rivals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ZONE_COLOURS = {"A": "#009E73", "B": BLUE, "C": "#E69F00", "D": "#D55E00", "E": "#CC79A7"}
_TOP = 400
"""Upper end of the drawn grid, mg/dL, as in the paper; readings above it are held at it."""
_ZONE_LINES = (
    ((0, 175 / 3, _TOP / 1.2), (70, 70, _TOP)),
    ((0, 70, 70), (180, 180, _TOP)),
    ((70, 70), (84, 180)),
    ((70, 290), (180, _TOP)),
    ((70, 70), (0, 56)),
    ((70, _TOP), (56, 0.8 * _TOP)),
    ((130, 180), (0, 70)),
    ((180, 180, _TOP), (0, 70, 70)),
    ((240, 240, _TOP), (70, 180, 180)),
)
"""Border lines between the zones as (reference, forecast); see :mod:`.forecast_clarke`."""
_LETTERS = (
    ("A", 30, 15), ("A", 375, 372), ("B", 345, 250), ("B", 225, 305), ("C", 150, 370), ("C", 163, 12),
    ("D", 25, 125), ("D", 375, 125), ("E", 25, 370), ("E", 375, 25),
)  # fmt: skip


def draw(report: Report) -> dict[str, bytes]:
    """Draw those of these plots that the report has points for: name to PNG bytes."""
    painters: Mapping[str, tuple[str, Painter]] = {
        "clarke": ("Clarke error grid", _clarke),
        "alarms": ("Alarms ahead", _alarms),
        "coverage": ("Coverage of the 90% intervals", _coverage),
    }
    return paint(report, painters)


def _clarke(figure: Figure, report: Report) -> None:
    """The nearest horizon's pairs over the zones."""
    horizon, found = next(iter(points(report, "clarke").items()))
    axes = figure.add_subplot()
    axes.grid(visible=False)
    for x, y in _ZONE_LINES:
        axes.plot(x, y, color=INK, linewidth=0.9, zorder=2)
    axes.plot([0, _TOP], [0, _TOP], color=GREY, linewidth=0.7, linestyle=":", zorder=1)
    for zone, colour in _ZONE_COLOURS.items():
        at = [number for number, name in enumerate(found["zone"]) if name == zone]
        axes.scatter(
            [min(found["reference"][number], _TOP) for number in at],
            [min(found["forecast"][number], _TOP) for number in at],
            s=5,
            color=colour,
            alpha=0.45,
            linewidths=0,
            zorder=3,
            label=f"{zone} {found['shares'][zone]:.2%}",
        )
    for letter, reference, forecast in _LETTERS:
        axes.text(reference, forecast, letter, ha="center", va="center", fontsize=11, color=INK, zorder=4)
    axes.set(
        xlim=(0, _TOP),
        ylim=(0, _TOP),
        xlabel="reading, mg/dL",
        ylabel=f"forecast {horizon.removesuffix('min')} min before, mg/dL",
    )
    axes.set_aspect("equal")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), markerscale=2.5, handletextpad=0.2)


def _alarms(figure: Figure, report: Report) -> None:
    """PPV over sensitivity of both alarms, the model thick, its operating point ringed."""
    found = points(report, "alarms")
    titles = {"hypo": "low", "hyper": "high"}
    naive = [name for name in ("persistence", "linear") if name in report.baselines]
    best = [name for name in rivals(report, decisive_of(report), 1) if name not in naive]
    all_axes: list[Axes] = list(figure.subplots(len(found), 1, sharex=True, squeeze=False)[:, 0])
    for axes, (name, one) in zip(all_axes, found.items(), strict=True):
        _alarm(axes, one, [*best, *naive])
        axes.set(ylabel=f"PPV, {titles[name]} alarm", xlim=(0, 1.02), ylim=(0, 1.02))
    all_axes[0].legend(loc="lower left")
    all_axes[-1].set_xlabel("sensitivity")


def decisive_of(report: Report) -> str | None:
    """The error at the nearest horizon, by which rivals are ranked."""
    return next((name for name in report.metrics if name.startswith("rmse_")), None)


def _alarm(axes: Axes, one: Mapping[str, Any], shown: list[str]) -> None:
    lines, point = one["lines"], one["point"]
    axes.plot(
        lines["model"]["sensitivity"], lines["model"]["ppv"], color=BLUE, linewidth=2, zorder=3, label="model"
    )
    for name, (colour, style) in zip([name for name in shown if name in lines], LINES, strict=False):
        axes.plot(
            lines[name]["sensitivity"],
            lines[name]["ppv"],
            color=colour,
            linestyle=style,
            linewidth=1.4,
            label=name,
        )
    if point["ppv"] is not None:
        axes.plot(
            point["sensitivity"],
            point["ppv"],
            "o",
            color="white",
            markeredgecolor=BLUE,
            markeredgewidth=2,
            markersize=7,
            zorder=4,
            label="in use",
        )


def _coverage(figure: Figure, report: Report) -> None:
    """Coverage by range of the forecast against the promised 90%, with the mean width above each bar."""
    found = points(report, "coverage")
    axes = figure.add_subplot()
    horizons = [name for name in found if name not in {"ranges", "unit"}]
    wide = 0.8 / max(len(horizons), 1)
    colours = (BLUE, "#56B4E9", GREY)
    for number, horizon in enumerate(horizons):
        one = found[horizon]
        left = [place - 0.4 + wide * number for place in range(len(found["ranges"]))]
        shares = [0.0 if share is None else share for share in one["coverage"]]
        axes.bar(
            left,
            shares,
            0.94 * wide,
            align="edge",
            color=colours[number % len(colours)],
            label=f"{horizon.removesuffix('min')} min",
        )
        for x, share, width in zip(left, shares, one["width"], strict=True):
            if width is not None:
                text = f"{share:.1%}\n±{width / 2:.0f}"
                axes.text(
                    x + 0.47 * wide, share + 0.004, text, ha="center", va="bottom", fontsize=8, color=INK
                )
    axes.axhspan(0.88, 0.92, color=GREY, alpha=0.18, linewidth=0, zorder=0)
    axes.axhline(0.9, color=INK, linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(found["ranges"])), [f"forecast {name}" for name in found["ranges"]])
    axes.set(ylim=(0.7, 1.0), ylabel=f"readings inside the interval (±: half its width, {found['unit']})")
    axes.grid(visible=False, axis="x")
    axes.legend(loc="upper left", ncols=2)
