"""Whether a decrypted resource meets a criterion: the exact word where the blind index only filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from suwen.records.fhir.definitions import Definitions
from suwen.records.fhir.search_compare import holds
from suwen.records.fhir.search_criteria import (
    CompositeValue,
    Criterion,
    MissingValue,
    RangeValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
    Value,
)
from suwen.records.fhir.search_dates import date_range, dates
from suwen.records.fhir.search_paths import Atom, atoms, deceased, parameter_atoms, reach
from suwen.records.fhir.search_references import reference_type, target
from suwen.records.fhir.search_values import (
    Amount,
    Token,
    hierarchy,
    normal,
    numbers,
    quantities,
    strings,
    tokens,
    uris,
)

Found = tuple[Any, Atom]
"""An element, and the place it was found at."""


def matches(definitions: Definitions, resource: Mapping[str, Any], criterion: Criterion) -> bool:
    """Whether a resource meets a criterion.

    Parameters
    ----------
    definitions
        Where its parameters look.
    resource
        Whole, with ``resourceType``, ``id`` and ``meta``.
    criterion
        Of this resource's type; a chain cannot be decided by one resource.
    """
    kind = resource["resourceType"]
    first = criterion.values[0]
    if criterion.code == "_id":
        met = any(
            isinstance(value, TokenValue) and value.code == resource["id"] for value in criterion.values
        )
    elif criterion.code == "_lastUpdated":
        updated = date_range(resource["meta"]["lastUpdated"])
        met = updated is not None and any(
            isinstance(value, RangeValue) and holds(value, *updated) for value in criterion.values
        )
    elif isinstance(first, CompositeValue):
        met = any(_composite(definitions, resource, criterion.code, value) for value in criterion.values)
    else:
        parameter = definitions.parameters(kind)[criterion.code]
        found = _found(resource, parameter_atoms(definitions, kind, parameter))
        if isinstance(first, MissingValue):
            return (next(found, None) is None) == first.missing
        met = _any(definitions, list(found), criterion.kind, criterion.modifier, criterion.values)
    return met != (criterion.modifier == "not")


def _found(resource: Mapping[str, Any], places: tuple[Atom, ...]) -> Iterator[Found]:
    for place in places:
        if place.rule is not None:
            yield deceased(resource), place
            continue
        for element in reach(resource, place.steps):
            if place.target is None or reference_type(element) == place.target:
                yield element, place


def _any(
    definitions: Definitions, found: list[Found], kind: str, modifier: str, values: tuple[Value, ...]
) -> bool:
    return any(
        _meets(definitions, element, place, kind, modifier, value)
        for element, place in found
        for value in values
    )


def _meets(
    definitions: Definitions, element: Any, place: Atom, kind: str, modifier: str, value: Value
) -> bool:
    if isinstance(value, StringValue):
        return any(_string(text, modifier, value) for text in strings(element, place.type))
    if isinstance(value, TokenValue):
        if modifier == "identifier":
            element = element.get("identifier") if isinstance(element, Mapping) else None
            return element is not None and _token(definitions, element, Atom((), "Identifier"), value)
        return _token(definitions, element, place, value)
    if isinstance(value, ReferenceValue):
        return _reference(element, value)
    if isinstance(value, UriValue):
        return any(_uri(text, modifier, value.uri) for text in uris(element, place.type))
    if not isinstance(value, RangeValue):
        return False
    if kind == "quantity":
        return any(_quantity(amount, value) for amount in quantities(element, place.type))
    ranges = dates(element, place.type) if kind == "date" else numbers(element, place.type)
    return any(holds(value, low, high) for low, high in ranges)


def _string(text: str, modifier: str, value: StringValue) -> bool:
    if modifier == "exact":
        return text == value.text
    if modifier == "contains":
        return value.normal in normal(text)
    return normal(text).startswith(value.normal)


def _token(definitions: Definitions, element: Any, place: Atom, value: TokenValue) -> bool:
    if value.kind is not None:
        kinds = tokens(element.get("type") or {}, "CodeableConcept") if place.type == "Identifier" else []
        return Token(*value.kind) in kinds and bool(element.get("value") == value.code)
    return any(_same(definitions, token, place, value) for token in tokens(element, place.type))


def _same(definitions: Definitions, token: Token, place: Atom, value: TokenValue) -> bool:
    if value.code is not None and token.code != value.code:
        return False
    if value.system is None:
        return True
    if value.system == "":
        return token.system is None
    if place.binding is not None:  # a code: its system is that of the value set
        return token.code in implied(definitions, place.binding, value.system)
    return token.system == value.system


def implied(definitions: Definitions, binding: str, system: str) -> frozenset[str]:
    """Codes that an element bound to a value set can only mean in this system."""
    return frozenset((definitions.concepts(binding) or {}).get(system, ()))


def _reference(element: Any, value: ReferenceValue) -> bool:
    if isinstance(element, Mapping):
        text = element.get("reference")
        if text is None and "resourceType" in element:
            text = f"{element['resourceType']}/{element.get('id')}"
    else:
        text = element
    if not isinstance(text, str) or text.startswith("#"):
        return False
    if value.text is not None:
        return value.text in {text, text.partition("|")[0]}
    return target(text).local in value.locals


def _uri(text: str, modifier: str, wanted: str) -> bool:
    if modifier == "below":
        return text == wanted or wanted.removesuffix("/") in hierarchy(text)
    if modifier == "above":
        return text == wanted or text.removesuffix("/") in hierarchy(wanted)
    return text == wanted


def _quantity(amount: Amount, value: RangeValue) -> bool:
    if value.unit is not None:
        system, code = value.unit
        if system is None:
            if code not in {amount.code, amount.unit}:
                return False
        elif (amount.system, amount.code) != (system, code):
            return False
    return holds(value, amount.low, amount.high)


def _composite(definitions: Definitions, resource: Mapping[str, Any], code: str, value: Value) -> bool:
    """Whether one and the same element has every part."""
    kind = resource["resourceType"]
    parameters = definitions.parameters(kind)
    parameter = parameters[code]
    assert isinstance(value, CompositeValue)  # noqa: S101 (the parser made it so)
    for element, place in _found(resource, parameter_atoms(definitions, kind, parameter)):
        holder = ".".join((kind, *(step.key for step in place.steps)))
        parts = zip(parameter.components, value.parts, strict=True)
        if all(
            _any(
                definitions,
                list(_found(resource if text.startswith("%") else element, atoms(definitions, holder, text))),
                parameters[name].kind,
                "",
                (part,),
            )
            for (name, text), part in parts
        ):
            return True
    return False
