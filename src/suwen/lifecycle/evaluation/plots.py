"""The report's plots as PNG, each kind of endpoint with its own, in one style.

Drawn from the report alone, so that a stored ``report.json`` can be drawn again. Colours are Okabe and
Ito's, told apart by colour-blind readers; model and baseline also differ in line style.
"""

from __future__ import annotations

import importlib
import io
import math
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from suwen.core.errors import MissingExtra
from suwen.core.report import Estimate, Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#767676", "#222222"
LINES = (
    (ORANGE, (0, (5, 2))),
    (GREEN, (0, (1, 1.2))),
    ("#CC79A7", (0, (6, 1.5, 1, 1.5))),
    ("#E69F00", (0, (3, 1))),
)
"""Colour and line style of each baseline, in order."""

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


Painter = Callable[["Figure", Report], None]

_KINDS = ("classes_plots", "alarm_plots", "forecast_plots", "survival_plots")
"""Modules here that draw what their kind of endpoint puts into ``report.curves``."""


def draw(report: Report) -> dict[str, bytes]:
    """Draw every plot that the report has points for.

    Returns
    -------
    dict
        Name to PNG bytes: of classes ``roc``, ``pr``, ``reliability``, ``confusion``, ``risk_coverage`` and
        ``decision_curve``; of other kinds what their modules draw.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    drawn: dict[str, bytes] = {}
    for kind in _KINDS:
        where = f"suwen.lifecycle.evaluation.{kind}"
        if find_spec(where) is not None:
            drawn |= importlib.import_module(where).draw(report)
    return drawn


def paint(report: Report, painters: Mapping[str, tuple[str, Painter]]) -> dict[str, bytes]:
    """PNG of each painter whose name the report's curves hold, in the house's style.

    Parameters
    ----------
    report
        Handed to every painter, and named under its title.
    painters
        Key of ``report.curves`` to a title and a function that fills an empty figure.

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


def points(report: Report, name: str) -> dict[str, Any]:
    """What the report's curves hold under a name; empty where they hold nothing."""
    found = report.curves.get(name)
    return dict(found) if isinstance(found, Mapping) else {}


def with_interval(name: str, title: str, one: Estimate | None) -> str:
    """Label of a line: its name, and the figure with its interval."""
    if one is None or math.isnan(one.value):
        return name
    return f"{name}: {title} {one.value:.3f} ({one.lo:.3f}–{one.hi:.3f})"
