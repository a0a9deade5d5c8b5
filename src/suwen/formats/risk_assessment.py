"""A risk as FHIR R4: RiskAssessment and its Provenance in one Bundle.

``prediction.probabilityDecimal`` is a percentage, 0 to 100, as FHIR R4 says of that element (and its invariant
ras-2 allows); the rationale repeats the probability in words, so that nobody has to guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from suwen.core.prediction import Course, Outlook, Scores, Survival
from suwen.core.tally import Sheet, Tally
from suwen.core.task import DISCLAIMER
from suwen.formats.fhir_parts import (
    DEVICE,
    TERMINOLOGY,
    base,
    check_id,
    coded,
    collection,
    device,
    identities,
    provenance,
)

if TYPE_CHECKING:
    from suwen.core.prediction import Prediction
    from suwen.core.task import Task

UNNAMED = "Patient not named"
CURVE_POINTS = 4
"""Times of a survival curve that are written."""
_RISKS = {"low": "Low likelihood", "moderate": "Moderate likelihood", "high": "High likelihood"}


def risk_assessment(
    prediction: Prediction,
    task: Task,
    *,
    patient: str | None = None,
    basis: Sequence[str] = (),
    at: datetime | None = None,
    reasons: Sequence[str] = (),
    mitigation: str | None = None,
) -> dict[str, Any]:
    """Express one risk as a Bundle of type ``collection``.

    Parameters
    ----------
    prediction
        The result or the abstention. Its ``subject_id`` is not written: it may identify somebody.
    task
        Gives title, code of the outcome and, as ``extra["horizon_h"]``, how far ahead the risk looks.
    patient
        Logical id of the Patient resource; without one the subject is said not to be named.
    basis
        References to the Observations it stands on.
    at
        The moment the risk is about; when it was computed, where not said.
    reasons
        Why, in words: the variables that drive it, or the alarm.
    mitigation
        What could lower it, or the response its source recommends.

    Returns
    -------
    dict
        The Bundle, ready for JSON; the same prediction gives the same one.

    Raises
    ------
    BadInput
        ``bad-patient-id`` when ``patient`` is not a FHIR id. The id is not repeated.
    """
    check_id(patient)
    ids = identities(prediction, patient, ("Bundle", "RiskAssessment", "Provenance"))
    made = prediction.provenance.created_at
    moment = at or datetime.fromisoformat(made)
    assessment: dict[str, Any] = {
        **base("RiskAssessment", ids, patient),
        "contained": [device(prediction)],
        "status": "preliminary",
        "method": {"text": prediction.provenance.model},
        "code": {"text": task.title},
        "occurrenceDateTime": moment.isoformat(),
        "performer": {"reference": f"#{DEVICE}"},
    }
    assessment.setdefault("subject", {"display": UNNAMED})
    if basis:
        assessment["basis"] = [{"reference": one} for one in basis]
    notes = [f"{reason[:1].upper()}{reason[1:]}" for reason in reasons]
    if prediction.output is None:
        # FHIR: a result that is unavailable because the assessment was not completed.
        assessment["status"] = "cancelled"
        notes.append(f"No result ({prediction.abstained}): {prediction.reason}")
    else:
        assessment["prediction"] = _predictions(prediction.output, task, moment)
        mitigation = mitigation or _response(prediction.output)
    if mitigation:
        assessment["mitigation"] = mitigation
    assessment["note"] = [{"text": text} for text in (*notes, DISCLAIMER)]
    return collection(
        ids["Bundle"],
        made,
        [assessment, provenance(prediction, ids, ("RiskAssessment",))],
        simulated=prediction.simulated,
    )


def _predictions(output: Any, task: Task, at: datetime) -> list[dict[str, Any]]:
    outcome = coded(*task.endpoint.code)
    horizon_h = task.extra.get("horizon_h")
    when = {} if horizon_h is None else {"whenPeriod": _period(at, timedelta(hours=float(horizon_h)))}
    match output:
        case Scores():
            low, high = output.interval
            said = (
                f"Probability {output.probability:.3f} (95% interval {low:.3f} to {high:.3f}); "
                f"operating point {output.threshold:.3f}; decision: {output.decision}."
            )
            return [_risk(outcome, output.probability, said, output.threshold, when)]
        case Course():
            said = (
                f"Probability {output.probability:.3f} at hour {output.hours[-1]:g}; "
                f"alarm from {output.threshold:.3f} on; {len(output.alarms)} alarms so far."
            )
            return [_risk(outcome, output.probability, said, output.threshold, when)]
        case Outlook():
            return [_value(output, place, at) for place in range(len(output.horizons_min))]
        case Survival():
            return _curve(output, outcome)
        case Tally():
            return [_points(sheet, outcome, when) for sheet in output.sheets]
    raise TypeError(type(output).__name__)


def _risk(
    outcome: dict[str, Any], probability: float, said: str, threshold: float, when: dict[str, Any]
) -> dict[str, Any]:
    above = probability >= threshold
    return {
        "outcome": outcome,
        "probabilityDecimal": round(100 * float(probability), 4),
        "qualitativeRisk": {"text": "at or above the threshold" if above else "below the threshold"},
        "rationale": said,
        **when,
    }


def _value(output: Outlook, place: int, at: datetime) -> dict[str, Any]:
    ahead = output.horizons_min[place]
    low, high = output.intervals[place]
    alarms = [alarm for alarm in output.alarms if str(ahead) in alarm.split()]
    return {
        "outcome": {"text": f"{output.quantity} {output.values[place]:.4g} {output.unit} in {ahead} min"},
        **({"qualitativeRisk": {"text": "; ".join(alarms)}} if alarms else {}),
        "rationale": f"90% interval {low:.4g} to {high:.4g} {output.unit}; last observed {output.last:.4g}.",
        "whenPeriod": _period(at, timedelta(minutes=ahead)),
    }


def _curve(output: Survival, outcome: dict[str, Any]) -> list[dict[str, Any]]:
    count = len(output.times)
    places = sorted({round(k * (count - 1) / CURVE_POINTS) for k in range(1, CURVE_POINTS + 1)})
    median = "not reached" if output.median is None else f"{output.median:.4g}"
    return [
        {
            "outcome": outcome,
            "probabilityDecimal": round(100 * (1 - float(output.probabilities[place])), 4),
            "rationale": f"Probability {1 - output.probabilities[place]:.3f} of {output.event} by time "
            f"{output.times[place]:.4g}, in the unit of the data the model learned from; median {median}.",
        }
        for place in places
    ]


def _points(sheet: Sheet, outcome: dict[str, Any], when: dict[str, Any]) -> dict[str, Any]:
    """A published score: points and band, and no probability, which it does not have."""
    total = f"{sheet.least}" if sheet.total is not None else f"{sheet.least} to {sheet.most}"
    band = sheet.band if sheet.band == sheet.band_most else f"at least {sheet.band}"
    points = "; ".join(
        f"{part.title} {part.shown}: {part.points if part.points is not None else f'{part.least} to {part.most}'}"
        for part in sheet.parts
    )
    qualitative = {"text": f"{sheet.name} {total} of {sheet.maximum}: {band}"}
    if sheet.risk in _RISKS:
        qualitative |= coded(f"{TERMINOLOGY}/risk-probability", sheet.risk, _RISKS[sheet.risk])
    return {
        "outcome": outcome,
        "qualitativeRisk": qualitative,
        "rationale": f"{sheet.name} {total} of {sheet.maximum} ({points}). {sheet.source}.",
        **when,
    }


def _response(output: Any) -> str | None:
    if not isinstance(output, Tally):
        return None
    sheet = output.sheets[0]
    return f"{sheet.response} Observe {sheet.monitoring}. ({sheet.source})"


def _period(at: datetime, ahead: timedelta) -> dict[str, str]:
    return {"start": at.isoformat(), "end": (at + ahead).isoformat()}
