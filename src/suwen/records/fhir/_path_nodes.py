"""Elements on the way through a resource: their value, their FHIR type and where they hang.

The engine (fhirpathpy) wraps values in nodes. These nodes also remember the object and key they were found
under, so a patch can change what a path found, and step through the model without the engine's faults: the
extension of a primitive is the same element, not a second one, and every type of a choice that is present is
returned.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from fhirpathpy.engine.nodes import FP_Quantity, ResourceNode, TypeInfo
from fhirpathpy.models import models

MODEL: dict[str, Any] = models["r4"]
# the engine sets it only once it has seen `is` or `as`
TypeInfo.model = MODEL  # type: ignore[assignment]
_PARENTS: dict[str, str] = MODEL["type2Parent"]


class Node(ResourceNode):
    """One element.

    Attributes
    ----------
    data
        Its JSON value; ``None`` for a primitive that has only extensions.
    path
        Its type (``HumanName``), its backbone (``Patient.contact``) or ``None`` when nothing is known.
    holder, key, index
        The object and property it was found under, and its place when that property is a list.
    choice
        The element's name without its type when it is a choice (``value`` of ``valueQuantity``).
    """

    def __init__(
        self,
        data: Any,
        path: str | None,
        extra: Any = None,
        holder: dict[str, Any] | None = None,
        key: str = "",
        index: int | None = None,
        choice: str | None = None,
    ) -> None:
        if type(data) is dict and type(kind := data.get("resourceType")) is str:
            path = kind
        self.data, self.path, self._data = data, path, extra
        self.holder, self.key, self.index, self.choice = holder, key, index, choice
        self.propName = None

    __hash__ = ResourceNode.__hash__


@lru_cache(maxsize=16_384)
def fields(path: str | None, key: str) -> tuple[tuple[tuple[str, str], ...], bool]:
    """JSON properties an element of a type may be written as, each with its type; whether it is a choice."""
    if key in {"extension", "modifierExtension"}:
        return ((key, "Extension"),), False
    owner = path
    while owner:
        child = MODEL["pathsDefinedElsewhere"].get(f"{owner}.{key}", f"{owner}.{key}")
        if child in MODEL["choiceTypePaths"]:
            types = MODEL["choiceTypePaths"][child]
            return tuple((key + name, MODEL["path2Type"].get(child + name, name)) for name in types), True
        known = MODEL["path2Type"].get(child)
        if known is not None:
            # element ids are System.String in the definitions; resources' ids behave as `id`
            return ((key, "id" if known.startswith("System.") else known),), False
        if child != f"{owner}.{key}":
            return ((key, child),), False
        owner = _PARENTS.get(owner)
    return ((key, f"{path or '_'}.{key}"),), False


def step(item: Any, key: str, found: list[Any]) -> None:
    """Append to ``found`` the elements named ``key`` of one element."""
    if not isinstance(item, Node):
        if type(item) is dict:
            item = Node(item, None)
        elif isinstance(item, FP_Quantity):
            found.extend([item.value] if key == "value" else [])
            return
        else:
            return
    data = item.data
    if type(data) is not dict:
        _inside_primitive(item, key, found)
    elif key[:1].isupper() and "resourceType" in data and is_a(item.path, key):
        found.append(item)
    else:
        names, is_choice = fields(item.path, key)
        for name, path in names:
            value, extra = data.get(name), data.get("_" + name)
            if value is not None or extra is not None:
                _collect(value, extra, path, data, name, key if is_choice else None, found)


def is_a(path: str | None, name: str) -> bool:
    """Whether a type, by its path, is of the named type or derived from it."""
    kind = "BackboneElement" if path and "." in path and not path.startswith("System.") else path
    while kind:
        if kind == name:
            return True
        kind = _PARENTS.get(kind)
    return False


def chosen_by(path: str | None, name: str) -> bool:
    """Whether ``ofType`` takes a type: derived ones too, but a ``code`` is not asked for as a ``string``."""
    return path == name or (is_a(path, name) and not (path or "")[:1].islower())


def matches_type(item: Any, info: TypeInfo, test: Callable[[str | None, str], bool]) -> bool:
    """Whether an item is of the type a path names; ``test`` is :func:`is_a` or :func:`chosen_by`."""
    if isinstance(item, Node) and item.path:
        return info.namespace in {None, "FHIR"} and test(item.path, info.name)
    return bool(TypeInfo.from_value(value_of(item)).is_(info))  # type: ignore[no-untyped-call]


def value_of(item: Any) -> Any:
    """The JSON value of an item: what a node holds, or the item itself."""
    return item.data if isinstance(item, ResourceNode) else item


def _inside_primitive(item: Node, key: str, found: list[Any]) -> None:
    """Elements of a primitive live beside it, in the property with an underscore."""
    if type(item._data) is dict and key in item._data:
        if key == "extension":
            _collect(item._data.get(key), None, "Extension", item._data, key, None, found)
        elif key == "id":
            found.append(Node(item._data["id"], "id", None, item._data, "id"))


def _collect(
    value: Any, extra: Any, path: str, holder: dict[str, Any], name: str, choice: str | None, found: list[Any]
) -> None:
    if isinstance(value, list) or isinstance(extra, list):
        values, extras = value or [], extra if isinstance(extra, list) else []
        for index in range(max(len(values), len(extras))):
            one = values[index] if index < len(values) else None
            more = extras[index] if index < len(extras) else None
            found.append(Node(one, path, more, holder, name, index, choice))
    else:
        found.append(Node(value, path, extra, holder, name, None, choice))
