"""Criteria as conditions on the indexes.

Each criterion becomes a rule that lets through everything that meets it, and the word whether it lets through nothing
else. Where it may, candidates are decrypted and checked with :func:`suwen.records.fhir.matches.matches`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from suwen.records.fhir.definitions import Definitions
from suwen.records.fhir.matches import implied
from suwen.records.fhir.search_buckets import buckets
from suwen.records.fhir.search_compare import SQL, sql_parameters
from suwen.records.fhir.search_criteria import (
    CompositeValue,
    Criterion,
    MissingValue,
    RangeValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
)
from suwen.records.fhir.search_paths import Atom, atoms, parameter_atoms
from suwen.records.fhir.search_references import target
from suwen.records.fhir.search_slots import COLUMNS, INDEXED, Layout, Slot, Use, layout
from suwen.records.fhir.search_terms import GRAM, PREFIX, SlotTerms
from suwen.records.fhir.search_values import hierarchy
from suwen.records.keys.blind import Blind
from suwen.records.store.search_sql import Columns, Either, Keys, Not, Rids, Rule, Spans, Sql, Together, is_in

PIECES = 6
"""Pieces of a text that ``:contains`` looks up before it decrypts."""
_WITH_SYSTEM = frozenset({"Coding", "CodeableConcept", "Identifier"})


ANYTHING = Columns(Sql("{r}.deleted = 0"))
"""The rule of a criterion no index helps with."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule that finds everything a criterion asks for; ``exact`` where it finds nothing else."""

    rule: Rule
    exact: bool


