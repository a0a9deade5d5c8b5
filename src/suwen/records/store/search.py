"""Search over the encrypted record: one page of matches from the indexes, checked where an index only narrows down."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from suwen.records.fhir.definitions import Definitions, Parameter
from suwen.records.fhir.search_criteria import Query
from suwen.records.fhir.search_paths import supported
from suwen.records.keys.blind import Blind
from suwen.records.store.connection import Connection
from suwen.records.store.search_compile import Compiler
from suwen.records.store.search_cursor import Cursor, Found
from suwen.records.store.search_include import Includer
from suwen.records.store.search_plan import BATCH, FEW, Checker, OpenBodies, Plan
from suwen.records.store.search_resolve import COSTLY, Resolver, too_costly
from suwen.records.store.search_sort import Sorter

__all__ = ["Cursor", "Found", "Search"]

COUNTED = 1000
"""Matches counted when nothing is said about the total."""
CHECKED = 1024
"""Candidates decrypted for nothing but that count."""


class Search:
    """Answers searches over one store.

    Parameters
    ----------
    definitions
        Whose search parameters are served.
    blind
        The store's keyed hash.
    open_bodies
        Decrypts current resources: ``open_bodies(db, rids)`` gives them whole, by ``rid``.
    """

    def __init__(self, definitions: Definitions, blind: Blind, open_bodies: OpenBodies) -> None:
        self._definitions = definitions
        compiler = Compiler(definitions, blind)
        self._checker = Checker(definitions, open_bodies)
        self._resolver = Resolver(compiler, self._checker)
        self._includer = Includer(definitions, compiler)
        self._sorter = Sorter(definitions, compiler, open_bodies)

    def parameters(self, resource_type: str) -> Mapping[str, Parameter]:
        """Search parameters of a resource type that are served."""
        known = self._definitions.parameters(resource_type)
        return MappingProxyType({code: one for code, one in known.items() if supported(resource_type, code)})

    def run(
        self,
        db: Connection,
        resource_type: str | None,
        query: Query,
        *,
        cursor: Cursor | None = None,
        limit: int,
    ) -> Found:
        """One page of a search.

        Parameters
        ----------
        db
            An open transaction.
        resource_type
            What is searched; ``None`` for ``query.types``, or all where that is empty.
        query
            From :func:`suwen.records.fhir.query.parse`.
        cursor
            Where the last page ended.
        limit
            Matches on a page; 0 only counts.

        Raises
        ------
        BadInput
            Code ``too-costly``: more resources would have to be decrypted than is reasonable.
        """
        types = query.types if resource_type is None else (resource_type,)
        chosen = Plan(db, self._resolver.select(db, types, query.conditions))
        if limit <= 0 or query.summary == "count":
            return Found([], [], self._count(db, chosen, None), None)
        if query.sort:
            rids, following, total = self._sorted(db, chosen, query, cursor, limit)
        else:
            rids, following, total = self._in_order(db, chosen, cursor, limit)
        if cursor is not None:
            total = cursor.total
        elif query.total == "none":
            total = None
        elif total is None:
            total = self._count(db, chosen, None if query.total == "accurate" else COUNTED)
        if following is not None:
            following = Cursor(following.rid, following.values, total)
        return Found(rids, self._includer.included(db, rids, query.includes), total, following)

    def _in_order(
        self, db: Connection, chosen: Plan, cursor: Cursor | None, limit: int
    ) -> tuple[list[int], Cursor | None, int | None]:
        """A page in the order of ``rid``, where it ends, and the total where the page itself tells."""
        after = cursor.rid if cursor else -1
        checked = bool(chosen.selection.checks)
        if not checked and chosen.few is not None:
            found = chosen.few.page(db, after, FEW)
            return found[:limit], Cursor(found[limit - 1]) if len(found) > limit else None, len(found)
        found, tried = [], 0
        first = max(limit + 1, BATCH) if checked else limit + 1
        for kept, candidates in self._checker.batches(db, chosen, after, first):
            found += kept
            tried += len(candidates)
            if len(found) > limit:
                return found[:limit], Cursor(found[limit - 1]), None
            if checked and tried > COSTLY:  # a short page, and the next one goes on from here
                return found, Cursor(candidates[-1]), None
        return found, None, len(found)

    def _sorted(
        self, db: Connection, chosen: Plan, query: Query, cursor: Cursor | None, limit: int
    ) -> tuple[list[int], Cursor | None, int | None]:
        total: int | None = None
        selection = chosen.selection
        if not selection.checks and self._sorter.by_database(selection.types, query.sort):
            rows = self._sorter.page(db, chosen, query.sort[0], cursor, limit + 1)
        else:
            rids = self._resolver.gather(db, selection, COSTLY)
            if rids is None:
                raise too_costly()
            total = len(rids)
            rows = self._sorter.all(db, rids, query.sort, cursor, limit + 1)
        page = rows[:limit]
        following = Cursor(*page[-1]) if len(rows) > limit else None
        if following is None and cursor is None:
            total = len(page)
        return [rid for rid, _ in page], following, total

    def _count(self, db: Connection, chosen: Plan, most: int | None) -> int | None:
        """How many match; ``None`` where there are more than ``most``, or it would take too long to tell."""
        if chosen.selection.checks:
            total = self._checked(db, chosen, most)
        else:
            total = chosen.whole.count(db, None if most is None else most + 1)
        return None if most is not None and total > most else total

    def _checked(self, db: Connection, chosen: Plan, most: int | None) -> int:
        total = tried = 0
        for kept, candidates in self._checker.batches(db, chosen, -1, BATCH):
            total, tried = total + len(kept), tried + len(candidates)
            if most is not None and (total > most or tried > CHECKED):
                return most + 1
        return total
