"""Conditions that follow references inside the database, for chains and ``_has`` with many resources in between.

``CROSS JOIN`` is an inner join whose order SQLite leaves as it is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from suwen.records.store.search_sql import Rule, Sql, is_in


@dataclass(frozen=True)
class Through(Rule):
    """Refers, by one of some reference slots, to a resource of a type that meets a condition."""

    keys: tuple[int, ...]
    target: str
    inner: Rule

    @property
    def price(self) -> float:
        """Cost of a test."""
        return 3 + self.inner.price

    def test(self, rid: str, level: int = 0) -> Sql:
        """A predicate that the resource meets this."""
        link, there = f"f{level}", f"g{level}"
        keys = is_in(f"{link}.key", self.keys)
        inner = self.inner.test(f"{there}.rid", level + 1)
        return Sql(
            f"EXISTS (SELECT 1 FROM link {link} JOIN resource {there} ON {there}.ref = {link}.target "
            f"WHERE {link}.rid = {rid} AND {keys.text} AND {there}.type = ? AND {there}.deleted = 0 "
            f"AND {inner.text})",
            (*keys.values, self.target, *inner.values),
        )

    def source(self, level: int = 0) -> Sql | None:
        """A ``SELECT`` of all that meet it."""
        start = self.inner.source(level + 1)
        if start is None or not self.inner.settled:
            return None
        keys = is_in(f"f{level}.key", self.keys)
        return Sql(
            f"SELECT f{level}.rid FROM ({start.text}) AS h{level} CROSS JOIN resource g{level} "
            f"CROSS JOIN link f{level} WHERE g{level}.rid = h{level}.rid "
            f"AND f{level}.target = g{level}.ref AND {keys.text}",
            (*start.values, *keys.values),
        )


@dataclass(frozen=True)
class Referred(Rule):
    """Is what a resource that meets a condition refers to by one of some reference slots."""

    keys: tuple[int, ...]
    types: tuple[str, ...]
    inner: Rule
    unit = 6.0

    @property
    def price(self) -> float:
        """Cost of a test."""
        return 5 + 10 * self.inner.price

    def gauge(self) -> Sql | None:
        """A ``SELECT`` of about as many rows."""
        return self.inner.gauge() if self.source() is not None else None

    def test(self, rid: str, level: int = 0) -> Sql:
        """A predicate that the resource meets this."""
        link, here = f"f{level}", f"g{level}"
        keys = is_in(f"{link}.key", self.keys)
        inner = self.inner.test(f"{link}.rid", level + 1)
        types = is_in(f"{here}.type", self.types)
        return Sql(
            f"EXISTS (SELECT 1 FROM resource {here} JOIN link {link} ON {link}.target = {here}.ref "
            f"WHERE {here}.rid = {rid} AND {here}.deleted = 0 AND {types.text} AND {keys.text} AND {inner.text})",
            (*types.values, *keys.values, *inner.values),
        )

    def source(self, level: int = 0) -> Sql | None:
        """A ``SELECT`` of all that meet it."""
        start = self.inner.source(level + 1)
        if start is None or not self.inner.settled:
            return None
        keys = is_in(f"f{level}.key", self.keys)
        types = is_in(f"g{level}.type", self.types)
        return Sql(
            f"SELECT g{level}.rid FROM ({start.text}) AS h{level} CROSS JOIN link f{level} "
            f"CROSS JOIN resource g{level} WHERE f{level}.rid = h{level}.rid AND {keys.text} "
            f"AND g{level}.ref = f{level}.target AND g{level}.deleted = 0 AND {types.text}",
            (*start.values, *keys.values, *types.values),
        )
