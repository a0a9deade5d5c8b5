"""What the OpenAPI description says of ``/fhir``: generic paths, since 146 types take the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suwen.records.fhir.definitions import definitions
from suwen.server.fhir_routes import ROUTES
from suwen.server.openapi import errors
from suwen.server.problems import FHIR_JSON

TAG = "record"
PATIENT = {"resourceType": "Patient", "id": "example", "name": [{"family": "Example"}]}
BUNDLE = {"resourceType": "Bundle", "type": "searchset", "total": 0}
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [
        {
            "severity": "information",
            "code": "informational",
            "details": {"text": "The resource is valid FHIR R4."},
        }
    ],
}
ALWAYS = (400, 404, 405, 406, 409, 410, 412, 413, 422, 503, 507)
JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    """One method of one route.

    Attributes
    ----------
    name
        The ``operationId``.
    summary, about
        One line, and one sentence more.
    answers
        Statuses of success.
    example
        Body of success.
    body
        Example of the body that is sent; ``None`` takes none.
    query
        Names of query parameters worth naming.
    headers
        Names of headers worth naming.
    """

    name: str
    summary: str
    about: str
    answers: tuple[int, ...] = (200,)
    example: Any = None
    body: Any = None
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


_PAGE = ("_count", "_cursor")
_FIND = ("_id", "_lastUpdated", "_sort", "_summary", "_elements", "_total", "_include", "_revinclude", *_PAGE)
_WRITE = ("If-Match", "Prefer")
_TRANSACTION = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [{"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}}],
}
_MEANT = "The query says which resource is meant."
_HIDDEN = "Keep what is searched out of addresses."
_PATCH = [{"op": "replace", "path": "/active", "value": True}]

_OPERATIONS: dict[tuple[str, str], _Operation] = {
    ("/fhir", "GET"): _Operation(
        name="searchSystem", summary="Search all types", about="Take the parameters that all types have.",
        example=BUNDLE, query=("_type", *_FIND), headers=("Prefer",),
    ),
    ("/fhir", "POST"): _Operation(
        name="bundle", summary="Do what a bundle asks for",
        about="A transaction is stored as a whole or not at all; the entries of a batch stand alone.",
        example=BUNDLE | {"type": "transaction-response"}, body=_TRANSACTION, headers=("Prefer",),
    ),
    ("/fhir/metadata", "GET"): _Operation(
        name="capabilities", summary="What this interface does", about="The CapabilityStatement, generated.",
        example={"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"},
    ),
    ("/fhir/_history", "GET"): _Operation(
        name="historySystem", summary="What changed", about="Versions of all resources, newest first.",
        example=BUNDLE | {"type": "history"}, query=("_since", "_at", *_PAGE),
    ),
    ("/fhir/_search", "POST"): _Operation(
        name="searchSystemByForm", summary="Search all types by a form",
        about=_HIDDEN, example=BUNDLE, body={}, headers=("Prefer",),
    ),
    ("/fhir/{type}", "GET"): _Operation(
        name="searchType", summary="Search a type", about="All parameters: GET /fhir/metadata.",
        example=BUNDLE, query=_FIND, headers=("Prefer",),
    ),
    ("/fhir/{type}", "POST"): _Operation(
        name="create", summary="Store a new resource", about="The server gives the id.",
        answers=(200, 201), example=PATIENT, body=PATIENT, headers=("If-None-Exist", "Prefer"),
    ),
    ("/fhir/{type}", "PUT"): _Operation(
        name="updateWhere", summary="Update or create by a search", about=_MEANT,
        answers=(200, 201), example=PATIENT, body=PATIENT, query=("identifier", "_id"), headers=_WRITE,
    ),
    ("/fhir/{type}", "PATCH"): _Operation(
        name="patchWhere", summary="Patch by a search", about=_MEANT,
        example=PATIENT, body=_PATCH, query=("identifier", "_id"), headers=_WRITE,
    ),
    ("/fhir/{type}", "DELETE"): _Operation(
        name="deleteWhere", summary="Delete by a search", about=_MEANT,
        answers=(204,), query=("identifier", "_id"), headers=("If-Match",),
    ),
    ("/fhir/{type}/_search", "POST"): _Operation(
        name="searchTypeByForm", summary="Search a type by a form", about=_HIDDEN,
        example=BUNDLE, body={}, headers=("Prefer",),
    ),
    ("/fhir/{type}/_history", "GET"): _Operation(
        name="historyType", summary="What changed in a type", about="Versions, newest first.",
        example=BUNDLE | {"type": "history"}, query=("_since", "_at", *_PAGE),
    ),
    ("/fhir/{type}/$validate", "POST"): _Operation(
        name="validateType", summary="Check a resource", about="Store nothing, list every issue.",
        example=OUTCOME, body=PATIENT,
    ),
    ("/fhir/{type}/{id}", "GET"): _Operation(
        name="read", summary="Read a resource", about="The newest version.",
        answers=(200, 304), example=PATIENT,
        query=("_summary", "_elements"), headers=("If-None-Match", "If-Modified-Since"),
    ),
    ("/fhir/{type}/{id}", "PUT"): _Operation(
        name="update", summary="Update a resource, or create it", about="The id may be the client's own.",
        answers=(200, 201), example=PATIENT, body=PATIENT, headers=("If-None-Match", *_WRITE),
    ),
    ("/fhir/{type}/{id}", "PATCH"): _Operation(
        name="patch", summary="Patch a resource", about="By JSON Patch, merge patch or FHIRPath Patch.",
        example=PATIENT, body=_PATCH, headers=_WRITE,
    ),
    ("/fhir/{type}/{id}", "DELETE"): _Operation(
        name="delete", summary="Delete a resource", about="Its history stays.",
        answers=(204,), headers=("If-Match",),
    ),
    ("/fhir/{type}/{id}/$validate", "POST"): _Operation(
        name="validateInstance", summary="Check a resource before an update", about="Nothing is stored.",
        example=OUTCOME, body=PATIENT,
    ),
    ("/fhir/{type}/{id}/$everything", "GET"): _Operation(
        name="everything", summary="A patient's whole record", about="The compartment and what it names.",
        example=BUNDLE, query=("_since", "_type", *_PAGE),
    ),
    ("/fhir/{type}/{id}/_history", "GET"): _Operation(
        name="historyInstance", summary="A resource's versions", about="Newest first.",
        example=BUNDLE | {"type": "history"}, query=("_since", "_at", *_PAGE),
    ),
    ("/fhir/{type}/{id}/_history/{version}", "GET"): _Operation(
        name="vread", summary="Read one version", about="As it was written.", example=PATIENT,
    ),
}  # fmt: skip

_SUCCESS = {200: "Done.", 201: "Created.", 204: "Deleted, or not there.", 304: "Not changed."}
_PARTS = {
    "type": ("A resource type of FHIR R4.", {"$ref": "#/components/schemas/ResourceType"}, "Patient"),
    "id": ("Logical id.", {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}, "example"),
    "version": ("Version id.", {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}, "1"),
}


def paths() -> dict[str, Any]:
    """The path items, by template."""
    return {
        route: {
            method.lower(): _described(route, method, _OPERATIONS[route, method])
            for method in methods
            if method != "HEAD"
        }
        for route, methods in ROUTES.items()
    }


def schemas() -> dict[str, Any]:
    """The schemas that the paths refer to."""
    return {
        "ResourceType": {"type": "string", "enum": sorted(definitions().resource_types)},
        "Resource": {
            "type": "object",
            "description": "A FHIR R4 resource.",
            "required": ["resourceType"],
            "properties": {"resourceType": {"$ref": "#/components/schemas/ResourceType"}},
        },
    }


def _described(route: str, method: str, given: _Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "tags": [TAG],
        "operationId": f"fhir_{given.name}",
        "summary": given.summary,
        "description": given.about,
        "parameters": [*_in_path(route), *_named("query", given.query), *_named("header", given.headers)],
        "responses": {str(status): _good(status, given) for status in given.answers}
        | {str(status): answer for status, answer in _bad(given).items()},
    }
    if given.body is not None:
        found["requestBody"] = {"required": bool(given.body), "content": _content(route, method, given)}
    return found


def _in_path(route: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": about,
            "schema": schema,
            "example": example,
        }
        for name, (about, schema, example) in _PARTS.items()
        if f"{{{name}}}" in route
    ]


def _named(place: str, names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": place,
            "required": False,
            "description": f"As in FHIR R4: {name}.",
            "schema": {"type": "string"},
        }
        for name in names
    ]


def _good(status: int, given: _Operation) -> dict[str, Any]:
    if status in {204, 304}:
        return {"description": _SUCCESS[status]}
    content = {"schema": {"$ref": "#/components/schemas/Resource"}, "example": given.example}
    return {"description": _SUCCESS[status], "content": {FHIR_JSON: content}}


def _bad(given: _Operation) -> dict[int | str, dict[str, Any]]:
    return errors(*ALWAYS, *((408, 415) if given.body is not None else ()))


def _content(route: str, method: str, given: _Operation) -> dict[str, Any]:
    if route.endswith("_search"):
        return {FORM: {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}}
    resource = {"schema": {"$ref": "#/components/schemas/Resource"}}
    if method != "PATCH":
        return {FHIR_JSON: resource | {"example": given.body}}
    return {
        JSON_PATCH: {"schema": {"type": "array", "items": {"type": "object"}}, "example": given.body},
        MERGE_PATCH: {"schema": {"type": "object"}, "example": {"active": True}},
        FHIR_JSON: resource,
    }
