"""$validate and Patient/$everything."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from suwen.core.errors import BadInput, NotFound
from suwen.records.interactions.bundles import Entry, bundle
from suwen.records.interactions.compartment import everything_about
from suwen.records.interactions.context import Look
from suwen.records.interactions.errors import Gone, Invalid
from suwen.records.interactions.incoming import check_kind, parse
from suwen.records.interactions.messages import Request, Response
from suwen.records.interactions.outcome import all_well, issues_of
from suwen.records.interactions.paging import MAX_COUNT, Cursor, count_of
from suwen.records.interactions.reading import time_in
from suwen.records.ledger.events import Event
from suwen.records.store.reading import content

if TYPE_CHECKING:
    from suwen.records.record import Record


def validate(record: Record, request: Request, kind: str) -> Response:
    """Check a resource without storing it; the answer is 200 whatever is found."""
    check_kind(record, kind)
    found = parse(request)
    if isinstance(found, dict) and found.get("resourceType") == "Parameters" and kind != "Parameters":
        parts = [part for part in found.get("parameter") or [] if isinstance(part, dict)]
        found = next((part.get("resource") for part in parts if part.get("name") == "resource"), None)
    if not isinstance(found, dict):
        raise BadInput("there is no resource to validate", fix="Send one, alone or in Parameters")
    outcome: dict[str, Any]
    if found.get("resourceType") != kind:
        raise BadInput(
            "the resource is of another type than its address",
            fix="POST it to its own type's $validate",
            code="wrong-type",
        )
    issues = record.validator.check(found)
    if issues:
        outcome = {"resourceType": "OperationOutcome", "issue": issues_of(Invalid(issues))}
    else:
        outcome = all_well("the resource is valid FHIR R4")
    return Response(status=200, body=orjson.dumps(outcome))


def everything(look: Look, request: Request, ident: str) -> Response:
    """A patient's whole record: the compartment, and what its resources point at."""
    record, db = look.record, look.db
    cursor = record.cursors.of(request)
    if cursor is not None:
        request = replace(request, query=cursor.query)
    ref = record.ref("Patient", ident)
    patient = record.reading.current(db, ref)
    if patient is None:
        raise NotFound("there is no such Patient", fix="Check its id")
    if patient.body is None:
        raise Gone("this Patient has been deleted", fix="Its history is still there")
    rids = everything_about(record, db, ref, _types(request))
    after = time_in(request, "_since") or 0
    rows = record.reading.many(db, rids)
    pages = [rows[rid] for rid in sorted(rows) if rows[rid].body is not None and rows[rid].updated >= after]
    start = int(cursor.state[0]) if cursor else 0
    limit = count_of(request, MAX_COUNT)
    page = pages[start : start + limit]
    look.events.append(
        Event(action="everything", at_us=record.now(), actor=request.actor, ref=ref, count=len(page))
    )
    following = None
    if start + limit < len(pages):
        following = Cursor(request.path, request.query, [start + limit])
    entries = [
        Entry(full_url=f"{request.base}/{one.kind}/{one.ident}", resource=content(one), mode="match")
        for one in page
    ]
    return bundle(look, request, "searchset", entries, total=len(pages), following=following)


def _types(request: Request) -> frozenset[str] | None:
    given = [value for name, value in request.query if name == "_type"]
    return frozenset(part.strip() for part in given[-1].split(",")) if given else None
