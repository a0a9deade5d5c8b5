"""FHIR R4 OperationOutcome: what was wrong, a stable code, what to do."""

from __future__ import annotations

from typing import Any

from suwen.core.errors import (
    BadInput,
    Conflict,
    MissingExtra,
    NotFound,
    Refused,
    SuwenError,
    UnknownSetting,
    Unreadable,
    Untrusted,
)

ERROR_SYSTEM = "https://suwen.dev/errors"
"""Code system of the house's error codes in ``issue.details.coding``."""

_ISSUE_TYPES: tuple[tuple[type[SuwenError], str], ...] = (
    (Unreadable, "structure"),
    (UnknownSetting, "value"),
    (BadInput, "invalid"),
    (Untrusted, "security"),
    (Refused, "business-rule"),
    (NotFound, "not-found"),
    (Conflict, "conflict"),
    (MissingExtra, "not-supported"),
)
_BY_STATUS = {
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    410: "deleted",
    413: "too-long",
    415: "not-supported",
    503: "transient",
    507: "no-store",
}


def sentence(text: str) -> str:
    """A message with its capital and its full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def issue_type(error: SuwenError) -> str:
    """Code of ``http://hl7.org/fhir/issue-type`` that fits an error."""
    found = _BY_STATUS.get(error.http_status)
    return found or next((kind for cls, kind in _ISSUE_TYPES if isinstance(error, cls)), "processing")


def operation_outcome(code: str, text: str, *, issue_type: str, fix: str | None = None) -> dict[str, Any]:
    """Build a FHIR R4 OperationOutcome with one issue.

    Parameters
    ----------
    code
        The house's stable error code.
    text
        What was wrong.
    issue_type
        A code of ``http://hl7.org/fhir/issue-type``.
    fix
        What the reader can do.
    """
    issue: dict[str, Any] = {
        "severity": "error",
        "code": issue_type,
        "details": {"coding": [{"system": ERROR_SYSTEM, "code": code}], "text": sentence(text)},
    }
    if fix:
        issue["diagnostics"] = sentence(fix)
    return {"resourceType": "OperationOutcome", "issue": [issue]}
