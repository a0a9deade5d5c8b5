"""A FHIR request and its response, as HTTP carries them and as a bundle's entry does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from suwen.core.errors import BadInput

FHIR_JSON = "application/fhir+json"
Pairs = list[tuple[str, str]]


@dataclass(slots=True, kw_only=True)
class Request:
    """One interaction; not changed once it is made (freezing it would cost more than parsing it).

    Attributes
    ----------
    method
        GET, HEAD, POST, PUT, PATCH or DELETE.
    path
        Below the base, without a leading slash: ``Patient/1/_history``.
    query
        Parameters in order, decoded.
    body
        Bytes as received; ``None`` when there is none.
    resource
        The parsed body, where a bundle has already parsed it.
    content_type
        Of the body.
    base
        Absolute address of the interface, for links: ``http://127.0.0.1:8000/fhir``.
    actor
        Who asks, for the ledger.
    """

    method: str
    path: str
    query: Pairs = field(default_factory=list)
    body: bytes | None = None
    resource: Any = None
    content_type: str = FHIR_JSON
    accept: str = ""
    if_match: str | None = None
    if_none_match: str | None = None
    if_none_exist: str | None = None
    if_modified_since: str | None = None
    prefer: str = ""
    base: str = ""
    actor: str = "anonymous"

    def prefers(self, name: str) -> str | None:
        """Value of one preference: ``return=minimal`` gives ``minimal``."""
        for part in self.prefer.replace(";", ",").split(","):
            key, _, value = part.strip().partition("=")
            if key.strip().lower() == name:
                return value.strip().strip('"')
        return None

    def entry(self, method: str, url: str, resource: Any, asked: Mapping[str, Any]) -> Request:
        """What one entry of a bundle asks for, on behalf of whoever sent the bundle.

        Parameters
        ----------
        method, url, resource
            Of the entry; the address is below the base.
        asked
            ``Bundle.entry.request``, for its conditions.

        Raises
        ------
        BadInput
            When the address's parameters cannot be read (code ``bad-condition``).
        """
        path, found, query = url.partition("?")
        return Request(
            method=method,
            path=(unquote(path) if "%" in path else path).strip("/"),
            query=criteria(query) if found else [],
            resource=resource,
            if_match=_text(asked, "ifMatch"),
            if_none_match=_text(asked, "ifNoneMatch"),
            if_none_exist=_text(asked, "ifNoneExist"),
            prefer=self.prefer,
            base=self.base,
            actor=self.actor,
        )


@dataclass(slots=True, kw_only=True)
class Response:
    """What comes back.

    Attributes
    ----------
    status
        HTTP status.
    body
        JSON, or raw bytes of a Binary; empty for none.
    etag, last_modified, location
        Headers; ``last_modified`` in microseconds since 1970 UTC, ``location`` absolute.
    """

    status: int
    body: bytes = b""
    content_type: str = FHIR_JSON
    etag: str | None = None
    last_modified: int | None = None
    location: str | None = None


def pairs(query: str) -> Pairs:
    """Parameters of a query string, in order; an empty value is kept.

    Raises
    ------
    ValueError
        For more than 500 of them, or what is not UTF-8.
    """
    return parse_qsl(query, keep_blank_values=True, max_num_fields=500, errors="strict")


def criteria(query: str) -> Pairs:
    """Parameters of a condition or of an entry's address.

    Raises
    ------
    BadInput
        When they cannot be read (code ``bad-condition``).
    """
    try:
        return pairs(query.lstrip("?"))
    except ValueError:
        raise BadInput(
            "a condition cannot be read", fix="Send UTF-8, percent-encoded", code="bad-condition"
        ) from None


def _text(asked: Mapping[str, Any], name: str) -> str | None:
    value = asked.get(name)
    return value if isinstance(value, str) else None
