"""FHIRPath Patch: a Parameters resource whose operations name places by FHIRPath.

https://hl7.org/fhir/R4/fhirpatch.html. Paths are found by the engine, and what they find is changed where it
hangs. A part's value may be any FHIR type, a resource, or parts again, from which an element without a type
name (a backbone such as ``Patient.contact``) is built. The extensions of a primitive go wherever it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suwen.core.errors import BadInput, nearest
from suwen.records.fhir.patch_elements import (
    Given,
    append,
    given,
    insert_at,
    move_within,
    prune,
    put,
    remove,
    take_place,
)
from suwen.records.fhir.patch_errors import MAX_OPERATIONS, check_depth, copied, failed, malformed

if TYPE_CHECKING:
    from suwen.records.fhir.definitions import Definitions
    from suwen.records.fhir.paths import Node

_PARTS = {
    "add": ("path", "name", "value"),
    "insert": ("path", "index", "value"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
_TEXTS, _NUMBERS = ("path", "name"), ("index", "source", "destination")


@dataclass(frozen=True, slots=True)
class _Operation:
    kind: str
    parts: Mapping[str, Any]
    place: str
    definitions: Definitions


def apply(
    resource: Mapping[str, Any], parameters: Any, definitions: Definitions | None = None
) -> dict[str, Any]:
    """The resource after a patch; both are left as they are.

    Parameters
    ----------
    resource
        The FHIR R4 resource, as JSON.
    parameters
        The patch: a Parameters resource, as JSON.
    definitions
        What the elements are; R4's when not given.

    Raises
    ------
    BadInput
        Code ``bad-patch``: not a FHIRPath Patch.
    Unreadable
        Code ``patch-failed``: an operation does not fit the resource. Says which, quotes no data.

    Notes
    -----
    ``delete`` of what is not there does nothing. ``add`` fails where an element may be there once and is. An
    object left without content by a ``delete`` is taken away after the last operation, as FHIR has no empty
    elements.
    """
    from suwen.records.fhir.definitions import definitions as of_r4

    operations = _operations(parameters, definitions or of_r4())
    changed: dict[str, Any] = copied(dict(resource))
    for operation in operations:
        try:
            _APPLY[operation.kind](changed, operation)
        except (AttributeError, TypeError, IndexError, KeyError):
            # a list where FHIR has none, or the other way round: only the patch's own values can bring it
            raise failed("what was found is not as FHIR has it", operation.place) from None
        except RecursionError:
            raise malformed("the patch nests the resource too deeply", operation.place) from None
    check_depth(changed)
    if any(operation.kind == "delete" for operation in operations):
        prune(changed)
    return changed


def _operations(parameters: Any, definitions: Definitions) -> list[_Operation]:
    if not isinstance(parameters, Mapping) or parameters.get("resourceType") != "Parameters":
        raise malformed("a FHIRPath Patch is a Parameters resource", "resourceType")
    listed = parameters.get("parameter", [])
    if not isinstance(listed, list) or len(listed) > MAX_OPERATIONS:
        raise malformed(
            "parameter is no list, or too long", "parameter", fix=f"At most {MAX_OPERATIONS} operations"
        )
    return [_operation(one, f"parameter[{index}]", definitions) for index, one in enumerate(listed)]


def _operation(one: Any, place: str, definitions: Definitions) -> _Operation:
    if (
        not isinstance(one, Mapping)
        or one.get("name") != "operation"
        or not isinstance(one.get("part"), list)
    ):
        raise malformed("each parameter must be an operation with parts", place)
    parts: dict[str, Any] = {}
    for part in one["part"]:
        name = part.get("name") if isinstance(part, Mapping) else None
        if not isinstance(name, str) or name in parts:
            raise malformed("a part has no name, or one that is there twice", place)
        parts[name] = part
    kind = _plain(parts.pop("type", None), str, f"{place}.type")
    if kind not in _PARTS:
        raise malformed("there is no such operation", f"{place}.type", fix=nearest(kind, _PARTS))
    missing, extra = set(_PARTS[kind]) - parts.keys(), parts.keys() - set(_PARTS[kind])
    if missing or extra:
        fix = f"{kind} takes " + ", ".join(_PARTS[kind])
        raise malformed(f"the parts of {kind} are not the right ones", place, fix=fix)
    read: dict[str, Any] = dict(parts)
    for name in parts.keys() & {*_TEXTS, *_NUMBERS}:
        read[name] = _plain(parts[name], str if name in _TEXTS else int, f"{place}.{name}")
    return _Operation(kind, read, place, definitions)


def _plain(part: Any, wanted: type, place: str) -> Any:
    """The text or number of a part, under whatever ``value[x]`` it is written."""
    values = (
        [value for key, value in part.items() if key.startswith("value")] if isinstance(part, Mapping) else []
    )
    if len(values) != 1 or not isinstance(values[0], wanted) or isinstance(values[0], bool):
        raise malformed(f"a {'text' if wanted is str else 'whole number'} was expected", place)
    return values[0]


def _find(resource: dict[str, Any], operation: _Operation, path: str | None = None) -> list[Node]:
    """Elements a path finds, each once."""
    from suwen.records.fhir.paths import Path, root

    try:
        found = Path(path or operation.parts["path"]).located(root(resource))
    except BadInput as error:
        raise malformed(error.what, f"{operation.place}.path", fix=error.fix) from None
    if any(node.key == "resourceType" for node in found):
        raise failed("a resource keeps its type", f"{operation.place}.path")
    return list({(id(node.holder), node.key, node.index): node for node in found}.values())


def _only(nodes: list[Node], operation: _Operation) -> Node:
    if len(nodes) != 1:
        what = "the path finds nothing" if not nodes else "the path finds more than one element"
        raise failed(what, f"{operation.place}.path", fix=f"{operation.kind} needs exactly one")
    return nodes[0]


def _below_root(node: Node, operation: _Operation) -> Node:
    if node.holder is None:
        raise failed(f"{operation.kind} cannot take the whole resource", f"{operation.place}.path")
    return node


def _value(operation: _Operation, path: str | None) -> Given:
    return given(operation.parts["value"], path, operation.definitions, f"{operation.place}.value")


def _add(resource: dict[str, Any], operation: _Operation) -> None:
    node = _only(_find(resource, operation), operation)
    if not isinstance(node.data, dict):
        raise failed("elements can be added to objects only", f"{operation.place}.path")
    part = operation.parts["value"]
    put(node.data, node.path, operation.parts["name"], part, operation.definitions, operation.place)


def _insert(resource: dict[str, Any], operation: _Operation) -> None:
    index, nodes = operation.parts["index"], _find(resource, operation)
    if not nodes:
        parent, _, name = operation.parts["path"].rpartition(".")
        if not name.isidentifier():
            raise failed("the path finds nothing", f"{operation.place}.path")
        node = _only(_find(resource, operation, parent or "$this"), operation)
        if index != 0 or not isinstance(node.data, dict):
            raise failed("the index is outside the list", f"{operation.place}.index")
        append(node.data, node.path, name, operation.parts["value"], operation.definitions, operation.place)
        return
    holder, key = _whole_list(nodes, operation)
    if not 0 <= index <= len(nodes):
        raise failed("the index is outside the list", f"{operation.place}.index")
    insert_at(holder, key, index, _value(operation, nodes[0].path))


def _delete(resource: dict[str, Any], operation: _Operation) -> None:
    if nodes := _find(resource, operation):
        remove(_below_root(_only(nodes, operation), operation))


def _replace(resource: dict[str, Any], operation: _Operation) -> None:
    node = _below_root(_only(_find(resource, operation), operation), operation)
    take_place(node, _value(operation, node.path), operation.place)


def _move(resource: dict[str, Any], operation: _Operation) -> None:
    nodes = _find(resource, operation)
    if not nodes:
        raise failed("the path finds nothing", f"{operation.place}.path")
    holder, key = _whole_list(nodes, operation)
    for end in ("source", "destination"):
        if not 0 <= operation.parts[end] < len(nodes):
            raise failed("the index is outside the list", f"{operation.place}.{end}")
    move_within(holder, key, operation.parts["source"], operation.parts["destination"])


def _whole_list(nodes: list[Node], operation: _Operation) -> tuple[dict[str, Any], str]:
    """The object and property of the list that nodes are all of."""
    first = nodes[0]
    holder = first.holder
    if holder is not None and [node.index for node in nodes] == list(range(len(nodes))):
        length = max(len(holder.get(first.key) or []), len(holder.get(f"_{first.key}") or []))
        if length == len(nodes) and all(node.holder is holder and node.key == first.key for node in nodes):
            return holder, first.key
    raise failed("the path does not find a whole list", f"{operation.place}.path")


_APPLY: dict[str, Callable[[dict[str, Any], _Operation], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
