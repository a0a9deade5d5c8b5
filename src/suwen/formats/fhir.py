"""A prediction as FHIR R4: DiagnosticReport, Observation and Provenance in one Bundle."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from typing import TYPE_CHECKING, Any

from suwen.core.documents import plain
from suwen.core.errors import BadInput
from suwen.core.task import DISCLAIMER

if TYPE_CHECKING:
    from suwen.core.prediction import Prediction, Scores
    from suwen.core.task import Task

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
UCUM = "http://unitsofmeasure.org"
SHA256_OID = "urn:oid:2.16.840.1.101.3.4.2.1"
"""NIST's object identifier of SHA-256, as the system of identifiers that are such hashes."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")  # FHIR R4, datatype id

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

_DEVICE = "model"


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
    if patient is not None and not _ID.fullmatch(patient):
        raise BadInput(
            "the patient's id is not a FHIR id",
            fix="Use 1 to 64 letters, digits, hyphens and points",
            code="bad-patient-id",
        )
    content = json.dumps(plain([prediction.task, prediction.provenance, prediction.output]), sort_keys=True)
    seed = hashlib.sha256(f"{content}|{prediction.subject_id}|{prediction.abstained}|{patient}".encode())
    ids = {
        kind: str(uuid.uuid5(uuid.NAMESPACE_OID, f"{seed.hexdigest()}/{kind}"))
        for kind in ("Bundle", "DiagnosticReport", "Observation", "Provenance")
    }
    resources = [
        _report(prediction, task, ids, patient),
        _observation(prediction, task, ids, patient),
        _provenance(prediction, ids),
    ]
    bundle = {
        "resourceType": "Bundle",
        "id": ids["Bundle"],
        "type": "collection",
        "timestamp": prediction.provenance.created_at,
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources],
    }
    if prediction.simulated:
        tag = {"system": f"{TERMINOLOGY}/v3-ActReason", "code": "HTEST", "display": "test health data"}
        for one in (bundle, *resources):
            one["meta"] = {"tag": [tag]}
    return bundle


def _base(kind: str, ids: dict[str, str], patient: str | None) -> dict[str, Any]:
    subject = {"subject": {"reference": f"Patient/{patient}"}} if patient else {}
    return {"resourceType": kind, "id": ids[kind], **subject}


def _report(prediction: Prediction, task: Task, ids: dict[str, str], patient: str | None) -> dict[str, Any]:
    section, name = _section(task)
    return {
        **_base("DiagnosticReport", ids, patient),
        "status": "preliminary",
        "category": [_coded(f"{TERMINOLOGY}/v2-0074", section, name)],
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
    if scores is None:
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
        **_base("Observation", ids, patient),
        "contained": [_device(prediction)],
        "status": "preliminary",
        "category": [_coded(f"{TERMINOLOGY}/observation-category", "imaging", "Imaging")],
        "code": _coded(system, code, display),
        "effectiveDateTime": prediction.provenance.created_at,
        "issued": prediction.provenance.created_at,
        "device": {"reference": f"#{_DEVICE}"},
    }
    if prediction.output is not None:
        return observation | _result(prediction.output)
    reason = prediction.abstained or "no-output"
    broken = any(part in reason for part in _FAILURES)
    absent = ("error", "Error") if broken else ("unsupported", "Unsupported")
    text = f"{reason}: {prediction.reason}" if prediction.reason else reason
    return observation | {
        "dataAbsentReason": _coded(f"{TERMINOLOGY}/data-absent-reason", *absent),
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
        "valueQuantity": _fraction(scores.probability),
        "interpretation": [_coded(f"{TERMINOLOGY}/v3-ObservationInterpretation", *meaning)],
        "component": [
            {"code": {"text": "Lower bound of the 95% interval"}, "valueQuantity": _fraction(low)},
            {"code": {"text": "Upper bound of the 95% interval"}, "valueQuantity": _fraction(high)},
            {"code": {"text": "Decision threshold"}, "valueQuantity": _fraction(scores.threshold)},
            {"code": {"text": "Decision"}, "valueCodeableConcept": {"text": scores.decision}},
            {
                "code": {"text": "90% conformal set"},
                "valueString": ", ".join(scores.conformal_set) or "empty",
            },
        ],
    }


def _provenance(prediction: Prediction, ids: dict[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "Provenance",
        "id": ids["Provenance"],
        "contained": [_device(prediction)],
        "target": [{"reference": f"urn:uuid:{ids[kind]}"} for kind in ("DiagnosticReport", "Observation")],
        "recorded": prediction.provenance.created_at,
        "agent": [
            {
                "type": _coded(f"{TERMINOLOGY}/provenance-participant-type", "assembler", "Assembler"),
                "who": {"reference": f"#{_DEVICE}"},
            }
        ],
        "entity": [
            {
                "role": "source",
                "what": {
                    "identifier": {
                        "system": SHA256_OID,
                        "value": prediction.provenance.data_fingerprint or "unknown",
                    },
                    "display": "Data the model learned from",
                },
            },
            *(
                {
                    "role": "source",
                    "what": {
                        "identifier": {"system": SHA256_OID, "value": digest},
                        "display": f"Input '{name}' of the model",
                    },
                }
                for name, digest in sorted(prediction.inputs_sha256.items())
            ),
        ],
    }


def _device(prediction: Prediction) -> dict[str, Any]:
    name, _, version = prediction.provenance.model.partition("@")
    return {
        "resourceType": "Device",
        "id": _DEVICE,
        "identifier": [
            {
                "type": {"text": "SHA-256 of the model weights"},
                "system": SHA256_OID,
                "value": prediction.provenance.weights_sha256 or "unknown",
            }
        ],
        "deviceName": [{"name": name, "type": "model-name"}],
        "version": [
            {"type": {"text": "model"}, "value": version or "unknown"},
            {"type": {"text": "suwen"}, "value": prediction.provenance.code_version or "unknown"},
        ],
    }


def _coded(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _fraction(value: float) -> dict[str, Any]:
    return {"value": round(float(value), 6), "unit": "1", "system": UCUM, "code": "1"}
