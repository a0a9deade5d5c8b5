"""What every interaction works with: the record's parts, one transaction, and what to tell the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suwen.records.ledger.events import Event
    from suwen.records.record import Record
    from suwen.records.store.connection import Connection


@dataclass(slots=True)
class Look:
    """A consistent view of the record for one request.

    Attributes
    ----------
    record
        Definitions, indexes, keys and searches of the record.
    db
        Connection inside a transaction: a reader's, or the writer's own in a bundle.
    events
        Ledger entries that this request gives rise to; nobody is answered before they are in the log.
    """

    record: Record
    db: Connection
    events: list[Event] = field(default_factory=list)
