"""Bundles put together as bytes: what is stored as JSON is not parsed to be listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

import orjson

from suwen.records.fhir.instants import instant, now_us
from suwen.records.interactions.messages import Pairs, Request, Response

if TYPE_CHECKING:
    from suwen.records.interactions.context import Look
    from suwen.records.interactions.paging import Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a bundle; ``resource`` is JSON already."""

    full_url: str | None = None
    resource: bytes | None = None
    mode: str | None = None
    request: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None

    def encode(self) -> bytes:
        """The entry as JSON."""
        parts = []
        if self.full_url:
            parts.append(b'"fullUrl":' + orjson.dumps(self.full_url))
        if self.resource:
            parts.append(b'"resource":' + self.resource)
        if self.mode:
            parts.append(b'"search":{"mode":"%s"}' % self.mode.encode())
        if self.request:
            parts.append(b'"request":' + orjson.dumps(self.request))
        if self.response:
            parts.append(b'"response":' + orjson.dumps(self.response))
        return b"{" + b",".join(parts) + b"}"


def bundle(
    look: Look,
    request: Request,
    kind: str,
    entries: Sequence[Entry],
    *,
    total: int | None = None,
    following: Cursor | None = None,
    ignored: Sequence[str] = (),
) -> Response:
    """A searchset or history with its links.

    Parameters
    ----------
    total
        How many there are on all pages, where it is known.
    following
        Where the next page starts.
    ignored
        Parameters that were not understood; they are left out of the ``self`` link, which says what was done.
    """
    done = [(name, value) for name, value in request.query if name not in ignored and name != "_cursor"]
    links = [("self", address(request, request.path, done))]
    if following is not None:
        token = look.record.cursors.seal(following)
        links.append(("next", address(request, request.path, [("_cursor", token)])))
    return Response(status=200, body=assemble(kind, entries, total=total, links=links))


def address(request: Request, path: str, query: Pairs) -> str:
    """An absolute address of this interface."""
    whole = f"{request.base}/{path}" if path else request.base
    return f"{whole}?{urlencode(query)}" if query else whole


def assemble(
    kind: str,
    entries: Sequence[Entry],
    *,
    total: int | None = None,
    links: Sequence[tuple[str, str]] = (),
) -> bytes:
    """A Bundle as JSON."""
    parts = [
        b'"resourceType":"Bundle","id":"%s","meta":{"lastUpdated":"%s"},"type":"%s"'
        % (str(uuid4()).encode(), instant(now_us()).encode(), kind.encode())
    ]
    if total is not None:
        parts.append(b'"total":%d' % total)
    if links:
        parts.append(
            b'"link":' + orjson.dumps([{"relation": relation, "url": url} for relation, url in links])
        )
    if entries:
        parts.append(b'"entry":[' + b",".join(entry.encode() for entry in entries) + b"]")
    return b"{" + b",".join(parts) + b"}"
