"""What the store must find a resource by: rows for ``term``, ``span`` and ``link``, worked out in one walk.

The places of all parameters of a type form one tree of JSON properties. A resource is walked once along it, so
that a property no parameter looks at costs a dictionary lookup, and an absent one nothing.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from suwen.core.errors import Unreadable
from suwen.records.fhir.definitions import Definitions
from suwen.records.fhir.search_emit import Emit, Sink, emitter
from suwen.records.fhir.search_paths import Atom, deceased
from suwen.records.fhir.search_references import reference_type, target
from suwen.records.fhir.search_slots import REVISION, Layout, layout
from suwen.records.fhir.search_terms import SlotTerms
from suwen.records.keys.blind import Blind

_HEADER = struct.Struct("<HHH")
_SPAN = struct.Struct("<qqdd")
_PATIENT_FIRST = ("patient", "subject")


@dataclass(slots=True)
class Entries:
    """Index rows of one resource, without the resource's own number.

    Attributes
    ----------
    terms
        Keyed hashes of its values.
    spans
        Key of the slot, unit, first and last value, both included.
    links
        Key of the slot, and ``Blind.ref`` of the resource it leads to.
    present
        Bit ``i``: parameter ``i`` of its type has a value.
    patient
        ``Patient/id`` whose record it belongs to.
    """

    terms: list[int]
    spans: list[tuple[int, int, float, float]]
    links: list[tuple[int, int]]
    present: int
    patient: str | None


class _Node:
    """One place in the tree: what to do with the elements found there, and the properties to go on with."""

    __slots__ = ("children", "emits", "guarded", "present")

    def __init__(self) -> None:
        self.present = 0
        self.emits: tuple[Emit, ...] = ()
        self.children: dict[str, _Node] = {}
        self.guarded: list[tuple[Callable[[Any, int], bool], _Node]] = []

    def visit(self, element: Any, at: int, sink: Sink) -> None:
        sink.present |= self.present
        for emit in self.emits:
            emit(element, sink)
        if self.children:
            self.walk(element, sink)
        for holds, node in self.guarded:
            if holds(element, at):
                node.visit(element, at, sink)

    def walk(self, element: Mapping[str, Any], sink: Sink) -> None:
        children = self.children
        for name, value in element.items():
            child = children.get(name)
            if child is None or value is None:
                continue
            if type(value) is list:
                for at, item in enumerate(value):
                    if item is not None:
                        child.visit(item, at, sink)
            else:
                child.visit(value, 0, sink)


class Indexer:
    """Index rows of resources of any type.

    Parameters
    ----------
    definitions
        Whose search parameters are indexed.
    blind
        The store's keyed hash.
    """

    def __init__(self, definitions: Definitions, blind: Blind) -> None:
        self._definitions, self._blind = definitions, blind
        self._trees: dict[str, _Node] = {}
        self._always: dict[str, int] = {}

    @property
    def layout(self) -> str:
        """Name of what is indexed how: a store made with another one must be indexed anew."""
        return f"{REVISION}-{self._definitions.digest[:16]}"

    def entries(self, resource: Mapping[str, Any]) -> Entries:
        """Index rows of a valid resource.

        Parameters
        ----------
        resource
            With ``resourceType``.
        """
        kind = resource["resourceType"]
        tree = self._trees.get(kind) or self._plant(kind)
        sink = Sink()
        tree.visit(resource, 0, sink)
        patient = sink.patient
        if kind == "Patient" and "id" in resource:
            patient = f"Patient/{resource['id']}"
        return Entries(
            list(set(sink.terms)), list(set(sink.spans)), list(set(sink.links)), sink.present, patient
        )

    def _plant(self, resource_type: str) -> _Node:
        laid = layout(self._definitions, resource_type)
        root = _Node()
        for slot in laid.slots:
            terms = SlotTerms(self._blind, slot)
            for place in slot.places:
                _grow(root, place).emits += (
                    _ruled(terms) if place.rule else emitter(self._blind, slot, terms, place.type),
                )
        for code, places in laid.places.items():
            bit = laid.bit(code)
            for place in places:
                node = _grow(root, place)
                if place.target is None:
                    node.present |= bit
                else:
                    node.emits += (_present_if(place.target, bit),)
        self._patients(laid, root)
        self._trees[resource_type] = root
        return root

    def _patients(self, laid: Layout, root: _Node) -> None:
        """Look for the patient a resource belongs to where the patient compartment says."""
        codes = self._definitions.compartment.get(laid.resource_type, ())
        for rank, code in enumerate(
            sorted(codes, key=lambda code: (code not in _PATIENT_FIRST, codes.index(code)))
        ):
            for place in laid.places.get(code, ()):
                if place.type == "Reference":
                    _grow(root, place).emits += (_patient(rank),)


def _grow(root: _Node, place: Atom) -> _Node:
    node = root
    for step in place.steps:
        node = node.children.setdefault(step.key, _Node())
        if step.where is not None or step.index is not None:
            guard = _Guard(step.where, step.index)
            for known, inner in node.guarded:
                if known == guard:
                    node = inner
                    break
            else:
                inner = _Node()
                node.guarded.append((guard, inner))
                node = inner
    return node


@dataclass(frozen=True, slots=True)
class _Guard:
    where: tuple[str, str] | None
    index: int | None

    def __call__(self, element: Any, at: int) -> bool:
        if self.index is not None and at != self.index:
            return False
        return self.where is None or element.get(self.where[0]) == self.where[1]


def _present_if(target: str, bit: int) -> Emit:
    def emit(element: Any, sink: Sink) -> None:
        if reference_type(element) == target:
            sink.present |= bit

    return emit


def _ruled(terms: SlotTerms) -> Emit:
    said = {value: terms.coded(None, "true" if value else "false")[1:] for value in (True, False)}

    def emit(element: Any, sink: Sink) -> None:
        sink.terms += said[deceased(element)]

    return emit


def _patient(rank: int) -> Emit:
    def emit(element: Any, sink: Sink) -> None:
        if rank < sink.rank and reference_type(element) == "Patient":
            local = target(element.get("reference") or "").local
            if local:
                sink.patient, sink.rank = local, rank

    return emit


def pack(entries: Entries) -> bytes:
    """Terms, spans and links as bytes, for ``resource.entries``."""
    head = _HEADER.pack(len(entries.terms), len(entries.spans), len(entries.links))
    spans = b"".join([_SPAN.pack(*span) for span in entries.spans])
    links = array("q", [number for link in entries.links for number in link])
    return head + array("q", entries.terms).tobytes() + spans + links.tobytes()


def unpack(data: bytes) -> Entries:
    """What :func:`pack` packed; ``present`` and ``patient`` are not in it.

    Raises
    ------
    Unreadable
        Code ``bad-entries``: the bytes are not of a whole number of rows.
    """
    try:
        terms, spans, links = _HEADER.unpack_from(data)
        at = _HEADER.size
        values = struct.unpack_from(f"<{terms}q", data, at)
        at += 8 * terms
        rows = list(_SPAN.iter_unpack(data[at : at + 32 * spans]))
        at += 32 * spans
        ends = struct.unpack_from(f"<{2 * links}q", data, at)
    except struct.error:
        raise Unreadable("The index rows of a resource cannot be read back", code="bad-entries") from None
    return Entries(list(values), rows, list(zip(ends[::2], ends[1::2], strict=True)), 0, None)
