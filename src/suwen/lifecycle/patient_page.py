"""One patient's page: self-contained HTML, rendered from the patient's document and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from suwen.lifecycle.patient_page_charts import course, gauge, recent, shown_risk, small, survival
from suwen.lifecycle.patient_page_parts import (
    alarms,
    changes,
    explanation,
    heading,
    multiples,
    provenance,
    scores,
    sheet,
)
from suwen.lifecycle.patient_page_style import CSS

RECENT_H = 6.0
"""Hours over which the digest tells how the risk has moved."""
CHIPS = {"alarm": "▲ above the threshold", "calm": "below the threshold", "open": "not settled"}
FORECAST_CHIPS = {"alarm": "▲ alarm", "calm": "no alarm", "open": "not settled"}
STALE_H = 12.0
"""Age of the latest observation, hours, from which the page says that it shows the past."""
MOST_WARNINGS = 5
FORECAST_H = 12.0
"""Hours of the past that a forecast is drawn beside."""


def render(document: Mapping[str, Any]) -> str:
    """The whole page.

    Parameters
    ----------
    document
        As :func:`suwen.lifecycle.patient_page_document.patient_document` makes it, or read back from JSON.

    Returns
    -------
    str
        HTML without scripts, without external resources and without style attributes; every value escaped.
    """
    sections = [
        _header(document),
        _top(document),
        _warnings(document),
        _course(document),
        _forecast(document),
        _curve(document),
        scores(document),
        multiples(document),
        explanation(document),
        alarms(document),
        changes(document),
        _quality(document),
        provenance(document),
        f"<footer><p><b>{escape(document['disclaimer'])}</b></p>"
        f'<p class="soft small">Intended use: {escape(document["task"]["intended_use"])} '
        f"Not for: {escape(document['task']['not_for'])}.</p></footer>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document['task']['title'])}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def _header(document: Mapping[str, Any]) -> str:
    answer, person, window = document["answer"], document["patient"], document["window"]
    facts = [
        ("Patient", person["id"]),
        ("Sex", person["sex"]),
        ("Age", None if person["age_years"] is None else f"{person['age_years']:.0f} years"),
        *(
            (one["title"], f"{one['value']:g}")
            for one in document["descriptors"]
            if one["name"] not in {"Age", "Gender"}
        ),
        ("Observed", _span(window)),
        ("Made", f"{document['made_at'][:16].replace('T', ' ')} UTC"),
    ]
    who = "".join(
        f"<div><span>{escape(name)}</span> <b>{escape(str(value))}</b></div>"
        for name, value in facts
        if value
    )
    simulated = '<span class="sim">SIMULATED DATA</span> ' if document["simulated"] else ""
    chips = FORECAST_CHIPS if document["outlook"] else CHIPS
    chip = chips[answer["level"]] if answer["abstained"] is None else "no answer"
    return (
        f"<header><div><h1>{simulated}{escape(document['task']['title'])}</h1>"
        f'<p class="soft small">{escape(document["model"]["name"])}{_standing(document["model"])}</p></div>'
        f'<span class="chip {answer["level"]}">{escape(chip)}</span></header><div class="who num">{who}</div>'
    )


def _span(window: Mapping[str, Any]) -> str | None:
    if not window["end_h"]:
        return None
    start = f" from {window['start'][:16].replace('T', ' ')}" if window["start"] else ""
    return f"{window['end_h']:.4g} h{start}"


def _standing(model: Mapping[str, Any]) -> str:
    """How good the model is, in one figure beside its name."""
    report = model["report"]
    found = report["metrics"].get("auroc")
    if not found or found["value"] is None:
        return ""
    return (
        f" · AUROC {found['value']:.3f} ({found['lo']:.3f} to {found['hi']:.3f}), {report['split']}, "
        f"n = {report['n']}"
    )


def _warnings(document: Mapping[str, Any]) -> str:
    said = [*_stale(document["window"]["age_h"]), *document["model"]["warnings"]]
    if not said:
        return ""
    items = "".join(f"<li>{escape(one)}</li>" for one in said[:MOST_WARNINGS])
    return f'<section class="notice small"><ul>{items}</ul></section>'


def _stale(age_h: float | None) -> list[str]:
    if age_h is None or age_h < STALE_H:
        return []
    age = f"{age_h:.0f} hours" if age_h < 72 else f"{age_h / 24:.0f} days"
    return [f"The latest observation is {age} old: this was the state then, and need not be the state now."]


def _top(document: Mapping[str, Any]) -> str:
    answer, risk = document["answer"], document["risk"] or _plain_scale(document)
    if answer["abstained"]:
        body = (
            f"<h3>No answer</h3><p>{escape(answer['reason'] or answer['abstained'])}</p>"
            f'<p class="soft small">Reason code: {escape(answer["abstained"])}</p>'
        )
    else:
        interval = _interval(answer, risk)
        body = (
            f'<div class="figure {answer["level"]}"><b>{escape(answer["headline"])}</b>'
            f"<span>{escape(answer['unit'])}{interval}</span></div>"
            + (
                gauge(answer, risk)
                if risk and answer["value"] is not None and answer["threshold"] is not None
                else ""
            )
            + f'<p class="small">{escape(answer["remark"])}</p>'
            + _response(document)
            + _digest(document)
        )
    return f'<section class="top"><div class="card">{body}</div><div class="card">{_beside(document)}</div></section>'


def _plain_scale(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The scale of a probability that has no course: of a table, an image, a single beat."""
    if document["outlook"] or document["curve"] or document["scores"]:
        return None
    return {"unit": "probability", "scale": [0, 1], "levels": [], "interval": "95% interval"}


