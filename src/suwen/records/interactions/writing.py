"""create, update, patch and delete of one resource, plain and conditional."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from suwen.core.errors import BadInput, NotFound
from suwen.records.fhir import wire
from suwen.records.interactions.conditional import one_match
from suwen.records.interactions.errors import Gone, PreconditionFailed, Unprocessable
from suwen.records.interactions.incoming import change_of, resource_of
from suwen.records.interactions.messages import Request, Response, criteria
from suwen.records.interactions.outcome import all_well
from suwen.records.interactions.patching import patched
from suwen.records.interactions.preconditions import check_of, etag
from suwen.records.store.changes import Change, Current, Stored
from suwen.records.store.reading import content

if TYPE_CHECKING:
    from suwen.records.record import Record
    from suwen.records.store.writer import Transaction


def create(record: Record, request: Request, kind: str) -> Response:
    """POST a resource; with If-None-Exist only if nothing matches."""
    resource = resource_of(request, kind)
    change = change_of(record, "POST", resource, str(uuid4()))

    def work(tx: Transaction) -> Response:
        if request.if_none_exist is not None:
            found = one_match(record, tx, kind, criteria(request.if_none_exist))
            if found is not None:
                return answer(request, record.reading.current(tx.db, record.ref(kind, found)), 200)
        return answer(request, _apply(record, tx, change, request), 201)

    return record.writer.do(work)


def update(record: Record, request: Request, kind: str, ident: str) -> Response:
    """PUT a resource under its id, which a client may choose."""
    change = change_of(record, "PUT", _with_id(request, kind, ident), ident, check=check_of(request))
    return record.writer.do(lambda tx: answer(request, _apply(record, tx, change, request)))


def update_where(record: Record, request: Request, kind: str) -> Response:
    """PUT a resource over the one that matches a search; none matching creates it."""
    resource = resource_of(request, kind)
    check = check_of(request)

    def work(tx: Transaction) -> Response:
        ident = target_of_update(record, tx, kind, request.query, resource)
        change = change_of(record, "PUT", resource, ident, check=check)
        return answer(request, _apply(record, tx, change, request))

    return record.writer.do(work)


def target_of_update(
    record: Record, tx: Transaction, kind: str, query: list[tuple[str, str]], resource: dict[str, Any]
) -> str:
    """Id that a conditional update writes to.

    Raises
    ------
    BadInput
        When the resource names another id than the match.
    """
    found, given = one_match(record, tx, kind, query), resource.get("id")
    if found is not None and given is not None and given != found:
        raise BadInput(
            "the resource has another id than the one that matches",
            fix="Leave its id out",
            code="wrong-id",
        )
    return str(found or given or uuid4())


def patch(record: Record, request: Request, kind: str, ident: str) -> Response:
    """PATCH a resource: JSON Patch, merge patch or FHIRPath Patch."""
    return record.writer.do(lambda tx: answer(request, patch_in(record, tx, request, kind, ident)))


def patch_where(record: Record, request: Request, kind: str) -> Response:
    """PATCH the one resource that matches a search."""

    def work(tx: Transaction) -> Response:
        ident = one_match(record, tx, kind, request.query)
        if ident is None:
            raise NotFound("no resource matches", fix="Check the search", code="no-match")
        return answer(request, patch_in(record, tx, request, kind, ident))

    return record.writer.do(work)


def patch_in(record: Record, tx: Transaction, request: Request, kind: str, ident: str) -> Stored:
    """Patch within a transaction."""
    before = record.reading.current(tx.db, record.ref(kind, ident))
    if before is None:
        raise NotFound(f"there is no such {kind}", fix="Check its id")
    if before.body is None:
        raise Gone(f"this {kind} has been deleted", fix="PUT it to bring it back")
    resource = patched(request, wire.read(content(before)))
    if resource.get("resourceType") != kind or resource.get("id") != ident:
        raise Unprocessable("a patch may not change the type or the id", fix="Patch other elements")
    return _apply(record, tx, change_of(record, "PATCH", resource, ident, check=check_of(request)), request)


def delete(record: Record, request: Request, kind: str, ident: str) -> Response:
    """DELETE a resource; its history stays. Deleting what is not there is no error."""
    return record.writer.do(lambda tx: delete_in(record, tx, request, kind, ident))


def delete_where(record: Record, request: Request, kind: str) -> Response:
    """DELETE the one resource that matches a search."""

    def work(tx: Transaction) -> Response:
        ident = one_match(record, tx, kind, request.query)
        return Response(status=204) if ident is None else delete_in(record, tx, request, kind, ident)

    return record.writer.do(work)


def delete_in(record: Record, tx: Transaction, request: Request, kind: str, ident: str) -> Response:
    """Delete within a transaction."""
    check = check_of(request)
    current = record.changes.current(tx, record.ref(kind, ident))
    if check:
        check(current)
    if current is None or current.deleted:
        return Response(status=204)
    stored = _apply(
        record, tx, Change(method="DELETE", kind=kind, ident=ident, check=_still(current)), request
    )
    return Response(status=204, etag=etag(stored.version))


def _still(seen: Current) -> Any:
    def check(current: Current | None) -> None:
        if current is None or current.seq != seen.seq:
            raise PreconditionFailed("the resource has just changed", fix="Send this again")

    return check


def answer(request: Request, stored: Stored | None, status: int = 0) -> Response:
    """What a write comes back with: the resource, unless the client prefers less."""
    assert stored is not None  # noqa: S101
    location = f"{request.base}/{stored.kind}/{stored.ident}/_history/{stored.version}"
    wanted = request.prefers("return")
    if wanted == "OperationOutcome":
        body = orjson.dumps(all_well(f"stored as version {stored.version}"))
    else:
        body = b"" if wanted == "minimal" else content(stored)
    return Response(
        status=status or (201 if stored.created else 200),
        body=body,
        etag=etag(stored.version),
        last_modified=stored.updated,
        location=location,
    )


def _with_id(request: Request, kind: str, ident: str) -> dict[str, Any]:
    resource = resource_of(request, kind)
    if resource.get("id") != ident:
        raise BadInput(
            "the resource does not have the id of its address",
            fix="Give it the same id, as a string",
            code="wrong-id",
        )
    return resource


def _apply(record: Record, tx: Transaction, change: Change, request: Request) -> Stored:
    return record.changes.apply(tx, [change], actor=request.actor)[0]
