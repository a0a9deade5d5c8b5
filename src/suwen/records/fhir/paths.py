"""FHIRPath on FHIR R4 resources: compiled once, bounded, and every failure a :class:`BadInput`.

fhirpathpy is the engine; ``_path_functions`` says what of it is replaced and why. Paths that ``_path_plan``
can settle beforehand run without it. Importing this module imports the engine: do so inside functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from fhirpathpy.engine.nodes import FP_Quantity, FP_TimeBase, ResourceNode

from suwen.core.errors import nearest
from suwen.records.fhir._path_engine import CONTEXT, PREDEFINED, evaluate, parse, wrong
from suwen.records.fhir._path_nodes import Node
from suwen.records.fhir._path_plan import Plan, is_primitive, plan
from suwen.records.fhir._path_values import written

__all__ = ["Node", "Path", "root", "typed"]
_UNPLANNED: Final = Plan(lambda items: items, "?")


class Path:
    """One compiled expression.

    Parameters
    ----------
    expression
        FHIRPath, at most 2,000 characters.
    constants
        Values of ``%name``; :func:`typed` where the type matters (dates).
    direct
        Whether simple paths may run without the engine; off only to compare the two.

    Raises
    ------
    BadInput
        Code ``bad-fhirpath``: not an expression, or it uses an unknown function or constant.
    """

    def __init__(
        self, expression: str, constants: Mapping[str, Any] | None = None, *, direct: bool = True
    ) -> None:
        self.expression = expression
        self._parsed = parse(expression)
        self._constants = {**PREDEFINED, **(constants or {})}
        self._plans: dict[str | None, Plan | None] = {None: None}
        self._direct = direct
        unknown = self._parsed.constants - self._constants.keys() - CONTEXT
        if unknown:
            name = min(unknown)
            raise wrong(
                f"the constant '%{name}' is not defined", expression, fix=nearest(name, self._constants)
            )

    @property
    def constants(self) -> frozenset[str]:
        """Names of the constants the expression uses."""
        return self._parsed.constants

    def values(self, focus: Node | None, resource: Node | None = None, row_index: int = 0) -> list[Any]:
        """JSON values found from an element (or from nothing), without elements that have only extensions.

        Computed dates are text and computed decimals floats; decimals of the data stay as they are.

        Raises
        ------
        BadInput
            Code ``bad-fhirpath``: it cannot be computed on this element.
        """
        if focus is not None and (simple := self._plan(focus)) is not None:
            return [value for value in self._run(simple, focus) if value is not None]
        found = [_plain(item) for item in self._items(focus, resource, row_index)]
        return [value for value in found if value is not None]

    def nodes(self, focus: Node, resource: Node | None = None, row_index: int = 0) -> list[Node]:
        """The elements found, to go on from; computed values are elements without a type."""
        simple = self._plan(focus)
        if simple is not None and not is_primitive(simple.type):
            return [Node(value, simple.type) for value in self._run(simple, focus)]
        found = self._items(focus, resource, row_index)
        return [item if isinstance(item, Node) else Node(_plain(item), None) for item in found]

    def located(self, resource: Node) -> list[Node]:
        """The elements found in a resource, each knowing the object and key that hold it."""
        return [item for item in self._items(resource, resource, 0) if isinstance(item, Node)]

    def _items(self, focus: Node | None, resource: Node | None, row_index: int) -> list[Any]:
        whole = resource or focus
        variables = {
            **self._constants,
            "context": focus,
            "resource": whole,
            "rootResource": whole,
            "rowIndex": row_index,
        }
        return evaluate(self._parsed, self.expression, focus, variables)

    def _plan(self, focus: Node) -> Plan | None:
        found = self._plans.get(focus.path, _UNPLANNED)
        if found is _UNPLANNED:
            found = plan(self._parsed.tree, focus.path, self._constants) if self._direct else None
            self._plans[focus.path] = found
        return found

    def _run(self, simple: Plan, focus: Node) -> list[Any]:
        try:
            return simple.run([focus.data])
        except (TypeError, ValueError, OverflowError):
            raise wrong("the path cannot be computed on this data", self.expression) from None


def root(resource: Mapping[str, Any]) -> Node:
    """A resource as the element paths start from."""
    return Node(resource if type(resource) is dict else dict(resource), None)


def typed(value: Any, kind: str) -> Node:
    """A value of a known FHIR type, as a constant that compares as its type does."""
    return Node(value, kind)


def _plain(item: Any) -> Any:
    """JSON of what a path found: the data as it is, a computed value as text, number or object."""
    if isinstance(item, ResourceNode):
        return item.data
    if isinstance(item, Decimal):
        return float(item)
    if isinstance(item, FP_TimeBase):
        return written(item)
    if isinstance(item, FP_Quantity):
        return {"value": _plain(item.value), "unit": item.unit.strip("'")}
    return item
