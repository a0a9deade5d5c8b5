"""What JSON Schema cannot say of a resource: two keywords of our own, and contained resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

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


def resolved(value: Any, inside: Mapping[str, str], pointed: set[str]) -> Any:
    """A copy with ``Type/id`` for every reference ``#id`` to a contained resource.

    Parameters
    ----------
    inside
        Types by id of the contained resources, under ``""`` that of the resource they are in.
    pointed
        Gets every string found that starts with ``#``: references, and canonicals and URIs used as such.
    """
    if isinstance(value, dict):
        made = {}
        for key, item in value.items():
            if isinstance(item, str):
                if item.startswith("#"):
                    pointed.add(item)
                    if key == "reference" and item[1:] in inside:
                        item = f"{inside[item[1:]]}/{item[1:] or 'id'}"  # noqa: PLW2901
            elif isinstance(item, dict | list):
                item = resolved(item, inside, pointed)  # noqa: PLW2901
            made[key] = item
        return made
    if isinstance(value, list):
        return [resolved(item, inside, pointed) for item in value]
    if isinstance(value, str) and value.startswith("#"):
        pointed.add(value)
    return value


def contained_problems(resource: Mapping[str, Any], pointed: set[str]) -> Iterator[Problem]:
    """What contained resources must not be (dom-2 to dom-5), and two of them with one id.

    Parameters
    ----------
    pointed
        As :func:`resolved` found it in the resource.
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
        if f"#{ident}" not in pointed and not _points_out(each):
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


def _points_out(each: Any) -> bool:
    """Whether a contained resource refers to the one that holds it."""
    pointed: set[str] = set()
    resolved(each, {}, pointed)
    return "#" in pointed


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
