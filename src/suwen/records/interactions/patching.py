"""Which of the three patches a request carries, told by its content type."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from suwen.core.errors import BadInput, WrongMediaType
from suwen.records.fhir import wire
from suwen.records.interactions.incoming import JSON_TYPES, media_type
from suwen.records.interactions.messages import Request

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, "application/fhir+json")


def patched(request: Request, resource: dict[str, Any]) -> dict[str, Any]:
    """A resource with a request's patch applied.

    Parameters
    ----------
    request
        Its body is a JSON Patch, a merge patch, or Parameters of FHIRPath Patch; in a bundle, a Binary may
        hold one of the first two.
    resource
        As it is now.

    Raises
    ------
    WrongMediaType
        For a patch of another kind.
    BadInput
        When the patch is malformed or does not apply.
    """
    from suwen.records.fhir import fhirpath_patch, json_patch, merge_patch

    kind, document = _patch_in(request)
    result: Any
    if kind == JSON_PATCH:
        result = json_patch.apply(resource, document)
    elif kind == MERGE_PATCH:
        result = merge_patch.apply(resource, document)
    elif isinstance(document, dict) and document.get("resourceType") == "Parameters":
        result = fhirpath_patch.apply(resource, document)
    else:
        raise BadInput("a FHIRPath Patch is a Parameters resource", fix="Send Parameters", code="bad-patch")
    if not isinstance(result, dict):
        raise BadInput("the patch leaves no resource", fix="Patch elements, not the whole", code="bad-patch")
    return result


def _patch_in(request: Request) -> tuple[str, Any]:
    document = request.resource
    if isinstance(document, dict) and document.get("resourceType") == "Binary":
        try:
            data = base64.b64decode(document.get("data") or "", validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise BadInput("the Binary with the patch is not base64", fix="Encode the patch") from None
        return media_type(str(document.get("contentType") or "")), wire.read(data)
    if document is not None:
        return "application/fhir+json", document
    kind = media_type(request.content_type)
    if kind not in {JSON_PATCH, MERGE_PATCH} | JSON_TYPES:
        raise WrongMediaType("this is no kind of patch we know", fix="Send " + ", ".join(PATCH_TYPES))
    if not request.body:
        raise BadInput("the request has no body", fix="Send a patch")
    return kind, wire.read(request.body)
