"""What the OpenAPI description says besides the routes: errors, examples, groups of routes."""

from __future__ import annotations

from typing import Any

from suwen.formats.outcome import operation_outcome
from suwen.server.problems import FHIR_JSON

DESCRIPTION = """Clinical AI from a hospital's own data to an explained, checked, audited result.

Research and decision support. Not a diagnosis; a clinician decides.

Every error is a FHIR R4 `OperationOutcome`: `details.coding.code` is stable, `details.text` says what was
wrong, `diagnostics` says what to do. The JSON Schema of each document is at `/api/schemas/{verb}`."""

TAGS = [
    {"name": "daily use", "description": "Tasks, predictions, explanations, model cards, pictures to try."},
    {"name": "life cycle", "description": "Collect, prepare, train, evaluate, deploy, roll back; as jobs."},
    {
        "name": "record",
        "description": "FHIR R4: the patient record, when the server was started with --store or --db.",
    },
    {"name": "operations", "description": "Health, metrics, installation, schemas."},
]

_MEANING: dict[int, tuple[str, str, str, str, str]] = {
    400: (
        "What was given cannot be used",
        "bad-input",
        "there is no explanation method 'camm'",
        "Did you mean 'cam'",
        "invalid",
    ),
    403: (
        "Understood, and not done for a reason",
        "no-data-folder",
        "this server was started without a data folder",
        "Start it with: suwen serve --data DIR",
        "business-rule",
    ),
    404: (
        "No such task, model, run or job",
        "unknown-task",
        "there is no task 'imaging.pneumonai'",
        "Did you mean 'imaging.pneumonia'",
        "not-found",
    ),
    405: (
        "The address does not take this method",
        "not-supported",
        "this address does not take that method",
        "See GET /fhir/metadata for what it takes",
        "not-supported",
    ),
    406: (
        "A format of answer that is not offered",
        "not-acceptable",
        "this interface writes JSON only",
        "Ask for application/fhir+json",
        "not-supported",
    ),
    408: (
        "The body did not arrive",
        "request-timeout",
        "the body did not arrive in time",
        "Send it again",
        "timeout",
    ),
    410: (
        "There was such a resource",
        "deleted",
        "this Patient has been deleted",
        "Its history is still there",
        "deleted",
    ),
    412: (
        "Somebody else was first, or a condition matches several",
        "stale-version",
        "the resource has changed since the version named in If-Match",
        "Read it again, apply the change to what is there now, and send its new ETag",
        "conflict",
    ),
    409: (
        "The state on disk forbids it",
        "floor-missed",
        "the report is below the task's floor",
        "Train again with more data",
        "business-rule",
    ),
    413: (
        "Too large",
        "too-large",
        "upload 1 is larger than 100 MB",
        "Send a single image",
        "too-long",
    ),
    415: (
        "Not a form with files",
        "wrong-media-type",
        "the files must come as multipart/form-data",
        "For example: curl -F files=@image.png",
        "not-supported",
    ),
    422: (
        "A file, or its pixels, cannot be decoded",
        "truncated",
        "the file ends before its pixels do",
        "Send the whole file",
        "structure",
    ),
    424: (
        "An optional package is not installed",
        "missing-extra",
        "LIME needs the package 'lime'",
        "Install it with: pip install 'suwen[explain]'",
        "not-supported",
    ),
    503: (
        "The store cannot take this now; nothing acknowledged is lost",
        "store-locked",
        "another program holds the record's database locked",
        "Wait until it is done, or stop it, and send this again",
        "transient",
    ),
    507: (
        "No space is left for the record",
        "storage-full",
        "there is no space left for the record",
        "Free some space and send it again",
        "no-store",
    ),
    500: (
        "Something unexpected; the incident number leads to the server's log",
        "internal",
        "something unexpected went wrong in the server",
        "Give this incident number to whoever runs the server: 0123456789ab",
        "exception",
    ),
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document the error answers of a route; 500 is always among them."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in (*statuses, 500):
        meaning, code, text, fix, issue_type = _MEANING[status]
        example = operation_outcome(code, text, issue_type=issue_type, fix=fix)
        content = {"schema": {"$ref": "#/components/schemas/OperationOutcome"}, "example": example}
        found[status] = {"description": meaning, "content": {FHIR_JSON: content}}
    return found


def document(
    description: str, example: Any, *, verb: str | None = None, status: int = 200
) -> dict[int | str, Any]:
    """Document the good answer of a route, by example; its schema is published under the verb's name."""
    where = f" JSON Schema: `GET /api/schemas/{verb}`." if verb else ""
    kind = "array" if isinstance(example, list) else "object"
    content = {"application/json": {"schema": {"type": kind}, "example": example}}
    return {status: {"description": description + where, "content": content}}


OPERATION_OUTCOME: dict[str, Any] = {
    "type": "object",
    "description": "FHIR R4 OperationOutcome.",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code", "details"],
                "properties": {
                    "severity": {"enum": ["fatal", "error", "warning", "information"]},
                    "code": {"type": "string", "description": "Of http://hl7.org/fhir/issue-type"},
                    "details": {
                        "type": "object",
                        "required": ["coding", "text"],
                        "properties": {
                            "text": {"type": "string"},
                            "coding": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "properties": {"system": {"type": "string"}, "code": {"type": "string"}},
                                },
                            },
                        },
                    },
                    "diagnostics": {"type": "string", "description": "What to do."},
                },
            },
        },
    },
}

