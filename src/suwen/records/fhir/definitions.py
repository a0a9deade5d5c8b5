"""What FHIR R4 says: elements, codes, search parameters and the patient compartment, read from ``r4.json``.

The file holds facts generated from the official definitions by ``scripts/fhir_definitions.py``, and names
their build.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

import orjson

Kind = Literal["string", "token", "reference", "date", "number", "quantity", "uri", "composite", "special"]
_ABSENT: list[Any] = ["", "", "", 0]
"""Targets, binding, content and simple of an element whose row ends before them."""
_ROOT = re.compile(r"[\s(]*([A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type or backbone.

    Attributes
    ----------
    name
        As in FHIRPath: ``value`` also where JSON says ``valueQuantity`` (``choice`` is then true).
    types
        Data types; ``("BackboneElement",)`` or ``("Element",)`` for a part of the type that holds it; empty
        where ``content`` says whose elements are used.
    min, max
        Cardinality; ``max`` is ``None`` where there is no limit.
    targets
        Resource types a reference may point at; empty where any is allowed.
    binding
        URL of the value set whose codes are required, else ``None``.
    choice
        Whether the JSON name carries the type.
    content
        Path whose elements this one repeats, such as ``Questionnaire.item``.
    simple
        Whether a Quantity must not have a comparator (SimpleQuantity).
    """

    name: str
    types: tuple[str, ...]
    min: int
    max: int | None
    targets: tuple[str, ...] = ()
    binding: str | None = None
    choice: bool = False
    content: str | None = None
    simple: bool = False

    def properties(self) -> Iterator[tuple[str, str]]:
        """Every JSON property this element may be written as, with its type."""
        if not self.choice:
            yield self.name, self.types[0] if self.types else "BackboneElement"
            return
        for kind in self.types:
            yield self.name + kind[0].upper() + kind[1:], kind


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of one resource type.

    Attributes
    ----------
    expression
        The alternatives of the official expression that start at this resource type (or at ``Resource`` or
        ``DomainResource``), joined by ``|``; ``None`` where the standard gives none, as for ``_text``.
    components
        Of a composite: code of the part's own parameter, and its expression relative to ``expression``.
    """

    code: str
    kind: Kind
    expression: str | None
    targets: tuple[str, ...]
    components: tuple[tuple[str, str], ...]
    url: str


class Definitions:
    """The facts of one FHIR version; immutable.

    Parameters
    ----------
    document
        The content of ``r4.json``.
    digest
        SHA-256 (hex) of it.
    """

    def __init__(self, document: Mapping[str, Any], digest: str = "") -> None:
        self.digest = digest
        self.fhir_version: str = document["version"].partition("-")[0]
        self.build: str = document["version"]
        self.resource_types: frozenset[str] = frozenset(document["resources"])
        self.datatypes: frozenset[str] = frozenset(document["datatypes"])
        self.primitives: Mapping[str, str] = MappingProxyType(document["primitives"])
        self.open_types: tuple[str, ...] = tuple(document["open"].split("|"))
        self.compartment: Mapping[str, tuple[str, ...]] = MappingProxyType(
            {name: tuple(codes) for name, codes in document["compartment"].items()}
        )
        self._rows: dict[str, list[list[Any]]] = document["elements"]
        self._summary: dict[str, str] = document["summary"]
        self._values: dict[str, dict[str, list[str]]] = document["values"]
        self._parameter_rows: list[dict[str, Any]] = document["parameters"]
        self._elements: dict[str, Mapping[str, Element]] = {}
        self._parameters: dict[str, Mapping[str, Parameter]] = {}

    def elements(self, path: str) -> Mapping[str, Element]:
        """Elements by name of a type (``Patient``, ``HumanName``) or backbone (``Patient.contact``).

        A path through a repeated structure (``Questionnaire.item.item``) gives the elements it repeats.

        Raises
        ------
        KeyError
            No type or backbone has that path.
        """
        if path not in self._elements:
            if path in self._rows:
                made = {row[0].removesuffix("[x]"): self._element(row) for row in self._rows[path]}
            else:
                holder, _, name = path.rpartition(".")
                content = self.elements(holder)[name].content if holder else None
                if content is None:
                    raise KeyError(path)
                made = dict(self.elements(content))
            self._elements[path] = MappingProxyType(made)
        return self._elements[path]

    def summary(self, resource_type: str) -> frozenset[str]:
        """Top-level elements that ``_summary=true`` keeps."""
        return frozenset(self._summary[resource_type].split("|"))

    def paths(self) -> Iterator[str]:
        """Path of every type and backbone that has elements of its own."""
        return iter(self._rows)

    def codes(self, value_set_url: str) -> frozenset[str] | None:
        """All codes of a required value set, of whatever system; ``None`` where the standard lists none."""
        concepts = self._values.get(value_set_url)
        return None if concepts is None else frozenset(code for codes in concepts.values() for code in codes)

    def concepts(self, value_set_url: str) -> Mapping[str, list[str]] | None:
        """The codes of a required value set by code system."""
        return self._values.get(value_set_url)

    def parameters(self, resource_type: str) -> Mapping[str, Parameter]:
        """Search parameters by code, sorted, with those every resource has.

        Raises
        ------
        KeyError
            There is no such resource type.
        """
        if resource_type not in self._parameters:
            bases = {resource_type, "Resource"}
            if "contained" in self.elements(resource_type):
                bases.add("DomainResource")
            found = {
                row["code"]: _parameter(row, bases)
                for row in self._parameter_rows
                if not bases.isdisjoint(row["base"].split("|"))
            }
            self._parameters[resource_type] = MappingProxyType(dict(sorted(found.items())))
        return self._parameters[resource_type]

    def _element(self, row: list[Any]) -> Element:
        name, types, low, high = row[:4]
        targets, binding, content, simple = row[4:] + _ABSENT[len(row) - 4 :]
        return Element(
            name=name.removesuffix("[x]"),
            types=self.open_types if types == "*" else tuple(types.split("|")) if types else (),
            min=low,
            max=high,
            targets=tuple(targets.split("|")) if targets else (),
            binding=binding or None,
            choice=name.endswith("[x]"),
            content=content or None,
            simple=bool(simple),
        )


@cache
def definitions() -> Definitions:
    """The definitions of FHIR R4 that come with the package."""
    data = (files(__package__) / "r4.json").read_bytes()
    return Definitions(orjson.loads(data), hashlib.sha256(data).hexdigest())


def _parameter(row: dict[str, Any], bases: set[str]) -> Parameter:
    name = row["code"]
    mine = [part for part in _alternatives(row.get("expression", "")) if _root(part) in bases]
    return Parameter(
        code=name,
        kind=row["kind"],
        expression=" | ".join(mine) or None,
        targets=tuple(row["targets"].split("|")) if "targets" in row else (),
        components=tuple((code, expression) for code, expression in row.get("components", ())),
        url="http://hl7.org/fhir/SearchParameter/" + row["id"],
    )


def _alternatives(expression: str) -> list[str]:
    """The parts of an expression between the ``|`` that stand in no bracket."""
    parts, depth = [""], 0
    for sign in expression:
        depth += (sign in "([") - (sign in ")]")
        if sign == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def _root(part: str) -> str:
    """The type a path starts at; one that names none (``InsurancePlan``'s ``name | alias``) fits any."""
    found = _ROOT.match(part)
    return found[1] if found and found[1][0].isupper() else "Resource"
