"""Why: attributions as a table of variables by periods, in words, and what would lower the risk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from suwen.core.documents import plain
from suwen.core.engine import Players
from suwen.core.errors import SuwenError
from suwen.core.prediction import Explanation, Prediction
from suwen.core.sample import Sample
from suwen.core.tally import Sheet
from suwen.core.variables import Variable
from suwen.explain.counterfactual import Counterfactual, edits, lower
from suwen.explain.shapley import ADDITIVITY
from suwen.formats.signals.units import shown
from suwen.lifecycle.models import Loaded
from suwen.lifecycle.reason import explained

ROWS = 14
"""Variables that the table names; the others are one line together."""
DRIVERS = 6
CHANGES = 6
LEAST = 1e-6
"""Attributions smaller than this are nothing."""
OTHERS = "all other variables"
MOST_MOMENTS = 16
"""Latest moments of a published score that its table shows."""


def table(explanation: Explanation | None, titles: Mapping[str, str]) -> dict[str, Any] | None:
    """Attributions as variables by periods, the strongest first.

    Parameters
    ----------
    explanation
        As :func:`suwen.explain.players.explain_players` makes it.
    titles
        Variable name to what a clinician calls it.

    Returns
    -------
    dict or None
        ``periods`` (pairs of hours; ``None`` for what has no time), ``rows`` with ``cells`` (one per period)
        and ``total``, ``base``, ``output``, ``gap`` and ``limit`` of the additivity check, ``shown`` and
        ``sentence``. Where the gap is above the limit, ``rows`` is empty and ``shown`` false.
    """
    if explanation is None:
        return None
    values = explanation.values
    gap = float(explanation.checks.get("additivity_gap", math.nan))
    limit = float(explanation.checks.get("additivity_limit", ADDITIVITY))
    # LIME's weights add up to nothing; it says how well its own surface fits instead.
    adds_up = not math.isnan(gap)
    whole = bool(explanation.passed and (gap <= limit if adds_up else True))
    lines = values["rows"] if whole else []
    spans = sorted({(line["from_h"], line["to_h"]) for line in lines if line["from_h"] is not None})
    periods: list[tuple[float, float] | None] = [*spans]
    if any(line["from_h"] is None for line in lines):
        periods.append(None)
    rows = _rows(lines, periods, titles)
    return {
        "method": explanation.method,
        "unit": explanation.unit,
        "output_name": values["outputs"][values["headline"]],
        "base": values["base"],
        "output": values["output"],
        "gap": gap if adds_up else None,
        "limit": limit,
        "shown": whole,
        "sentence": _check(explanation, gap, limit, whole=whole),
        "periods": periods,
        "rows": rows,
    }


def _rows(
    lines: Sequence[Mapping[str, Any]],
    periods: Sequence[tuple[float, float] | None],
    titles: Mapping[str, str],
) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        name = line["variable"]
        row = found.setdefault(
            name,
            {
                "variable": name,
                "title": titles.get(name, name),
                "cells": [None] * len(periods),
                "total": 0.0,
                "shown": "",
            },
        )
        span = None if line["from_h"] is None else (line["from_h"], line["to_h"])
        at = periods.index(span)
        row["cells"][at] = (row["cells"][at] or 0.0) + line["value"]
        row["total"] += line["value"]
        row["shown"] = line["shown"]
    rows = sorted(
        found.values(), key=lambda row: -max(abs(row["total"]), *(abs(c or 0.0) for c in row["cells"]))
    )
    if len(rows) <= ROWS + 1:
        return rows
    rest = rows[ROWS:]
    cells = [
        sum(row["cells"][at] or 0.0 for row in rest)
        if any(row["cells"][at] is not None for row in rest)
        else None
        for at in range(len(periods))
    ]
    other = {
        "variable": None,
        "title": f"{OTHERS} ({len(rest)})",
        "cells": cells,
        "total": sum(row["total"] for row in rest),
        "shown": "",
    }
    return [*rows[:ROWS], other]


def _check(explanation: Explanation, gap: float, limit: float, *, whole: bool) -> str:
    values = explanation.values
    if math.isnan(gap):
        return "This method's values need not add up to the output; they rank, they do not share it out."
    sides = (
        f"base {values['base']:.4f} and attributions against output {values['output']:.4f} {explanation.unit}"
    )
    if whole:
        return f"Additivity check passed: {sides}; they differ by {gap:.1e}, at most {limit:g} is allowed."
    return (
        f"The attributions are withheld: they do not add up to the output. {sides.capitalize()} differ by {gap:.1e}, "
        f"more than the {limit:g} that is allowed."
    )


def points_table(hours: Sequence[float], course: Sequence[Sheet]) -> dict[str, Any]:
    """Points of each parameter of a published score at its latest moments; a column adds up to its total."""
    hours, course = list(hours)[-MOST_MOMENTS:], list(course)[-MOST_MOMENTS:]
    gap = max((abs(sum(part.least for part in sheet.parts) - sheet.least) for sheet in course), default=0)
    rows = [
        {
            "variable": part.name,
            "title": part.title,
            "cells": [_points(sheet, place) for sheet in course],
            "total": float(course[-1].parts[place].least),
            "shown": part.shown,
        }
        for place, part in enumerate(course[-1].parts)
    ]
    return {
        "method": "points",
        "unit": "points",
        "output_name": course[-1].name,
        "base": 0.0,
        "output": float(course[-1].least),
        "gap": float(gap),
        "limit": ADDITIVITY,
        "shown": gap <= ADDITIVITY,
        "sentence": "Each column adds up to the least total of its moment; a dash is what was not recorded.",
        "periods": [(hour, hour) for hour in hours],
        "rows": rows if gap <= ADDITIVITY else [],
    }


def _points(sheet: Sheet, place: int) -> float | None:
    part = sheet.parts[place]
    return None if part.value is None else float(part.least)


def drivers(found: Mapping[str, Any] | None, latest: Mapping[str, str]) -> list[dict[str, Any]]:
    """The strongest variables in words.

    Parameters
    ----------
    found
        What :func:`table` or :func:`points_table` gave.
    latest
        Variable name to its latest value in words.
    """
    if found is None or not found["shown"]:
        return []
    if found["method"] == "points":
        ranked = sorted((row for row in found["rows"] if row["total"] > 0), key=lambda row: -row["total"])
        return [
            {
                "title": row["title"],
                "value": row["total"],
                "direction": "raises",
                "sentence": f"{row['title']}, {row['shown']}: {_counted(row['total'])}.",
            }
            for row in ranked
        ]
    named = [row for row in found["rows"] if row["variable"] is not None and abs(row["total"]) > LEAST]
    ranked = sorted(named, key=lambda row: -abs(row["total"]))[:DRIVERS]
    return [_driver(row, found, latest) for row in ranked]


def _counted(points: float) -> str:
    return f"{points:g} point{'' if points == 1 else 's'}"


def _driver(row: Mapping[str, Any], found: Mapping[str, Any], latest: Mapping[str, str]) -> dict[str, Any]:
    total = row["total"]
    verb = "raises" if total > 0 else "lowers"
    value = latest.get(row["variable"], row["shown"])
    timed = any(period is not None for period in found["periods"])
    sentence = row["title"] + (f", {'last ' if timed else ''}{value}," if value else "")
    if found["unit"] == "log-odds":
        sentence += f" {verb} the log-odds by {abs(total):.2f} (odds ×{math.exp(total):.2f})"
    else:
        sentence += f" {verb} the answer by {abs(total):.2g} {found['unit']}"
    strongest = max(
        ((abs(cell), at) for at, cell in enumerate(row["cells"]) if cell is not None), default=(0.0, 0)
    )
    period = found["periods"][strongest[1]] if found["periods"] else None
    if period is not None and strongest[0] > LEAST and period[0] != period[1]:
        sentence += f", most of all hours {period[0]:.3g} to {period[1]:.3g}"
    return {"title": row["title"], "value": total, "direction": verb, "sentence": f"{sentence}."}


def counterfactual(
    loaded: Loaded, sample: Sample, prediction: Prediction, variables: Sequence[Variable]
) -> dict[str, Any] | None:
    """What would lower the risk, by the model's own answer; ``None`` where there is no such question."""
    if prediction.output is None:
        return None
    try:
        opened: Any = loaded.served.open_up(sample, explained(loaded.task, prediction.output))
    except SuwenError:
        return None
    if not isinstance(opened, Players) or opened.edited is None:
        return None
    possible = edits(opened.latest, variables)
    ask = opened.edited
    found = lower(lambda rows: ask([{edit.name: edit.after for edit in row} for row in rows]), possible)
    return _changes(found, "points" if opened.unit == "points" else "probability")


def _changes(found: Counterfactual, unit: str) -> dict[str, Any]:
    return {
        "statement": found.statement,
        "unit": unit,
        "risk": found.risk,
        "tried": found.tried,
        "changes": [
            {
                "edits": [plain(edit) | {"unit": shown(edit.unit)} for edit in change.edits],
                "risk": change.risk,
                "change": change.change,
            }
            for change in found.changes[:CHANGES]
        ],
    }
