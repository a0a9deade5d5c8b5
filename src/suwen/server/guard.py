"""What keeps other web sites, other hosts and oversized bodies away from a server without a sign-in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from suwen.core.errors import Refused, SuwenError, TooLarge
from suwen.server.problems import Misdirected, problem_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_UPLOAD_BYTES = 100 * 2**20
"""Largest single file."""
MAX_REQUEST_BYTES = 256 * 2**20
"""Largest multipart request, all its files together."""
MAX_JSON_BYTES = 2**20
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class SecurityHeaders:
    """ASGI middleware: these headers on every answer, and no answer of the API in any cache."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers as the answer starts."""

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, dressed if scope["type"] == "http" else send)


class Guard:
    """ASGI middleware: check host, origin and size before anything else sees the request.

    Parameters
    ----------
    app
        What is guarded.
    hosts
        Names in ``Host`` that are answered, besides those of the loopback. A page of another site that
        rebinds its own name to 127.0.0.1 still sends that name.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self.app = app
        self.hosts = LOOPBACK_HOSTS | {host.lower().strip("[]") for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = _limit(headers)
        try:
            self._check(scope["method"], headers, limit)
        except SuwenError as error:
            scope["suwen"].outcome = error.code
            await problem_of(error)(scope, receive, send)
            return
        seen = 0

        async def metered() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:  # a body without Content-Length; FastAPI passes this class through
                raise HTTPException(413)
            return message

        await self.app(scope, metered, send)

    def _check(self, method: str, headers: Headers, limit: int) -> None:
        host = headers.get("host", "")
        if _hostname(host) not in self.hosts:
            raise Misdirected(
                "this server does not answer for the host name it was called by",
                fix="Open it as http://127.0.0.1 or http://localhost, with its port",
            )
        if method not in SAFE_METHODS:
            origin = headers.get("origin")
            foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
            if foreign or headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
                raise Refused(
                    "another web site may not send requests to this server",
                    fix="Use the page this server gives, or a program that sends no Origin header",
                    code="cross-site",
                )
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise TooLarge(
                f"the request is larger than {limit // 2**20} MB",
                fix="Send fewer files in one request, or smaller ones",
            )


def _hostname(host: str) -> str | None:
    """Name in a ``Host`` header, without port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _limit(headers: Headers) -> int:
    """Largest body for this kind of content, bytes."""
    multipart = headers.get("content-type", "").lower().startswith("multipart/form-data")
    return MAX_REQUEST_BYTES if multipart else MAX_JSON_BYTES
