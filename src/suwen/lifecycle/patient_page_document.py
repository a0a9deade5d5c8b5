"""One patient's page as a document: what was observed, the risk on the way, why, alarms, and where it comes from.

The HTML page is rendered from exactly this document, and HTTP gives the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from suwen.core.documents import now, plain
from suwen.core.errors import SuwenError
from suwen.core.prediction import Explanation, Prediction
from suwen.core.sample import Sample
from suwen.core.tally import Tally
from suwen.core.task import DISCLAIMER, Task
from suwen.core.variables import Variable
from suwen.engines.rules.model import RulesModel
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.row import Row
from suwen.formats.signals.units import shown, with_unit
from suwen.lifecycle import patient_page_answer as answers
from suwen.lifecycle import patient_page_reasons as reasons
from suwen.lifecycle.live import Live, Moment
from suwen.lifecycle.models import Loaded
from suwen.lifecycle.predict import predict_samples
from suwen.lifecycle.reason import DEFAULT, explain_sample

FORMAT = "suwen-patient/1"
QUALITY = {
    "missing": "without a number",
    "impossible": "outside what a living patient can have: left out",
    "converted": "in another unit: converted",
    "repeated": "at the time of another value of the same variable: both kept",
    "duplicate": "given twice: counted once",
    "entered-in-error": "withdrawn as entered in error: left out",
    "no-result": "without a result yet, or cancelled: left out",
    "no-time": "without a time of day: left out",
    "future": "in the future: left out",
    "no-unit": "without a unit: left out",
    "wrong-unit": "in a unit that the variable cannot have: left out",
    "comparator": "given as bounds such as '<5': left out",
    "not-a-number": "in words where a number is expected: left out",
}
"""Reason of :attr:`Observations.dropped` to what it means."""
DESCRIPTORS = {
    "Age": "Age, years",
    "Gender": "Sex",
    "Height": "Height, cm",
    "Weight": "Weight, kg",
    "ICUType": "Kind of unit",
    "Unit1": "Medical unit",
    "Unit2": "Surgical unit",
    "HospAdmTime": "Hours from hospital to unit",
    "ICULOS": "Hours in the unit at the start",
    "saps_i": "SAPS-I",
    "sofa": "SOFA",
}
"""What descriptors of a stay are called."""


def patient_document(
    loaded: Loaded,
    sample: Sample,
    *,
    patient: str | None = None,
    sex: str | None = None,
    age_years: float | None = None,
    references: Sequence[str] = (),
    method: str | None = None,
    prediction: Prediction | None = None,
    explanation: Explanation | None = None,
) -> dict[str, Any]:
    """Everything that one patient's page shows.

    Parameters
    ----------
    loaded
        The model in service.
    sample
        The patient as the task sees them.
    patient, sex, age_years
        From the record, where it came from there.
    references
        ``Observation/ID`` of what was used.
    method
        Of the explanation; the task's own by default.
    prediction, explanation
        The answer and why, where they have been computed already.

    Returns
    -------
    dict
        In JSON's own types.
    """
    task, served = loaded.task, loaded.served
    (value,) = sample.inputs.values()
    made = prediction or predict_samples(loaded, [sample])[0]
    variables: tuple[Variable, ...] = getattr(task, "variables", ())
    observed, unobserved = _variables(value, variables)
    latest = {one["name"]: one["latest"]["shown"] for one in observed}
    if isinstance(made.output, Tally) and isinstance(served, RulesModel):
        filled = served.filled(sample)
        why: dict[str, Any] | None = reasons.points_table(filled.hours, filled.courses[0])
    else:
        found = explanation or explain_sample(loaded, sample, made, method or DEFAULT)
        why = reasons.table(found, _titles(task, variables))
    end_h = _end(value)
    risk = answers.risk(loaded, sample, made.output)
    document = {
        "format": FORMAT,
        "task": {key: getattr(task, key) for key in ("name", "title", "intended_use", "not_for")}
        | {"kind": task.endpoint.kind, "positive": task.endpoint.positive},
        "model": {
            "name": loaded.name,
            "created_at": loaded.manifest["created_at"],
            "report": loaded.manifest["report"],
            "warnings": loaded.manifest["warnings"],
        },
        "disclaimer": DISCLAIMER,
        "patient": {"id": patient, "sex": sex, "age_years": age_years},
        "made_at": now(),
        "window": {"start": getattr(value, "start", None), "end_h": end_h, "age_h": _age(value)},
        "simulated": made.simulated,
        "answer": answers.answer(task, made),
        "scores": [plain(sheet) | {"total": sheet.total} for sheet in made.output.sheets]
        if isinstance(made.output, Tally)
        else [],
        "variables": observed,
        "unobserved": unobserved,
        "descriptors": _descriptors(value, task),
        "risk": risk,
        "outlook": answers.outlook(made.output, end_h),
        "curve": answers.curve(made.output),
        **_alarms(loaded, value, made),
        "explanation": why,
        "drivers": reasons.drivers(why, latest),
        "counterfactual": reasons.counterfactual(loaded, sample, made, variables),
        "quality": quality(value, unobserved),
        "provenance": plain(made.provenance)
        | {"inputs_sha256": dict(made.inputs_sha256), "observations": list(references)},
    }
    flat: dict[str, Any] = plain(document)
    return flat


def _variables(value: Any, variables: Sequence[Variable]) -> tuple[list[dict[str, Any]], list[str]]:
    """Every observed variable with its course; titles of those that were not observed."""
    observed, unobserved = [], []
    for variable in variables:
        if isinstance(value, Observations):
            hours, values = (
                value.of(variable.name) if variable.name in value.names else (np.empty(0), np.empty(0))
            )
        elif isinstance(value, Row) and variable.name in value.names:
            number = float(value.values[value.names.index(variable.name)])
            hours, values = (
                (np.zeros(1), np.array([number])) if np.isfinite(number) else (np.empty(0), np.empty(0))
            )
        else:
            hours, values = np.empty(0), np.empty(0)
        if not len(values):
            unobserved.append(variable.title)
            continue
        observed.append(_variable(variable, hours, values))
    return observed, unobserved


def _variable(variable: Variable, hours: Any, values: Any) -> dict[str, Any]:
    unit, exact = shown(variable.unit), [float(f"{value:.6g}") for value in values]
    last = exact[-1]
    words = next((word for word, code in variable.coded.items() if code == last and len(word) > 1), None)
    return {
        "name": variable.name,
        "title": variable.title.partition(" (")[0] if variable.coded else variable.title,
        "unit": unit,
        "reference": list(variable.reference),
        "hours": [round(float(hour), 4) for hour in hours],
        "values": exact,
        "outside": sum(_beyond(one, variable) is not None for one in exact),
        "latest": {
            "hour": float(hours[-1]),
            "value": last,
            "shown": words or with_unit(last, variable.unit),
            "beyond": _beyond(last, variable),
        },
    }


def _beyond(value: float, variable: Variable) -> str | None:
    low, high = variable.reference
    if low is not None and value < low:
        return "low"
    return "high" if high is not None and value > high else None


def _descriptors(value: Any, task: Task) -> list[dict[str, Any]]:
    known = getattr(value, "static", {})
    titles = _titles(task, ())
    return [
        {"name": name, "title": titles.get(name, name), "value": float(number)}
        for name, number in known.items()
        if np.isfinite(number)
    ]


def _titles(task: Task, variables: Sequence[Variable]) -> dict[str, str]:
    extra: Sequence[Variable] = getattr(task, "descriptors", ())
    return {**DESCRIPTORS, **{one.name: one.title for one in (*extra, *variables)}}


def _end(value: Any) -> float:
    if not isinstance(value, Observations):
        return 0.0
    return max(value.length_h, float(value.hours[-1]) if len(value) else 0.0)


def _age(value: Any) -> float | None:
    """Hours since the latest observation; ``None`` where its date is not known."""
    start = getattr(value, "start", None)
    if start is None or not isinstance(value, Observations) or not len(value):
        return None
    at = datetime.fromisoformat(start)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (datetime.now(UTC) - at).total_seconds() / 3600 - float(value.hours[-1])


def _alarms(loaded: Loaded, value: Any, made: Prediction) -> dict[str, Any]:
    """Alarms with their reasons, as they would have been heard, and the rule behind them."""
    found: tuple[Moment, ...] = ()
    if not isinstance(value, Observations):
        return {"alarms": [], "alarm_rule": None}
    try:
        live = Live.of(loaded)
    except SuwenError:
        return {"alarms": [], "alarm_rule": None}
    if made.output is not None:
        found = live.replay("page", value)
    least = f"{live.threshold:g} points" if loaded.task.endpoint.kind == "points" else f"{live.threshold:.3g}"
    red = ", or a single parameter is red" if loaded.task.endpoint.kind == "points" else ""
    return {
        "alarms": [
            {"hour": moment.hour, "risk": moment.risk, "reasons": list(moment.reasons)}
            for moment in found
            if moment.heard
        ],
        "alarm_rule": f"An alarm is heard when the risk reaches {least}{red}; it silences others of its level for "
        f"{live.refractory_h:g} h.",
    }


def quality(value: Any, unobserved: Sequence[str]) -> list[dict[str, Any]]:
    """What was left out, changed or missing on the way in, in sentences."""
    dropped: Mapping[str, int] = getattr(value, "dropped", {})
    found = [
        {
            "code": code,
            "count": count,
            "sentence": f"{count} value{'s' if count > 1 else ''} {QUALITY.get(code, f'left out ({code})')}.",
        }
        for code, count in sorted(dropped.items(), key=lambda one: -one[1])
        if count
    ]
    if unobserved:
        names = "; ".join(unobserved)
        found.append(
            {
                "code": "unobserved",
                "count": len(unobserved),
                "sentence": f"Never observed, and never taken for normal: {names}.",
            }
        )
    return found
