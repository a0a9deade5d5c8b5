"""FHIRPath on FHIR R4 resources: compiled once, bounded, and every failure a :class:`BadInput`.

fhirpathpy is the engine; ``_path_functions`` says what of it is replaced and why. Paths that ``_path_plan`` can
settle beforehand run without it. The engine is imported when the first path is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suwen.records.fhir._path_nodes import Node
    from suwen.records.fhir._path_plan import Plan


class Path:
    """One compiled expression.

    Parameters
    ----------
    expression
        FHIRPath, at most 2,000 characters.
    constants
        Values of ``%name``; a :class:`Node` where the type matters (dates).
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
        from suwen.core.errors import nearest
        from suwen.records.fhir._path_engine import CONTEXT, PREDEFINED, parse, wrong

        self.expression = expression
        self._parsed = parse(expression)
        self._constants = {**PREDEFINED, **(constants or {})}
        self._plans: dict[str | None, Plan | None] = {} if direct else {}
        self._direct = direct
        unknown = self._parsed.constants - self._constants.keys() - CONTEXT - {"rowIndex"}
        if unknown:
            name = min(unknown)
            raise wrong(f"the constant '%{name}' is not defined", expression, fix=nearest(name, self._constants))

    @property
    def constants(self) -> frozenset[str]:
        """Names of the constants the expression uses."""
        return self._parsed.constants

    def values(self, focus: Node | None, resource: Node | None = None, row_index: int = 0) -> list[Any]:
        """JSON values found from an element; elements that have only extensions are left out.

        Computed dates are text and computed decimals floats; decimals of the data stay as they are.

        Raises
        ------
        BadInput
            Code ``bad-fhirpath``: it cannot be computed on this element.
        """
        plan = self._plan_for(focus)
        if plan is not None and focus is not None:
            return [value for value in self._run(plan, focus) if value is not None]
        return [value for item in self._items(focus, resource, row_index) if (value := _plain(item)) is not None]

    def nodes(self, focus: Node | None, resource: Node | None = None, row_index: int = 0) -> list[Node]:
        """The elements found, to go on from; computed values are elements without a type."""
        from suwen.records.fhir._path_nodes import Node

        plan = self._plan_for(focus)
        if plan is not None and focus is not None and plan.type != "?":
            return [Node(value, plan.type) for value in self._run(plan, focus)]
        return [
            item if isinstance(item, Node) else Node(_plain(item), None)
            for item in self._items(focus, resource, row_index)
        ]

    def located(self, resource: Node) -> list[Node]:
        """The elements found in a resource, each knowing the object and key that hold it."""
        from suwen.records.fhir._path_nodes import Node

        return [item for item in self._items(resource, resource, 0) if isinstance(item, Node)]

    def _items(self, focus: Node | None, resource: Node | None, row_index: int) -> list[Any]:
        from suwen.records.fhir._path_engine import evaluate

        variables = {
            **self._constants,
            "context": focus,
            "resource": resource or focus,
            "rootResource": resource or focus,
            "rowIndex": row_index,
        }
        return evaluate(self._parsed, self.expression, focus, variables)

    def _plan_for(self, focus: Node | None) -> Plan | None:
        if focus is None or focus.path is None or not self._direct:
            return None
        try:
            return self._plans[focus.path]
        except KeyError:
            from suwen.records.fhir._path_plan import plan

            self._plans[focus.path] = found = plan(self._parsed.tree, focus.path, self._constants)
            return found

    def _run(self, plan: Plan, focus: Node) -> list[Any]:
        try:
            return plan.run([focus.data])
        except (TypeError, ValueError):
            from suwen.records.fhir._path_engine import wrong

            raise wrong("the path cannot be computed on this data", self.expression) from None


def root(resource: Mapping[str, Any]) -> Node:
    """A resource as the element paths start from."""
    from suwen.records.fhir._path_nodes import Node

    return Node(resource if type(resource) is dict else dict(resource), None)


def typed(value: Any, kind: str) -> Node:
    """A value of a known FHIR type, as a constant that compares as its type does."""
    from suwen.records.fhir._path_nodes import Node

    return Node(value, kind)


def _plain(item: Any) -> Any:
    """JSON of what a path found: the data as it is, a computed value as text, number or object."""
    from decimal import Decimal

    from fhirpathpy.engine.nodes import FP_Quantity, FP_TimeBase, ResourceNode

    if isinstance(item, ResourceNode):
        return item.data
    if isinstance(item, Decimal):
        return float(item)
    if isinstance(item, FP_TimeBase):
        return item.asStr
    if isinstance(item, FP_Quantity):
        return {"value": _plain(item.value), "unit": item.unit.strip("'")}
    return item
