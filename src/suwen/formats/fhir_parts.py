"""Pieces of FHIR R4 that every resource about a prediction shares: codes, identities, device, provenance."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from suwen.core.documents import plain
from suwen.core.errors import BadInput

if TYPE_CHECKING:
    from suwen.core.prediction import Prediction

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
UCUM = "http://unitsofmeasure.org"
SHA256_OID = "urn:oid:2.16.840.1.101.3.4.2.1"
"""NIST's object identifier of SHA-256, as the system of identifiers that are such hashes."""
DEVICE = "model"
"""Id of the contained Device that the model is."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")  # FHIR R4, datatype id


def check_id(patient: str | None) -> None:
    """Refuse what cannot be the logical id of a Patient (code ``bad-patient-id``); the id is not repeated."""
    if patient is not None and not _ID.fullmatch(patient):
        raise BadInput(
            "the patient's id is not a FHIR id",
            fix="Use 1 to 64 letters, digits, hyphens and points",
            code="bad-patient-id",
        )


def identities(prediction: Prediction, patient: str | None, kinds: Iterable[str]) -> dict[str, str]:
    """Logical ids by resource type, from the content: the same prediction gives the same resources."""
    content = json.dumps(plain([prediction.task, prediction.provenance, prediction.output]), sort_keys=True)
    seed = hashlib.sha256(f"{content}|{prediction.subject_id}|{prediction.abstained}|{patient}".encode())
    return {kind: str(uuid.uuid5(uuid.NAMESPACE_OID, f"{seed.hexdigest()}/{kind}")) for kind in kinds}


def collection(
    ident: str, at: str, resources: Sequence[dict[str, Any]], *, simulated: bool
) -> dict[str, Any]:
    """A Bundle of type ``collection``; everything in it is marked where it is of simulated data."""
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "id": ident,
        "type": "collection",
        "timestamp": at,
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources],
    }
    if simulated:
        tag = {"system": f"{TERMINOLOGY}/v3-ActReason", "code": "HTEST", "display": "test health data"}
        for one in (bundle, *resources):
            one["meta"] = {"tag": [tag]}
    return bundle


def base(kind: str, ids: Mapping[str, str], patient: str | None) -> dict[str, Any]:
    """Type, id and, where there is one, subject."""
    subject = {"subject": {"reference": f"Patient/{patient}"}} if patient else {}
    return {"resourceType": kind, "id": ids[kind], **subject}


def coded(system: str, code: str, display: str) -> dict[str, Any]:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code, "display": display}]}


def quantity(value: float, unit: str) -> dict[str, Any]:
    """A Quantity in a UCUM unit, to six decimals."""
    return {"value": round(float(value), 6), "unit": unit, "system": UCUM, "code": unit}


def fraction(value: float) -> dict[str, Any]:
    """A Quantity without dimension."""
    return quantity(value, "1")


def device(prediction: Prediction) -> dict[str, Any]:
    """The model as a contained Device, by version and hash of its weights."""
    name, _, version = prediction.provenance.model.partition("@")
    return {
        "resourceType": "Device",
        "id": DEVICE,
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


def provenance(prediction: Prediction, ids: Mapping[str, str], targets: Iterable[str]) -> dict[str, Any]:
    """Which model made these resources, from which data, out of which inputs."""
    return {
        "resourceType": "Provenance",
        "id": ids["Provenance"],
        "contained": [device(prediction)],
        "target": [{"reference": f"urn:uuid:{ids[kind]}"} for kind in targets],
        "recorded": prediction.provenance.created_at,
        "agent": [
            {
                "type": coded(f"{TERMINOLOGY}/provenance-participant-type", "assembler", "Assembler"),
                "who": {"reference": f"#{DEVICE}"},
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
