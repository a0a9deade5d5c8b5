"""A search as it comes in a URL or a form, read against the definitions into a :class:`Query`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from suwen.records.fhir.definitions import Definitions, Parameter
from suwen.records.fhir.search_criteria import (
    Chain,
    Condition,
    Criterion,
    Has,
    Include,
    Query,
    SortKey,
)
from suwen.records.fhir.search_parse import ValueParser, bad, codes, one_of
from suwen.records.fhir.search_paths import supported

__all__ = ["Query", "parse"]

SUMMARIES = ("true", "text", "data", "count", "false")
TOTALS = ("none", "estimate", "accurate")
DEPTH = 5
"""References a chain may follow, and ``_has`` may nest."""
CONDITIONS = 50
"""Conditions one search may have."""
VALUES = 500
"""Values one condition may have."""
_SORTABLE = frozenset({"string", "token", "reference", "date", "number", "quantity", "uri"})
_PRESENTATION = frozenset({"_format", "_pretty"})


@dataclass(slots=True)
class _Draft:
    conditions: list[Condition] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    sort: tuple[SortKey, ...] = ()
    count: int | None = None
    summary: str | None = None
    elements: tuple[str, ...] = ()
    total: str | None = None
    cursor: str | None = None
    unknown: list[str] = field(default_factory=list)


def parse(
    definitions: Definitions,
    resource_type: str | None,
    pairs: Iterable[tuple[str, str]],
    *,
    base: str | None = None,
    now: datetime | None = None,
) -> Query:
    """Read a search.

    Parameters
    ----------
    definitions
        Whose parameters are known.
    resource_type
        What is searched; ``None`` for all types, or those named by ``_type``.
    pairs
        Names and values, decoded, in their order.
    base
        URL of this server, if known: absolute references below it are local ones.
    now
        For ``ap`` with dates; the present if ``None``.

    Returns
    -------
    Query
        Its ``unknown`` names what was left out.

    Raises
    ------
    BadInput
        Code ``bad-search``: a value, modifier or chain that cannot be understood, or more than we take.
    """
    pairs = list(pairs)
    draft = _Draft()
    types = _types(definitions, pairs) if resource_type is None else (resource_type,)
    reader = _Reader(definitions, types, ValueParser(definitions, base=base, now=now))
    for name, value in pairs:
        if not _control(reader, draft, name, value) and not (name == "_type" and resource_type is None):
            _condition(reader, draft, name, value)
    if len(draft.conditions) > CONDITIONS:
        raise bad(f"The search has more than {CONDITIONS} conditions", "search")
    return Query(
        types=() if resource_type is None and len(types) == len(definitions.resource_types) else types,
        conditions=tuple(draft.conditions),
        includes=tuple(dict.fromkeys(draft.includes)),
        sort=draft.sort,
        count=draft.count,
        summary=draft.summary,
        elements=draft.elements,
        total=draft.total,
        cursor=draft.cursor,
        unknown=tuple(dict.fromkeys(draft.unknown)),
    )


def _types(definitions: Definitions, pairs: list[tuple[str, str]]) -> tuple[str, ...]:
    said = {name for key, value in pairs if key == "_type" for name in codes(value)}
    if not said <= definitions.resource_types:
        raise bad("A value is no resource type", "_type")
    return tuple(sorted(said or definitions.resource_types))


def _control(reader: _Reader, draft: _Draft, name: str, value: str) -> bool:
    """Take a parameter that says how the answer is to look; whether it was one."""
    match name.partition(":")[0]:
        case "_include" | "_revinclude" as code:
            draft.includes.append(reader.include(name, code == "_revinclude", value))
        case "_sort":
            draft.sort = tuple(reader.sort_key(key) for key in codes(value))
        case "_count":
            if not (value.isascii() and value.isdigit() and len(value) < 10):
                raise bad("The value is not a whole number from 0", "_count")
            draft.count = int(value)
        case "_summary":
            draft.summary = one_of(name, value, SUMMARIES)
        case "_total":
            draft.total = one_of(name, value, TOTALS)
        case "_elements":
            draft.elements = tuple(codes(value))
        case "_cursor":
            draft.cursor = value
        case code if code in _PRESENTATION:
            pass
        case _:
            return False
    return True


def _condition(reader: _Reader, draft: _Draft, name: str, value: str) -> None:
    if not value:  # the standard: a parameter without a value is ignored
        draft.unknown.append(name)
        return
    condition = reader.condition(name, value, DEPTH)
    if condition is None:
        draft.unknown.append(name)
    else:
        draft.conditions.append(condition)


class _Reader:
    """Reads conditions for some resource types."""

    def __init__(self, definitions: Definitions, types: tuple[str, ...], values: ValueParser) -> None:
        self._definitions, self._types, self._values = definitions, types, values

    def parameter(self, code: str) -> Parameter | None:
        """The parameter as all of the types have it."""
        found: Parameter | None = None
        for kind in self._types:
            mine = self._definitions.parameters(kind).get(code)
            if mine is None or not supported(kind, code) or (found and found.kind != mine.kind):
                return None
            found = mine
        return found

    def of(self, *types: str) -> _Reader:
        """The same for other types."""
        return _Reader(self._definitions, types, self._values)

    def condition(self, name: str, text: str, depth: int) -> Condition | None:
        """One condition; ``None`` where the parameter is unknown."""
        if depth < 0:
            raise bad(f"The search follows more than {DEPTH} references", "chain")
        if name.startswith("_has:"):
            return self._has(name, text, depth)
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        parameter = self.parameter(code)
        if parameter is None:
            return None
        if dot:
            return self._chain(parameter, modifier, rest, text, depth)
        values = self._values.values(self._types[0], parameter, modifier, text)
        if not values:
            return None
        if len(values) > VALUES:
            raise bad(f"The parameter has more than {VALUES} values", code)
        if parameter.kind == "reference" and modifier in self._definitions.resource_types:
            modifier = ""
        return Criterion(self._types, code, parameter.kind, modifier, values)

    def _chain(
        self, parameter: Parameter, modifier: str, rest: str, text: str, depth: int
    ) -> Condition | None:
        if parameter.kind != "reference":
            raise bad("Only a reference can be followed by a dot", parameter.code)
        targets = parameter.targets or tuple(sorted(self._definitions.resource_types))
        if modifier:
            if modifier not in targets:
                raise bad("The reference never leads to the type named after the colon", parameter.code)
            targets = (modifier,)
        found = []
        for target in targets:
            inner = self.of(target).condition(rest, text, depth - 1)
            if inner is not None:
                found.append((target, inner))
        return Chain(self._types, parameter.code, tuple(found)) if found else None

    def _has(self, name: str, text: str, depth: int) -> Condition | None:
        pieces = name.split(":", 3)
        if len(pieces) != 4:
            raise bad("The parameter is not complete", "_has", "Write it as _has:Type:reference:parameter")
        _, source, code, rest = pieces
        if source not in self._definitions.resource_types:
            return None
        there = self.of(source)
        reference = there.parameter(code)
        if reference is None:
            return None
        if reference.kind != "reference":
            raise bad("The parameter after the type must be a reference", "_has")
        if reference.targets and not set(self._types) & set(reference.targets):
            raise bad("The reference never leads to the type that is searched", "_has")
        inner = there.condition(rest, text, depth - 1)
        return None if inner is None else Has(self._types, source, code, inner)

    def sort_key(self, text: str) -> SortKey:
        """One key of ``_sort``."""
        code = text.removeprefix("-")
        parameter = self.parameter(code)
        if parameter is None or parameter.kind not in _SORTABLE:
            raise bad("The search cannot be sorted by this parameter", "_sort")
        return SortKey(code, parameter.kind, text.startswith("-"))

    def include(self, name: str, reverse: bool, text: str) -> Include:
        """One ``_include`` or ``_revinclude``."""
        where, _, modifier = name.partition(":")
        if modifier not in {"", "iterate", "recurse"}:
            raise bad("The only modifier is iterate", where)
        iterate = bool(modifier)
        if text == "*":
            return Include(reverse, iterate, "*", "*", None)
        source, _, rest = text.partition(":")
        code, _, target = rest.partition(":")
        if source not in self._definitions.resource_types or (
            target and target not in self._definitions.resource_types
        ):
            raise bad("The value does not start with a resource type", where, "Write it as Type:parameter")
        parameter = self._definitions.parameters(source).get(code)
        if code != "*" and (parameter is None or parameter.kind != "reference"):
            raise bad("The type has no such reference parameter", where)
        return Include(reverse, iterate, source, code, target or None)
