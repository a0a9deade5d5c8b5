"""Conditions on a resource's ``rid`` as SQL, each usable in up to three ways.

``test``
    A predicate on a ``rid`` that another condition provides.
``source``
    A ``SELECT`` of all rids that meet it, in any order, perhaps repeated; ``None`` where only a full scan finds them.
``streams``
    Index scans that give them in the order of ``rid``, so that a page costs its own length; ``None`` where there are
    none, or too many to merge.

The SQL is common to SQLite and PostgreSQL. ``level`` keeps the aliases of nested conditions apart.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

MERGED = 8
"""Index scans merged at most."""


class Sql(NamedTuple):
    """A piece of SQL with the values of its question marks."""

    text: str
    values: tuple[Any, ...] = ()


NOTHING = Sql("")
"""No predicate at all."""


class Stream(NamedTuple):
    """A table, under alias ``d``, whose rows that meet ``where`` come in the order of ``d.rid``."""

    table: str
    where: str
    values: tuple[Any, ...]


def marks(values: Sequence[Any]) -> Sql:
    """``?,?,?`` for a list, filled up to a power of two so that few different statements arise."""
    size = 1 << (len(values) - 1).bit_length() if len(values) > 2 else len(values)
    filled = (*values, *[values[-1]] * (size - len(values)))
    return Sql(",".join("?" * size), filled)


def is_in(column: str, values: Sequence[Any]) -> Sql:
    """``column`` is one of the values."""
    if len(values) == 1:
        return Sql(f"{column} = ?", tuple(values))
    listed = marks(values)
    return Sql(f"{column} IN ({listed.text})", listed.values)


def every(parts: Iterable[Sql]) -> Sql:
    """All of them."""
    found = [part for part in parts if part.text]
    return Sql(
        " AND ".join(part.text for part in found), tuple(value for part in found for value in part.values)
    )


def either(parts: Sequence[Sql], mark: str = " OR ") -> Sql:
    """Any of them."""
    return Sql(
        mark.join(part.text for part in parts), tuple(value for part in parts for value in part.values)
    )


class Rule(ABC):
    """A condition on a ``rid``.

    Attributes
    ----------
    settled
        Whether everything it finds is of the types searched, and not deleted.
    price
        Cost of a test, in index look-ups.
    unit
        Cost of a row of the source, likewise.
    """

    settled = True
    unit = 1.0

    @property
    def price(self) -> float:
        """Cost of a test."""
        return 1.0

    @abstractmethod
    def test(self, rid: str, level: int = 0) -> Sql:
        """A predicate on the SQL expression ``rid``."""

    def source(self, level: int = 0) -> Sql | None:
        """A ``SELECT`` of all rids."""
        return None

    def streams(self) -> tuple[Stream, ...] | None:
        """Ordered index scans."""
        return None

    def gauge(self) -> Sql | None:
        """A ``SELECT`` with about as many rows as the source, and cheaper where that is not."""
        return self.source()


@dataclass(frozen=True)
class Keys(Rule):
    """Has one of some rows in ``term`` or ``link``. With none at all, nothing meets it."""

    terms: tuple[int, ...] = ()
    links: tuple[tuple[int, int], ...] = ()

    @property
    def price(self) -> float:
        """Cost of a test."""
        return 0.5 * len(self.terms) + min(len(self.links), 3)

    def _targets(self) -> list[tuple[int, list[int]]]:
        ordered = sorted(set(self.links))
        return [(key, [end for _, end in pairs]) for key, pairs in groupby(ordered, key=lambda pair: pair[0])]

    def test(self, rid: str, level: int = 0) -> Sql:
        """A predicate that the resource meets this."""
        parts = []
        if self.terms:
            keys = is_in(f"t{level}.key", self.terms)
            parts.append(
                Sql(
                    f"EXISTS (SELECT 1 FROM term t{level} WHERE {keys.text} AND t{level}.rid = {rid})",
                    keys.values,
                )
            )
        for key, ends in self._targets():
            # With many targets the few references of the resource are read, not one index entry for each target.
            column = f"l{level}.target" if len(ends) <= 2 else f"l{level}.target + 0"
            wanted = is_in(column, ends)
            parts.append(
                Sql(
                    f"EXISTS (SELECT 1 FROM link l{level} WHERE l{level}.key = ? AND {wanted.text} "
                    f"AND l{level}.rid = {rid})",
                    (key, *wanted.values),
                )
            )
        if not parts:
            return Sql("1 = 0")
        joined = either(parts)
        return Sql(f"({joined.text})", joined.values) if len(parts) > 1 else joined

    def source(self, level: int = 0) -> Sql:
        """A ``SELECT`` of all that meet it."""
        parts = []
        if self.terms:
            keys = is_in("key", self.terms)
            parts.append(Sql(f"SELECT rid FROM term WHERE {keys.text}", keys.values))
        for key, ends in self._targets():
            wanted = is_in("target", ends)
            parts.append(Sql(f"SELECT rid FROM link WHERE key = ? AND {wanted.text}", (key, *wanted.values)))
        return either(parts, " UNION ALL ") if parts else Sql("SELECT rid FROM term WHERE 1 = 0")

    def streams(self) -> tuple[Stream, ...] | None:
        """Ordered index scans of all that meet it."""
        if len(self.terms) + len(self.links) > MERGED:
            return None
        made = [Stream("term", "d.key = ?", (key,)) for key in dict.fromkeys(self.terms)]
        made += [Stream("link", "d.key = ? AND d.target = ?", pair) for pair in dict.fromkeys(self.links)]
        return tuple(made) or (Stream("term", "1 = 0", ()),)


@dataclass(frozen=True)
class Spans(Rule):
    """Has a range, in one of some slots, that meets one of some comparisons (on the columns of alias ``{s}``)."""

    keys: tuple[int, ...]
    comparisons: tuple[Sql, ...]

    def _where(self, alias: str, comparisons: Sequence[Sql], key: str) -> Sql:
        wanted = either([Sql(part.text.format(s=alias), part.values) for part in comparisons])
        keys = is_in(key, self.keys)
        text = f"({wanted.text})" if len(comparisons) > 1 else wanted.text
        return Sql(f"{keys.text} AND {text}", (*keys.values, *wanted.values))

    def test(self, rid: str, level: int = 0) -> Sql:
        """A predicate that the resource meets this."""
        # An expression on the key, so that the few ranges of the resource are read and not an index on the values.
        where = self._where(f"s{level}", self.comparisons, f"s{level}.key + 0")
        return Sql(
            f"EXISTS (SELECT 1 FROM span s{level} WHERE s{level}.rid = {rid} AND {where.text})", where.values
        )

    def source(self, level: int = 0) -> Sql:
        """A ``SELECT`` of all that meet it."""
        parts = [self._where("s", [comparison], "s.key") for comparison in self.comparisons]
        return either(
            [Sql(f"SELECT s.rid FROM span s WHERE {part.text}", part.values) for part in parts], " UNION ALL "
        )


@dataclass(frozen=True)
class Columns(Rule):
    """Has columns in ``resource`` (alias ``{r}``) that meet a predicate; ``indexed`` where an index finds them."""

    predicate: Sql
    indexed: bool = False
    settled = False

    def test(self, rid: str, level: int = 0) -> Sql:
        """A predicate that the resource meets this."""
        where = self.predicate.text.format(r=f"c{level}")
        return Sql(
            f"EXISTS (SELECT 1 FROM resource c{level} WHERE c{level}.rid = {rid} AND {where})",
            self.predicate.values,
        )

    def source(self, level: int = 0) -> Sql | None:
        """A ``SELECT`` of all that meet it."""
        if not self.indexed:
            return None
        return Sql(
            f"SELECT c.rid FROM resource c WHERE {self.predicate.text.format(r='c')}", self.predicate.values
        )


@dataclass(frozen=True)
class Rids(Rule):
    """Is one of some resources."""

    rids: tuple[int, ...]

    def test(self, rid: str, level: int = 0) -> Sql:
        """A predicate that the resource meets this."""
        return is_in(rid, self.rids) if self.rids else Sql("1 = 0")

    def source(self, level: int = 0) -> Sql:
        """A ``SELECT`` of all that meet it."""
        where = is_in("rid", self.rids) if self.rids else Sql("1 = 0")
        return Sql(f"SELECT rid FROM resource WHERE {where.text}", where.values)


@dataclass(frozen=True)
class Not(Rule):
    """Does not meet a condition."""

    rule: Rule
    settled = False

    @property
    def price(self) -> float:
        """Cost of a test."""
        return self.rule.price

    def test(self, rid: str, level: int = 0) -> Sql:
        """A predicate that the resource meets this."""
        inner = self.rule.test(rid, level)
        return Sql(f"NOT {inner.text}" if inner.text[0] in "(E" else f"NOT ({inner.text})", inner.values)


@dataclass(frozen=True)
class _Several(Rule):
    """Made of conditions, each of which is tested."""

    rules: tuple[Rule, ...]

    @property
    def price(self) -> float:
        """Cost of a test."""
        return sum(rule.price for rule in self.rules)


@dataclass(frozen=True)
class Either(_Several):
    """Meets one of several conditions."""

    @property
    def settled(self) -> bool:  # type: ignore[override]
        """Whether all of them are."""
        return all(rule.settled for rule in self.rules)

    def test(self, rid: str, level: int = 0) -> Sql:
        """A predicate that the resource meets this."""
        joined = either([rule.test(rid, level) for rule in self.rules])
        return Sql(f"({joined.text})", joined.values)

    def source(self, level: int = 0) -> Sql | None:
        """A ``SELECT`` of all that meet it."""
        parts = [part for rule in self.rules if (part := rule.source(level)) is not None]
        return either(parts, " UNION ALL ") if len(parts) == len(self.rules) else None

    def streams(self) -> tuple[Stream, ...] | None:
        """Ordered index scans of all that meet it."""
        parts = [part for rule in self.rules if (part := rule.streams()) is not None]
        merged = tuple(stream for part in parts for stream in part)
        return merged if len(parts) == len(self.rules) and len(merged) <= MERGED else None


@dataclass(frozen=True)
class Together(_Several):
    """Meets several conditions at once."""

    @property
    def settled(self) -> bool:  # type: ignore[override]
        """Whether one of them is."""
        return any(rule.settled for rule in self.rules)

    def test(self, rid: str, level: int = 0) -> Sql:
        """A predicate that the resource meets this."""
        joined = every(rule.test(rid, level) for rule in self.rules)
        return Sql(f"({joined.text})", joined.values)

    def source(self, level: int = 0) -> Sql | None:
        """A ``SELECT`` of all that meet it."""
        for at, rule in enumerate(self.rules):
            start = rule.source(level)
            if start is not None and (rule.settled or not self.settled):
                rest = every(
                    other.test(f"a{level}.rid", level + 1)
                    for other in (*self.rules[:at], *self.rules[at + 1 :])
                )
                where = f" WHERE {rest.text}" if rest.text else ""
                return Sql(
                    f"SELECT a{level}.rid FROM ({start.text}) AS a{level}{where}",
                    (*start.values, *rest.values),
                )
        return None
