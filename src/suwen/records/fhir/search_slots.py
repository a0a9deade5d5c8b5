"""What the index holds of each resource type: slots, shared by the parameters that look at the same places.

R4's parameters overlap: Observation's ``combo-code`` is ``code`` and ``component-code``, ``patient`` is ``subject``
where it leads to a Patient, ``name`` includes ``family``. A slot is a set of places that exactly the same parameters
look at. Each value is indexed once, under its slot, and a parameter searches all of its slots.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from suwen.records.fhir.definitions import Definitions, Parameter
from suwen.records.fhir.search_paths import Atom, Step, parameter_atoms, supported
from suwen.records.fhir.search_values import PARTS

REVISION = 1
"""To be raised whenever the same definitions are indexed differently; a test reminds of it."""
COLUMNS = frozenset({"_id", "_lastUpdated"})
"""Parameters answered by columns of the ``resource`` table."""
BLIND_DATES = frozenset({"birthDate", "deceasedDateTime"})
"""Dates that identify a person: never in clear, only as buckets of year, month and day."""
INDEXED: Mapping[str, frozenset[str]] = {
    "string": frozenset({"string", "markdown"}),
    "token": frozenset(
        {"code", "Coding", "CodeableConcept", "Identifier", "ContactPoint", "boolean", "string", "id", "uri"}
    ),
    "reference": frozenset({"Reference", "canonical", "uri", "Resource"}),
    "date": frozenset({"date", "dateTime", "instant", "Period", "Timing"}),
    "number": frozenset({"decimal", "integer", "positiveInt", "unsignedInt", "Range"}),
    "quantity": frozenset({"Quantity", "Age", "Duration", "Count", "Distance", "Money", "Range"}),
    "uri": frozenset({"uri", "url", "canonical"}),
}
"""Types that give values to compare, by kind of parameter; others only count as present."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Places of one resource type that are indexed together.

    Attributes
    ----------
    name
        Stable name within the store's index: type and first place.
    kind
        Of the parameters that use it; ``birth`` for :data:`BLIND_DATES`.
    places
        Where the values are.
    below
        Of a uri: whether the places above a value are indexed too, for ``:below``.
    """

    name: str
    kind: str
    places: tuple[Atom, ...]
    below: bool = False

    @property
    def types(self) -> frozenset[str]:
        """FHIR types of its values."""
        return frozenset(place.type for place in self.places)


@dataclass(frozen=True, slots=True)
class Use:
    """A parameter's use of a slot: all of it, or only the references to one resource type."""

    slot: Slot
    target: str | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Index of one resource type.

    Attributes
    ----------
    parameters
        As in the definitions, sorted by code; bit ``i`` of ``resource.present`` is parameter ``i``.
    places
        All places of each parameter, indexed or not: where it is present.
    uses
        Slots of each parameter.
    """

    resource_type: str
    parameters: Mapping[str, Parameter]
    places: Mapping[str, tuple[Atom, ...]]
    uses: Mapping[str, tuple[Use, ...]]

    def bit(self, code: str) -> int:
        """Bit of a parameter in ``resource.present``."""
        return 1 << list(self.parameters).index(code)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Every slot once."""
        return tuple(dict.fromkeys(use.slot for uses in self.uses.values() for use in uses))


@lru_cache(maxsize=512)
def layout(definitions: Definitions, resource_type: str) -> Layout:
    """Work out the index of a resource type. Done once for each."""
    parameters = definitions.parameters(resource_type)
    places: dict[str, tuple[Atom, ...]] = {}
    users: dict[tuple[str, Atom], set[tuple[str, str | None]]] = {}
    for code, parameter in parameters.items():
        if (
            code in COLUMNS
            or parameter.kind in {"composite", "special"}
            or not supported(resource_type, code)
        ):
            continue
        places[code] = parameter_atoms(definitions, resource_type, parameter)
        for atom in places[code]:
            for part in _parts(parameter.kind, atom):
                kind: str = parameter.kind
                if kind == "date" and part.path in BLIND_DATES:
                    kind = "birth"
                users.setdefault((kind, part), set()).add((code, atom.target))
    together: dict[tuple[str, frozenset[tuple[str, str | None]]], list[Atom]] = {}
    for (use, part), found in users.items():
        together.setdefault((use, frozenset(found)), []).append(part)
    uses: dict[str, list[Use]] = {code: [] for code in places}
    for (use, codes), parts in together.items():
        name = resource_type + "." + min(part.path or str(part.rule) for part in parts)
        common = all(code.startswith("_") for code, _ in codes)
        slot = Slot(name, use, tuple(parts), use == "uri" and not common)
        for code, target in codes:
            uses[code].append(Use(slot, target))
    return Layout(
        resource_type,
        parameters,
        places,
        {code: tuple(sorted(mine, key=lambda one: one.slot.name)) for code, mine in uses.items()},
    )


def _parts(kind: str, atom: Atom) -> list[Atom]:
    """A place as it is indexed: names and addresses by their parts, references whatever they lead to."""
    if kind == "string" and atom.type in PARTS:
        return [Atom((*atom.steps, Step(part)), "string") for part in PARTS[atom.type]]
    if atom.type not in INDEXED[kind]:
        return []
    return [replace(atom, target=None)]


def fingerprint(definitions: Definitions) -> str:
    """SHA-256 of the whole layout: when it changes, a store must be indexed anew."""
    digest = hashlib.sha256()
    for resource_type in sorted(definitions.resource_types):
        laid = layout(definitions, resource_type)
        digest.update("\n".join((resource_type, *laid.parameters)).encode())
        for slot in sorted(laid.slots, key=lambda slot: (slot.kind, slot.name)):
            digest.update(
                "\n".join((slot.kind, slot.name, *sorted(place.path for place in slot.places))).encode()
            )
    return digest.hexdigest()
