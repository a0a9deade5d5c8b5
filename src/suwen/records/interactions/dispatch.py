"""Which interaction a request asks for, by its method and address."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from suwen.core.errors import BadInput, NotFound, SuwenError
from suwen.records.interactions import operations, reading, writing
from suwen.records.interactions.bundles import Entry, assemble
from suwen.records.interactions.capability import capability_statement
from suwen.records.interactions.context import Look
from suwen.records.interactions.errors import NotAllowed
from suwen.records.interactions.incoming import check_accept, check_kind, resource_of
from suwen.records.interactions.messages import Request, Response
from suwen.records.interactions.outcome import failure
from suwen.records.interactions.searching import form, search
from suwen.records.interactions.transaction import STATUS, Plan, entry_requests

if TYPE_CHECKING:
    from suwen.records.record import Record

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def perform(record: Record, request: Request) -> Response:
    """Do what a request asks for.

    Raises
    ------
    SuwenError
        Any of the house's errors; ``http_status`` says which answer it is.
    """
    check_accept(request)
    parts = [part for part in request.path.split("/") if part]
    if request.method in {"GET", "HEAD"}:
        return _look(record, request)
    if request.method == "POST" and parts and parts[-1] == "_search":
        return _look(record, replace(form(request), method="GET", path="/".join(parts[:-1])))
    if request.method == "POST" and not parts:
        return _bundle(record, request)
    if not parts:
        raise _no_method(request)
    kind = check_kind(record, parts[0])
    if request.method == "POST" and parts[-1] == "$validate" and len(parts) in {2, 3}:
        return operations.validate(record, request, kind)
    if len(parts) == 1:
        return _type_level(record, request, kind)
    if len(parts) == 2:
        ident = _checked(parts[1])
        instance = {"PUT": writing.update, "PATCH": writing.patch, "DELETE": writing.delete}
        if request.method in instance:
            return instance[request.method](record, request, kind, ident)
    raise _no_method(request)


def _type_level(record: Record, request: Request, kind: str) -> Response:
    if request.method == "POST":
        return writing.create(record, request, kind)
    where = {"PUT": writing.update_where, "PATCH": writing.patch_where, "DELETE": writing.delete_where}
    if request.method not in where:
        raise _no_method(request)
    if not request.query:
        raise NotAllowed(
            f"{request.method} of a whole type is not done", fix="Name an id, or a search for one resource"
        )
    return where[request.method](record, request, kind)


def _look(record: Record, request: Request) -> Response:
    """A reading request: answered once the ledger has it."""
    with record.database.reading() as db:
        look = Look(record=record, db=db)
        try:
            response = look_up(look, request)
        except SuwenError:
            record.logged(look.events)
            raise
    record.logged(look.events)
    return response


def look_up(look: Look, request: Request) -> Response:
    """Answer a reading request from one consistent view."""
    parts = [part for part in request.path.split("/") if part]
    if parts == ["metadata"]:
        return Response(status=200, body=orjson.dumps(capability_statement(look.record, request.base)))
    if not parts:
        return search(look, request, None)
    if parts == ["_history"]:
        return reading.history(look, request, None, None)
    kind = check_kind(look.record, parts[0])
    rest = parts[1:]
    if not rest:
        return search(look, request, kind)
    if rest == ["_history"]:
        return reading.history(look, request, kind, None)
    ident = _checked(rest[0])
    match rest[1:]:
        case []:
            return reading.read(look, request, kind, ident)
        case ["_history"]:
            return reading.history(look, request, kind, ident)
        case ["_history", version]:
            return reading.vread(look, request, kind, ident, version)
        case ["$everything"] if kind == "Patient":
            return operations.everything(look, request, ident)
    raise NotFound(
        "there is nothing at this address",
        fix="See GET /fhir/metadata for what there is",
        code="unknown-route",
    )


def _bundle(record: Record, request: Request) -> Response:
    """A batch or a transaction."""
    with record.writer.turn:
        document = resource_of(request, "Bundle")
        plan = Plan(record, request, document) if document.get("type") == "transaction" else None
        if plan is not None:
            plan.prepare()
    if plan is not None:
        return record.writer.do(plan.carry_out)
    if document.get("type") != "batch":
        raise BadInput(
            "a bundle sent here must be a batch or a transaction",
            fix="Set its type; to store a bundle as such, POST it to Bundle",
            code="bad-bundle",
        )
    answers = []
    for _, asked in entry_requests(request, document):
        try:
            answers.append(_entry(request, perform(record, asked)))
        except SuwenError as error:
            failed = failure(error)
            answers.append(
                Entry(response={"status": str(failed.status), "outcome": orjson.Fragment(failed.body)})
            )
    return Response(status=200, body=assemble("batch-response", answers))


def _entry(request: Request, response: Response) -> Entry:
    said: dict[str, str] = {"status": STATUS.get(response.status, str(response.status))}
    if response.location:
        said["location"] = response.location.removeprefix(request.base + "/")
    if response.etag:
        said["etag"] = response.etag
    return Entry(resource=response.body or None, response=said)


def _checked(ident: str) -> str:
    if not _ID.fullmatch(ident):
        raise NotFound(
            "this is no resource id", fix="Ids are 1 to 64 letters, digits, '-' and '.'", code="bad-id"
        )
    return ident


def _no_method(request: Request) -> NotAllowed:
    return NotAllowed(
        f"this address does not take {request.method}", fix="See GET /fhir/metadata for what it takes"
    )
