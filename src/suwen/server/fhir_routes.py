"""The addresses under ``/fhir`` as templates: for the log, for 405, for the OpenAPI description."""

from __future__ import annotations

from collections.abc import Sequence

from suwen.core.errors import NotFound

PREFIX = b"/fhir"
_READ = ("GET", "HEAD")

ROUTES: dict[str, tuple[str, ...]] = {
    "/fhir": (*_READ, "POST"),
    "/fhir/metadata": _READ,
    "/fhir/_history": _READ,
    "/fhir/_search": ("POST",),
    "/fhir/{type}": (*_READ, "POST", "PUT", "PATCH", "DELETE"),
    "/fhir/{type}/_search": ("POST",),
    "/fhir/{type}/_history": _READ,
    "/fhir/{type}/$validate": ("POST",),
    "/fhir/{type}/{id}": (*_READ, "PUT", "PATCH", "DELETE"),
    "/fhir/{type}/{id}/$validate": ("POST",),
    "/fhir/{type}/{id}/$everything": _READ,
    "/fhir/{type}/{id}/_history": _READ,
    "/fhir/{type}/{id}/_history/{version}": _READ,
}
"""Template to the methods it takes."""

_FIXED = frozenset({"metadata", "_history", "_search", "$validate", "$everything"})
_SLOTS = ("{type}", "{id}", "{operation}", "{version}")


def template(parts: Sequence[str]) -> str:
    """The template of an address; nothing of the address itself is in it.

    Raises
    ------
    NotFound
        When there is no such route (code ``unknown-route``).
    """
    names = [part if part in _FIXED else slot for part, slot in zip(parts, _SLOTS, strict=False)]
    found = "/".join(("/fhir", *names))
    if found not in ROUTES or len(parts) > len(_SLOTS):
        raise NotFound(
            "there is nothing at this address",
            fix="See GET /fhir/metadata for what there is",
            code="unknown-route",
        )
    return found


def allowed(route: str) -> tuple[str, ...]:
    """The methods that a template takes."""
    return ROUTES[route]
