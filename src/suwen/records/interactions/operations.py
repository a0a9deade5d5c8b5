"""$validate and Patient/$everything."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from suwen.core.errors import BadInput, NotFound
from suwen.records.fhir.query import parse_instant
from suwen.records.interactions.bundles import Entry, bundle
from suwen.records.interactions.context import Look
from suwen.records.interactions.errors import Gone, Invalid
from suwen.records.interactions.incoming import check_kind, parse
from suwen.records.interactions.messages import Request, Response
from suwen.records.interactions.outcome import all_well, issues_of
from suwen.records.interactions.paging import MAX_COUNT, Cursor, count_of
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
    rids = compartment(look, ref, _types(request))
    since = [value for name, value in request.query if name == "_since"]
    after = parse_instant(since[-1])[0] if since else 0.0
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


def compartment(look: Look, patient_ref: int, types: frozenset[str] | None = None) -> list[int]:
    """``rid`` of the patient, of all in the patient's compartment, and of what those refer to directly.

    Source: http://hl7.org/fhir/R4/patient-operation-everything.html and CompartmentDefinition/patient.
    """
    record, db = look.record, look.db
    found: set[int] = set()
    for kind, codes in record.definitions.compartment.items():
        for code in codes:
            key = record.indexer.link_key(kind, code)
            rows = db.rows("SELECT rid FROM link WHERE key = ? AND target = ?", (key, patient_ref))
            found.update(row[0] for row in rows)
    own = db.row("SELECT rid FROM resource WHERE ref = ?", (patient_ref,))
    if own:
        found.add(own[0])
    inside = sorted(found)
    for start in range(0, len(inside), 500):
        some = inside[start : start + 500]
        marks = ",".join("?" * len(some))
        rows = db.rows(
            "SELECT DISTINCT t.rid FROM link l JOIN resource t ON t.ref = l.target "  # noqa: S608
            f"WHERE l.rid IN ({marks}) AND t.type <> 'Patient' AND t.deleted = 0",
            some,
        )
        found.update(row[0] for row in rows)
    if types is None:
        return sorted(found)
    wanted = []
    for start in range(0, len(ordered := sorted(found)), 500):
        some = ordered[start : start + 500]
        marks = ",".join("?" * len(some))
        rows = db.rows(f"SELECT rid, type FROM resource WHERE rid IN ({marks})", some)  # noqa: S608
        wanted += [row[0] for row in rows if row[1] in types]
    return wanted


def _types(request: Request) -> frozenset[str] | None:
    given = [value for name, value in request.query if name == "_type"]
    return frozenset(part.strip() for part in given[-1].split(",")) if given else None
