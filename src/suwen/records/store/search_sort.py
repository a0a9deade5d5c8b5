"""``_sort``: by the database where it holds the values in clear, else by the decrypted resources.

A match with several values counts by its lowest when ascending and its highest when descending; one without any
comes last either way, and equal ones stand in the order of ``rid``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any

from suwen.records.fhir.definitions import Definitions
from suwen.records.fhir.search_criteria import SortKey
from suwen.records.fhir.search_dates import date_range, dates
from suwen.records.fhir.search_paths import getter
from suwen.records.fhir.search_values import normal, numbers, quantities, strings, tokens
from suwen.records.store.connection import Connection
from suwen.records.store.search_compile import Compiler
from suwen.records.store.search_cursor import Cursor, SortValue
from suwen.records.store.search_plan import OpenBodies, Plan, Selection
from suwen.records.store.search_sql import Sql, every, is_in

Row = tuple[int, tuple[SortValue, ...]]
"""A match and its values of the sort keys."""


class Sorter:
    """Puts matches in order for one store."""

    def __init__(self, definitions: Definitions, compiler: Compiler, open_bodies: OpenBodies) -> None:
        self._definitions, self._compiler, self._open = definitions, compiler, open_bodies

    def slots(self, types: tuple[str, ...], key: SortKey) -> list[int] | None:
        """Keys in ``span`` that hold the values of a sort key; ``None`` where the database has no order of them."""
        found: list[int] = []
        for kind in types or sorted(self._definitions.resource_types):
            mine = self._compiler.spans(kind, key.code)
            if mine is None:
                return None
            found += mine
        return found

    def by_database(self, types: tuple[str, ...], keys: Sequence[SortKey]) -> bool:
        """Whether the database can sort by these keys."""
        return len(keys) == 1 and (
            keys[0].code in {"_id", "_lastUpdated"} or self.slots(types, keys[0]) is not None
        )

    def page(
        self, db: Connection, chosen: Plan, key: SortKey, cursor: Cursor | None, limit: int
    ) -> list[Row]:
        """The next matches in the order of one key that the database holds."""
        selection = chosen.selection
        slots = [] if key.code in {"_id", "_lastUpdated"} else self.slots(selection.types, key) or []
        if not chosen.rare:
            if len(slots) == 1:
                return _walk(db, chosen, key, slots[0], cursor, limit)
            if key.code == "_lastUpdated":
                return _walk_updated(db, selection, key, cursor, limit)
        rows = chosen.whole.rows()
        value = _value(key, slots)
        after = Sql("") if cursor is None else _after(key, cursor)
        where = f" WHERE {after.text}" if after.text else ""
        found = db.rows(
            f"SELECT rid, v FROM (SELECT k.rid AS rid, ({value.text}) AS v FROM ({rows.text}) AS k) AS e{where} "
            f"ORDER BY v{' DESC' if key.descending else ''} NULLS LAST, rid LIMIT ?",
            (*value.values, *rows.values, *after.values, limit),
        )
        return [(rid, (_plain(value),)) for rid, value in found]

    def all(
        self, db: Connection, rids: Sequence[int], keys: Sequence[SortKey], cursor: Cursor | None, limit: int
    ) -> list[Row]:
        """The next of all matches by any keys; decrypts every one."""
        rows: list[Row] = []
        for at in range(0, len(rids), 256):
            some = rids[at : at + 256]
            bodies = self._open(db, some)
            rows += [
                (rid, tuple(self._of(bodies[rid], key) for key in keys)) for rid in some if rid in bodies
            ]
        compare = _comparison([key.descending for key in keys])
        rows.sort(key=cmp_to_key(compare))
        if cursor is not None:
            last = (cursor.rid, cursor.values)
            rows = [row for row in rows if compare(row, last) > 0]
        return rows[:limit]

    def _of(self, resource: Mapping[str, Any], key: SortKey) -> SortValue:
        if key.code == "_id":
            return str(resource["id"])
        if key.code == "_lastUpdated":
            found = date_range(resource["meta"]["lastUpdated"])
            return None if found is None else found[0]
        values: list[Any] = []
        for element, kind in getter(self._definitions, resource["resourceType"], key.code)(resource):
            values += _values(element, kind, key)
        return (max(values) if key.descending else min(values)) if values else None


def _values(element: Any, kind: str, key: SortKey) -> list[Any]:
    match key.kind:
        case "string":
            return [normal(text) for text in strings(element, kind)]
        case "token":
            return [token.code for token in tokens(element, kind) if token.code is not None]
        case "reference":
            text = element.get("reference") if isinstance(element, Mapping) else element
            return [text] if isinstance(text, str) else []
        case "uri":
            return [element]
        case "date":
            ranges = dates(element, kind)
        case "number":
            ranges = numbers(element, kind)
        case _:
            ranges = [(amount.low, amount.high) for amount in quantities(element, kind)]
    return [high if key.descending else low for low, high in ranges]


def _comparison(directions: Sequence[bool]) -> Callable[[Row, Row], int]:
    def compare(left: Row, right: Row) -> int:
        for mine, other, descending in zip(left[1], right[1], directions, strict=True):
            if mine == other:
                continue
            if mine is None or other is None:
                return 1 if mine is None else -1
            less = mine < other  # type: ignore[operator]
            return -1 if less != descending else 1
        return left[0] - right[0]

    return compare


def _plain(value: Any) -> SortValue:
    return value if value is None or isinstance(value, str) else float(value)


def _value(key: SortKey, slots: Sequence[int]) -> Sql:
    """The value of ``k.rid`` to sort by."""
    if not slots:
        column = "id" if key.code == "_id" else "updated"
        return Sql(f"SELECT x.{column} FROM resource x WHERE x.rid = k.rid")
    wanted = is_in("x.key + 0", slots)
    end = "max(x.hi)" if key.descending else "min(x.lo)"
    return Sql(f"SELECT {end} FROM span x WHERE x.rid = k.rid AND {wanted.text}", wanted.values)


def _after(key: SortKey, cursor: Cursor) -> Sql:
    """What comes after a cursor, on columns ``v`` and ``rid``."""
    last = cursor.values[0]
    if last is None:
        return Sql("v IS NULL AND rid > ?", (cursor.rid,))
    sign = "<" if key.descending else ">"
    return Sql(f"(v {sign} ? OR (v = ? AND rid > ?) OR v IS NULL)", (last, last, cursor.rid))


def _walk(
    db: Connection,
    chosen: Plan,
    key: SortKey,
    slot: int,
    cursor: Cursor | None,
    limit: int,
) -> list[Row]:
    """Along the index of one slot's values, then those without a value."""
    column, better, sign, order = ("hi", ">", "<", " DESC") if key.descending else ("lo", "<", ">", "")
    found: list[Row] = []
    if cursor is None or cursor.values[0] is not None:
        tests = every(rule.test("s.rid") for rule in chosen.selection.rules)
        tail = f" AND {tests.text}" if tests.text else ""
        start = Sql("")
        if cursor is not None:
            last = cursor.values[0]
            start = Sql(
                f" AND s.{column} {sign}= ? AND (s.{column} {sign} ? OR s.rid > ?)", (last, last, cursor.rid)
            )
        wanted = limit
        while True:
            rows = db.rows(
                f"SELECT s.{column}, s.rid FROM span s WHERE s.key = ?{start.text} AND NOT EXISTS "
                f"(SELECT 1 FROM span y WHERE y.rid = s.rid AND y.key + 0 = s.key "
                f"AND y.{column} {better} s.{column}){tail} ORDER BY s.{column}{order}, s.rid LIMIT ?",
                (slot, *start.values, *tests.values, wanted),
            )
            unique = list(dict.fromkeys(rows))[:limit]
            if len(unique) == limit or len(rows) < wanted:
                break
            wanted *= 2  # some matches have several ranges with the same end
        found = [(rid, (float(value),)) for value, rid in unique]
    if len(found) < limit:
        after = cursor.rid if cursor is not None and cursor.values[0] is None else -1
        missing = Sql("NOT EXISTS (SELECT 1 FROM span z WHERE z.rid = d.rid AND z.key + 0 = ?)", (slot,))
        found += [(rid, (None,)) for rid in chosen.along.page(db, after, limit - len(found), missing)]
    return found


def _walk_updated(
    db: Connection, selection: Selection, key: SortKey, cursor: Cursor | None, limit: int
) -> list[Row]:
    """Along the index of ``resource.updated``."""
    sign, order = ("<", " DESC") if key.descending else (">", "")
    tests = every(rule.test("d.rid") for rule in selection.rules)
    tail = f" AND {tests.text}" if tests.text else ""
    start = Sql("")
    if cursor is not None:
        last = int(cursor.values[0] or 0)
        start = Sql(
            f" AND d.updated {sign}= ? AND (d.updated {sign} ? OR d.rid > ?)", (last, last, cursor.rid)
        )
    # The type is compared as an expression, so that the index on the time is taken and not the one on the type.
    kinds = is_in("d.type || ''", selection.types) if selection.types else Sql("1 = 1")
    rows = db.rows(
        f"SELECT d.rid, d.updated FROM resource d WHERE {kinds.text} AND d.deleted = 0{start.text}{tail} "
        f"ORDER BY d.updated{order}, d.rid LIMIT ?",
        (*kinds.values, *start.values, *tests.values, limit),
    )
    return [(rid, (float(updated),)) for rid, updated in rows]
