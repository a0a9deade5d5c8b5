"""The value of one search parameter, from the text of a URL to what it is compared by.

No text a user gave is repeated in an error: it may name a patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from suwen.core.errors import BadInput
from suwen.records.fhir.definitions import Definitions, Parameter
from suwen.records.fhir.search_compare import date_value, number_value
from suwen.records.fhir.search_criteria import (
    CompositeValue,
    MissingValue,
    RangeValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
    Value,
)
from suwen.records.fhir.search_references import target
from suwen.records.fhir.search_values import normal

MODIFIERS = {
    "string": frozenset({"exact", "contains", "missing"}),
    "token": frozenset({"not", "of-type", "missing"}),
    "reference": frozenset({"identifier", "missing"}),
    "date": frozenset({"missing"}),
    "number": frozenset({"missing"}),
    "quantity": frozenset({"missing"}),
    "uri": frozenset({"above", "below", "missing"}),
    "composite": frozenset[str](),
}
"""Modifiers of each kind of parameter; a reference also takes a resource type."""
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")
_BACKSLASH = re.compile(r"\\(.)", re.DOTALL)


def bad(what: str, where: str, fix: str | None = None) -> BadInput:
    """The error of every search that cannot be understood."""
    return BadInput(what, where=where, fix=fix, code="bad-search")


def split(text: str, mark: str, limit: int = -1) -> list[str]:
    r"""Cut at ``mark`` except where a backslash stands before it; the pieces keep their backslashes."""
    if "\\" not in text:
        return text.split(mark, limit)
    pieces, start, at = [], 0, 0
    while at < len(text) and limit != 0:
        if text[at] == "\\":
            at += 1
        elif text[at] == mark:
            pieces.append(text[start:at])
            start, limit = at + 1, limit - 1
        at += 1
    return [*pieces, text[start:]]


def plain(text: str) -> str:
    """Take the backslashes out."""
    return _BACKSLASH.sub(r"\1", text) if "\\" in text else text


class ValueParser:
    """Reads the values of search parameters.

    Parameters
    ----------
    definitions
        For the parts of a composite.
    base
        URL of this server, if known: absolute references below it are local ones.
    now
        For ``ap`` with dates; the present if ``None``.
    """

    def __init__(
        self, definitions: Definitions, *, base: str | None = None, now: datetime | None = None
    ) -> None:
        self._definitions, self._now = definitions, now
        self._base = base.rstrip("/") + "/" if base else None

    def values(self, resource_type: str, parameter: Parameter, modifier: str, text: str) -> tuple[Value, ...]:
        """Every value of ``a,b,c``; empty ones are left out.

        Raises
        ------
        BadInput
            Code ``bad-search``: the modifier does not go with the parameter, or a value is not of its kind.
        """
        name, kind = parameter.code, parameter.kind
        narrowed = kind == "reference" and modifier in self._definitions.resource_types
        if modifier and not narrowed and modifier not in MODIFIERS[kind]:
            allowed = sorted(MODIFIERS[kind])
            raise bad(
                f"A {kind} parameter does not take this modifier",
                name,
                "Use one of: " + ", ".join(allowed) if allowed else "Use none",
            )
        if modifier == "missing":
            if text not in {"true", "false"}:
                raise bad("The modifier missing takes true or false", name)
            return (MissingValue(text == "true"),)
        pieces = [piece for piece in split(text, ",") if piece]
        return tuple(self._value(resource_type, parameter, modifier, piece) for piece in pieces)

    def _value(self, resource_type: str, parameter: Parameter, modifier: str, text: str) -> Value:
        name = parameter.code
        match parameter.kind:
            case "string":
                word = plain(text)
                return StringValue(word, normal(word))
            case "token":
                return _of_type(name, text) if modifier == "of-type" else _token(name, text)
            case "reference":
                if modifier == "identifier":
                    return _token(name, text)
                return self._reference(parameter, modifier, text)
            case "date":
                moment = date_value(text, self._now)
                if moment is None:
                    raise bad(
                        "The value is not a date",
                        name,
                        "Write it as 2012, 2012-08, 2012-08-10 or with a time",
                    )
                return moment
            case "number":
                return _number(name, text)
            case "quantity":
                return _quantity(name, text)
            case "uri":
                return UriValue(plain(text))
            case _:
                return self._composite(resource_type, parameter, text)

    def _reference(self, parameter: Parameter, modifier: str, text: str) -> ReferenceValue:
        word = plain(text)
        if self._base and word.startswith(self._base):
            word = word.removeprefix(self._base)
        found = target(word)
        if found.local:
            if modifier and found.type != modifier:
                return ReferenceValue()
            return ReferenceValue(text=word) if found.version else ReferenceValue((found.local,))
        if _ID.match(word):
            return ReferenceValue(tuple(f"{kind}/{word}" for kind in self._kinds(parameter, modifier)))
        if modifier and found.type != modifier:
            return ReferenceValue()
        return ReferenceValue(text=word)

    def _kinds(self, parameter: Parameter, modifier: str) -> tuple[str, ...]:
        """Resource types the reference may lead to."""
        kinds = parameter.targets or tuple(sorted(self._definitions.resource_types))
        return tuple(kind for kind in kinds if kind == modifier) if modifier else kinds

    def _composite(self, resource_type: str, parameter: Parameter, text: str) -> CompositeValue:
        pieces = split(text, "$")
        if len(pieces) != len(parameter.components) or not all(pieces):
            raise bad(
                f"The value must have {len(parameter.components)} parts", parameter.code, "Part them with $"
            )
        parameters = self._definitions.parameters(resource_type)
        return CompositeValue(
            tuple(
                self._value(resource_type, parameters[code], "", piece)
                for (code, _), piece in zip(parameter.components, pieces, strict=True)
            )
        )


def _token(name: str, text: str) -> TokenValue:
    pieces = split(text, "|", 1)
    if len(pieces) == 1:
        return TokenValue(None, plain(text))
    system, code = plain(pieces[0]), plain(pieces[1])
    if not system and not code:
        raise bad("The value names neither a system nor a code", name)
    return TokenValue(system, code or None)


def _of_type(name: str, text: str) -> TokenValue:
    pieces = [plain(piece) for piece in split(text, "|")]
    if len(pieces) != 3 or not all(pieces):
        raise bad("The value must have three parts", name, "Write it as type system|type code|identifier")
    return TokenValue(None, pieces[2], (pieces[0], pieces[1]))


def _number(name: str, text: str) -> RangeValue:
    value = number_value(text)
    if value is None:
        raise bad("The value is not a number", name)
    return value


def _quantity(name: str, text: str) -> RangeValue:
    pieces = [plain(piece) for piece in split(text, "|")]
    value = _number(name, pieces[0])
    if len(pieces) == 1:
        return value
    if len(pieces) != 3:
        raise bad("The value is not a quantity", name, "Write it as number|system|code or number||unit")
    system, code = pieces[1:]
    if not code:
        if system:
            raise bad("The value has a system without a code", name)
        return value
    return RangeValue(value.prefix, value.low, value.high, (system or None, code))


def codes(text: str) -> Iterator[str]:
    """Names of a list in a control parameter."""
    return (piece.strip() for piece in text.split(",") if piece.strip())


def one_of(name: str, text: str, allowed: Iterable[str]) -> str:
    """The text, where it is one of those allowed.

    Raises
    ------
    BadInput
        Code ``bad-search``.
    """
    known = tuple(allowed)
    if text not in known:
        raise bad("The value is not one of those defined", name, "Use one of: " + ", ".join(known))
    return text
