"""How the elements at one place become index rows: one small function for each kind of slot and FHIR type."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from suwen.records.fhir.search_dates import date_range, dates, exact_range
from suwen.records.fhir.search_references import target
from suwen.records.fhir.search_slots import Slot
from suwen.records.fhir.search_terms import SlotTerms
from suwen.records.fhir.search_values import numbers, quantities, tokens
from suwen.records.keys.blind import Blind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Sink:
    """Where the rows of one resource gather."""

    __slots__ = ("links", "patient", "present", "rank", "spans", "terms")

    def __init__(self) -> None:
        self.terms: list[int] = []
        self.spans: list[tuple[int, int, float, float]] = []
        self.links: list[tuple[int, int]] = []
        self.present = 0
        self.patient: str | None = None
        self.rank = sys.maxsize


Emit = Callable[[Any, Sink], None]


def emitter(blind: Blind, slot: Slot, terms: SlotTerms, kind: str) -> Emit:
    """The function for elements of FHIR type ``kind`` in a slot."""
    match slot.kind:
        case "token":
            return _codeable(terms) if kind == "CodeableConcept" else _token(terms, kind)
        case "reference":
            return _reference(blind, terms, kind)
        case "date":
            return _date(terms, kind)
        case "birth":
            return _birth(terms)
        case "string":
            return _string(terms)
        case "uri":
            return _uri(terms)
        case "number":
            return _number(terms, kind)
        case _:
            return _quantity(terms, kind)


def _codeable(terms: SlotTerms) -> Emit:
    coded = terms.coded

    def emit(element: Any, sink: Sink) -> None:
        for coding in element.get("coding") or ():
            sink.terms += coded(coding.get("system"), coding.get("code"))

    return emit


def _token(terms: SlotTerms, kind: str) -> Emit:
    if kind == "Coding":
        coded = terms.coded

        def coding(element: Any, sink: Sink) -> None:
            sink.terms += coded(element.get("system"), element.get("code"))

        return coding
    if kind == "Identifier":  # hardly ever the same twice: nothing to remember

        def identifier(element: Any, sink: Sink) -> None:
            sink.terms += terms._coded(element.get("system"), element.get("value"))

        return identifier

    def bare(element: Any, sink: Sink) -> None:
        sink.terms += [terms.code(token.code) for token in tokens(element, kind) if token.code is not None]

    return bare


def _reference(blind: Blind, terms: SlotTerms, kind: str) -> Emit:
    key = terms.key

    @lru_cache(maxsize=4096)
    def rows(text: str) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:
        local = target(text).local
        return ((key, blind.ref(local)),) if local else (), terms.reference(text)

    def reference(element: Any, sink: Sink) -> None:
        text = element.get("reference")
        if text is not None:
            links, others = rows(text)
            sink.links += links
            sink.terms += others
        identifier = element.get("identifier")
        if identifier is not None:
            sink.terms += terms.identifier(identifier.get("system"), identifier.get("value"))

    def canonical(element: Any, sink: Sink) -> None:
        links, others = rows(element)
        sink.links += links
        sink.terms += others

    def held(element: Any, sink: Sink) -> None:
        if "id" in element:
            sink.links += rows(f"{element['resourceType']}/{element['id']}")[0]

    return {"Reference": reference, "Resource": held}.get(kind, canonical)


def _date(terms: SlotTerms, kind: str) -> Emit:
    key = terms.key

    def moment(element: Any, sink: Sink) -> None:
        found = date_range(element)
        if found is not None:
            sink.spans.append((key, 0, *found))

    def outer(element: Any, sink: Sink) -> None:
        for low, high in dates(element, kind):
            sink.spans.append((key, 0, low, high))

    return outer if kind in {"Period", "Timing"} else moment


def _birth(terms: SlotTerms) -> Emit:
    def emit(element: Any, sink: Sink) -> None:
        found = exact_range(element)
        if found is not None:
            day = element if len(element) <= 10 else str((_EPOCH + timedelta(microseconds=found[0])).date())
            sink.terms += terms.birth(day)

    return emit


def _string(terms: SlotTerms) -> Emit:
    def emit(element: Any, sink: Sink) -> None:
        sink.terms += terms.string(element)

    return emit


def _uri(terms: SlotTerms) -> Emit:
    @lru_cache(maxsize=256)
    def rows(uri: str) -> list[int]:
        return terms.uri(uri)

    def emit(element: Any, sink: Sink) -> None:
        sink.terms += rows(element)

    return emit


def _number(terms: SlotTerms, kind: str) -> Emit:
    key = terms.key

    def emit(element: Any, sink: Sink) -> None:
        for low, high in numbers(element, kind):
            sink.spans.append((key, 0, low, high))

    return emit


def _quantity(terms: SlotTerms, kind: str) -> Emit:
    key, units = terms.key, terms.units

    def emit(element: Any, sink: Sink) -> None:
        for low, high, system, code, unit in quantities(element, kind):
            for number in units(system, code, unit):
                sink.spans.append((key, number, low, high))

    return emit
