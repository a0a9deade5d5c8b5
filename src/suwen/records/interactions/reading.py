"""read, vread and history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from suwen.core.errors import BadInput, NotFound
from suwen.records.fhir.instants import instant, read_http_date
from suwen.records.fhir.search_dates import date_range
from suwen.records.fhir.subset import subset_of
from suwen.records.interactions.bundles import Entry, bundle
from suwen.records.interactions.context import Look
from suwen.records.interactions.errors import Gone
from suwen.records.interactions.messages import Request, Response
from suwen.records.interactions.paging import Cursor, count_of
from suwen.records.interactions.preconditions import etag
from suwen.records.ledger.events import Event
from suwen.records.store.reading import content

if TYPE_CHECKING:
    from suwen.records.store.changes import Stored

PAGE = 50


def read(look: Look, request: Request, kind: str, ident: str) -> Response:
    """The newest version of a resource."""
    ref = look.record.ref(kind, ident)
    stored = look.record.reading.current(look.db, ref)
    _note(look, request, "read", ref, stored)
    if stored is None:
        raise NotFound(f"there is no such {kind}", fix="Check its id")
    if stored.body is None:
        raise Gone(f"this {kind} has been deleted", fix="Its history is still there")
    if _unchanged(request, stored):
        return Response(status=304, etag=etag(stored.version), last_modified=stored.updated)
    return _found(look, request, stored)


def vread(look: Look, request: Request, kind: str, ident: str, version: str) -> Response:
    """One version of a resource."""
    ref = look.record.ref(kind, ident)
    known = version.isdecimal() and len(version) < 10
    stored = look.record.reading.version(look.db, ref, int(version)) if known else None
    _note(look, request, "vread", ref, stored)
    if stored is None:
        raise NotFound(f"there is no such version of this {kind}", fix="See its _history")
    if stored.body is None:
        raise Gone("this version is a deletion", fix="See its _history")
    return _found(look, request, stored)


def history(look: Look, request: Request, kind: str | None, ident: str | None) -> Response:
    """Versions from the newest back, of a resource, of a type or of everything."""
    cursor = look.record.cursors.of(request)
    if cursor is not None:
        request = replace(request, query=cursor.query)
    where: list[str] = ["1 = 1"]
    values: list[Any] = []
    ref = 0
    if ident is not None:
        assert kind is not None  # noqa: S101
        ref = look.record.ref(kind, ident)
        where, values = ["r.ref = ?"], [ref]
        if look.record.reading.current(look.db, ref) is None:
            raise NotFound(f"there is no such {kind}", fix="Check its id")
    elif kind is not None:
        where, values = ["r.type = ?"], [kind]
    if (since := time_in(request, "_since")) is not None:
        where.append("v.updated >= ?")
        values.append(since)
    if (at := time_in(request, "_at")) is not None:
        # What was current at that time: the version that began before and was not yet replaced.
        where.append(
            "v.updated <= ? AND NOT EXISTS (SELECT 1 FROM version n WHERE n.rid = v.rid "
            "AND n.version = v.version + 1 AND n.updated <= ?)"
        )
        values += [at, at]
    total = look.db.row(
        "SELECT count(*) FROM resource r JOIN version v ON v.rid = r.rid WHERE " + " AND ".join(where),  # noqa: S608  (values are bound)
        values,
    )
    if cursor is not None:
        where.append("v.seq < ?")
        values.append(int(cursor.state[0]))
    limit = count_of(request, PAGE)
    found = look.record.reading.versions(look.db, " AND ".join(where), values, limit + 1)
    look.events.append(
        Event(
            action="history", at_us=look.record.now(), actor=request.actor, ref=ref, count=len(found[:limit])
        )
    )
    following = Cursor(request.path, request.query, [found[limit - 1][0]]) if len(found) > limit else None
    entries = [_entry(request, stored) for _, stored in found[:limit]]
    return bundle(
        look, request, "history", entries, total=int(total[0]) if total else None, following=following
    )


def _entry(request: Request, stored: Stored) -> Entry:
    place = f"{stored.kind}/{stored.ident}"
    status = "204" if stored.body is None else ("201" if stored.version == 1 else "200")
    return Entry(
        full_url=f"{request.base}/{place}",
        resource=content(stored) if stored.body is not None else None,
        request={"method": stored.method, "url": stored.kind if stored.method == "POST" else place},
        response={
            "status": status,
            "etag": etag(stored.version),
            "lastModified": instant(stored.updated),
        },
    )


def time_in(request: Request, name: str) -> int | None:
    """A time among the parameters of a request, microseconds since 1970 UTC; the start of a day or month."""
    given = [value for key, value in request.query if key == name]
    if not given:
        return None
    found = date_range(given[-1])
    if found is None:
        raise BadInput(f"{name} is no date or instant", fix="Give it as FHIR writes them", code="bad-search")
    return int(found[0])


def _unchanged(request: Request, stored: Stored) -> bool:
    if request.if_none_match is not None:
        tags = {tag.strip() for tag in request.if_none_match.split(",")}
        return bool(tags & {etag(stored.version), f'"{stored.version}"', "*"})
    if request.if_modified_since is not None:
        since = read_http_date(request.if_modified_since)
        return since is not None and stored.updated // 1_000_000 * 1_000_000 <= since
    return False


def _found(look: Look, request: Request, stored: Stored) -> Response:
    only = subset_of(request.query)
    if only is not None and only.count:
        raise BadInput("_summary=count belongs to a search", fix="Leave it out", code="bad-search")
    body = content(stored)
    return Response(
        status=200,
        body=only.cut(look.record.definitions, body) if only else body,
        etag=etag(stored.version),
        last_modified=stored.updated,
    )


def _note(look: Look, request: Request, action: str, ref: int, stored: Stored | None) -> None:
    """Tell the ledger who looked at what, also when it was not there."""
    outcome = "ok" if stored is not None and stored.body is not None else "failed"
    version: Any = stored.version if stored else 0
    look.events.append(
        Event(
            action=action,
            at_us=look.record.now(),
            actor=request.actor,
            ref=ref,
            version=version,
            outcome=outcome,
        )
    )
