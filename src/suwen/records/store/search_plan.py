"""How to find the resources that meet several rules: from the rarest one, or along an index in the order of ``rid``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from suwen.records.fhir.definitions import Definitions
from suwen.records.fhir.matches import matches
from suwen.records.fhir.search_criteria import Criterion
from suwen.records.store.connection import Connection
from suwen.records.store.search_sql import MERGED, NOTHING, Columns, Rule, Sql, Stream, either, every, is_in

FEW, MANY, VAST = 256, 2048, 16384
"""Rows counted to compare rules, one step after the other. Up to :data:`MANY` candidates are sorted rather than
looked for along an index."""
BATCH = 32
"""Candidates decrypted at first; twice as many each time, up to :data:`FEW`."""


class OpenBodies(Protocol):
    """Decrypts current resources, by ``rid``."""

    def __call__(self, db: Connection, rids: Sequence[int], /) -> Mapping[int, Mapping[str, Any]]: ...  # noqa: D102


@dataclass(frozen=True)
class Selection:
    """What is looked for: resources of some types (all where empty) that meet all rules, and all checks.

    ``checks`` are criteria whose rule lets too much through.
    """

    types: tuple[str, ...]
    rules: tuple[Rule, ...]
    checks: tuple[Criterion, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Where the rids come from, under alias ``d``, and what they must still meet.

    Attributes
    ----------
    head
        One or more index scans in the order of ``rid``, or a ``SELECT`` in any order.
    rest
        Predicate on ``d.rid``.
    few
        Whether the head gives at most :data:`MANY` rows.
    """

    head: tuple[Stream, ...] | Sql
    rest: Sql
    few: bool

    def page(self, db: Connection, after: int, limit: int, also: Sql = NOTHING) -> list[int]:
        """The next rids after one, in order."""
        rest = every((self.rest, also))
        tail = f" AND {rest.text}" if rest.text else ""
        if isinstance(self.head, Sql):
            sql = f"SELECT DISTINCT d.rid FROM ({self.head.text}) AS d WHERE d.rid > ?{tail} ORDER BY d.rid LIMIT ?"
            values = (*self.head.values, after, *rest.values, limit)
            return [row[0] for row in db.rows(sql, values)]
        scans = [
            Sql(
                f"SELECT d.rid FROM {scan.table} d WHERE {scan.where} AND d.rid > ?{tail} ORDER BY d.rid LIMIT ?",
                (*scan.values, after, *rest.values, limit),
            )
            for scan in self.head
        ]
        if len(scans) == 1:
            return [row[0] for row in db.rows(*scans[0])]
        merged = either(
            [Sql(f"SELECT rid FROM ({scan.text}) AS m{at}", scan.values) for at, scan in enumerate(scans)],
            " UNION ",
        )
        return [row[0] for row in db.rows(f"{merged.text} ORDER BY rid LIMIT ?", (*merged.values, limit))]

    def rows(self) -> Sql:
        """A ``SELECT`` of all rids that meet the plan, each once."""
        tail = f" AND {self.rest.text}" if self.rest.text else ""
        if isinstance(self.head, Sql):
            where = f" WHERE {self.rest.text}" if self.rest.text else ""
            return Sql(
                f"SELECT DISTINCT d.rid AS rid FROM ({self.head.text}) AS d{where}",
                (*self.head.values, *self.rest.values),
            )
        scans = [
            Sql(
                f"SELECT d.rid AS rid FROM {scan.table} d WHERE {scan.where}{tail}",
                (*scan.values, *self.rest.values),
            )
            for scan in self.head
        ]
        return either(scans, " UNION ")

    def count(self, db: Connection, cap: int | None) -> int:
        """How many there are; no more than ``cap`` are counted."""
        rows = self.rows()
        limit = "" if cap is None else " LIMIT ?"
        found = db.row(
            f"SELECT count(*) FROM (SELECT 1 FROM ({rows.text}) AS n{limit}) AS c",
            rows.values if cap is None else (*rows.values, cap),
        )
        return int(found[0]) if found else 0


