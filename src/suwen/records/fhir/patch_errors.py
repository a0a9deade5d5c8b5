"""What the three kinds of patch share: their errors, their limits and copying JSON."""

from __future__ import annotations

from typing import Any

from suwen.core.errors import BadInput, Unreadable
from suwen.records.fhir.wire import DEPTH

MAX_OPERATIONS = 1_000
"""Operations one patch may hold."""


def malformed(what: str, place: str, *, fix: str | None = None) -> BadInput:
    """The patch itself is wrong, whatever it is applied to (HTTP 400)."""
    return BadInput(what, where=place, fix=fix, code="bad-patch")


def failed(what: str, place: str, *, fix: str | None = None) -> Unreadable:
    """The patch does not fit the document (HTTP 422). Names the operation and quotes no data."""
    return Unreadable(what, where=place, fix=fix, code="patch-failed")


def check_depth(value: Any) -> None:
    """Refuse a result deeper than a document that is read may be; operations can nest what no text did.

    Raises
    ------
    BadInput
        Code ``bad-patch``.
    """
    level = [value]
    for _ in range(DEPTH + 1):
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return
        level = [item for one in level for item in (one.values() if isinstance(one, dict) else one)]
    raise malformed("the result is nested too deeply", "patch", fix=f"At most {DEPTH} levels")


def copied(value: Any) -> Any:
    """JSON with objects and arrays of its own; numbers keep their digits."""
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    return [copied(one) for one in value] if isinstance(value, list) else value
