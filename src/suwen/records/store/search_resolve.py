"""Conditions of a search, chains and ``_has`` included, as a selection over the indexes.

A chain is resolved from its end: where few resources meet its last condition they are looked up first, and the chain
becomes a plain search for references to them. Where many do, the database follows the references.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from suwen.core.errors import BadInput
from suwen.records.fhir.search_criteria import Chain, Condition, Criterion, Has
from suwen.records.store.connection import Connection
from suwen.records.store.search_compile import Compiler
from suwen.records.store.search_joins import Referred, Through
from suwen.records.store.search_plan import BATCH, FEW, Checker, Plan, Selection, scope
from suwen.records.store.search_sql import Either, Keys, Rids, Rule, Together, is_in

COSTLY = 20_000
"""Resources a search decrypts or holds at once at most."""
CHUNK = 1024
"""Values in one statement."""


def too_costly() -> BadInput:
    """The error of a search that would have to decrypt too much."""
    return BadInput(
        f"The search would have to decrypt more than {COSTLY} resources",
        fix="Add a condition that narrows it down, such as a patient or a code",
        code="too-costly",
    )


class Resolver:
    """Resolves conditions for one store."""

    def __init__(self, compiler: Compiler, checker: Checker) -> None:
        self._compiler, self._checker = compiler, checker

    def select(self, db: Connection, types: tuple[str, ...], conditions: Iterable[Condition]) -> Selection:
        """What resources of some types must meet."""
        rules: list[Rule] = []
        checks: list[Criterion] = []
        for condition in conditions:
            if isinstance(condition, Chain):
                rules.append(self._chain(db, condition))
            elif isinstance(condition, Has):
                rules.append(self._has(db, condition))
            else:
                compiled = self._compiler.compiled(condition)
                rule = compiled.rule
                rules += rule.rules if isinstance(rule, Together) else [rule]
                if not compiled.exact:
                    checks.append(condition)
        return Selection(types, tuple(rules), tuple(checks))

    def gather(self, db: Connection, selection: Selection, limit: int) -> list[int] | None:
        """All matches; ``None`` where there are more than ``limit``.

        Raises
        ------
        BadInput
            Code ``too-costly``: more than :data:`COSTLY` candidates would have to be decrypted.
        """
        found: list[int] = []
        tried = 0
        if not selection.checks:
            rows = Plan(db, selection).whole.rows()
            found = [row[0] for row in db.rows(f"{rows.text} LIMIT ?", (*rows.values, limit + 1))]
            return sorted(found) if len(found) <= limit else None
        for kept, candidates in self._checker.batches(db, Plan(db, selection), -1, BATCH):
            found += kept
            tried += len(candidates)
            if len(found) > limit:
                return None
            if tried > COSTLY:
                raise too_costly()
        return found

    def _inner(self, db: Connection, kind: str, condition: Condition) -> tuple[list[int], Rule | None]:
        """Few resources that meet a condition; or else the rule for the many that do."""
        selection = self.select(db, (kind,), (condition,))
        few = self.gather(db, selection, FEW)
        if few is not None:
            return few, None
        if not selection.checks:
            rules = selection.rules
            return [], rules[0] if len(rules) == 1 else Together(rules)
        many = self.gather(db, selection, COSTLY)
        if many is None:
            raise too_costly()
        return [], Rids(tuple(many))

    def _chain(self, db: Connection, chain: Chain) -> Rule:
        links: list[tuple[int, int]] = []
        others: list[Rule] = []
        for target, condition in chain.targets:
            keys = [
                key
                for kind in chain.types
                if self._compiler.narrowed(kind, chain.code) in {None, target}
                for key in self._compiler.links(kind, chain.code)
            ]
            if not keys:
                continue
            few, rule = self._inner(db, target, condition)
            if rule is not None:
                others.append(Through(tuple(keys), target, rule))
            else:
                links += [(key, ref) for ref in refs(db, few) for key in keys]
        if others:
            return Either((Keys((), tuple(links)), *others)) if links else _one(others)
        return Keys((), tuple(links))

    def _has(self, db: Connection, has: Has) -> Rule:
        keys = tuple(self._compiler.links(has.source, has.code))
        narrowed = self._compiler.narrowed(has.source, has.code)
        types = tuple(kind for kind in has.types if narrowed in {None, kind})
        if not keys or not types:
            return Rids(())
        few, rule = self._inner(db, has.source, has.inner)
        if rule is not None:
            return Referred(keys, types, rule)
        return Rids(tuple(targets(db, few, keys, types)))


def _one(rules: list[Rule]) -> Rule:
    return rules[0] if len(rules) == 1 else Either(tuple(rules))


def chunks(values: Sequence[int]) -> Iterable[Sequence[int]]:
    """A list in pieces a statement can take."""
    return (values[at : at + CHUNK] for at in range(0, len(values), CHUNK))


def refs(db: Connection, rids: Sequence[int]) -> list[int]:
    """``resource.ref`` of some resources."""
    found: list[int] = []
    for some in chunks(rids):
        wanted = is_in("rid", some)
        found += (row[0] for row in db.rows(f"SELECT ref FROM resource WHERE {wanted.text}", wanted.values))
    return found


def targets(db: Connection, rids: Sequence[int], keys: Sequence[int], types: tuple[str, ...]) -> list[int]:
    """Resources of some types that others refer to by some reference slots; by all slots where none is named."""
    found: dict[int, None] = {}
    for some in chunks(rids):
        sources, slots = is_in("l.rid", some), is_in("l.key", keys) if keys else None
        alive = scope(types).test("r.rid")
        rows = db.rows(
            f"SELECT DISTINCT r.rid FROM link l JOIN resource r ON r.ref = l.target WHERE {sources.text}"
            f"{f' AND {slots.text}' if slots else ''} AND {alive.text} ORDER BY r.rid",
            (*sources.values, *(slots.values if slots else ()), *alive.values),
        )
        found.update((row[0], None) for row in rows)
    return list(found)
