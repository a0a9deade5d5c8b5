"""JSON merge patch (RFC 7396)."""

from __future__ import annotations

from typing import Any

from suwen.records.fhir.patch_errors import copied


def apply(document: Any, patch: Any) -> Any:
    """The document with the patch laid over it; both are left as they are.

    Objects are merged, ``null`` removes a member, and anything else (a list too) replaces what was there.
    Decimals keep their digits.

    Notes
    -----
    The algorithm is section 2 of RFC 7396. Depth is that of the patch, which the JSON reader bounds.
    """
    if not isinstance(patch, dict):
        return copied(patch)
    merged = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = apply(merged.get(name), value)
    return {name: value if name in patch else copied(value) for name, value in merged.items()}