def _interval(answer: Mapping[str, Any], risk: Mapping[str, Any] | None) -> str:
    if not answer["interval"] or risk is None or risk["unit"] == "points":
        return ""
    low, high = (shown_risk(end, risk["unit"]) for end in answer["interval"])
    return f"<br>{escape(risk['interval'])}: {low} to {high}"


def _digest(document: Mapping[str, Any]) -> str:
    """Peak, recent change and alarms, in one row."""
    risk = document["risk"]
    if risk is None:
        return ""
    known = [(h, v) for h, v in zip(risk["hours"], risk["values"], strict=True) if v is not None]
    if len(known) < 2:
        return ""
    hour, most = max(known, key=lambda one: one[1])
    end, last = known[-1]
    before = [value for at, value in known if at <= end - RECENT_H]
    moved = "" if not before else _moved(last - before[-1], risk["unit"])
    tiles = [
        ("Highest so far", shown_risk(most, risk["unit"]), f"hour {hour:.4g}"),
        (
            f"Change in {RECENT_H:g} h",
            moved or "–",
            _unit_of_change(risk["unit"]) if moved else "too short a stay",
        ),
        ("Alarms", str(len(document["alarms"])), _last_alarm(document)),
    ]
    cells = "".join(
        f"<div><span>{escape(name)}</span><b>{escape(value)}</b><i>{escape(note)}</i></div>"
        for name, value, note in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def _moved(change: float, unit: str) -> str:
    said = f"{change:+g}" if unit == "points" else f"{100 * change:+.1f}"
    if change == 0:
        return "0"
    return said.replace("-", "−")


def _unit_of_change(unit: str) -> str:
    return "points" if unit == "points" else "percentage points"


def _last_alarm(document: Mapping[str, Any]) -> str:
    heard = document["alarms"]
    return f"last at hour {heard[-1]['hour']:.4g}" if heard else ""


def _response(document: Mapping[str, Any]) -> str:
    if not document["scores"]:
        return ""
    first = document["scores"][0]
    settled = first["band"] == first["band_most"]
    band = (
        f"{first['band']} risk"
        if settled
        else f"at least {first['band']} risk, could be {first['band_most']}"
    )
    return (
        f'<p class="response small"><b>{escape(band[:1].upper() + band[1:])}.</b> {escape(first["response"])} '
        f"Observe <b>{escape(first['monitoring'])}</b>.</p>"
    )


def _beside(document: Mapping[str, Any]) -> str:
    """What stands beside the answer: a score's own sheet, or the drivers of a model in words."""
    if document["scores"]:
        first = document["scores"][0]
        return f'<h3>{escape(first["title"])} <small class="soft" lang="zh">评分表</small></h3>{sheet(first)}'
    return f'<h3>What drives it <small class="soft" lang="zh">主要因素</small></h3>{_drivers(document)}'


def _drivers(document: Mapping[str, Any]) -> str:
    if document["drivers"]:
        items = "".join(
            f'<li class="{escape(one["direction"])}">{escape(one["sentence"])}</li>'
            for one in document["drivers"]
        )
        return f'<ul class="drivers">{items}</ul>'
    found = document["explanation"]
    if found is not None and not found["shown"]:
        return f'<p class="check withheld"><b>Withheld.</b> {escape(found["sentence"])}</p>'
    return '<p class="soft">Nothing raises it: no observed value scores or moves the answer.</p>'


def _course(document: Mapping[str, Any]) -> str:
    risk = document["risk"]
    if risk is None:
        return ""
    drawn = course(risk, document["alarms"], document["window"]["end_h"])
    if not drawn:
        return ""
    key = (
        f'<div class="key"><span>line: {escape(risk["title"])}</span>'
        f"<span>shaded: {escape(risk['interval'])}</span><span>dashed: threshold</span>"
        + ("<span>▼ an alarm was heard</span></div>" if document["alarms"] else "</div>")
    )
    return f'{heading("Risk over time", "风险变化")}<div class="card wide">{drawn}{key}</div>'


def _forecast(document: Mapping[str, Any]) -> str:
    outlook = document["outlook"]
    if outlook is None or not document["variables"]:
        return ""
    named = outlook["quantity"].lower()
    variable = next(
        (one for one in document["variables"] if named in {one["name"].lower(), one["title"].lower()}),
        document["variables"][0],
    )
    end = document["window"]["end_h"]
    ahead = zip(outlook["hours"], outlook["values"], outlook["low"], outlook["high"], strict=True)
    said = "; ".join(
        f"in {round(60 * (hour - end))} min {value:.4g} {outlook['unit']} ({low:.4g} to {high:.4g})"
        for hour, value, low, high in ahead
    )
    alarm = (
        f'<p class="check withheld"><b>{escape("; ".join(outlook["alarms"]))}</b></p>'
        if outlook["alarms"]
        else ""
    )
    return (
        f'{heading("Forecast", "预测")}<div class="card wide">{small(recent(variable, FORECAST_H), end, outlook)}'
        f'<p class="small">{escape(said)}; 90% intervals.</p>{alarm}</div>'
    )


def _curve(document: Mapping[str, Any]) -> str:
    if document["curve"] is None:
        return ""
    event = escape(document["curve"]["event"])
    return (
        f'{heading("Time to " + document["curve"]["event"], "生存曲线")}<div class="card wide">'
        f'{survival(document["curve"])}<p class="soft small">Probability that {event} has not happened, by time in the '
        "unit of the data the model learned from.</p></div>"
    )


def _quality(document: Mapping[str, Any]) -> str:
    items = "".join(f"<li>{escape(one['sentence'])}</li>" for one in document["quality"])
    body = (
        f'<ul class="small">{items}</ul>'
        if items
        else '<p class="soft small">Nothing was left out or changed.</p>'
    )
    return f"{heading('Data quality', '数据质量')}{body}"
