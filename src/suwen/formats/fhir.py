"""A prediction as FHIR R4: DiagnosticReport, Observation and Provenance in one Bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suwen.core.prediction import Scores
from suwen.core.task import DISCLAIMER
from suwen.formats.fhir_parts import (
    DEVICE,
    TERMINOLOGY,
    base,
    check_id,
    coded,
    collection,
    device,
    fraction,
    identities,
    provenance,
)

if TYPE_CHECKING:
    from suwen.core.prediction import Prediction
    from suwen.core.task import Task

# HL7 v2-0074, diagnostic service section, by DICOM modality.
_SECTIONS = {
    "US": ("RUS", "Radiology Ultrasound"),
    "CT": ("CT", "CAT Scan"),
    "MR": ("NMR", "Nuclear Magnetic Resonance"),
    "PT": ("NMS", "Nuclear Medicine Scan"),
    "NM": ("NMS", "Nuclear Medicine Scan"),
}
_RADIOLOGY = ("RAD", "Radiology")

_FAILURES = ("error", "unreadable", "undecodable", "truncated", "not-finite")
"""Parts of reason codes that mean something broke; every other abstention is a declined input."""


def diagnostic_report(prediction: Prediction, task: Task, *, patient: str | None = None) -> dict[str, Any]:
    """Express one prediction as a Bundle of type ``collection``.

    It holds a preliminary DiagnosticReport, the Observation with the probability (or the reason why there
    is none), and the Provenance. ``fullUrl`` values derive from the content, so that the same prediction
    gives the same Bundle.

    Parameters
    ----------
    prediction
        The result or the abstention. Its ``subject_id`` is not written: it may identify somebody.
    task
        Gives the finding's code, the title and the kind of examination.
    patient
        Logical id of the Patient resource; without one, the resources have no subject.

    Returns
    -------
    dict
        The Bundle, ready for JSON.

    Raises
    ------
    BadInput
        ``bad-patient-id`` when ``patient`` is not a FHIR id. The id is not repeated.
    """
    check_id(patient)
    ids = identities(prediction, patient, ("Bundle", "DiagnosticReport", "Observation", "Provenance"))
    resources = [
        _report(prediction, task, ids, patient),
        _observation(prediction, task, ids, patient),
        provenance(prediction, ids, ("DiagnosticReport", "Observation")),
    ]
    return collection(
        ids["Bundle"], prediction.provenance.created_at, resources, simulated=prediction.simulated
    )


def _report(prediction: Prediction, task: Task, ids: dict[str, str], patient: str | None) -> dict[str, Any]:
    section, name = _section(task)
    return {
        **base("DiagnosticReport", ids, patient),
        "status": "preliminary",
        "category": [coded(f"{TERMINOLOGY}/v2-0074", section, name)],
        "code": {
            "coding": [
                {"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}
            ],
            "text": task.title,
        },
        "effectiveDateTime": prediction.provenance.created_at,
        "issued": prediction.provenance.created_at,
        "result": [{"reference": f"urn:uuid:{ids['Observation']}"}],
        "conclusion": _conclusion(prediction, task),
    }


def _section(task: Task) -> tuple[str, str]:
    accepted = {modality for one in task.inputs if one.kind == "image" for modality in one.accepts}
    sections = {_SECTIONS.get(modality, _RADIOLOGY) for modality in accepted}
    return sections.pop() if len(sections) == 1 else _RADIOLOGY


def _conclusion(prediction: Prediction, task: Task) -> str:
    scores = prediction.output
    if not isinstance(scores, Scores):
        said = f"No result: {prediction.reason or prediction.abstained}."
    else:
        low, high = scores.interval
        said = (
            f"{task.endpoint.code[2]}: probability {scores.probability:.3f} "
            f"(95% interval {low:.3f} to {high:.3f}), threshold {scores.threshold:.3f}, "
            f"decision: {scores.decision}."
        )
        if len(scores.conformal_set) != 1:
            said += " The 90% conformal set does not single out one class: undecided."
    start = "Simulated image. " if prediction.simulated else ""
    return f"{start}{said} {DISCLAIMER}"


def _observation(
    prediction: Prediction, task: Task, ids: dict[str, str], patient: str | None
) -> dict[str, Any]:
    system, code, display = task.endpoint.code
    observation = {
        **base("Observation", ids, patient),
        "contained": [device(prediction)],
        "status": "preliminary",
        "category": [coded(f"{TERMINOLOGY}/observation-category", "imaging", "Imaging")],
        "code": coded(system, code, display),
        "effectiveDateTime": prediction.provenance.created_at,
        "issued": prediction.provenance.created_at,
        "device": {"reference": f"#{DEVICE}"},
    }
    if isinstance(prediction.output, Scores):
        return observation | _result(prediction.output)
    reason = prediction.abstained or "no-output"
    broken = any(part in reason for part in _FAILURES)
    absent = ("error", "Error") if broken else ("unsupported", "Unsupported")
    text = f"{reason}: {prediction.reason}" if prediction.reason else reason
    return observation | {
        "dataAbsentReason": coded(f"{TERMINOLOGY}/data-absent-reason", *absent),
        "note": [{"text": text}],
    }


def _result(scores: Scores) -> dict[str, Any]:
    undecided = len(scores.conformal_set) != 1
    positive = scores.decision == scores.positive
    meaning = (
        ("IND", "Indeterminate") if undecided else ("POS", "Positive") if positive else ("NEG", "Negative")
    )
    low, high = scores.interval
    return {
        "valueQuantity": fraction(scores.probability),
        "interpretation": [coded(f"{TERMINOLOGY}/v3-ObservationInterpretation", *meaning)],
        "component": [
            {"code": {"text": "Lower bound of the 95% interval"}, "valueQuantity": fraction(low)},
            {"code": {"text": "Upper bound of the 95% interval"}, "valueQuantity": fraction(high)},
            {"code": {"text": "Decision threshold"}, "valueQuantity": fraction(scores.threshold)},
            {"code": {"text": "Decision"}, "valueCodeableConcept": {"text": scores.decision}},
            {
                "code": {"text": "90% conformal set"},
                "valueString": ", ".join(scores.conformal_set) or "empty",
            },
        ],
    }
