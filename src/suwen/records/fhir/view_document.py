"""SQL-on-FHIR v2 ViewDefinitions: read, checked and put into a shape that can be compiled.

https://sql-on-fhir.org: a view names a resource type, the constants and conditions it uses, and columns in
nested selects. What can be known to be wrong without data is refused here, with the place in the view.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from suwen.core.errors import BadInput, nearest

if TYPE_CHECKING:
    from suwen.records.fhir.paths import Path

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_COMMON = frozenset({"id", "extension", "modifierExtension"})
_SELECT = _COMMON | {"column", "select", "forEach", "forEachOrNull", "repeat", "unionAll"}
_COLUMN = _COMMON | {"name", "path", "description", "collection", "type", "tag"}
_ITERATIONS = ("forEach", "forEachOrNull", "repeat")
_RESERVED = frozenset({"context", "resource", "rootResource", "rowIndex", "ucum", "sct", "loinc"})
_TEMPORAL = frozenset({"date", "dateTime", "instant", "time"})
_INTEGERS = frozenset({"integer", "integer64", "positiveInt", "unsignedInt"})
_TEXTS = frozenset({"base64Binary", "canonical", "code", "id", "oid", "string", "uri", "url", "uuid"})
_CONSTANTS = {
    f"value{kind[0].upper()}{kind[1:]}": kind
    for kind in _TEMPORAL | _INTEGERS | _TEXTS | {"boolean", "decimal"}
}
_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name, its path, its FHIR type where stated, and whether it holds a list."""

    name: str
    path: Path
    type: str | None
    collection: bool
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """One select. ``columns``, then those of ``selects``, then those of ``union`` are its columns."""

    columns: tuple[Column, ...]
    selects: tuple[Select, ...]
    union: tuple[Select, ...]
    each: tuple[Path, ...]
    or_null: bool
    repeat: bool
    place: str

    def names(self) -> list[str]:
        """Column names in order."""
        return [
            *(column.name for column in self.columns),
            *(name for select in self.selects for name in select.names()),
            *(self.union[0].names() if self.union else ()),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A checked view."""

    name: str | None
    resource: str
    where: tuple[Path, ...]
    select: Select


def read_view(document: Any) -> View:
    """Check a ViewDefinition.

    Raises
    ------
    BadInput
        Code ``bad-view``, with the place in the view and what to do.
    """
    view = _object(document, "view")
    if view.get("resourceType", "ViewDefinition") != "ViewDefinition":
        raise wrong("this is not a ViewDefinition", "resourceType")
    from suwen.records.fhir.definitions import definitions

    resource, known = view.get("resource"), definitions().resource_types
    if not isinstance(resource, str) or resource not in known:
        fix = nearest(resource, known) if isinstance(resource, str) else "Name a FHIR R4 resource type"
        raise wrong("the view names no resource type of FHIR R4", "resource", fix=fix)
    constants = _constants(_list(view, "constant", "constant"))
    where = tuple(
        _path(_object(one, place).get("path"), constants, f"{place}.path")
        for place, one in _listed(view, "where", "where")
    )
    selects = tuple(_select(one, constants, place, 1) for place, one in _listed(view, "select", "select"))
    if not selects:
        raise wrong("the view has no select", "select", fix="Add at least one select with a column")
    select = Select(
        columns=(), selects=selects, union=(), each=(), or_null=False, repeat=False, place="select"
    )
    names = select.names()
    if twice := next((name for index, name in enumerate(names) if name in names[:index]), None):
        raise wrong(f"the column '{twice}' is there twice", "select", fix="Give each column its own name")
    return View(
        name=_name(view.get("name"), "name", optional=True), resource=resource, where=where, select=select
    )


def wrong(what: str, place: str, *, fix: str | None = None) -> BadInput:
    """The error of a view."""
    return BadInput(what, where=place, fix=fix, code="bad-view")


def _select(given: Any, constants: Mapping[str, Any], place: str, depth: int) -> Select:
    select = _object(given, place, _SELECT)
    if depth > _MAX_DEPTH:
        raise wrong("selects are nested too deeply", place, fix=f"At most {_MAX_DEPTH} levels")
    used = [name for name in _ITERATIONS if name in select]
    if len(used) > 1:
        raise wrong(f"{' and '.join(used)} stand in one select", place, fix="Nest one select in the other")
    each: Sequence[Any] = []
    if used:
        each = _list(select, "repeat", f"{place}.repeat") if used == ["repeat"] else [select[used[0]]]
        if not each:
            raise wrong("repeat names no path", f"{place}.repeat")
    union = tuple(
        _select(one, constants, at, depth + 1) for at, one in _listed(select, "unionAll", f"{place}.unionAll")
    )
    for branch in union[1:]:
        if branch.names() != union[0].names():
            raise wrong(
                "the branches of unionAll have different columns",
                branch.place,
                fix="Give every branch the same columns in the same order",
            )
    return Select(
        columns=tuple(
            _column(one, constants, at) for at, one in _listed(select, "column", f"{place}.column")
        ),
        selects=tuple(
            _select(one, constants, at, depth + 1) for at, one in _listed(select, "select", f"{place}.select")
        ),
        union=union,
        each=tuple(_path(one, constants, f"{place}.{used[0]}") for one in each),
        or_null=used == ["forEachOrNull"],
        repeat=used == ["repeat"],
        place=place,
    )


def _column(given: Any, constants: Mapping[str, Any], place: str) -> Column:
    column = _object(given, place, _COLUMN)
    kind, collection = column.get("type"), column.get("collection", False)
    if kind is not None and not isinstance(kind, str):
        raise wrong("a column's type must be a text", f"{place}.type")
    if not isinstance(collection, bool):
        raise wrong("collection must be true or false", f"{place}.collection")
    return Column(
        name=_name(column.get("name"), f"{place}.name") or "",
        path=_path(column.get("path"), constants, f"{place}.path"),
        type=kind.rpartition("/")[2].removeprefix("System.") if kind else None,
        collection=collection,
        place=place,
    )


def _constants(given: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not given:
        return found
    from suwen.records.fhir.paths import typed

    for index, one in enumerate(given):
        place = f"constant[{index}]"
        constant = _object(one, place)
        name = _name(constant.get("name"), f"{place}.name") or ""
        if name in found or name in _RESERVED:
            raise wrong(
                f"the constant '{name}' is already defined", f"{place}.name", fix="Choose another name"
            )
        values = [key for key in constant if key.startswith("value")]
        if len(values) != 1 or values[0] not in _CONSTANTS:
            raise wrong("a constant needs one value", place, fix="Known: " + ", ".join(sorted(_CONSTANTS)))
        kind, value = _CONSTANTS[values[0]], constant[values[0]]
        if isinstance(value, bool) != (kind == "boolean") or not isinstance(value, _python_type(kind)):
            raise wrong(f"the value is not of type {kind}", f"{place}.{values[0]}")
        found[name] = typed(value, kind) if kind in _TEMPORAL else value
    return found


def _python_type(kind: str) -> type | tuple[type, ...]:
    if kind == "decimal":
        return (int, float, Decimal)
    return bool if kind == "boolean" else int if kind in _INTEGERS else str


def _path(given: Any, constants: Mapping[str, Any], place: str) -> Path:
    if not isinstance(given, str) or not given:
        raise wrong("a path must be a FHIRPath expression", place)
    from suwen.records.fhir.paths import Path

    try:
        return Path(given, constants)
    except BadInput as error:
        raise wrong(error.what, f"{place} = {given[:200]}", fix=error.fix) from None


def _name(given: Any, place: str, *, optional: bool = False) -> str | None:
    if given is None and optional:
        return None
    if not isinstance(given, str) or len(given) > 255 or not _NAME.fullmatch(given):
        raise wrong(
            "the name is missing or not fit for a database", place, fix="A letter, then letters, digits and _"
        )
    return given


def _object(given: Any, place: str, known: frozenset[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise wrong("a JSON object was expected", place)
    if known is not None and (unknown := sorted(set(given) - known)):
        raise wrong(f"nobody defined '{unknown[0]}'", place, fix=nearest(unknown[0], known))
    return given


def _list(given: Mapping[str, Any], key: str, place: str) -> Sequence[Any]:
    value = given.get(key, [])
    if not isinstance(value, list | tuple):
        raise wrong("a JSON list was expected", place)
    return value


def _listed(given: Mapping[str, Any], key: str, place: str) -> list[tuple[str, Any]]:
    return [(f"{place}[{index}]", one) for index, one in enumerate(_list(given, key, place))]
