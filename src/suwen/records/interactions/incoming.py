"""From the bytes of a request to a resource that may be stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from suwen.core.errors import BadInput, NotFound, WrongMediaType
from suwen.records.fhir import wire
from suwen.records.fhir.body import strip
from suwen.records.interactions.errors import Invalid, NotAcceptable
from suwen.records.interactions.messages import Request
from suwen.records.store.changes import Change, Check

if TYPE_CHECKING:
    from suwen.records.record import Record

JSON_TYPES = frozenset({"application/fhir+json", "application/json", "text/json"})
_XML = ("application/fhir+xml", "application/xml", "text/xml")


def media_type(header: str) -> str:
    """The type in a ``Content-Type``, without its parameters."""
    return header.partition(";")[0].strip().lower()


def check_accept(request: Request) -> None:
    """Refuse an answer in a format we do not write.

    Raises
    ------
    NotAcceptable
        When only XML or RDF is asked for.
    """
    formats = [value for name, value in request.query if name == "_format"]
    wanted = formats[-1] if formats else request.accept
    kinds = [media_type(part) for part in wanted.split(",") if part.strip()]
    if not kinds or any(kind in JSON_TYPES or kind in {"*/*", "application/*", "json"} for kind in kinds):
        return
    if formats or all(kind in _XML or kind.endswith(("turtle", "xml")) for kind in kinds):
        raise NotAcceptable("this interface writes JSON only", fix="Ask for application/fhir+json")


def parse(request: Request) -> Any:
    """The JSON of a request.

    Raises
    ------
    WrongMediaType
        For a body that does not call itself JSON.
    BadInput
        For no body at all.
    """
    if request.resource is not None:
        return request.resource
    if media_type(request.content_type) not in JSON_TYPES:
        raise WrongMediaType(
            "this address takes FHIR resources as JSON", fix="Send Content-Type: application/fhir+json"
        )
    if not request.body:
        raise BadInput("the request has no body", fix="Send a FHIR resource as JSON")
    return wire.read(request.body)


def resource_of(request: Request, kind: str) -> dict[str, Any]:
    """The resource in a request, of the type its address names.

    Raises
    ------
    BadInput
        When it is no object, or of another type (code ``wrong-type``).
    """
    found = parse(request)
    if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
        raise BadInput(
            "the body is no FHIR resource", fix="Send an object with a resourceType", code="no-resource"
        )
    if found["resourceType"] != kind:
        raise BadInput(
            "the resource is of another type than its address",
            fix=f"Send a {kind} here, or use the address of the resource's own type",
            code="wrong-type",
        )
    return found


def check_kind(record: Record, kind: str) -> str:
    """A resource type that FHIR R4 knows.

    Raises
    ------
    NotFound
        Code ``unknown-type``.
    """
    if kind not in record.definitions.resource_types:
        raise NotFound(
            "FHIR R4 has no such resource type",
            fix="See GET /fhir/metadata",
            code="unknown-type",
        )
    return kind


def validated(record: Record, resource: Mapping[str, Any]) -> None:
    """Refuse what breaks a rule of FHIR R4.

    Raises
    ------
    Invalid
        With every issue.
    """
    if record.validator.valid(resource):
        return
    issues = [issue for issue in record.validator.check(resource) if issue.severity in {"error", "fatal"}]
    if issues:
        raise Invalid(issues)


def change_of(
    record: Record, method: str, resource: dict[str, Any], ident: str, *, check: Check | None = None
) -> Change:
    """Validate a resource, index it, and make it ready to be written under an id."""
    resource["id"] = ident
    validated(record, resource)
    return Change(
        method=method,
        kind=resource["resourceType"],
        ident=ident,
        body=strip(resource),
        entries=record.indexer.entries(resource),
        check=check,
    )
