"""Words that a page and a card share about any kind of endpoint."""

from __future__ import annotations

from collections.abc import Mapping

from suwen.core.report import Report
from suwen.core.task import Alarm, Computed, Endpoint, Forecast, Task, TimeToEvent


def positives(report: Report, task: Task) -> str:
    """How many of what was judged are positive, as ``429 died``; empty where nothing is."""
    endpoint = task.endpoint
    if isinstance(endpoint, Forecast | Computed):
        return ""
    if isinstance(endpoint, TimeToEvent):
        return f"{report.n_positive} with {endpoint.event}"
    point = report.curves.get("operating_point")
    named = point.get("positive") if isinstance(point, Mapping) else None
    positive = endpoint.positive or str(named or "")
    return f"{report.n_positive} {positive}" if positive else ""


def answers(task: Task) -> str:
    """What the model answers, as a phrase."""
    endpoint = task.endpoint
    if isinstance(endpoint, Forecast):
        ahead = " and ".join(str(minutes) for minutes in endpoint.horizons_min)
        return (
            f"{endpoint.quantity} in {endpoint.unit}, {ahead} minutes ahead with 90% intervals; an alarm below "
            f"{endpoint.low:g} or above {endpoint.high:g}"
        )
    if isinstance(endpoint, TimeToEvent):
        return f"the time to {endpoint.event}: the probability to be without it at each time, and its median"
    if isinstance(endpoint, Computed):
        return f"a {endpoint.answer}, computed and checked by code of its own; nothing is learned"
    if endpoint.kind == "points":
        return f"points of published scores, never a probability; judged by *{endpoint.positive}*"
    if isinstance(endpoint, Alarm):
        return (
            f"each hour, the probability of *{endpoint.positive}*; an alarm silences the next for "
            f"{endpoint.refractory_h:g} hours"
        )
    return _classes(endpoint)


def _classes(endpoint: Endpoint) -> str:
    if len(endpoint.classes) > 2 or not endpoint.positive:
        return f"the probability of each class ({', '.join(endpoint.classes) or 'those of the data'})"
    return f"the probability of *{endpoint.positive}* (classes: {', '.join(endpoint.classes)})"
