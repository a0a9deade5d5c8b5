"""Sections of a patient's page that are tables: variables, attributions, alarms, changes, scores, provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from suwen.lifecycle.patient_page_charts import bar, shown_risk, small, strip
from suwen.lifecycle.patient_page_svg import figure

SHADES = 5
"""Steps of colour for attributions of either sign."""
MOST_REFERENCES = 40


def heading(words: str, chinese: str) -> str:
    """A section's heading in both languages."""
    return f'<h2>{escape(words)} <small lang="zh">{escape(chinese)}</small></h2>'


def multiples(document: Mapping[str, Any]) -> str:
    """One small chart per observed variable, what drives the answer first."""
    if not document["variables"]:
        return ""
    strength = {row["title"]: abs(row["total"]) for row in (document["explanation"] or {"rows": []})["rows"]}
    ranked = sorted(document["variables"], key=lambda one: -strength.get(one["title"], 0.0))
    end_h = document["window"]["end_h"]
    cards = "".join(_variable(one, end_h) for one in ranked)
    key = (
        '<div class="key"><span>shaded: usual adult range</span><span>▲ above it</span><span>▼ below it</span>'
        + ("<span>n: values, and how long before the end the last one was made</span>" if end_h else "")
        + "</div>"
    )
    return f'{heading("Observations", "观察值")}{key}<div class="multiples">{cards}</div>'


def _variable(one: Mapping[str, Any], end_h: float) -> str:
    latest = one["latest"]
    arrow = {"high": " ▲", "low": " ▼"}.get(latest["beyond"] or "", "")
    low, high = one["reference"]
    usual = _range(low, high)
    ago = end_h - latest["hour"]
    when = f"last {ago:.2g} h before the end" if ago > 0.05 else "last at the end"
    told = f"{len(one['values'])} values, {when}"
    short = f"n = {len(one['values'])} · {f'−{ago:.2g} h' if ago > 0.05 else 'now'}"
    return (
        f'<article class="card"><div class="head"><h3>{escape(one["title"])}</h3>'
        f'<span class="now {latest["beyond"] or ""}">{escape(latest["shown"])}{arrow}</span></div>'
        + (small(one, end_h) if end_h else strip(one))
        + f'<div class="foot"><span>{escape(f"usual {usual}" if usual else "")}</span>'
        + (f'<span title="{escape(told)}">{short}</span></div></article>' if end_h else "</div></article>")
    )


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{figure(low)}–{figure(high)}"
    if low is not None:
        return f"≥ {figure(low)}"
    return "" if high is None else f"≤ {figure(high)}"


def explanation(document: Mapping[str, Any]) -> str:
    """Attributions of variables in periods of time, and whether they add up."""
    found = document["explanation"]
    if found is None:
        return ""
    timed = any(period is not None for period in found["periods"])
    title = heading(
        "What drives it, and when" if timed else "What drives it", "归因热图" if timed else "归因"
    )
    style, word = ("passed", "Adds up.") if found["shown"] else ("withheld", "Withheld.")
    check = f'<p class="check {style}"><b>{word}</b> {escape(found["sentence"])}</p>'
    if not found["shown"] or not found["rows"]:
        return f"{title}{check}"
    points = found["method"] == "points"
    intro = (
        "Points of each parameter at its latest moments."
        if points
        else f"Attributions by '{escape(found['method'])}': what was observed of a variable in a period moves the "
        f"{_moved(found)} by so much."
        if timed
        else f"Attributions by '{escape(found['method'])}': each value moves the {_moved(found)} by so much."
    )
    return (
        f'{title}<p class="soft small">{intro}</p>'
        f'<div class="card sheet"><table class="heat"><thead>{_heat_head(found, points=points)}</thead>'
        f"<tbody>{_heat_rows(found, points=points)}</tbody>{_heat_foot(found, points=points)}</table></div>"
        f"{_heat_key(points=points)}{check}"
    )


def _moved(found: Mapping[str, Any]) -> str:
    name = found["output_name"]
    return escape(name if found["unit"] == "log-odds" else f"answer ({name}, in {found['unit']})")


def _heat_head(found: Mapping[str, Any], *, points: bool) -> str:
    names = [_period(period) for period in _columns(found)]
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    more = "" if points else '<th scope="col" colspan="2">in all</th>'
    return f'<tr><th scope="col">{"Parameter" if points else "Variable"}</th>{cells}{more}</tr>'