class Compiler:
    """Turns criteria into rules for one store.

    Parameters
    ----------
    definitions
        Where parameters look.
    blind
        The store's keyed hash.
    """

    def __init__(self, definitions: Definitions, blind: Blind) -> None:
        self._definitions, self._blind = definitions, blind
        self._terms: dict[Slot, SlotTerms] = {}
        self.compiled: Callable[[Criterion], Compiled] = lru_cache(maxsize=512)(self._compiled)
        """The rule of a criterion. Cached."""

    def terms(self, slot: Slot) -> SlotTerms:
        """Hashes of a slot."""
        if slot not in self._terms:
            self._terms[slot] = SlotTerms(self._blind, slot)
        return self._terms[slot]

    def links(self, resource_type: str, code: str) -> list[int]:
        """Keys in ``link`` of a reference parameter."""
        return [self.terms(use.slot).key for use in self._uses(resource_type, code)]

    def spans(self, resource_type: str, code: str) -> list[int] | None:
        """Keys in ``span`` of a parameter; ``None`` where it is not held there."""
        uses = self._uses(resource_type, code)
        if not uses or any(use.slot.kind not in {"date", "number", "quantity"} for use in uses):
            return None
        return [self.terms(use.slot).key for use in uses]

    def narrowed(self, resource_type: str, code: str) -> str | None:
        """The one resource type a reference parameter is about, where the slot holds others too."""
        uses = self._uses(resource_type, code)
        return uses[0].target if uses else None

    def _uses(self, resource_type: str, code: str) -> tuple[Use, ...]:
        return layout(self._definitions, resource_type).uses.get(code, ())

    def _compiled(self, criterion: Criterion) -> Compiled:
        if criterion.modifier == "not":
            asked = self.compiled(replace(criterion, modifier=""))
            return Compiled(Not(asked.rule), True) if asked.exact else Compiled(ANYTHING, False)
        if criterion.code in COLUMNS:
            return Compiled(self._column(criterion), True)
        if len(criterion.types) > 1:
            return self._of_many_types(criterion)
        laid = layout(self._definitions, criterion.types[0])
        if isinstance(criterion.values[0], MissingValue):
            return Compiled(_presence(laid, criterion.code, criterion.values[0].missing), True)
        return self._indexed(laid, criterion)

    def _of_many_types(self, criterion: Criterion) -> Compiled:
        each = [self.compiled(replace(criterion, types=(kind,))) for kind in criterion.types]
        typed = [
            one.rule if one.rule.settled else Together((_of_type(kind), one.rule))
            for kind, one in zip(criterion.types, each, strict=True)
        ]
        return Compiled(_joined(typed), all(one.exact for one in each))

    def _column(self, criterion: Criterion) -> Rule:
        if isinstance(criterion.values[0], MissingValue):
            return Rids(()) if criterion.values[0].missing else ANYTHING
        if criterion.code == "_id":
            refs = [
                self._blind.ref(f"{kind}/{value.code}")
                for kind in criterion.types
                for value in criterion.values
                if isinstance(value, TokenValue) and value.code and not value.system
            ]
            if not refs:
                return Rids(())
            wanted = is_in("{r}.ref", refs)
            return Columns(Sql(f"{wanted.text} AND {{r}}.deleted = 0", wanted.values), True)
        parts: list[Rule] = []
        for value in criterion.values:
            if isinstance(value, RangeValue):
                text = SQL[value.prefix].replace("{s}.lo", "{r}.updated").replace("{s}.hi", "{r}.updated")
                parts.append(Columns(Sql(text, sql_parameters(value)), True))
        return _joined(parts)

    def _indexed(self, laid: Layout, criterion: Criterion) -> Compiled:
        found: list[Rule] = []
        exact = True
        for value in criterion.values:
            match value:
                case CompositeValue():
                    one = self._composite(laid, criterion.code, value)
                case StringValue():
                    one = self._string(laid, criterion, value)
                case RangeValue():
                    one = self._range(laid, criterion, value)
                case UriValue():
                    one = self._uri(laid, criterion, value)
                case ReferenceValue():
                    one = Compiled(self._reference(laid, criterion, value), True)
                case TokenValue():
                    one = self._token(laid, criterion, value)
                case _:
                    raise TypeError(type(value))
            found.append(one.rule)
            exact = exact and one.exact
        return Compiled(_joined(found), exact)

    def _token(self, laid: Layout, criterion: Criterion, value: TokenValue) -> Compiled:
        keys: list[int] = []
        exact = value.kind is None
        for use in laid.uses[criterion.code]:
            terms, slot = self.terms(use.slot), use.slot
            if criterion.modifier == "identifier":
                keys += _coded(terms, value)
                exact = exact and use.target is None
                continue
            systems, none = bool(slot.types & _WITH_SYSTEM), bool(slot.types - _WITH_SYSTEM)
            if systems or value.system is None:
                keys += _coded(terms, value)
            if none and value.system is not None:
                codes = self._bare(slot, value)
                keys += map(terms.code, codes)
                exact = exact and (not codes or (not systems and len(slot.places) == 1))
        return Compiled(Keys(tuple(dict.fromkeys(keys))), exact)

    def _bare(self, slot: Slot, value: TokenValue) -> list[str]:
        """Codes that elements without a system may hold to meet a token with one (or explicitly without)."""
        if not value.system:
            return [value.code] if value.code is not None else []
        found: set[str] = set()
        for place in slot.places:
            if place.binding is not None:
                found |= implied(self._definitions, place.binding, value.system)
        return sorted(found if value.code is None else found & {value.code})

    def _reference(self, laid: Layout, criterion: Criterion, value: ReferenceValue) -> Rule:
        terms: list[int] = []
        links: list[tuple[int, int]] = []
        for use in laid.uses[criterion.code]:
            slot = self.terms(use.slot)
            if value.text is not None and use.target in {None, target(value.text).type}:
                terms.append(slot.url(value.text))
            start = f"{use.target}/" if use.target else ""
            links += [(slot.key, self._blind.ref(local)) for local in value.locals if local.startswith(start)]
        return Keys(tuple(terms), tuple(links))

    def _string(self, laid: Layout, criterion: Criterion, value: StringValue) -> Compiled:
        slots = [self.terms(use.slot) for use in laid.uses[criterion.code]]
        text = value.normal
        if criterion.modifier == "exact":
            return Compiled(Keys(tuple(slot.exact(value.text) for slot in slots)), True)
        if criterion.modifier == "contains":
            if len(text) < GRAM:
                return Compiled(_presence(laid, criterion.code, False), False)
            pieces = [text[at : at + GRAM] for at in range(len(text) - GRAM + 1)]
            chosen = pieces[:: max(1, len(pieces) // PIECES)][:PIECES]
            long = [slot.long() for slot in slots]
            rules = [Keys((*(slot.gram(piece) for slot in slots), *long)) for piece in dict.fromkeys(chosen)]
            return Compiled(rules[0] if len(rules) == 1 else Together(tuple(rules)), False)
        if not text:
            return Compiled(_presence(laid, criterion.code, False), False)
        return Compiled(Keys(tuple(slot.prefix(text[:PREFIX]) for slot in slots)), len(text) <= PREFIX)

    def _uri(self, laid: Layout, criterion: Criterion, value: UriValue) -> Compiled:
        keys: list[int] = []
        for use in laid.uses[criterion.code]:
            slot = self.terms(use.slot)
            keys.append(slot.url(value.uri))
            if criterion.modifier == "above":
                keys += [slot.url(place + end) for place in hierarchy(value.uri) for end in ("", "/")]
            elif criterion.modifier == "below":
                if not use.slot.below:
                    return Compiled(_presence(laid, criterion.code, False), False)
                keys.append(slot.under(value.uri.removesuffix("/")))
        return Compiled(Keys(tuple(keys)), True)

    def _range(self, laid: Layout, criterion: Criterion, value: RangeValue) -> Compiled:
        rules: list[Rule] = []
        exact = True
        spans = [self.terms(use.slot) for use in laid.uses[criterion.code] if use.slot.kind != "birth"]
        for use in laid.uses[criterion.code]:
            if use.slot.kind == "birth":
                starts, sure = buckets(value)
                rules.append(Keys(tuple(map(self.terms(use.slot).bucket, starts))))
                exact = exact and sure
        if spans:
            asked = Sql(SQL[value.prefix], sql_parameters(value))
            if value.unit is not None:
                asked = _in_unit(asked, spans[0], *value.unit)
            rules.append(Spans(tuple(slot.key for slot in spans), (asked,)))
        return Compiled(_joined(rules), exact)

    def _composite(self, laid: Layout, code: str, value: CompositeValue) -> Compiled:
        parameter = laid.parameters[code]
        rules: list[Rule] = []
        whole = Atom((), laid.resource_type)
        exact = parameter_atoms(self._definitions, laid.resource_type, parameter) == (whole,)
        for (name, text), part in zip(parameter.components, value.parts, strict=True):
            part_of = laid.parameters[name]
            one = self.compiled(Criterion((laid.resource_type,), name, part_of.kind, "", (part,)))
            rules.append(one.rule)
            here = (
                set(_valued(part_of.kind, atoms(self._definitions, laid.resource_type, text)))
                if exact
                else set()
            )
            exact = exact and one.exact and here == set(_valued(part_of.kind, laid.places[name]))
        return Compiled(Together(tuple(rules)), exact)


def _valued(kind: str, places: tuple[Atom, ...]) -> Iterator[Atom]:
    return (place for place in places if place.type in INDEXED[kind])


def _coded(terms: SlotTerms, value: TokenValue) -> list[int]:
    if value.code is None:
        return [terms.system(value.system or "")]
    if value.system is None:
        return [terms.code(value.code)]
    return [terms.pair(value.system, value.code) if value.system else terms.plain(value.code)]


def _in_unit(asked: Sql, terms: SlotTerms, system: str | None, code: str) -> Sql:
    if system is not None:
        return Sql(f"{asked.text} AND {{s}}.unit = ?", (*asked.values, terms.unit(system, code)))
    return Sql(f"{asked.text} AND {{s}}.unit BETWEEN ? AND ?", (*asked.values, *terms.unit_range(code)))


def _presence(laid: Layout, code: str, missing: bool) -> Rule:
    sign = "=" if missing else "<>"
    return Columns(Sql(f"({{r}}.present & ?) {sign} 0", (laid.bit(code),)))


def _of_type(kind: str) -> Rule:
    return Columns(Sql("{r}.type = ? AND {r}.deleted = 0", (kind,)))


def _joined(rules: list[Rule]) -> Rule:
    """Any of some rules, as simply as it can be said."""
    keys = [rule for rule in rules if isinstance(rule, Keys)]
    if len(keys) == len(rules):
        return Keys(
            tuple(dict.fromkeys(key for rule in keys for key in rule.terms)),
            tuple(dict.fromkeys(pair for rule in keys for pair in rule.links)),
        )
    spans = [rule for rule in rules if isinstance(rule, Spans)]
    if len(spans) == len(rules) and len({rule.keys for rule in spans}) == 1:
        return Spans(spans[0].keys, tuple(part for rule in spans for part in rule.comparisons))
    return rules[0] if len(rules) == 1 else Either(tuple(rules))
