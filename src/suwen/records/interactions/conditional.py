"""Conditions that name a resource by a search: If-None-Exist, conditional writes and references."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suwen.core.errors import BadInput
from suwen.records.fhir.query import parse as parse_query
from suwen.records.interactions.errors import PreconditionFailed
from suwen.records.interactions.messages import Pairs

if TYPE_CHECKING:
    from suwen.records.record import Record
    from suwen.records.store.writer import Transaction


def one_match(record: Record, tx: Transaction, kind: str, criteria: Pairs) -> str | None:
    """Id of the resource that matches, as the transaction sees the record.

    Raises
    ------
    BadInput
        For criteria that would be ignored, hence match everything (code ``bad-condition``).
    PreconditionFailed
        When several match (code ``several-matches``).
    """
    query = parse_query(record.definitions, kind, criteria)
    if query.unknown or not query.conditions:
        raise BadInput(
            "a condition must be made of search parameters that this type has",
            fix="Name at least one, such as identifier, and no unknown one",
            code="bad-condition",
        )
    found = record.search.run(tx.db, kind, query, cursor=None, limit=2)
    if len(found.rids) > 1:
        raise PreconditionFailed(
            "the condition matches several resources",
            fix="Make it more selective, by an identifier",
            code="several-matches",
        )
    if not found.rids:
        return None
    row = tx.db.row("SELECT id FROM resource WHERE rid = ?", found.rids)
    return None if row is None else str(row[0])
