"""The tables of the HTML report: who competed, all figures, subgroups, and whatever a kind of task adds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from suwen.core.report import Estimate, Report
from suwen.core.task import Task
from suwen.lifecycle.evaluation.glossary import line_of
from suwen.lifecycle.evaluation.standings import decisive, figure_digits, rivals, standings

_MOST_WIDE = 3
_LEADING = 6
_MOST_GROUP_COLUMNS = 8
_GROUP_COLUMNS = ("n", "auroc", "auprc", "sensitivity", "specificity", "ppv", "brier")


def title_of(name: str) -> str:
    """What a metric is called; its name with spaces where nobody described it."""
    line = line_of(name)
    return line.title if line else name.replace("_", " ")


def number(value: float, name: str = "", *, sign: bool = False) -> str:
    """A figure as the page shows it."""
    if math.isnan(value):
        return "undefined"
    if name == "n" or name.startswith("n_"):
        return f"{value:.0f}"
    text = f"{value:{'+' if sign else ''}.{figure_digits(value)}f}"
    return text.replace("-", "−")


def interval(one: Estimate, *, sign: bool = False) -> str:
    """The 95% interval in parentheses; empty where there is none."""
    if math.isnan(one.lo) or math.isnan(one.hi):
        return ""
    to = " to " if sign or one.lo < 0 else "–"  # a dash beside a minus sign cannot be read
    return f"({number(one.lo, sign=sign)}{to}{number(one.hi, sign=sign)})"


def cell(one: Estimate | None, name: str = "", *, sign: bool = False) -> str:
    """A figure with its interval; a signed one is marked where the interval leaves out 0."""
    if one is None:
        return "<td></td>"
    between = "" if name == "n" or name.startswith("n_") else interval(one, sign=sign)
    sure = ' class="sure"' if sign and (one.lo > 0 or one.hi < 0) else ""
    extra = f'<span class="range">{between}</span>' if between else ""
    return f"<td{sure}>{number(one.value, name, sign=sign)}{extra}</td>"


def sheet(head: str, rows: Sequence[str], style: str = "") -> str:
    """A table that scrolls sideways within the page where it is wider."""
    body = "".join(rows)
    return (
        f'<div class="sheet {style}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def competition(report: Report, task: Task, winner: str) -> str:
    """Everyone ranked by the decisive metric, with the metrics the task leads with; empty below three."""
    if len(report.baselines) < 2:
        return ""
    first = decisive(report, task)
    leading = [name for name in (first, *task.metrics) if name and name in report.metrics]
    shown = list(dict.fromkeys(leading))[:_LEADING]
    head = "<th>Rank</th><th>Contestant</th>" + "".join(f"<th>{escape(title_of(n))}</th>" for n in shown[:1])
    head += f"<th>Deployed minus this, {escape(title_of(first))}</th>" if first else ""
    head += "".join(f"<th>{escape(title_of(name))}</th>" for name in shown[1:])
    rows = []
    for rank, one in enumerate(standings(report, first, winner), 1):
        mark = ' <span class="pill">deployed</span>' if one.deployed else ""
        cells = "".join(cell(one.figures.get(name), name) for name in shown[:1])
        if first:
            gap = None if one.deployed else report.differences.get(f"{first}_minus_{one.name}")
            cells += cell(gap, sign=True)
        cells += "".join(cell(one.figures.get(name), name) for name in shown[1:])
        style = ' class="chosen"' if one.deployed else ""
        rows.append(f'<tr{style}><td>{rank}</td><th scope="row">{escape(one.name)}{mark}</th>{cells}</tr>')
    said = f"Ranked by {escape(title_of(first))}. " if first else ""
    return (
        "<h2>Who competed</h2>"
        f'<p class="soft small">{said}Everyone on the same samples; differences are on the same resamples, '
        "bold where the interval leaves out 0.</p>" + sheet(head, rows, "stacked contest")
    )


def figures(report: Report, task: Task) -> str:
    """All metrics with baselines and differences; with many baselines the best beside, all in a fold."""
    names = list(report.baselines)
    if len(names) <= _MOST_WIDE:
        return _figures(report, names)
    near = rivals(report, decisive(report, task), 1)
    whole = _figures(report, names, "stacked wide")
    return (
        _figures(report, near)
        + f"<details><summary>All figures of all {len(names)} others</summary>{whole}</details>"
    )


def _figures(report: Report, names: Sequence[str], style: str = "") -> str:
    head = "<th>Metric</th><th>Model</th>"
    head += "".join(f"<th>{escape(name)}</th><th>Difference</th>" for name in names)
    head += "<th>Floor</th>" if report.floor else ""
    rows = []
    for name, one in report.metrics.items():
        line = line_of(name)
        hint = f"{line.meaning} Unit: {line.unit}." if line else ""
        cells = cell(one, name)
        for baseline in names:
            cells += cell(report.baselines[baseline].get(name), name)
            cells += cell(report.differences.get(f"{name}_minus_{baseline}"), sign=True)
        if report.floor:
            cells += _floor(report, name)
        rows.append(f'<tr><th scope="row" title="{escape(hint)}">{escape(title_of(name))}</th>{cells}</tr>')
    return sheet(head, rows, style)


def _floor(report: Report, name: str) -> str:
    if name not in report.floor:
        return "<td></td>"
    line = line_of(name)
    lower = line is not None and line.direction == "lower"
    value, least = report.metrics[name].value, report.floor[name]
    good = value <= least if lower else value >= least
    return f"<td{'' if good else ' class=miss'}>{'≤' if lower else '≥'} {least:g} {'✓' if good else '✕'}</td>"


def groups(report: Report, task: Task) -> str:
    """Figures of each subgroup, whatever the kind of task measures there."""
    if not report.by_group:
        return ""
    held = list(dict.fromkeys(name for group in report.by_group.values() for name in group))
    covered = [name for name in held if "coverage" in name]
    wanted = [name for name in (*_GROUP_COLUMNS, *task.metrics) if name in held] or held
    room = _MOST_GROUP_COLUMNS - len(covered)
    shown = [*[name for name in dict.fromkeys(wanted) if name not in covered][:room], *covered]
    head = "<th>Subgroup</th>" + "".join(f"<th>{escape(title_of(name))}</th>" for name in shown)
    whole = "".join(cell(report.metrics.get(name), name) for name in shown)
    rows = [f'<tr class="chosen"><th scope="row">all</th>{whole}</tr>']
    rows += [
        f'<tr><th scope="row">{escape(group)}</th>'
        + "".join(cell(found.get(name), name) for name in shown)
        + "</tr>"
        for group, found in report.by_group.items()
    ]
    return "<h2>Subgroups</h2>" + sheet(head, rows, "stacked")


def further(report: Report) -> str:
    """The tables a kind of task added: ``report.curves["tables"]``, each with title, columns, rows, note."""
    found = report.curves.get("tables")
    if not isinstance(found, Sequence) or isinstance(found, str):
        return ""
    return "".join(_further(table) for table in found if isinstance(table, Mapping))


def _further(table: Mapping[str, Any]) -> str:
    head = "".join(f"<th>{escape(str(column))}</th>" for column in table["columns"])
    rows = []
    for row in table["rows"]:
        first, *rest = [_free(value) for value in row] or [""]
        rows.append(
            f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{one}</td>" for one in rest) + "</tr>"
        )
    note = f'<p class="soft small">{escape(str(table["note"]))}</p>' if table.get("note") else ""
    return f"<h2>{escape(str(table['title']))}</h2>{sheet(head, rows)}{note}"


def _free(value: object) -> str:
    """A value of a free table: text as it is, whole numbers whole, missing ones empty."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else number(value)
    return escape(str(value))
