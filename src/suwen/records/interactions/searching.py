"""search: criteria in, a page of resources out, straight from the indexes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from suwen.core.errors import BadInput
from suwen.records.fhir.query import Query
from suwen.records.fhir.query import parse as parse_query
from suwen.records.fhir.subset import subset_of
from suwen.records.interactions.bundles import Entry, bundle
from suwen.records.interactions.context import Look
from suwen.records.interactions.incoming import JSON_TYPES, check_kind, media_type
from suwen.records.interactions.messages import Request, Response, pairs
from suwen.records.interactions.outcome import ignored_outcome
from suwen.records.interactions.paging import Cursor, count_of
from suwen.records.ledger.events import Event
from suwen.records.store.reading import content
from suwen.records.store.search_cursor import Cursor as SearchCursor

if TYPE_CHECKING:
    from suwen.records.store.changes import Stored

PAGE = 10
"""Matches on a page when the request does not say."""


def search(look: Look, request: Request, kind: str | None) -> Response:
    """Search one type, or with ``_type`` and common parameters all of them."""
    if kind is not None:
        check_kind(look.record, kind)
    cursor = look.record.cursors.of(request)
    if cursor is not None:
        request = replace(request, query=cursor.query)
    query = parse_query(look.record.definitions, kind, request.query, base=request.base or None)
    ignored = [name for name in query.unknown if name != "_format"]
    if ignored and request.prefers("handling") == "strict":
        raise BadInput(
            f"{len(ignored)} search parameters are not known here",
            fix="Leave them out, or send Prefer: handling=lenient to have them ignored",
            code="unknown-parameter",
        )
    counting = query.summary == "count" or any(pair == ("_count", "0") for pair in request.query)
    limit = 0 if counting else count_of(request, PAGE)
    if counting:
        query = replace(query, summary="count")
    state = SearchCursor.from_state(cursor.state) if cursor else None
    found = look.record.search.run(look.db, kind, query, cursor=state, limit=limit)
    rows = look.record.reading.many(look.db, [*found.rids, *found.included])
    matches = [rows[rid] for rid in found.rids if rid in rows]
    included = [rows[rid] for rid in found.included if rid in rows]
    _note(look, request, kind, query, [*matches, *included])
    only = subset_of(request.query)

    def entry(stored: Stored, mode: str) -> Entry:
        body = content(stored)
        return Entry(
            full_url=f"{request.base}/{stored.kind}/{stored.ident}",
            resource=only.cut(look.record.definitions, body) if only else body,
            mode=mode,
        )

    entries = [entry(stored, "match") for stored in matches if stored.body is not None]
    entries += [entry(stored, "include") for stored in included if stored.body is not None]
    if ignored:
        entries.append(Entry(resource=orjson.dumps(ignored_outcome(ignored)), mode="outcome"))
    following = Cursor(request.path, request.query, found.next.state()) if found.next else None
    return bundle(
        look, request, "searchset", entries, total=found.total, following=following, ignored=query.unknown
    )


def form(request: Request) -> Request:
    """A POSTed search as the GET it stands for.

    Raises
    ------
    BadInput
        When the body is no form.
    """
    if request.body and media_type(request.content_type) in JSON_TYPES:
        raise BadInput("a POSTed search is a form", fix="Send application/x-www-form-urlencoded")
    try:
        posted = pairs((request.body or b"").decode("utf-8"))
    except ValueError:
        raise BadInput(
            "the form of the search cannot be read", fix="Send UTF-8, 500 fields at most"
        ) from None
    return replace(request, query=[*request.query, *posted], body=None)


def _note(look: Look, request: Request, kind: str | None, query: Query, seen: list[Stored]) -> None:
    """Tell the ledger whose data was seen; what was asked is kept as a keyed digest only."""
    record = look.record
    asked = "&".join(sorted(f"{name}={value}" for name, value in request.query))
    look.events.append(
        Event(
            action="search",
            at_us=record.now(),
            actor=request.actor,
            subjects=tuple(record.ref(stored.kind, stored.ident) for stored in seen),
            count=len(seen),
            note=kind or "",
            query=record.blind.term("search", asked).to_bytes(8, "big", signed=True),
        )
    )
