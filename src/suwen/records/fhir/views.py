"""SQL-on-FHIR v2 views as pure functions: resources in, rows out.

https://sql-on-fhir.org, "Processing model". A view is compiled once; the function it becomes is run on one
resource at a time, so a store of any size is read in a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from suwen.core.errors import BadInput
from suwen.records.fhir.view_document import Column, Select, View, read_view, wrong

if TYPE_CHECKING:
    from suwen.records.fhir.paths import Node, Path

MAX_ROWS = 100_000
"""Rows one resource may become."""
_MAX_REPEAT_DEPTH = 64
_INTEGERS = frozenset({"integer", "integer64", "positiveInt", "unsignedInt"})

Row = tuple[Any, ...]
Rows = list[dict[str, Any]]
_Make = Callable[["Node", "Node", int], list[Row]]

__all__ = ["MAX_ROWS", "View", "columns", "compile_view", "read_view", "run_view", "view_name"]


def run_view(view: Mapping[str, Any] | View, resources: Iterable[Mapping[str, Any]]) -> Rows:
    """Rows of a view over resources; those of other types are passed over.

    Parameters
    ----------
    view
        A ViewDefinition, as JSON or already read.
    resources
        FHIR R4 resources, as JSON. Left as they are.

    Returns
    -------
    list of dict
        One dictionary per row, its keys in the order of :func:`columns`; absent values are ``None``.

    Raises
    ------
    BadInput
        Code ``bad-view``: the view is wrong, or does not fit a resource (several values in a column that is
        no collection, a condition that is not boolean, a value of another type). Says where, quotes no data.

    Examples
    --------
    >>> view = {"resource": "Patient", "select": [{"column": [{"name": "id", "path": "id"}]}]}
    >>> run_view(view, [{"resourceType": "Patient", "id": "a"}])
    [{'id': 'a'}]
    """
    rows_of = compile_view(view)
    return [row for resource in resources for row in rows_of(resource)]


def compile_view(view: Mapping[str, Any] | View) -> Callable[[Mapping[str, Any]], Rows]:
    """A view as a function from one resource to its rows.

    Raises
    ------
    BadInput
        Code ``bad-view``: the view is wrong.
    """
    from suwen.records.fhir.paths import root

    checked = view if isinstance(view, View) else read_view(view)
    names, make = checked.select.names(), _make(checked.select)

    def rows_of(resource: Mapping[str, Any]) -> Rows:
        if resource.get("resourceType") != checked.resource:
            return []
        node = root(resource)
        if not all(_holds(path, node, f"where[{index}]") for index, path in enumerate(checked.where)):
            return []
        return [dict(zip(names, row, strict=True)) for row in make(node, node, 0)]

    return rows_of


def columns(view: Mapping[str, Any] | View) -> list[str]:
    """Names of a view's columns, in order."""
    return (view if isinstance(view, View) else read_view(view)).select.names()


def view_name(view: Mapping[str, Any] | View) -> str | None:
    """The name a view gives itself, ``None`` when it gives none."""
    return (view if isinstance(view, View) else read_view(view)).name


def _holds(path: Path, node: Node, place: str) -> bool:
    found = _values(path, node, node, 0, place)
    if len(found) > 1 or (found and not isinstance(found[0], bool)):
        raise wrong(
            "a condition is not true or false",
            f"{place}.path = {path.expression}",
            fix="Add exists() or a comparison",
        )
    return found == [True]


def _make(select: Select) -> _Make:
    """The rows of one select from the element it stands on, and that element's place among its siblings."""
    cells = [_cell(column) for column in select.columns]
    parts = [_make(one) for one in select.selects]
    branches = [_make(one) for one in select.union]
    blank = _blank(select)

    def rows_here(node: Node, resource: Node, index: int) -> list[Row]:
        row = tuple([cell(node, resource, index) for cell in cells])
        if not parts and not branches:
            return [row]
        factors = [part(node, resource, index) for part in parts]
        if branches:
            factors.append([one for branch in branches for one in branch(node, resource, index)])
        if prod(map(len, factors)) > MAX_ROWS:
            raise wrong("one resource becomes too many rows", select.place, fix=f"At most {MAX_ROWS}")
        return [sum(combined, row) for combined in product(*factors)]

    def rows_of(node: Node, resource: Node, index: int) -> list[Row]:
        elements = (
            _repeated(select, node, resource, index)
            if select.repeat
            else _each(select, node, resource, index)
        )
        if not elements and select.or_null:
            return [blank]
        return [row for place, one in enumerate(elements) for row in rows_here(one, resource, place)]

    return rows_of if select.each else rows_here


def _each(select: Select, node: Node, resource: Node, index: int) -> list[Node]:
    (path,) = select.each
    return _nodes(path, node, resource, index, select.place)


def _repeated(select: Select, node: Node, resource: Node, index: int) -> list[Node]:
    """Everything the paths reach, directly or through one another, parents before children."""
    found: list[Node] = []

    def descend(one: Node, depth: int) -> None:
        for path in select.each:
            for child in _nodes(path, one, resource, index, select.place):
                if depth > _MAX_REPEAT_DEPTH or len(found) >= MAX_ROWS:
                    raise wrong("repeat does not come to an end", f"{select.place}.repeat")
                found.append(child)
                descend(child, depth + 1)

    descend(node, 1)
    return found


def _blank(select: Select) -> Row:
    """The row ``forEachOrNull`` gives for no element: empty, except that ``%rowIndex`` is 0."""
    return (
        *(
            _coerced(column, column.path.values(None)) if "rowIndex" in column.path.constants else None
            for column in select.columns
        ),
        *(cell for one in select.selects for cell in _blank(one)),
        *(_blank(select.union[0]) if select.union else ()),
    )


def _cell(column: Column) -> Callable[[Node, Node, int], Any]:
    path, place = column.path, column.place
    return lambda node, resource, index: _coerced(column, _values(path, node, resource, index, place))


def _coerced(column: Column, found: list[Any]) -> Any:
    values = [_fit(value, column) for value in found] if column.type else found
    if column.collection:
        return values
    if len(values) > 1:
        raise wrong(
            f"the column '{column.name}' has several values",
            f"{column.place}.path = {column.path.expression}",
            fix="Use first(), forEach, or set collection to true",
        )
    return values[0] if values else None


def _fit(value: Any, column: Column) -> Any:
    """The value as its column's type has it; refused when it is of another kind."""
    kind = column.type or ""
    fits = True
    if kind == "boolean":
        fits = isinstance(value, bool)
    elif kind in _INTEGERS:
        fits = (
            isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value == int(value)
        )
        value = int(value) if fits else value
    elif kind == "decimal":
        fits = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    elif kind[:1].islower():
        fits = not isinstance(value, dict | list)
    if not fits:
        raise wrong(f"a value of the column '{column.name}' is not of type {kind}", column.place)
    return value


def _values(path: Path, node: Node, resource: Node, index: int, place: str) -> list[Any]:
    try:
        return path.values(node, resource, index)
    except BadInput as error:
        raise wrong(error.what, f"{place}.path = {path.expression}", fix=error.fix) from None


def _nodes(path: Path, node: Node, resource: Node, index: int, place: str) -> list[Node]:
    try:
        return path.nodes(node, resource, index)
    except BadInput as error:
        raise wrong(error.what, f"{place} = {path.expression}", fix=error.fix) from None
