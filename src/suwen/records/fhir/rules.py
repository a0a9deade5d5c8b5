"""What JSON Schema cannot say of a resource: two keywords of our own, and contained resources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson

from suwen.records.fhir import wire

_POINTER = re.compile(rb'"(#[^"\\]*)"')
_LOCAL_REFERENCE = re.compile(rb'"reference":"#([A-Za-z0-9.-]{0,64})"')
Problem = tuple[str, str, str, str]
"""Issue type, place below the resource as FHIRPath (``.contained[0]``), text, rule."""


class Ordered:
    """Keyword ``order``: the start of a Period is not after its end (per-1), as far as both are precise."""

    def __init__(self, parent: Any, value: Any, path: Any) -> None:
        """Nothing of the schema matters."""

    def validate(self, period: Any) -> None:
        """Raise where the start is later."""
        if isinstance(period, dict):
            start, end = period.get("start"), period.get("end")
            if isinstance(start, str) and isinstance(end, str) and _later(start, end):
                raise ValueError("per-1")


class Typed:
    """Keyword ``typed``: ``Reference.type`` is the type its ``reference`` names."""

    def __init__(self, parent: Any, value: Any, path: Any) -> None:
        """Nothing of the schema matters."""

    def validate(self, reference: Any) -> None:
        """Raise where both name a type and not the same one."""
        if isinstance(reference, dict):
            target, kind = reference.get("reference"), reference.get("type")
            if isinstance(target, str) and isinstance(kind, str):
                parts = target.partition("/_history/")[0].split("/")
                named = parts[-2] if len(parts) > 1 else ""
                if named.isalpha() and named[0].isupper() and named != kind.rpartition("/")[2]:
                    raise ValueError("reference-type")


KEYWORDS: dict[str, Any] = {"order": Ordered, "typed": Typed}


def _later(start: str, end: str) -> bool:
    if "T" in start and "T" in end:
        try:
            # Python has no second 60.
            return datetime.fromisoformat(start.replace(":60", ":59")) > datetime.fromisoformat(
                end.replace(":60", ":59")
            )
        except (ValueError, TypeError):
            return False  # what is no dateTime is refused as such
    length = min(len(start), len(end), 10)
    return start[:length] > end[:length]


def may_hold(resource: Mapping[str, Any]) -> bool:
    """Whether a resource is of a kind that has others inside it."""
    return "contained" in resource or resource["resourceType"] in {"Bundle", "Parameters"}


def held(resource: Mapping[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """Resources inside this one: place below it, resource, and whether it is contained."""
    for at, each in enumerate(_items(resource.get("contained"))):
        yield f".contained[{at}]", each, True
    if resource["resourceType"] == "Bundle":
        for at, entry in enumerate(_items(resource.get("entry"))):
            if isinstance(entry, dict):
                if "resource" in entry:
                    yield f".entry[{at}].resource", entry["resource"], False
                response = entry.get("response")
                if isinstance(response, dict) and "outcome" in response:
                    yield f".entry[{at}].response.outcome", response["outcome"], False
    if resource["resourceType"] == "Parameters":
        yield from _in_parameters(resource.get("parameter"), ".parameter")


def _in_parameters(parameters: Any, path: str) -> Iterator[tuple[str, Any, bool]]:
    for at, parameter in enumerate(_items(parameters)):
        if isinstance(parameter, dict):
            if "resource" in parameter:
                yield f"{path}[{at}].resource", parameter["resource"], False
            yield from _in_parameters(parameter.get("part"), f"{path}[{at}].part")


def contained_by_id(resource: Mapping[str, Any]) -> dict[str, str]:
    """Types of the contained resources by their ids, and under ``""`` that of the resource itself."""
    found = {"": str(resource["resourceType"])}
    for each in _items(resource.get("contained")):
        if isinstance(each, dict) and isinstance(each.get("id"), str):
            found[each["id"]] = str(each.get("resourceType"))
    return found


def resolved(resource: Mapping[str, Any], inside: Mapping[str, str]) -> tuple[Any, set[str]]:
    """A copy with ``Type/id`` for every reference ``#id`` to a contained resource, and all strings ``#...``.

    Parameters
    ----------
    inside
        As :func:`contained_by_id` gives it.
    """

    def named(found: re.Match[bytes]) -> bytes:
        ident = found[1].decode()
        kind = inside.get(ident, "")
        return f'"reference":"{kind}/{ident or "id"}"'.encode() if kind.isalpha() else found[0]

    # On the text rather than on the tree: three times as fast, and text inside a string has escaped quotes.
    text = wire.write(resource)
    pointed = {found.decode() for found in _POINTER.findall(text)}
    return orjson.loads(_LOCAL_REFERENCE.sub(named, text)), pointed


def contained_problems(resource: Mapping[str, Any], pointed: set[str]) -> Iterator[Problem]:
    """What contained resources must not be (dom-2 to dom-5), and two of them with one id.

    Parameters
    ----------
    pointed
        What of the resource starts with ``#``, as :func:`resolved` found it.
    """
    seen: set[str] = set()
    for at, each in enumerate(_items(resource.get("contained"))):
        if not isinstance(each, dict):
            continue
        path, meta, ident = f".contained[{at}]", each.get("meta"), each.get("id")
        if "contained" in each:
            yield "invariant", path, "A contained resource must not contain others", "dom-2"
        if isinstance(meta, dict) and ("versionId" in meta or "lastUpdated" in meta):
            yield "invariant", path, "A contained resource has no version or time of update", "dom-4"
        if isinstance(meta, dict) and "security" in meta:
            yield "invariant", path, "A contained resource has no security label of its own", "dom-5"
        if f"#{ident}" not in pointed and b'"reference":"#"' not in wire.write(each):
            yield (
                "invariant",
                path,
                "Nothing points at the contained resource, nor it at what holds it",
                "dom-3",
            )
        if isinstance(ident, str):
            if ident in seen:
                yield "invariant", path, "Two contained resources have the same id", "contained-id"
            seen.add(ident)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
