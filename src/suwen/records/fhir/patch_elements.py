"""Elements put into, moved within and taken out of a resource's JSON, each primitive with its extensions.

JSON keeps what a primitive carries besides its value in a second property, with an underscore; in lists the
two run in parallel, with ``null`` where one has nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suwen.core.errors import nearest
from suwen.records.fhir.patch_errors import copied, failed, malformed

if TYPE_CHECKING:
    from suwen.records.fhir.definitions import Definitions, Element
    from suwen.records.fhir.paths import Node

_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Given:
    """A value from a patch: its type as a property spells it (``Boolean``), its JSON and its extensions."""

    type: str | None
    value: Any
    extra: Any = None


def given(
    part: Mapping[str, Any], path: str | None, definitions: Definitions, place: str, depth: int = 0
) -> Given:
    """The value of a part; parts within it become an object of the type at ``path``.

    Raises
    ------
    BadInput
        Code ``bad-patch``: the part has no value, or several.
    """
    if depth > _MAX_DEPTH:
        raise malformed("the value is nested too deeply", place)
    names = {key.lstrip("_") for key in part if key.lstrip("_").startswith("value")} | part.keys() & {
        "resource",
        "part",
    }
    if len(names) != 1:
        raise malformed("a part has one value[x], one resource or parts", place)
    (name,) = names
    if name == "part":
        built: dict[str, Any] = {}
        for one in part["part"] if isinstance(part["part"], list) else [None]:
            if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
                raise malformed("a part has no name", place)
            put(built, path, one["name"], one, definitions, place, depth + 1)
        return Given(None, built)
    if name == "resource":
        return Given(None, copied(part["resource"]))
    return Given(name.removeprefix("value"), copied(part.get(name)), copied(part.get(f"_{name}")))


def put(
    holder: dict[str, Any],
    path: str | None,
    name: str,
    part: Mapping[str, Any],
    definitions: Definitions,
    place: str,
    depth: int = 0,
) -> None:
    """Add an element to an object of the type at ``path``: at the end of a list, or where there is none yet.

    Raises
    ------
    Unreadable
        Code ``patch-failed``: the type has no such element, or it may be there only once and is.
    """
    element, fixed = _element(path, name, definitions, place)
    value = given(part, _path_of(path, element), definitions, f"{place}.value", depth)
    key = _key(element, fixed, value, place)
    if element.max is None:
        insert_at(holder, key, max(len(holder.get(key) or []), len(holder.get(f"_{key}") or [])), value)
        return
    if any(one in holder or f"_{one}" in holder for one in dict(element.properties())):
        raise failed(f"'{element.name}' is there already", place, fix="Use replace")
    _set(holder, key, value)


def append(
    holder: dict[str, Any],
    path: str | None,
    name: str,
    part: Mapping[str, Any],
    definitions: Definitions,
    place: str,
) -> None:
    """Add the first element of a list; refused where the element is no list."""
    element, _ = _element(path, name, definitions, place)
    if element.max is not None:
        raise failed(f"'{element.name}' is not a list", place, fix="Use add")
    put(holder, path, name, part, definitions, place)


def insert_at(holder: dict[str, Any], key: str, index: int, value: Given) -> None:
    """Put a value into a list, making it when there is none."""
    for name, one in ((key, value.value), (f"_{key}", value.extra)):
        if name in holder or one is not None:
            items = holder.setdefault(name, [])
            items += [None] * (index - len(items))
            items.insert(index, one)


def move_within(holder: dict[str, Any], key: str, source: int, destination: int) -> None:
    """Move one item of a list, counted after it was taken out."""
    for name in (key, f"_{key}"):
        if name in holder:
            items = holder[name]
            items += [None] * (max(source, destination) + 1 - len(items))
            items.insert(destination, items.pop(source))


def remove(node: Node) -> None:
    """Take an element out of the object that holds it."""
    for name in (node.key, f"_{node.key}"):
        if node.holder is not None and name in node.holder:
            if node.index is None:
                del node.holder[name]
            elif node.index < len(node.holder[name]):
                del node.holder[name][node.index]


def take_place(node: Node, value: Given, place: str) -> None:
    """Put a value where an element was; that of a choice may be of another type."""
    holder, key = node.holder or {}, node.key
    if node.index is not None:
        remove(node)
        insert_at(holder, key, node.index, value)
        return
    if node.choice is not None:
        if value.type is None:
            raise failed("the value of a choice needs a type", place)
        key = node.choice + value.type
    remove(node)
    _set(holder, key, value)


def prune(value: Any) -> None:
    """Take away objects and lists that have nothing in them; in lists of primitives they become ``null``."""
    for name, one in list(value.items()):
        if isinstance(one, list):
            for item in one:
                if isinstance(item, dict):
                    prune(item)
            kept = [item for item in one if item != {}]
            if name.startswith("_"):
                kept = [item or None for item in one]
                kept = kept if any(kept) else []
            one[:] = kept
        elif isinstance(one, dict):
            prune(one)
        if one in ({}, []):
            del value[name]


def _set(holder: dict[str, Any], key: str, value: Given) -> None:
    written = {key: value.value, f"_{key}": value.extra}
    holder.update({name: one for name, one in written.items() if one is not None})


def _element(path: str | None, name: str, definitions: Definitions, place: str) -> tuple[Element, str | None]:
    """The element a name stands for; for ``deceasedBoolean`` also the property it settles."""
    try:
        elements = definitions.elements(path or "")
    except KeyError:
        raise failed("nothing is known about the elements here", place) from None
    wanted = name.removesuffix("[x]")
    if wanted in elements:
        return elements[wanted], None
    for element in elements.values():
        if element.choice and wanted in dict(element.properties()):
            return element, wanted
    raise failed("there is no such element here", place, fix=nearest(wanted, elements))


def _key(element: Element, fixed: str | None, value: Given, place: str) -> str:
    if not element.choice:
        return element.name
    key = f"{element.name}{value.type}" if value.type else fixed
    if key not in dict(element.properties()) or (fixed and key != fixed):
        raise failed(f"'{element.name}' cannot have a value of this type", place)
    return key


def _path_of(path: str | None, element: Element) -> str:
    if element.content:
        return element.content
    kind = element.types[0] if element.types else "Element"
    return f"{path}.{element.name}" if kind in {"BackboneElement", "Element"} else kind
