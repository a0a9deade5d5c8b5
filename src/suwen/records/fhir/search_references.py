"""References as search sees them: to a resource of this store, or to anything else by its text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from suwen.records.fhir.definitions import definitions

_LOCAL = re.compile(r"([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?\Z")


class Target(NamedTuple):
    """Where a reference leads.

    Attributes
    ----------
    local
        ``Type/id`` of a resource of this store (without its version), or empty.
    type
        Resource type where the text says it, else empty.
    version
        Version of a local reference, else empty.
    text
        The reference as it was written.
    """

    local: str
    type: str
    version: str
    text: str


@lru_cache(maxsize=1 << 14)
def target(text: str) -> Target:
    """Take the text of a reference apart."""
    known = definitions().resource_types
    found = _LOCAL.match(text)
    if found and found[1] in known:
        return Target(f"{found[1]}/{found[2]}", found[1], found[3] or "", text)
    parts = text.partition("/_history/")[0].rsplit("/", 2)
    if len(parts) == 3 and parts[1] in known and ":" in parts[0]:
        return Target("", parts[1], "", text)
    return Target("", "", "", text)


def reference_type(element: Any) -> str:
    """Resource type a Reference (or canonical) leads to as far as it says so itself; else empty."""
    if isinstance(element, Mapping):
        text = element.get("reference")
        said = target(text).type if isinstance(text, str) else ""
        return said or str(element.get("type") or element.get("resourceType") or "")
    return target(element).type if isinstance(element, str) else ""
