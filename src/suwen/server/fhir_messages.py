"""HTTP to an interaction and back: addresses, queries, headers and bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.exceptions import HTTPException

from suwen.core.errors import BadInput, SuwenError, TooLarge, WrongMediaType
from suwen.records.fhir.instants import http_date
from suwen.records.interactions.messages import FHIR_JSON, Pairs, Request, Response
from suwen.server.guard import INERT, MAX_FHIR_BYTES

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

ACTOR = "anonymous@loopback"
"""Who the ledger names while there is no sign-in."""
MAX_FIELDS = 500
BODY_S = 120.0
"""How long a body may take to arrive, seconds: a stalled one must not hold a place for large ones."""
NO_BODY = frozenset({204, 304})
_NAMES = {
    b"content-type": "content_type",
    b"accept": "accept",
    b"prefer": "prefer",
    b"if-match": "if_match",
    b"if-none-match": "if_none_match",
    b"if-none-exist": "if_none_exist",
    b"if-modified-since": "if_modified_since",
}
_UTF8 = "Send UTF-8, percent-encoded"


class Disconnected(Exception):
    """The client went away before its request was whole."""


class Slow(BadInput):
    """A body that does not arrive."""

    code = "request-timeout"
    http_status = 408


def parts_of(scope: Scope) -> list[str]:
    """The address below ``/fhir``, split first and decoded once after.

    Raises
    ------
    BadInput
        For what is no UTF-8 (code ``bad-address``).
    """
    raw = scope["raw_path"].split(b"/")[2:]
    try:
        return [
            unquote_to_bytes(part).decode("utf-8") if b"%" in part else part.decode() for part in raw if part
        ]
    except UnicodeDecodeError:
        raise BadInput("the address is not UTF-8", fix=_UTF8, code="bad-address") from None


def request_of(scope: Scope, parts: Sequence[str]) -> tuple[Request, str | None]:
    """The interaction that a request asks for, without its body, and the ``X-Security-Context``.

    Raises
    ------
    BadInput
        For a query that cannot be read (code ``bad-query``), or ids with a slash.
    WrongMediaType
        For a compressed body.
    """
    fields: dict[str, Any] = {"content_type": ""}
    host, context = b"", None
    for name, value in scope["headers"]:
        if name in _NAMES:
            field, text = _NAMES[name], value.decode("latin-1")
            fields[field] = f"{fields[field]}, {text}" if fields.get(field) else text
        elif name == b"host" and not host:  # the first is the one that Guard has checked
            host = value
        elif name == b"x-security-context":
            context = value.decode("latin-1")
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise WrongMediaType("a compressed body is not taken", fix="Send it without Content-Encoding")
    if any("/" in part for part in parts):
        raise BadInput("a part of the address holds an encoded '/'", fix="Check the id", code="bad-address")
    request = Request(
        method=scope["method"],
        path="/".join(parts),
        query=query_of(scope["query_string"]),
        base=f"{scope['scheme']}://{host.decode('latin-1')}/fhir",
        actor=ACTOR,
        **fields,
    )
    return request, context


def query_of(raw: bytes) -> Pairs:
    """Parameters of a query, in order; ``_pretty`` is left out, we write compact JSON alone.

    Raises
    ------
    BadInput
        For what is no UTF-8 or has too many fields (code ``bad-query``).
    """
    if not raw:
        return []
    try:
        pairs = parse_qsl(
            raw.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError:
        raise BadInput(
            "the query cannot be read", fix=f"{_UTF8}, at most {MAX_FIELDS} fields", code="bad-query"
        ) from None
    # A '+' in _format=application/fhir+json arrives as a space from everybody who forgets to encode it.
    return [
        (name, value.replace(" ", "+") if name == "_format" else value)
        for name, value in pairs
        if name != "_pretty"
    ]


async def body_of(receive: Receive, large: int, held: AsyncExitStack, places: asyncio.Semaphore) -> bytes:
    """The whole body; one that turns out large waits for a place before more of it is taken in.

    Parameters
    ----------
    receive
        The server's.
    large
        Size from which a place is needed, bytes.
    held
        Gives the place back when it is closed.
    places
        For large bodies.

    Raises
    ------
    TooLarge
        Above :data:`~suwen.server.guard.MAX_FHIR_BYTES`.
    Slow
        When it does not arrive in :data:`BODY_S`.
    Disconnected
        When the client has gone.
    """
    chunks: list[bytes] = []
    try:
        if await _take(receive, chunks, large):
            await places.acquire()
            held.callback(places.release)
            await _take(receive, chunks, None)
    except TimeoutError:
        raise Slow("the body did not arrive in time", fix="Send it again") from None
    except HTTPException:  # from Guard, which counts for everybody
        raise too_large() from None
    return b"".join(chunks)


async def _take(receive: Receive, chunks: list[bytes], most: int | None) -> bool:
    """Take in a body up to some size; whether there is more of it."""
    size = 0
    async with asyncio.timeout(BODY_S):
        while most is None or size <= most:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
            if not message.get("more_body"):
                return False
    return True


def too_large() -> SuwenError:
    """The refusal of a body above the limit."""
    return TooLarge(
        f"the request is larger than {MAX_FHIR_BYTES // 2**20} MB", fix="Send it as several smaller bundles"
    )


async def deliver(
    response: Response, scope: Scope, send: Send, more: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Send an answer; HEAD and 304 carry none of it."""
    body = response.body
    headers = list(more)
    if response.status not in NO_BODY:
        headers.append((b"content-length", b"%d" % len(body)))
        if body:
            headers.append((b"content-type", response.content_type.encode("latin-1")))
            if response.content_type != FHIR_JSON:  # somebody's file: to be kept, never to be run
                headers += [(b"content-disposition", b"attachment"), INERT]
    if response.etag:
        headers.append((b"etag", response.etag.encode("latin-1")))
    if response.last_modified is not None:
        headers.append((b"last-modified", http_date(response.last_modified).encode()))
    if response.location:
        headers.append((b"location", response.location.encode("latin-1")))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    silent = scope["method"] == "HEAD" or response.status in NO_BODY
    await send({"type": "http.response.body", "body": b"" if silent else body})
