"""What the three kinds of patch share: their errors, their limits and copying JSON."""

from __future__ import annotations

from typing import Any

from suwen.core.errors import BadInput, Unreadable

MAX_OPERATIONS = 1_000
"""Operations one patch may hold."""


def malformed(what: str, place: str, *, fix: str | None = None) -> BadInput:
    """The patch itself is wrong, whatever it is applied to (HTTP 400)."""
    return BadInput(what, where=place, fix=fix, code="bad-patch")


def failed(what: str, place: str, *, fix: str | None = None) -> Unreadable:
    """The patch does not fit the document (HTTP 422). Names the operation and quotes no data."""
    return Unreadable(what, where=place, fix=fix, code="patch-failed")


def copied(value: Any) -> Any:
    """JSON with objects and arrays of its own; numbers keep their digits."""
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    return [copied(one) for one in value] if isinstance(value, list) else value
