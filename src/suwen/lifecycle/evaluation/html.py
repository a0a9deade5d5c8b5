"""The report as one self-contained HTML page: plots inlined, no external resource, every value escaped."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from html import escape

from suwen.core.report import Estimate, Report
from suwen.core.task import DISCLAIMER, Task
from suwen.lifecycle.evaluation.metrics import METRICS
from suwen.lifecycle.evaluation.page_style import CSS

_TITLES = {
    "roc": "ROC curve",
    "pr": "Precision-recall curve",
    "reliability": "Reliability diagram",
    "confusion": "Confusion matrix",
    "risk_coverage": "Risk-coverage curve",
}
_GROUP_COLUMNS = ("n", "auroc", "accuracy", "sensitivity", "specificity", "ppv", "brier")


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
        What to say about model, weights, data and code: name to value.
    plots
        Name to PNG bytes, as :func:`suwen.lifecycle.evaluation.plots.draw` returns them.
    note
        Why there are no plots, where there are none.
    """
    subjects = f"{report.n_subjects} subject{'s' if report.n_subjects != 1 else ''}"
    positive = escape(task.endpoint.positive)
    sections = [
        "<header><div>"
        f"<h1>{escape(task.title)}</h1>"
        f'<p class="soft">{escape(report.task)} · split <b>{escape(report.split)}</b> · n = {report.n} · '
        f"{subjects} · {report.n_positive} {positive}</p></div>"
        f"{_verdict(report)}</header>",
        _warnings(report),
        _tiles(report, task),
        "<h2>Figures</h2>",
        f'<p class="soft small">{_point(report)}95% intervals in parentheses, by bootstrap over subjects. '
        "Differences are model minus baseline on the same resamples; bold where the interval leaves out 0."
        "</p>",
        _figures(report),
        _plots(plots, report, note),
        _groups(report),
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


def _number(value: float, name: str = "", *, sign: bool = False) -> str:
    if math.isnan(value):
        return "undefined"
    if name == "n":
        return f"{value:.0f}"
    return f"{value:+.3f}".replace("-", "−") if sign else f"{value:.3f}".replace("-", "−")


def _range(one: Estimate, *, sign: bool = False) -> str:
    if math.isnan(one.lo) or math.isnan(one.hi):
        return ""
    to = " to " if sign or one.lo < 0 else "–"  # a dash beside a minus sign cannot be read
    return f"({_number(one.lo, sign=sign)}{to}{_number(one.hi, sign=sign)})"


def _cell(one: Estimate | None, name: str = "", *, sign: bool = False) -> str:
    if one is None:
        return "<td></td>"
    between = "" if name == "n" else _range(one, sign=sign)
    sure = ' class="sure"' if sign and (one.lo > 0 or one.hi < 0) else ""
    extra = f'<span class="range">{between}</span>' if between else ""
    return f"<td{sure}>{_number(one.value, name, sign=sign)}{extra}</td>"


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
        f'<div class="tile"><span>{escape(METRICS[name].title)}</span>'
        f"<b>{_number(report.metrics[name].value, name)}</b><i>{_range(report.metrics[name])}</i></div>"
        for name in task.metrics
        if name in report.metrics and name in METRICS
    ]
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _point(report: Report) -> str:
    point = report.curves.get("operating_point")
    if not isinstance(point, Mapping):
        return ""
    rule = f" (rule on validation: {escape(str(point['rule']))})" if point.get("rule") else ""
    if len(_classes(report)) > 2:
        return "Decisions are by the largest probability; figures are one-vs-rest, averaged over classes. "
    return (
        f"Operating point: {escape(str(point['positive']))} at a probability of "
        f"{float(point['threshold']):.3g} or more{rule}. "
    )


def _classes(report: Report) -> list[str]:
    found = report.curves.get("confusion")
    return list(found["classes"]) if isinstance(found, Mapping) else []


def _figures(report: Report) -> str:
    """All metrics, with every baseline and the difference to it beside the model."""
    head = "<th>Metric</th><th>Model</th>"
    head += "".join(f"<th>{escape(name)}</th><th>Difference</th>" for name in report.baselines)
    head += "<th>Floor</th>" if report.floor else ""
    rows = []
    for name, one in report.metrics.items():
        metric = METRICS.get(name)
        title, hint = (metric.title, f"{metric.meaning} Unit: {metric.unit}.") if metric else (name, "")
        cells = _cell(one, name)
        for baseline, figures in report.baselines.items():
            cells += _cell(figures.get(name), name)
            cells += _cell(report.differences.get(f"{name}_minus_{baseline}"), sign=True)
        if report.floor:
            cells += _floor(report, name)
        rows.append(f'<tr><th scope="row" title="{escape(hint)}">{escape(title)}</th>{cells}</tr>')
    return _table(head, rows)


def _table(head: str, rows: list[str], style: str = "") -> str:
    body = "".join(rows)
    return (
        f'<div class="sheet {style}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _floor(report: Report, name: str) -> str:
    if name not in report.floor:
        return "<td></td>"
    lower = name in METRICS and METRICS[name].direction == "lower"
    value, least = report.metrics[name].value, report.floor[name]
    good = value <= least if lower else value >= least
    return f"<td{'' if good else ' class=miss'}>{'≤' if lower else '≥'} {least:g} {'✓' if good else '✕'}</td>"


def _plots(plots: Mapping[str, bytes], report: Report, note: str) -> str:
    if not plots:
        return f'<p class="soft small">No plots. {escape(note)}</p>'
    about = f"{report.task}, {report.split}, n = {report.n}"
    figures = [
        f'<figure><img alt="{escape(_TITLES.get(name, name))} of {escape(about)}" '
        f'src="data:image/png;base64,{base64.b64encode(png).decode()}"></figure>'
        for name, png in plots.items()
    ]
    return f'<h2>Plots</h2><div class="plots">{"".join(figures)}</div>'


def _groups(report: Report) -> str:
    if not report.by_group:
        return ""
    shown = [name for name in _GROUP_COLUMNS if any(name in group for group in report.by_group.values())]
    head = "<th>Subgroup</th>" + "".join(f"<th>{escape(METRICS[name].title)}</th>" for name in shown)
    whole = "".join(_cell(report.metrics.get(name), name) for name in shown)
    rows = [f'<tr><th scope="row">all</th>{whole}</tr>']
    rows += [
        f'<tr><th scope="row">{escape(group)}</th>'
        + "".join(_cell(figures.get(name), name) for name in shown)
        + "</tr>"
        for group, figures in report.by_group.items()
    ]
    return "<h2>Subgroups</h2>" + _table(head, rows, "stacked")


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
        f"<dt>{escape(METRICS[name].title)}</dt><dd>{escape(METRICS[name].meaning)} "
        f'<span class="soft">{escape(METRICS[name].unit)}.</span></dd>'
        for name in report.metrics
        if name in METRICS
    )
    return f"<details><summary>What the figures mean</summary><dl>{lines}</dl></details>"