def _columns(found: Mapping[str, Any]) -> list[Any]:
    """Periods that have a column: none where nothing has a time, the sum says it all."""
    return list(found["periods"]) if any(period is not None for period in found["periods"]) else []


def _period(period: Sequence[float] | None) -> str:
    if period is None:
        return "whole stay"
    low, high = period
    return f"{low:.4g} h" if low == high else f"{low:.3g}–{high:.3g} h"


def _heat_rows(found: Mapping[str, Any], *, points: bool) -> str:
    rows = found["rows"]
    strongest = max((abs(cell) for row in rows for cell in row["cells"] if cell is not None), default=0.0)
    largest = max((abs(row["total"]) for row in rows), default=0.0)
    lines = []
    for row in rows:
        shown = row["cells"][: len(_columns(found))]
        cells = "".join(_cell(cell, 3.0 if points else strongest, points=points) for cell in shown)
        total = (
            ""
            if points
            else f'<td class="total">{_signed(row["total"])}</td><td class="bar">{bar(row["total"], largest)}</td>'
        )
        lines.append(f'<tr><th scope="row">{escape(row["title"])}</th>{cells}{total}</tr>')
    return "".join(lines)


def _cell(value: float | None, strongest: float, *, points: bool) -> str:
    if value is None:
        return '<td class="none">–</td>' if points else '<td class="none"></td>'
    level = 0 if strongest <= 0 else round(SHADES * abs(value) / strongest)
    if level == 0:
        return f'<td class="none">{f"{value:g}" if points else _signed(value)}</td>'
    shade = f"{'u' if value > 0 else 'd'}{level}"
    return f'<td class="{shade}">{f"{value:g}" if points else _signed(value)}</td>'


def _signed(value: float) -> str:
    return "0" if abs(value) < 0.005 else f"{value:+.2f}".replace("-", "−")


def _heat_foot(found: Mapping[str, Any], *, points: bool) -> str:
    if points:
        cells = "".join(
            f"<td>{sum(row['cells'][at] or 0.0 for row in found['rows']):g}</td>"
            for at in range(len(found["periods"]))
        )
        return f'<tfoot><tr><th scope="row">Least total</th>{cells}</tr></tfoot>'
    width = len(found["periods"])
    sums = [sum(row["cells"][at] or 0.0 for row in found["rows"]) for at in range(width)]
    cells = "".join(f"<td>{_signed(value)}</td>" for value in sums[: len(_columns(found))])
    return (
        f'<tfoot><tr><th scope="row">Sum</th>{cells}<td class="total">{_signed(sum(sums))}</td>'
        '<td class="bar"></td></tr></tfoot>'
    )


def _heat_key(*, points: bool) -> str:
    if points:
        return (
            '<div class="key"><span><i class="u2"></i>1 point</span><span><i class="u3"></i>2 points</span>'
            '<span><i class="u5"></i>3 points: red</span></div>'
        )
    return (
        '<div class="key"><span><i class="u4"></i>raises the risk</span><span><i class="d4"></i>lowers it</span>'
        "<span>an empty cell: nothing was observed there</span></div>"
    )


