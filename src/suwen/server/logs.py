"""One JSON line per request on stderr: route template, status, duration; nothing of the patient's.

Never logged: the path as given, the query, file names, form fields, headers, messages of errors and of other
libraries (pydicom, for one, quotes names of patients in its warnings).
"""

from __future__ import annotations

import logging
import secrets
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import orjson

from suwen.server.problems import incident

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from suwen.server.metrics import Metrics

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
TRUSTED_LOGGERS = ("suwen.server", "uvicorn.error")
"""Loggers whose messages are known to hold nothing of a request; of all others only the place is kept."""

log = logging.getLogger("suwen.server")


@dataclass
class Notes:
    """What a request lets the log know of it; carried in ``scope["suwen"]``.

    Attributes
    ----------
    request_id
        Made here, never taken from the caller.
    task
        Name of a task that exists.
    route
        Template of the address, where no router of the framework notes it.
    outcome
        Decisions, abstention codes or the error code.
    """

    request_id: str
    task: str | None = None
    route: str | None = None
    outcome: str | None = None


class JsonLines(logging.Formatter):
    """Format records as JSON, one a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Keep messages of trusted loggers only; of the others, who and where."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        if record.name in TRUSTED_LOGGERS:
            line["message"] = record.getMessage()
            line |= getattr(record, "facts", {})
        else:
            line |= {"message": "(withheld)", "logger": record.name}
            line["at"] = f"{record.module}:{record.lineno}"
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return orjson.dumps(line, default=str).decode()


def configure(stream: TextIO | None = None) -> logging.Handler:
    """Send every log record of this process, and its warnings, through :class:`JsonLines`.

    Parameters
    ----------
    stream
        stderr when ``None``.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    log.setLevel(logging.INFO)
    logging.captureWarnings(True)
    return handler


class Observed:
    """ASGI middleware: give a request its id, time it, count it, log it, and catch what nobody caught."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; other kinds of connection pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        notes = scope["suwen"] = Notes(request_id=secrets.token_hex(8))
        began, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", notes.request_id.encode()),
                ]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # the last net: nothing may reach uvicorn, which logs messages
            notes.outcome = "internal"
            answer = incident(error)
            if not status:
                await answer(scope, receive, watched)
            status = 500
        seconds = time.perf_counter() - began
        route = notes.route or str(getattr(scope.get("route"), "path", "unrouted"))
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        self.metrics.request(method, route, status, seconds)
        facts = {
            "request_id": notes.request_id,
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
            "task": notes.task,
            "outcome": notes.outcome,
        }
        log.info("request", extra={"facts": facts})
