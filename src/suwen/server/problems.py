"""Errors as FHIR R4 OperationOutcome: what was wrong, a stable code, what to do; never a traceback."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from suwen.core.documents import plain
from suwen.core.errors import Refused, SuwenError
from suwen.formats.outcome import issue_type, operation_outcome

FHIR_JSON = "application/fhir+json"
_STATUS: dict[int, tuple[str, str, str, str]] = {
    401: ("security", "unauthorised", "this needs a sign-in", "Sign in first"),
    404: ("not-found", "unknown-route", "there is nothing at this address", "Routes: GET /api/openapi.json"),
    405: (
        "not-supported",
        "wrong-method",
        "this address does not take that method",
        "Methods: GET /api/openapi.json",
    ),
    413: ("too-long", "too-large", "the request is too large", "Send fewer or smaller files"),
}
"""HTTP status to (FHIR issue type, our code, sentence, what to do) for the framework's own refusals."""

log = logging.getLogger("suwen.server")
_PACKAGE = Path(__file__).resolve().parents[1]


class Misdirected(Refused):
    """A ``Host`` this server does not answer for."""

    code = "unknown-host"
    http_status = 421


class Document(Response):
    """A JSON document of the house's own types."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode as UTF-8 JSON; NaN and infinities become ``null``."""
        return orjson.dumps(plain(content))


def problem(
    status: int,
    code: str,
    text: str,
    *,
    issue_type: str,
    fix: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Answer with an OperationOutcome."""
    body = operation_outcome(code, text, issue_type=issue_type, fix=fix)
    return Response(orjson.dumps(body), status, headers, FHIR_JSON)


def problem_of(error: SuwenError) -> Response:
    """Answer for one of the house's errors; ``where`` stays out, it may name a file."""
    return problem(error.http_status, error.code, error.what, issue_type=issue_type(error), fix=error.fix)


def incident(error: BaseException) -> Response:
    """Log an unexpected error by type and code location, and answer 500 with its incident id.

    The message stays out of both: it may quote what a patient's file holds.
    """
    number = uuid4().hex[:12]
    frames = [_place(frame) for frame in traceback.extract_tb(error.__traceback__)]
    own = [place for place in frames if place.startswith("suwen/")]
    facts = {
        "incident": number,
        "error": type(error).__name__,
        "at": frames[-1] if frames else None,
        "called_at": own[-1] if own else None,
    }
    log.error("unexpected error", extra={"facts": facts})
    return problem(
        500,
        "internal",
        "something unexpected went wrong in the server",
        issue_type="exception",
        fix=f"Give this incident number to whoever runs the server: {number}",
    )


def _place(frame: traceback.FrameSummary) -> str:
    """Module file and line of a frame, from the package on: no path of this machine."""
    path = Path(frame.filename)
    if path.is_relative_to(_PACKAGE):
        return f"suwen/{path.relative_to(_PACKAGE).as_posix()}:{frame.lineno}"
    _, found, inside = path.as_posix().rpartition("site-packages/")
    return f"{inside if found else path.name}:{frame.lineno}"


def _invalid(error: RequestValidationError) -> Response:
    """Name the fields and the rule they broke, never the value that was given."""
    found = []
    for item in error.errors():
        unknown = item["type"] == "extra_forbidden"
        names = [str(part) for part in item["loc"] if part not in {"body", "query", "path"}]
        place = "an unknown field" if unknown else "'" + ".".join(names or ["body"]) + "'"
        found.append(f"{place}: {item['msg'].lower() if item['type'] != 'value_error' else 'not allowed'}")
    text = "the request does not fit: " + "; ".join(dict.fromkeys(found))
    fix = "See the fields of this route in /api/openapi.json"
    return problem(400, "bad-request", text, issue_type="invalid", fix=fix)


def install(app: FastAPI) -> None:
    """Give an application these error answers."""

    async def on_suwen_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, SuwenError)  # noqa: S101  (registered for this type alone)
        request.scope["suwen"].outcome = error.code
        return problem_of(error)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        request.scope["suwen"].outcome = "bad-request"
        return _invalid(error)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        issue_type, code, text, fix = _STATUS.get(
            error.status_code,
            ("invalid", "bad-request", "the request cannot be read", "See /api/openapi.json"),
        )
        request.scope["suwen"].outcome = code
        headers = dict(error.headers) if error.headers else None
        return problem(error.status_code, code, text, issue_type=issue_type, fix=fix, headers=headers)

    app.add_exception_handler(SuwenError, on_suwen_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