MODEL = {
    "model": "imaging.pneumonia@3f2a9c1d7e05",
    "source": "shipped",
    "created_at": "2025-11-22T20:00:00+00:00",
    "precision": "fp32",
    "report": {"split": "validation", "n": 524, "metrics": {"auroc": {"value": 0.99, "lo": 0.98, "hi": 1.0}}},
    "warnings": [],
}
TASK = {
    "name": "imaging.pneumonia",
    "system": "imaging",
    "title": "Pneumonia on chest X-rays of children",
    "intended_use": "Second reading of frontal chest X-rays",
    "not_for": "Adults; treatment decisions",
    "engine": "image",
    "endpoint": {"classes": ["normal", "pneumonia"], "positive": "pneumonia"},
    "deployed": MODEL,
}
RESULT = {
    "input": "upload 1",
    "positive": "pneumonia",
    "probability": 0.91,
    "probabilities": {"normal": 0.09, "pneumonia": 0.91},
    "interval": [0.84, 0.95],
    "threshold": 0.42,
    "decision": "pneumonia",
    "conformal_set": ["pneumonia"],
    "abstained": None,
    "reason": None,
    "quality": {"ood_score": 1.2, "ood_threshold": 3.1},
    "simulated": False,
    "explanation": None,
    "provenance": {"model": "imaging.pneumonia@3f2a9c1d7e05"},
    "fhir": {"resourceType": "Bundle", "type": "collection"},
}
PREDICTION = {
    "task": "imaging.pneumonia",
    "model": "imaging.pneumonia@3f2a9c1d7e05",
    "disclaimer": "Research and decision support. Not a diagnosis; a clinician decides.",
    "results": [RESULT],
    "stored": ["DiagnosticReport/a1/_history/1"],
}
PLAN = {
    "format": "suwen-plan/1",
    "task": "surgery.path",
    "plan_id": "5f0c7f9e-6d5c-4f7e-9b3a-2f4f2a3b1c0d",
    "revision": 1,
    "sentence": "certified: 92.4 mm, at least 2.1 mm clear of lateral ventricle (margin 1.6 mm)",
    "found": True,
    "path_lps_mm": [[12.5, -40.0, 88.0], [9.0, 2.0, -3.5]],
    "length_mm": 92.4,
    "certificate": {"holds": True, "clearance_mm": 2.1},
    "motion": None,
    "chain": {"format": "suwen-chain/1", "head": "9f2c...", "steps": []},
    "ledger": None,
}
JOB = {
    "job": "0123456789abcdef",
    "verb": "train",
    "task": "imaging.pneumonia",
    "status": "running",
    "status_url": "/api/jobs/0123456789abcdef",
    "created_at": "2025-11-22T20:00:00+00:00",
    "started_at": "2025-11-22T20:00:01+00:00",
    "finished_at": None,
    "progress": ["epoch 3 of 12"],
    "result": None,
    "error": None,
}
