"""The keys by which SQL-on-FHIR joins tables: of a resource, and of the resource a reference points at."""

from __future__ import annotations

from typing import Any


def resource_key(data: Any) -> str | None:
    """The key of a resource: its id."""
    return data.get("id") if type(data) is dict and "resourceType" in data else None


def reference_key(data: Any, kind: str | None = None) -> str | None:
    """The key of the resource a Reference points at; ``None`` when it is contained or of another type."""
    target = data.get("reference") if type(data) is dict else None
    if not isinstance(target, str) or not target or target[0] == "#":
        return None
    if target.startswith("urn:"):
        return target if kind is None or data.get("type") == kind else None
    parts = target.split("/_history/")[0].split("/")
    held = parts[-2] if len(parts) > 1 else data.get("type")
    return parts[-1] or None if kind is None or held == kind else None
