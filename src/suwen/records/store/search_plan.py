"""How to find the resources that meet several rules: from the rarest one, or along an index in the order of ``rid``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from suwen.records.fhir.definitions import Definitions
from suwen.records.fhir.matches import matches
from suwen.records.fhir.search_criteria import Criterion
from suwen.records.store.connection import Connection
from suwen.records.store.search_sql import MERGED, NOTHING, Columns, Rule, Sql, Stream, either, every, is_in

FEW, MANY, VAST = 128, 1024, 4096
"""Rows counted to compare rules, one step after the other."""
WINDOW = 1024
"""Candidates looked at along an index before rules are compared any further."""
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


@dataclass(frozen=True)
class Head:
    """Where rids come from, under alias ``d``, and what they must still meet.

    Attributes
    ----------
    start
        Index scans in the order of ``rid``, or a ``SELECT`` in any order.
    rest
        Predicate on ``d.rid``.
    """

    start: tuple[Stream, ...] | Sql
    rest: Sql

    def page(self, db: Connection, after: int, limit: int, also: Sql = NOTHING) -> list[int]:
        """The next rids after one, in order."""
        rest = every((self.rest, also))
        tail = f" AND {rest.text}" if rest.text else ""
        if isinstance(self.start, Sql):
            sql = (
                f"SELECT DISTINCT d.rid FROM ({self.start.text}) AS d "
                f"WHERE d.rid > ?{tail} ORDER BY d.rid LIMIT ?"
            )
            return [row[0] for row in db.rows(sql, (*self.start.values, after, *rest.values, limit))]
        scans = [
            Sql(
                f"SELECT d.rid FROM {scan.table} d WHERE {scan.where} AND d.rid > ?{tail} "
                "ORDER BY d.rid LIMIT ?",
                (*scan.values, after, *rest.values, limit),
            )
            for scan in self.start
        ]
        if len(scans) == 1:
            return [row[0] for row in db.rows(*scans[0])]
        selects = [
            Sql(f"SELECT rid FROM ({scan.text}) AS m{at}", scan.values) for at, scan in enumerate(scans)
        ]
        merged = either(selects, " UNION ")
        return [row[0] for row in db.rows(f"{merged.text} ORDER BY rid LIMIT ?", (*merged.values, limit))]

    def glance(self, db: Connection, after: int, limit: int) -> tuple[list[int], bool]:
        """The next rids among the next :data:`WINDOW` candidates, and whether there are no more candidates."""
        if isinstance(self.start, Sql) or len(self.start) > 1:
            return self.page(db, after, limit), True
        (scan,) = self.start
        row = db.row(
            f"SELECT d.rid FROM {scan.table} d WHERE {scan.where} AND d.rid > ? ORDER BY d.rid LIMIT 1 OFFSET ?",
            (*scan.values, after, WINDOW - 1),
        )
        return self.page(db, after, limit, Sql("d.rid <= ?", (row[0],)) if row else NOTHING), row is None

    def rows(self) -> Sql:
        """A ``SELECT`` of all rids, each once; of several index scans no two may share one."""
        if isinstance(self.start, Sql):
            where = f" WHERE {self.rest.text}" if self.rest.text else ""
            return Sql(
                f"SELECT DISTINCT d.rid AS rid FROM ({self.start.text}) AS d{where}",
                (*self.start.values, *self.rest.values),
            )
        tail = f" AND {self.rest.text}" if self.rest.text else ""
        scans = [
            Sql(
                f"SELECT d.rid AS rid FROM {scan.table} d WHERE {scan.where}{tail}",
                (*scan.values, *self.rest.values),
            )
            for scan in self.start
        ]
        return either(scans, " UNION ALL ")

    def count(self, db: Connection, cap: int | None) -> int:
        """How many there are; no more than ``cap`` are counted."""
        rows = self.rows()
        limit = "" if cap is None else " LIMIT ?"
        return _number(
            db,
            f"SELECT count(*) FROM (SELECT 1 FROM ({rows.text}) AS n{limit}) AS c",
            rows.values if cap is None else (*rows.values, cap),
        )


class Plan:
    """Finds the resources of one selection, comparing its rules only as far as it takes.

    Parameters
    ----------
    db
        To count candidates in.
    selection
        What is looked for.
    """

    def __init__(self, db: Connection, selection: Selection) -> None:
        self._db, self.selection = db, selection
        rules = selection.rules
        self._gauges = [(at, gauge) for at, rule in enumerate(rules) if (gauge := rule.gauge()) is not None]
        self._rarest = -1
        self._size = 0
        self._cap = 0
        """Rows counted so far; the size is exact where it is less."""

    @cached_property
    def few(self) -> Head | None:
        """The rarest rule, where it has less than :data:`FEW` rows."""
        if len(self.selection.rules) == 1 and self._streams(0) is not None:
            return None  # an index gives just these, in order
        self._compare(FEW)
        return self._from(self._rarest) if self._size < self._cap else None

    @cached_property
    def rare(self) -> bool:
        """Whether some rule has less than :data:`MANY` rows."""
        if self._gauges:
            for cap in (FEW, MANY):
                self._compare(cap)
        return self._size < self._cap

    @cached_property
    def along(self) -> Head:
        """Index scans in the order of ``rid``: of some rule, or of everything there is."""
        for at, _ in self._gauges:
            streams = self._streams(at)
            if streams is not None:
                return self._head(at, streams)
        return self._head(None, everything(self.selection.types))

    @cached_property
    def whole(self) -> Head:
        """The cheapest way to all matches."""
        rules = self.selection.rules
        if not self._gauges or (len(rules) == 1 and len(self._streams(0) or ()) == 1):
            return self.along
        for cap in (FEW, MANY, VAST):
            self._compare(cap)
            if self._size < cap or (len(rules) == 1 and rules[0].unit == 1):
                break
        tests = sum(rule.price for rule in rules)
        rarest = rules[self._rarest]
        most = int(self._size * (rarest.unit + tests - rarest.price) / tests)
        if most > FEW and self._everything(most) < most:
            return self._head(None, everything(self.selection.types))
        return self._from(self._rarest)

    def page(self, after: int, limit: int) -> list[int]:
        """The next rids after one, in order."""
        db, rules = self._db, self.selection.rules
        if self.few is not None:
            return self.few.page(db, after, limit)
        if not self._gauges or (len(rules) == 1 and self._streams(0) is not None):
            return self.along.page(db, after, limit)
        found, complete = self.along.glance(db, after, limit)
        if complete or len(found) == limit:
            return found
        for cap in (MANY, VAST):
            self._compare(cap)
            if self._size < cap:
                return self._from(self._rarest).page(db, after, limit)
        streams = self._streams(self._rarest)
        head = self.along if streams is None else self._head(self._rarest, streams)
        return head.page(db, after, limit)

    def _streams(self, at: int) -> tuple[Stream, ...] | None:
        return self.selection.rules[at].streams()

    def _compare(self, cap: int) -> None:
        """Find the rule with the fewest rows, counting up to ``cap`` of each."""
        if cap <= self._cap or (self._rarest >= 0 and self._size < self._cap):
            return
        self._cap = cap
        sizes = [
            (
                _number(
                    self._db,
                    f"SELECT count(*) FROM (SELECT 1 FROM ({gauge.text}) AS p LIMIT ?) AS q",
                    (*gauge.values, cap),
                ),
                at,
            )
            for at, gauge in self._gauges
        ]
        self._size, self._rarest = min(sizes, default=(cap, -1))

    def _everything(self, cap: int) -> int:
        """How many resources of the types there are, counting up to ``cap``."""
        return Head(everything(self.selection.types), NOTHING).count(self._db, cap)

    def _head(self, at: int | None, start: tuple[Stream, ...] | Sql) -> Head:
        rules = self.selection.rules
        others = [rule for other, rule in enumerate(rules) if other != at]
        if at is not None and not rules[at].settled:
            others.append(scope(self.selection.types))
        return Head(start, every(rule.test("d.rid") for rule in others))

    def _from(self, at: int) -> Head:
        source = self.selection.rules[at].source()
        assert source is not None  # noqa: S101 (it has a gauge)
        return self._head(at, source)


def _number(db: Connection, sql: str, values: tuple[Any, ...]) -> int:
    row = db.row(sql, values)
    return int(row[0]) if row else 0


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
        self, db: Connection, chosen: Plan, after: int, first: int
    ) -> Iterator[tuple[list[int], list[int]]]:
        """Matches after a ``rid``, batch by batch, each with the candidates it was made of."""
        size = first
        while True:
            candidates = chosen.page(after, size)
            yield self.keep(db, candidates, chosen.selection.checks), candidates
            if len(candidates) < size:
                return
            after, size = candidates[-1], min(max(2 * size, BATCH), FEW)
