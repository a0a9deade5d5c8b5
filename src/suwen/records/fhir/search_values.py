"""Elements of a resource as the typed values search compares."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

NAME_PARTS = ("family", "given", "prefix", "suffix", "text")
ADDRESS_PARTS = ("line", "city", "district", "state", "postalCode", "country", "text")
PARTS: Mapping[str, tuple[str, ...]] = {"HumanName": NAME_PARTS, "Address": ADDRESS_PARTS}
"""String properties of the types a string parameter looks into."""
CURRENCY = "urn:iso:std:iso:4217"
"""System of Money's currency codes."""
_NUMBERS = frozenset({"decimal", "integer", "positiveInt", "unsignedInt"})
_QUANTITIES = frozenset(
    {"Quantity", "SimpleQuantity", "Age", "Duration", "Count", "Distance", "MoneyQuantity"}
)


@lru_cache(maxsize=1 << 14)
def normal(text: str) -> str:
    """A string as search compares it: case folded, accents dropped, white space collapsed."""
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return " ".join(text.casefold().split())


def strings(element: Any, kind: str) -> list[str]:
    """Strings an element is searched by: itself, or the parts of a name or an address."""
    if isinstance(element, str):
        return [element]
    found: list[str] = []
    for part in PARTS.get(kind, ()):
        value = element.get(part)
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list):
            found += [item for item in value if isinstance(item, str)]
    return found


class Token(NamedTuple):
    """A code or identifier with the system it is of, either of them perhaps missing."""

    system: str | None
    code: str | None


def tokens(element: Any, kind: str) -> list[Token]:
    """Tokens of a code, Coding, CodeableConcept, Identifier, ContactPoint, boolean, string, id or uri."""
    if kind == "CodeableConcept":
        return [token for coding in element.get("coding") or () for token in tokens(coding, "Coding")]
    if isinstance(element, bool):
        return [Token(None, "true" if element else "false")]
    if isinstance(element, str):
        return [Token(None, element)]
    if not isinstance(element, Mapping):
        return []
    system, code = element.get("system"), element.get("code" if kind == "Coding" else "value")
    if kind == "ContactPoint":
        system = None  # phone or email: not a name space
    return [] if system is None and code is None else [Token(system, code)]


class Amount(NamedTuple):
    """A quantity as a range, both ends included, with its unit as it was written."""

    low: float
    high: float
    system: str | None
    code: str | None
    unit: str | None


def numbers(element: Any, kind: str) -> list[tuple[float, float]]:
    """Ranges of a number (both ends the same) or of a Range."""
    if kind in _NUMBERS:
        value = float(element)
        return [(value, value)]
    return [(amount.low, amount.high) for amount in quantities(element, kind)]


def quantities(element: Any, kind: str) -> list[Amount]:
    """Ranges of a Quantity (and its kin), Money or Range.

    ``<5`` is everything below 5, as its comparator says. SampledData has no single value and gives none.
    """
    if kind in _QUANTITIES:
        return list(_quantity(element))
    if kind == "Money" and element.get("value") is not None:
        value = float(element["value"])
        return [Amount(value, value, CURRENCY, element.get("currency"), None)]
    if kind == "Range":
        low, high = element.get("low") or {}, element.get("high") or {}
        bottom, top = low.get("value"), high.get("value")
        if bottom is None and top is None:
            return []
        said = low if bottom is not None else high
        return [
            Amount(
                -math.inf if bottom is None else float(bottom),
                math.inf if top is None else float(top),
                said.get("system"),
                said.get("code"),
                said.get("unit"),
            )
        ]
    return []


def _quantity(element: Mapping[str, Any]) -> Iterator[Amount]:
    if element.get("value") is None:
        return
    low = high = float(element["value"])
    comparator = element.get("comparator")
    if comparator is not None:
        if comparator[:1] == "<":
            low, high = -math.inf, high if comparator == "<=" else math.nextafter(high, -math.inf)
        elif comparator[:1] == ">":
            low, high = low if comparator == ">=" else math.nextafter(low, math.inf), math.inf
    yield Amount(low, high, element.get("system"), element.get("code"), element.get("unit"))


def uris(element: Any, kind: str) -> list[str]:
    """The uri itself."""
    return [element] if isinstance(element, str) else []


def hierarchy(uri: str) -> list[str]:
    """The places above a URL, itself left out: ``http://a.org/x/y`` lies below ``http://a.org/x`` and ``http://a.org``.

    Names that are no URLs (``urn:…``) have none.
    """
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return []
    parts = rest.rstrip("/").split("/")
    return [f"{scheme}://" + "/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
