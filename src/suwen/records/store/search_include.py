"""``_include`` and ``_revinclude``: resources that matches refer to, and those that refer to matches."""

from __future__ import annotations

from collections.abc import Sequence

from suwen.records.fhir.definitions import Definitions
from suwen.records.fhir.search_criteria import Include
from suwen.records.store.connection import Connection
from suwen.records.store.search_compile import Compiler
from suwen.records.store.search_resolve import chunks, refs, targets
from suwen.records.store.search_sql import is_in

MOST = 1000
"""Resources included with one page at most."""


class Includer:
    """Follows the references of a page of matches, by the ``link`` table alone."""

    def __init__(self, definitions: Definitions, compiler: Compiler) -> None:
        self._definitions, self._compiler = definitions, compiler
        self._keys: dict[tuple[str, str], list[int]] = {}

    def included(self, db: Connection, page: Sequence[int], includes: Sequence[Include]) -> list[int]:
        """Resources to add to a page, none twice and none of the page itself.

        An include that does not iterate applies to the matches; one that does also to what was included, until
        nothing new is found or :data:`MOST` are.
        """
        if not includes or not page:
            return []
        seen, found = set(page), []
        ahead, rules = list(page), list(includes)
        while ahead and rules:
            fresh: list[int] = []
            for include in rules:
                for rid in self._follow(db, ahead, include):
                    if rid not in seen:
                        seen.add(rid)
                        fresh.append(rid)
            found += fresh
            if len(found) >= MOST:
                return found[:MOST]
            ahead, rules = fresh, [include for include in rules if include.iterate]
        return found

    def _follow(self, db: Connection, rids: Sequence[int], include: Include) -> list[int]:
        if include.reverse:
            return self._referrers(db, rids, include)
        kinds = (include.target,) if include.target else ()
        if include.source == "*":
            return targets(db, rids, (), kinds)
        narrowed = self._compiler.narrowed(include.source, include.code)
        if narrowed is not None:
            if include.target not in {None, narrowed}:
                return []
            kinds = (narrowed,)
        keys = self._slots(include.source, include.code)
        return targets(db, rids, keys, kinds) if keys else []

    def _referrers(self, db: Connection, rids: Sequence[int], include: Include) -> list[int]:
        sources = sorted(self._definitions.resource_types) if include.source == "*" else [include.source]
        keys = list(dict.fromkeys(key for kind in sources for key in self._slots(kind, include.code)))
        only = include.target
        if only is None and include.source != "*":
            only = self._compiler.narrowed(include.source, include.code)
        found: dict[int, None] = {}
        if not keys:
            return []
        slots = is_in("key", keys)
        for some in chunks(rids):
            ends = refs(db, some)
            if only is not None:
                wanted = is_in("rid", some)
                rows = db.rows(
                    f"SELECT ref FROM resource WHERE {wanted.text} AND type = ?", (*wanted.values, only)
                )
                ends = [row[0] for row in rows]
            if ends:
                goals = is_in("target", ends)
                rows = db.rows(
                    f"SELECT DISTINCT rid FROM link WHERE {slots.text} AND {goals.text} ORDER BY rid LIMIT ?",
                    (*slots.values, *goals.values, MOST + len(rids)),
                )
                found.update((row[0], None) for row in rows)
        return list(found)

    def _slots(self, kind: str, code: str) -> list[int]:
        """Keys in ``link`` of one reference parameter of a type, or of all of them."""
        if (kind, code) not in self._keys:
            parameters = self._definitions.parameters(kind)
            codes = (
                [code] if code != "*" else [one for one, it in parameters.items() if it.kind == "reference"]
            )
            keys = [key for one in codes for key in self._compiler.links(kind, one)]
            self._keys[kind, code] = list(dict.fromkeys(keys))
        return self._keys[kind, code]
