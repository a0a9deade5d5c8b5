"""Refusals that only an interaction knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from suwen.core.errors import BadInput, Conflict, NotFound

if TYPE_CHECKING:
    from suwen.records.fhir.validate import Issue


class Gone(NotFound):
    """There was such a resource; it has been deleted."""

    code = "deleted"
    http_status = 410


class PreconditionFailed(Conflict):
    """Somebody else was first, or a condition matches several resources."""

    code = "precondition-failed"
    http_status = 412


class NotAllowed(BadInput):
    """An interaction that this address does not take."""

    code = "not-supported"
    http_status = 405


class NotAcceptable(BadInput):
    """A format of answer that is not offered."""

    code = "not-acceptable"
    http_status = 406


class Unprocessable(BadInput):
    """Understood as JSON, and no valid resource."""

    code = "unprocessable"
    http_status = 422


class Invalid(Unprocessable):
    """A resource that breaks rules of FHIR R4; carries every one of them."""

    code = "invalid-resource"

    def __init__(self, issues: Sequence[Issue]) -> None:
        first = issues[0]
        super().__init__(
            f"the resource is not valid FHIR R4: {first.text}",
            where=first.path,
            fix="Correct it; POST it to $validate to see every issue",
        )
        self.issues = tuple(issues)