def alarms(document: Mapping[str, Any]) -> str:
    """Every alarm with its reason, and the rule."""
    if document["alarm_rule"] is None:
        return ""
    unit = document["risk"]["unit"] if document["risk"] else "probability"
    rule = f'<p class="soft small">{escape(document["alarm_rule"])}</p>'
    title = heading("Alarms", "警报")
    if not document["alarms"]:
        return f"{title}{rule}<p>None was due.</p>"
    rows = "".join(
        f'<tr><td class="num">hour {one["hour"]:.4g}</td><td class="num">{shown_risk(one["risk"], unit)}</td>'
        f"<td>{escape('; '.join(one['reasons']) or 'no single variable raised it')}</td></tr>"
        for one in document["alarms"]
    )
    return (
        f'{title}{rule}<div class="card sheet"><table><thead><tr><th scope="col">When</th><th scope="col">Risk</th>'
        f'<th scope="col">Reason</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def changes(document: Mapping[str, Any]) -> str:
    """What would lower the risk, by the model's own answer."""
    found = document["counterfactual"]
    if found is None:
        return ""
    title = heading("What would lower this risk", "反事实")
    statement = f'<p class="soft small">{escape(found["statement"])}</p>'
    if not found["changes"]:
        return (
            f"{title}<p>No value that can be changed and lies outside its usual range would.</p>{statement}"
        )
    largest = max(abs(one["change"]) for one in found["changes"])
    before = shown_risk(found["risk"], found["unit"])
    rows = "".join(
        f"<tr><td>{'<br>'.join(_edit(edit) for edit in one['edits'])}</td>"
        f'<td class="r">{before} → <b>{shown_risk(one["risk"], found["unit"])}</b></td>'
        f'<td class="bar">{bar(one["change"], largest)}</td></tr>'
        for one in found["changes"]
    )
    return (
        f'{title}<div class="card sheet"><table class="moves"><thead><tr><th scope="col">If</th>'
        '<th scope="col" class="r">the answer would be</th><th scope="col"><span class="hidden">change</span></th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>{statement}"
    )


def _edit(edit: Mapping[str, Any]) -> str:
    unit = f" {escape(edit['unit'])}" if edit["unit"] else ""
    return f"{escape(edit['title'])} {figure(edit['before'])} → <b>{figure(edit['after'])}</b>{unit}"


def scores(document: Mapping[str, Any]) -> str:
    """Published scores beside the one that decides, and where all of them come from."""
    if not document["scores"]:
        return ""
    _, *others = document["scores"]
    tables = "".join(
        f'<div class="card sheet padded"><h3>{escape(one["title"])}: {_said(one)}</h3>'
        f'<p class="small">{escape(one["response"])}</p>{sheet(one)}</div>'
        for one in others
    )
    sources = " ".join(f"{escape(one['source'])}." for one in document["scores"])
    notes = "".join(f" {escape(note)}." for one in document["scores"] for note in one["notes"])
    return (
        f"{heading('Beside it', '其他评分')}{tables}"
        f'<p class="soft small">{sources}{notes} A vital sign that is missing adds a range, never a zero.</p>'
    )


def _said(one: Mapping[str, Any]) -> str:
    total = f"{one['least']}" if one["total"] is not None else f"{one['least']} to {one['most']}"
    band = (
        one["band"]
        if one["band"] == one["band_most"]
        else f"at least {one['band']}, could be {one['band_most']}"
    )
    return f"{total} of {one['maximum']}, {escape(band)}"


def sheet(one: Mapping[str, Any]) -> str:
    """A published score, parameter by parameter."""
    rows = "".join(_part(part) for part in one["parts"])
    return (
        '<table class="tight"><thead><tr><th scope="col">Parameter</th><th scope="col">Observed</th>'
        '<th scope="col">When</th><th scope="col" class="r">Points</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _part(part: Mapping[str, Any]) -> str:
    when = "" if part["hour"] is None else f"hour {part['hour']:.4g}"
    points = f"{part['least']} to {part['most']}" if part["points"] is None else f"{part['points']}"
    red = " red" if part["least"] >= 3 else " none" if part["points"] == 0 else ""
    return (
        f'<tr><th scope="row">{escape(part["title"])}</th><td>{escape(part["shown"])}</td>'
        f'<td class="num">{when}</td><td class="r{red}">{points}</td></tr>'
    )


def provenance(document: Mapping[str, Any]) -> str:
    """Which model, weights, data, code and inputs stand behind the page."""
    origin = document["provenance"]
    facts = [
        ("Model", origin["model"]),
        ("Weights SHA-256", origin["weights_sha256"]),
        ("Learned from (fingerprint)", origin["data_fingerprint"]),
        ("Code", f"suwen {origin['code_version']}"),
        ("Answer made", origin["created_at"]),
        *((f"Input '{name}' SHA-256", digest) for name, digest in origin["inputs_sha256"].items()),
    ]
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in facts if value)
    references = origin["observations"]
    more = ""
    if references:
        shown = ", ".join(references[:MOST_REFERENCES])
        rest = f" and {len(references) - MOST_REFERENCES} more" if len(references) > MOST_REFERENCES else ""
        more = (
            f"<details><summary>{len(references)} resources of the record were read</summary>"
            f"<p>{escape(shown)}{rest}</p></details>"
        )
    return f"{heading('Provenance', '来源')}<dl>{lines}</dl>{more}"
