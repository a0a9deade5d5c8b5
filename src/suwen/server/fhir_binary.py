"""Binary as what it holds: raw bytes in, raw bytes out.

Source: http://hl7.org/fhir/R4/binary.html#rest. One difference: where a client takes anything (``*/*``, or no
``Accept`` at all) it gets the resource, since most clients of this interface want FHIR and forget to say so.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from suwen.core.errors import WrongMediaType
from suwen.records.interactions.incoming import JSON_TYPES, media_type
from suwen.records.interactions.messages import FHIR_JSON, Request, Response

if TYPE_CHECKING:
    from suwen.records.record import Record

OPAQUE = "application/octet-stream"
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(\s*;[ -~]*)?")
_XML = frozenset({"application/fhir+xml", "application/fhir+turtle"})


def perform(record: Record, request: Request, security_context: str | None = None) -> Response:
    """Do what a request asks for, with raw bytes where it is about a Binary and speaks no FHIR.

    Parameters
    ----------
    record
        Does the work.
    request
        As it came.
    security_context
        Reference to the resource whose rights the bytes share, from ``X-Security-Context``.
    """
    if request.path != "Binary" and not request.path.startswith("Binary/"):
        return record.perform(request)
    if request.method in {"GET", "HEAD"}:
        return _out(record, request)
    at_type, at_id = request.method == "POST" and request.path == "Binary", request.method == "PUT"
    if request.body and (at_type or at_id) and media_type(request.content_type) not in JSON_TYPES:
        request = _packed(request, security_context)
    return record.perform(request)


def _packed(request: Request, security_context: str | None) -> Request:
    """Raw bytes as the Binary that is stored for them."""
    kind = request.content_type.strip()
    if not _TYPE.fullmatch(kind) or media_type(kind) in _XML:
        raise WrongMediaType(
            "this is no media type that a Binary can have", fix="Send the Content-Type of the file"
        )
    resource: dict[str, Any] = {"resourceType": "Binary", "contentType": kind}
    if request.method == "PUT" and not request.query:
        resource["id"] = request.path.partition("/")[2]
    if security_context:
        resource["securityContext"] = {"reference": security_context}
    resource["data"] = base64.b64encode(request.body or b"").decode("ascii")
    return replace(request, resource=resource, body=None, content_type=FHIR_JSON)


def _out(record: Record, request: Request) -> Response:
    kinds = {media_type(part) for part in request.accept.split(",") if part.strip()}
    raw = kinds and not kinds & (JSON_TYPES | _XML | {"*/*"}) and "/" in request.path
    if not raw or request.path.endswith("_history") or any(name == "_format" for name, _ in request.query):
        return record.perform(request)
    found = record.perform(replace(request, accept=""))
    if found.status != 200:
        return found
    resource = orjson.loads(found.body)
    try:
        data = base64.b64decode(resource.get("data", ""))
    except binascii.Error:
        return found
    kind = str(resource.get("contentType"))
    return replace(found, body=data, content_type=kind if _TYPE.fullmatch(kind) else OPAQUE)
