"""``/fhir``: the record over HTTP, as a bare ASGI layer, since every microsecond here is in every request.

Between the socket and :meth:`suwen.records.record.Record.perform` there is nothing but what HTTP needs: a
body within its limits, an address and headers in, a status and headers out.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from suwen.core.errors import NotFound, SuwenError
from suwen.records.interactions.errors import NotAllowed
from suwen.records.interactions.outcome import failure
from suwen.server.fhir_binary import perform
from suwen.server.fhir_messages import Disconnected, body_of, deliver, parts_of, request_of
from suwen.server.fhir_routes import PREFIX, allowed, template
from suwen.server.threads import Threads

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from suwen.records.interactions.messages import Response
    from suwen.records.record import Record

THREADS = 64
"""Requests answered at one time. Most wait for the writer, whose next commit takes all of them along."""
LARGE_BYTES = 2**20
"""Bodies above this are taken in two at a time, so that memory stays bounded however many are sent."""
LARGE_AT_ONCE = 2
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Fhir:
    """ASGI middleware: answer what lies under ``/fhir``, pass everything else on.

    Parameters
    ----------
    app
        What answers the rest.
    record
        The open record; without one every address here says how to have one.
    """

    def __init__(self, app: ASGIApp, record: Record | None = None) -> None:
        self.app, self.record = app, record
        self._pool = Threads(THREADS, "suwen-fhir")
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an unexpected error goes on to whoever logs incidents."""
        raw = scope.get("raw_path", b"")
        if not raw.startswith(PREFIX) or raw[len(PREFIX) : len(PREFIX) + 1] not in {b"", b"/"}:
            await self.app(scope, receive, send)
            return
        notes, headers = scope["suwen"], []
        try:
            response = await self._respond(scope, receive)
        except Disconnected:
            notes.outcome = "disconnected"
            return
        except SuwenError as error:
            notes.outcome = error.code
            response = failure(error)
            if error.http_status == 405:
                headers = [(b"allow", ", ".join(allowed(notes.route)).encode())]
            elif error.http_status == 503:
                headers = [(b"retry-after", b"1")]
        await deliver(response, scope, send, headers)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        if self.record is None:
            scope["suwen"].route = "/fhir"
            raise NotFound(
                "this server was started without a record",
                fix="Start it with: suwen serve --store DIR, or --db postgresql+psycopg://USER@HOST/NAME",
                code="no-record",
            )
        parts = parts_of(scope)
        route = scope["suwen"].route = template(parts)
        method = scope["method"]
        if method not in allowed(route):
            raise NotAllowed(
                "this address does not take that method", fix="See GET /fhir/metadata for what it takes"
            )
        request, context = request_of(scope, parts)
        if method not in WITH_BODY:
            return await self._pool.run(perform, self.record, request)
        async with AsyncExitStack() as held:
            body = await body_of(receive, LARGE_BYTES, held, self._large)
            whole = replace(request, body=body)
            return await self._pool.run(perform, self.record, whole, context)
