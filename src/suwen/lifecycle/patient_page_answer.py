"""What the model says of a patient, now and on the way there: the answer, the risk over time, a forecast, a curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from suwen.core.prediction import Course, Outlook, Output, Prediction, Scores, Survival
from suwen.core.sample import Sample
from suwen.core.tally import Sheet, Tally
from suwen.core.task import Task
from suwen.engines.rules.task import RulesTask
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.units import shown
from suwen.lifecycle.judges import judge_of
from suwen.lifecycle.models import Loaded

MOST_MOMENTS = 96
"""Times at which a stay is asked for its risk anew."""
ALARM, CALM, OPEN = "alarm", "calm", "open"
"""How the answer stands to its threshold; open where nothing was answered or the total is not settled."""


def answer(task: Task, prediction: Prediction) -> dict[str, Any]:
    """The answer in a few words and figures.

    Returns
    -------
    dict
        ``headline``, ``unit``, ``value``, ``interval``, ``threshold``, ``decision``, ``level`` (``alarm``,
        ``calm`` or ``open``), ``said``, ``remark`` (what a reader must know of it), ``abstained``, ``reason``.
    """
    output = prediction.output
    found: dict[str, Any] = {
        **dict.fromkeys(("value", "interval", "threshold", "decision", "said")),
        "headline": "no answer",
        "unit": "",
        "level": OPEN,
        "remark": "",
        "abstained": prediction.abstained,
        "reason": prediction.reason,
    }
    if output is None:
        return found
    document = judge_of(task).document(task, output)
    found |= {key: document[key] for key in ("threshold", "decision", "said", "interval") if key in document}
    match output:
        case Scores() | Course():
            at = output.threshold
            found |= {
                "headline": f"{100 * output.probability:.1f}%",
                "unit": f"probability: {output.positive}",
                "value": output.probability,
                "level": ALARM if output.probability >= at else CALM,
                "remark": _remark(output),
            }
            if len(getattr(output, "probabilities", ())) > 2 and isinstance(output, Scores):
                found |= {"headline": output.decision, "unit": "most probable class", "level": OPEN}
        case Tally():
            sheet = output.sheets[0]
            total = f"{sheet.least}" if sheet.total is not None else f"{sheet.least} to {sheet.most}"
            certain = sheet.least >= output.threshold or bool(sheet.red)
            possible = sheet.band != sheet.band_most
            found |= {
                "headline": total,
                "unit": f"of {sheet.maximum} {sheet.name} points",
                "value": float(sheet.least),
                "interval": None if sheet.total is not None else (float(sheet.least), float(sheet.most)),
                "level": ALARM if certain else OPEN if possible else CALM,
                "remark": "; ".join(_open(one) for one in output.sheets if one.total is None)
                or "Every vital sign of the score was observed.",
            }
        case Outlook():
            found |= {
                "headline": f"{output.values[0]:.4g} {shown(output.unit)}",
                "unit": f"{output.quantity} in {output.horizons_min[0]} min",
                "value": output.values[0],
                "interval": output.intervals[0],
                "level": ALARM if output.alarms else CALM,
                "remark": f"{document.get('said', '')}. 90% intervals.",
            }
        case Survival():
            found |= {
                "headline": "not reached" if output.median is None else f"{output.median:.4g}",
                "unit": f"median time to {output.event}, in the unit of the training data",
                "value": output.risk,
            }
    return found


def _remark(output: Scores | Course) -> str:
    """Whether the answer is settled."""
    if isinstance(output, Course):
        return f"As of hour {output.hours[-1]:g}."
    said = f"Decision at the operating point of {100 * output.threshold:.1f}%: {output.decision}."
    if len(output.conformal_set) > 1:
        return f"{said} The 90% conformal set holds {' and '.join(output.conformal_set)}: undecided."
    return said


def _open(sheet: Sheet) -> str:
    missing = ", ".join(title.lower() for title in sheet.missing)
    return f"{sheet.name} is open between {sheet.least} and {sheet.most}: {missing} not recorded"


def risk(loaded: Loaded, sample: Sample, output: Output | None) -> dict[str, Any] | None:
    """The risk at every moment of a stay, with its interval; ``None`` where it is no risk over time.

    Classes are asked anew for what was known at each hour; an hour that the gates refuse has no value.
    """
    task = loaded.task
    if isinstance(output, Course):
        low = [pair[0] for pair in output.intervals] or None
        high = [pair[1] for pair in output.intervals] or None
        return _course(
            task,
            output.hours,
            output.probabilities,
            low,
            high,
            output.threshold,
            f"probability of {output.positive}",
        )
    if isinstance(output, Tally):
        found = _course(
            task,
            output.hours,
            output.least,
            output.least,
            output.most,
            output.threshold,
            output.sheets[0].name,
        )
        maximum = output.sheets[0].maximum
        return (
            found
            | {"unit": "points", "scale": [0, maximum], "interval": "what missing vital signs allow"}
            | {"levels": _levels(task)}
        )
    (value,) = sample.inputs.values()
    if (
        not isinstance(output, Scores)
        or not isinstance(value, Observations)
        or len(output.probabilities) != 2
    ):
        return None
    hours = moments(value)
    prefixes = [replace(sample, inputs={name: value.until(hour) for name in sample.inputs}) for hour in hours]
    judge, rows = judge_of(task), []
    for raw in loaded.served.infer(prefixes):
        said = None if raw.abstained else judge.decide(task, loaded.manifest, raw)
        rows.append((said.probability, *said.interval) if isinstance(said, Scores) else (None, None, None))
    values, low, high = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    return _course(task, hours, values, low, high, output.threshold, f"probability of {output.positive}")


def moments(seen: Observations) -> list[float]:
    """Whole hours of a stay from its first observation on, and its end; wider steps where it is long."""
    if not len(seen):
        return []
    start, end = float(seen.hours[0]), max(float(seen.hours[-1]), seen.length_h)
    step = max(1.0, np.ceil((end - start) / MOST_MOMENTS))
    grid = np.arange(np.floor(start) + step, end, step)
    return [float(hour) for hour in grid] + [end]


def _course(
    task: Task,
    hours: Sequence[float],
    values: Sequence[Any],
    low: Sequence[Any] | None,
    high: Sequence[Any] | None,
    threshold: float,
    title: str,
) -> dict[str, Any]:
    return {
        "title": title,
        "unit": "probability",
        "scale": [0, 1],
        "interval": "95% interval",
        "hours": list(hours),
        "values": list(values),
        "low": None if low is None else list(low),
        "high": None if high is None else list(high),
        "threshold": threshold,
        "levels": [],
    }


def _levels(task: Task) -> list[dict[str, Any]]:
    """Bands of the deciding score, from the total at which each begins."""
    if not isinstance(task, RulesTask):
        return []
    bands: dict[str, int] = {}
    for response in task.scores[0].responses:
        if response.at_least is not None:
            bands.setdefault(response.band, response.at_least)
    return [{"at": at, "name": band} for band, at in bands.items()]


def outlook(output: Output | None, end_h: float) -> dict[str, Any] | None:
    """A forecast as a continuation of the stay's own clock; ``None`` where there is none."""
    if not isinstance(output, Outlook):
        return None
    return {
        "quantity": output.quantity,
        "unit": shown(output.unit),
        "hours": [end_h + minutes / 60 for minutes in output.horizons_min],
        "values": list(output.values),
        "low": [low for low, _ in output.intervals],
        "high": [high for _, high in output.intervals],
        "last": output.last,
        "alarms": list(output.alarms),
    }


def curve(output: Output | None) -> dict[str, Any] | None:
    """A survival curve; ``None`` where there is none."""
    if not isinstance(output, Survival):
        return None
    return {
        "event": output.event,
        "times": list(output.times),
        "probabilities": list(output.probabilities),
        "median": output.median,
    }
