"""What every metric is called and means, of every kind of endpoint, by its name in a report.

Names may say at which horizon, and in which unit, a figure is: ``rmse_30min_mg_dl`` is the line ``rmse`` at
30 minutes in mg/dL, ``auroc_24h`` the line ``auroc`` at 24 hours.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from types import MappingProxyType

from suwen.lifecycle.evaluation.glossary_line import Line
from suwen.lifecycle.evaluation.metrics import METRICS

_KINDS = ("survival_metrics", "forecast_metrics", "alarm_metrics", "computed_metrics")

_UNITS = {
    "mg_dl": "mg/dL",
    "mmol_l": "mmol/L",
    "bpm": "beats per minute",
    "mmhg": "mmHg",
    "mm": "mm",
    "percent": "percent",
}
"""Ends of names that say a unit, and how people write it."""

_TIMES = {"min": "min", "h": "h", "d": "days", "m": "months", "y": "years"}
_NAME = re.compile(
    rf"(?P<stem>[a-z][a-z0-9_]*?)(?:_at)?(?:_(?P<number>\d+)(?P<time>{'|'.join(_TIMES)}))?(?:_(?P<unit>{'|'.join(_UNITS)}))?"
)


def _merged() -> dict[str, Line]:
    found = {
        name: Line(
            title=metric.title,
            direction=metric.direction,
            unit=metric.unit,
            meaning=metric.meaning,
            target=metric.target,
        )
        for name, metric in METRICS.items()
    }
    for kind in _KINDS:
        where = f"suwen.lifecycle.evaluation.{kind}"
        if find_spec(where) is not None:
            found |= importlib.import_module(where).GLOSSARY
    return found


GLOSSARY: Mapping[str, Line] = MappingProxyType(_merged())
"""Metric name, or its stem without horizon and unit, to its line."""


def line_of(name: str) -> Line | None:
    """The line of a metric's name, its horizon and unit filled in; ``None`` where nobody described it."""
    if name in GLOSSARY:
        return GLOSSARY[name]
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    unit, number = match["unit"], match["number"]
    for stem in (name.removesuffix(f"_{unit}") if unit else name, match["stem"]):
        if stem in GLOSSARY:
            line = GLOSSARY[stem]
            break
    else:
        return None
    at = f" at {number} {_TIMES[match['time']]}" if number and stem == match["stem"] else ""
    return replace(line, title=line.title + at, unit=_UNITS[unit] if unit else line.unit)
