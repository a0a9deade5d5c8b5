"""What keeps other web sites, other hosts and oversized bodies away from a server without a sign-in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

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
MAX_FHIR_BYTES = 32 * 2**20
"""Largest body under ``/fhir``: a resource, a bundle, or the bytes of a Binary."""
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


_HEADERS = tuple((name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items())
_NAMES = frozenset(name for name, _ in _HEADERS)
INERT = (b"content-security-policy", b"default-src 'none'; sandbox")
"""Policy for the bytes of somebody's file: stricter than the page's."""
_STRICTER = b"default-src 'none';"
"""How a policy begins that an answer may have in the place of the page's: it starts from nothing."""
_LOOKED_AT = frozenset({b"host", b"origin", b"sec-fetch-site", b"content-length", b"content-type"})
_HOST = re.compile(r"[\w.-]+(:\d*)?|\[[0-9A-Fa-f:.]+\](:\d*)?", re.ASCII)


class SecurityHeaders:
    """ASGI middleware: these headers on every answer, and no answer of the API in any cache."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers as the answer starts."""

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _dressed(message.get("headers", ()))
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
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _LOOKED_AT:
                headers.setdefault(name, value)
        limit = _limit(scope["path"], headers.get(b"content-type", b""))
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

    def _check(self, method: str, headers: dict[bytes, bytes], limit: int) -> None:
        host = headers.get(b"host", b"").decode("latin-1")
        if _hostname(host) not in self.hosts:
            raise Misdirected(
                "this server does not answer for the host name it was called by",
                fix="Open it as http://127.0.0.1 or http://localhost, with its port",
            )
        if method not in SAFE_METHODS:
            origin = headers.get(b"origin")
            foreign = origin is not None and urlsplit(origin.decode("latin-1")).netloc.lower() != host.lower()
            if foreign or headers.get(b"sec-fetch-site", b"none") not in {b"none", b"same-origin"}:
                raise Refused(
                    "another web site may not send requests to this server",
                    fix="Use the page this server gives, or a program that sends no Origin header",
                    code="cross-site",
                )
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > limit:
            raise TooLarge(
                f"the request is larger than {limit // 2**20} MB",
                fix="Send fewer files in one request, or smaller ones; a bundle in several parts",
            )


def _dressed(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """An answer's headers with ours in the place of its own."""
    own = [pair for pair in headers if pair[0] not in _NAMES or _stricter(pair)]
    names = {name for name, _ in own}
    own += [pair for pair in _HEADERS if pair[0] not in names]
    if b"cache-control" not in names:
        own.append((b"cache-control", b"no-store"))
    return own


def _stricter(pair: tuple[bytes, bytes]) -> bool:
    return pair[0] == INERT[0] and pair[1].startswith(_STRICTER)


@lru_cache(maxsize=256)
def _hostname(host: str) -> str | None:
    """Name in a ``Host`` header that is a name and perhaps a port, and no more: links are made with it."""
    if not _HOST.fullmatch(host):
        return None
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _limit(path: str, content_type: bytes) -> int:
    """Largest body for this address and kind of content, bytes."""
    if path == "/fhir" or path.startswith("/fhir/"):
        return MAX_FHIR_BYTES
    return MAX_REQUEST_BYTES if content_type.lower().startswith(b"multipart/form-data") else MAX_JSON_BYTES
