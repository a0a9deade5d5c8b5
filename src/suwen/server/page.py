"""The page at ``/`` and its few files, read once at start."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from suwen.core.errors import NotFound

router = APIRouter(include_in_schema=False)

_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


@cache
def _file(name: str) -> tuple[bytes, str, str] | None:
    """Content, media type and entity tag of a page file; only names that exist are kept."""
    for path in files("suwen.server").joinpath("static").iterdir():
        if path.name == name:
            content = path.read_bytes()
            kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
            return content, f"{kind}; charset=utf-8", f'"{sha256(content).hexdigest()[:16]}"'
    return None


def _serve(request: Request, name: str) -> Response:
    found = _file(name)
    if found is None:
        raise NotFound("there is no such file of the page", code="unknown-route")
    content, kind, tag = found
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)


@router.get("/")
def index(request: Request) -> Response:
    """Serve the page."""
    return _serve(request, "index.html")


@router.get("/favicon.ico")
def icon(request: Request) -> Response:
    """Serve the icon where browsers look for it unasked."""
    return _serve(request, "icon.svg")


@router.get("/static/{name}")
def static(request: Request, name: str) -> Response:
    """Serve a file of the page."""
    return _serve(request, name)
