"""The report as one self-contained HTML page: plots inlined, no external resource, every value escaped."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape

from suwen.core.report import Report
from suwen.core.task import DISCLAIMER, Task
from suwen.lifecycle.evaluation.glossary import line_of
from suwen.lifecycle.evaluation.html_tables import (
    competition,
    figures,
    further,
    groups,
    interval,
    number,
    title_of,
)
from suwen.lifecycle.evaluation.page_style import CSS
from suwen.lifecycle.evaluation.wording import positives

_TITLES = {
    "roc": "ROC curve",
    "pr": "Precision-recall curve",
    "reliability": "Reliability diagram",
    "confusion": "Confusion matrix",
    "risk_coverage": "Risk-coverage curve",
    "decision_curve": "Decision curve",
}


def page(
    report: Report,
    task: Task,
    provenance: Mapping[str, object],
    plots: Mapping[str, bytes],
    *,
    note: str = "",
) -> str:
    """Render the whole page.

    Parameters
    ----------
    report
        The figures.
    task
        Title, intended use and the metrics to lead with.
    provenance
        What to say about model, weights, data and code: name to value. ``winner`` names the contestant
        that the model is.
    plots
        Name to PNG bytes, as :func:`suwen.lifecycle.evaluation.plots.draw` returns them.
    note
        Why there are no plots, where there are none.
    """
    subjects = f"{report.n_subjects} subject{'s' if report.n_subjects != 1 else ''}"
    counted = positives(report, task)
    sections = [
        "<header><div>"
        f"<h1>{escape(task.title)}</h1>"
        f'<p class="soft">{escape(report.task)} · split <b>{escape(report.split)}</b> · n = {report.n} · '
        f"{subjects}{f' · {escape(counted)}' if counted else ''}</p></div>"
        f"{_verdict(report)}</header>",
        _warnings(report),
        _tiles(report, task),
        competition(report, task, str(provenance.get("winner") or "")),
        "<h2>Figures</h2>",
        f'<p class="soft small">{_point(report, task)}95% intervals in parentheses, by bootstrap over subjects. '
        "Differences are model minus baseline on the same resamples; bold where the interval leaves out 0."
        "</p>",
        figures(report, task),
        _plots(plots, report, note),
        groups(report, task),
        further(report),
        "<h2>Intended use</h2>",
        f"<p>{escape(task.intended_use)}</p>",
        f"<p><b>Not for:</b> {escape(task.not_for)}</p>",
        _provenance(report, provenance),
        _meanings(report),
        f"<footer><p><b>{escape(DISCLAIMER)}</b></p></footer>",
    ]
    title = escape(f"{task.title}: {report.split}, n = {report.n}")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def _verdict(report: Report) -> str:
    if not report.floor:
        return '<span class="verdict soft">no floor set</span>'
    word, style = ("floor reached", "passed") if report.passed else ("below the floor", "failed")
    return f'<span class="verdict {style}">{"✓" if report.passed else "✕"} {word}</span>'


def _warnings(report: Report) -> str:
    if not report.warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in report.warnings)
    return f'<section class="warnings"><h2>Read this first</h2><ul>{items}</ul></section>'


def _tiles(report: Report, task: Task) -> str:
    tiles = [
        f'<div class="tile"><span>{escape(title_of(name))}</span>'
        f"<b>{number(report.metrics[name].value, name)}</b><i>{interval(report.metrics[name])}</i></div>"
        for name in task.metrics
        if name in report.metrics
    ]
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _point(report: Report, task: Task) -> str:
    """How decisions are made, where the kind of endpoint makes any."""
    point = report.curves.get("operating_point")
    if not isinstance(point, Mapping) or point.get("threshold") is None:
        return ""
    confusion = report.curves.get("confusion")
    if isinstance(confusion, Mapping) and len(confusion["classes"]) > 2:
        return "Decisions are by the largest probability; figures are one-vs-rest, averaged over classes. "
    rule = f" (rule on validation: {escape(str(point['rule']))})" if point.get("rule") else ""
    positive = escape(str(point.get("positive") or "positive"))
    what = "total" if task.endpoint.kind == "points" else "probability"
    return f"Operating point: {positive} at a {what} of {float(point['threshold']):.3g} or more{rule}. "


def _plots(plots: Mapping[str, bytes], report: Report, note: str) -> str:
    if not plots:
        return f'<p class="soft small">No plots. {escape(note)}</p>'
    about = f"{report.task}, {report.split}, n = {report.n}"
    figures = [
        f'<figure><img alt="{escape(_TITLES.get(name, name.replace("_", " ")))} of {escape(about)}" '
        f'src="data:image/png;base64,{base64.b64encode(png).decode()}"></figure>'
        for name, png in plots.items()
    ]
    return f'<h2>Plots</h2><div class="plots">{"".join(figures)}</div>'


def _provenance(report: Report, provenance: Mapping[str, object]) -> str:
    items = {str(name): str(value) for name, value in provenance.items()}
    items |= {"evaluated data": report.data_fingerprint, "evaluated at": report.created_at}
    lines = "".join(
        f"<dt>{escape(name.replace('_', ' '))}</dt><dd>{escape(value)}</dd>"
        for name, value in items.items()
        if value
    )
    return f"<h2>Provenance</h2><dl>{lines}</dl>"


def _meanings(report: Report) -> str:
    lines = "".join(
        f'<dt>{escape(line.title)}</dt><dd>{escape(line.meaning)} <span class="soft">{escape(line.unit)}.'
        "</span></dd>"
        for line in map(line_of, report.metrics)
        if line is not None
    )
    return f"<details><summary>What the figures mean</summary><dl>{lines}</dl></details>"