def scope(types: tuple[str, ...]) -> Rule:
    """Is a resource of these types that is not deleted."""
    if not types:
        return Columns(Sql("{r}.deleted = 0"))
    wanted = is_in("{r}.type", types)
    return Columns(Sql(f"{wanted.text} AND {{r}}.deleted = 0", wanted.values))


def everything(types: tuple[str, ...]) -> tuple[Stream, ...]:
    """All resources of some types in the order of ``rid``."""
    if not types:
        return (Stream("resource", "d.deleted = 0", ()),)
    if len(types) > MERGED:
        wanted = is_in("d.type", types)
        return (Stream("resource", f"{wanted.text} AND d.deleted = 0", wanted.values),)
    return tuple(Stream("resource", "d.type = ? AND d.deleted = 0", (kind,)) for kind in types)


def plan(db: Connection, selection: Selection, *, counting: bool = False) -> Plan:
    """Choose where to start.

    Parameters
    ----------
    db
        To count candidates in.
    selection
        What is looked for.
    counting
        Whether all matches are wanted rather than the first ones in order.
    """
    rules = selection.rules
    sources = [(at, source) for at, rule in enumerate(rules) if (source := rule.source()) is not None]
    if not sources:
        return _along(selection, None)
    if len(rules) == 1 and (streams := rules[0].streams()) is not None:
        return _along(selection, 0, streams)
    at, source, size = _rarest(db, sources, FEW)
    if size >= FEW:
        at, source, size = _rarest(db, sources, MANY)
    if size < MANY or counting:
        return _from(selection, at, source, few=size < MANY)
    scans = [(at, source) for at, source in sources if rules[at].streams() is not None]
    if not scans:
        return _along(selection, None)
    at = _rarest(db, scans, VAST)[0] if len(scans) > 1 else scans[0][0]
    return _along(selection, at, rules[at].streams())


def _rarest(db: Connection, sources: list[tuple[int, Sql]], cap: int) -> tuple[int, Sql, int]:
    """The source with the fewest rows, counting up to ``cap`` of each."""
    best: tuple[int, Sql, int] | None = None
    for at, source in sources:
        row = db.row(
            f"SELECT count(*) FROM (SELECT 1 FROM ({source.text}) AS p LIMIT ?) AS q", (*source.values, cap)
        )
        size = int(row[0]) if row else 0
        if best is None or size < best[2]:
            best = at, source, size
    assert best is not None  # noqa: S101 (there is at least one source)
    return best


def _rest(selection: Selection, head: int | None) -> Sql:
    others = [rule for at, rule in enumerate(selection.rules) if at != head]
    if head is not None and not selection.rules[head].settled:
        others.append(scope(selection.types))
    return every(rule.test("d.rid") for rule in others)


def _along(selection: Selection, head: int | None, streams: tuple[Stream, ...] | None = None) -> Plan:
    return Plan(streams or everything(selection.types), _rest(selection, head), False)


def _from(selection: Selection, head: int, source: Sql, *, few: bool) -> Plan:
    return Plan(source, _rest(selection, head), few)


class Checker:
    """Decrypts candidates and drops those that do not meet the checks.

    Parameters
    ----------
    definitions
        Where parameters look.
    open_bodies
        Decrypts.
    """

    def __init__(self, definitions: Definitions, open_bodies: OpenBodies) -> None:
        self.definitions, self.open_bodies = definitions, open_bodies

    def keep(self, db: Connection, rids: list[int], checks: tuple[Criterion, ...]) -> list[int]:
        """Those that meet all checks, in their order."""
        if not checks or not rids:
            return rids
        bodies = self.open_bodies(db, rids)
        return [
            rid
            for rid in rids
            if rid in bodies and all(matches(self.definitions, bodies[rid], check) for check in checks)
        ]

    def batches(
        self, db: Connection, chosen: Plan, checks: tuple[Criterion, ...], after: int, first: int
    ) -> Iterator[tuple[list[int], list[int]]]:
        """Matches after a ``rid``, batch by batch, each with the candidates it was made of."""
        size = first
        while True:
            candidates = chosen.page(db, after, size)
            yield self.keep(db, candidates, checks), candidates
            if len(candidates) < size:
                return
            after, size = candidates[-1], min(max(2 * size, BATCH), FEW)
