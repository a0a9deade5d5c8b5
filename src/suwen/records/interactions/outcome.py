"""Errors as responses, with an OperationOutcome that quotes nothing a patient could be known by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from suwen.core.errors import SuwenError
from suwen.formats.outcome import ERROR_SYSTEM, issue_type, operation_outcome, sentence
from suwen.records.interactions.errors import Invalid
from suwen.records.interactions.messages import Response

MAX_ISSUES = 50


def outcome_of(error: SuwenError) -> dict[str, Any]:
    """The OperationOutcome of one of the house's errors; ``where`` stays out, but for an element's path."""
    if not isinstance(error, Invalid):
        return operation_outcome(error.code, error.what, issue_type=issue_type(error), fix=error.fix)
    return {"resourceType": "OperationOutcome", "issue": issues_of(error)}


def issues_of(error: Invalid) -> list[dict[str, Any]]:
    """Every broken rule, with the element it is about."""
    return [
        {
            "severity": issue.severity,
            "code": issue.code,
            "details": {
                "coding": [{"system": ERROR_SYSTEM, "code": error.code}],
                "text": sentence(issue.text),
            },
            "expression": [issue.path],
        }
        for issue in error.issues[:MAX_ISSUES]
    ]


def failure(error: SuwenError) -> Response:
    """An error as a response."""
    return Response(status=error.http_status, body=orjson.dumps(outcome_of(error)))


def all_well(text: str) -> dict[str, Any]:
    """An OperationOutcome that finds nothing wrong."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "information", "code": "informational", "details": {"text": sentence(text)}}],
    }


def ignored_outcome(names: Sequence[str]) -> dict[str, Any]:
    """A warning that parameters of a search were not understood, and hence not used."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "warning",
                "code": "not-supported",
                "details": {
                    "coding": [{"system": ERROR_SYSTEM, "code": "unknown-parameter"}],
                    "text": f"The search parameter {name!r} is not known here and was ignored.",
                },
            }
            for name in dict.fromkeys(names)
        ],
    }
