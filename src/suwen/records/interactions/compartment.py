"""A patient's compartment: all that is about them, and what that refers to.

Source: http://hl7.org/fhir/R4/patient-operation-everything.html and CompartmentDefinition/patient.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from suwen.records.fhir.search_slots import layout
from suwen.records.fhir.search_terms import SlotTerms

if TYPE_CHECKING:
    from suwen.records.fhir.definitions import Definitions
    from suwen.records.keys.blind import Blind
    from suwen.records.record import Record
    from suwen.records.store.connection import Connection

CHUNK = 500


@lru_cache(maxsize=8)
def link_keys(definitions: Definitions, blind: Blind) -> tuple[int, ...]:
    """Keys in ``link`` of all parameters that put a resource into a patient's compartment."""
    found: set[int] = set()
    for kind, codes in definitions.compartment.items():
        uses = layout(definitions, kind).uses
        for code in codes:
            found.update(SlotTerms(blind, use.slot).key for use in uses.get(code, ()))
    return tuple(sorted(found))


def members(record: Record, db: Connection, patient_ref: int) -> list[int]:
    """``rid`` of the resources in the compartment, the patient's own with them."""
    found: set[int] = set()
    for keys in _chunks(link_keys(record.definitions, record.blind)):
        marks = ",".join("?" * len(keys))
        rows = db.rows(
            f"SELECT rid FROM link WHERE key IN ({marks}) AND target = ?",  # noqa: S608  (values are bound)
            [*keys, patient_ref],
        )
        found.update(row[0] for row in rows)
    own = db.row("SELECT rid FROM resource WHERE ref = ?", (patient_ref,))
    return sorted(found | ({own[0]} if own else set()))


def everything_about(
    record: Record, db: Connection, patient_ref: int, types: frozenset[str] | None = None
) -> list[int]:
    """``rid`` of the compartment and of what its resources point at, other patients left out.

    Parameters
    ----------
    patient_ref
        Pseudonym of the patient.
    types
        Only these resource types; ``None`` for all.
    """
    inside = members(record, db, patient_ref)
    found = set(inside)
    for some in _chunks(inside):
        marks = ",".join("?" * len(some))
        rows = db.rows(
            "SELECT DISTINCT t.rid FROM link l JOIN resource t ON t.ref = l.target "  # noqa: S608  (values are bound)
            f"WHERE l.rid IN ({marks}) AND t.type <> 'Patient' AND t.deleted = 0",
            some,
        )
        found.update(row[0] for row in rows)
    if types is None:
        return sorted(found)
    wanted: list[int] = []
    for some in _chunks(sorted(found)):
        marks = ",".join("?" * len(some))
        rows = db.rows(f"SELECT rid, type FROM resource WHERE rid IN ({marks})", some)  # noqa: S608  (values are bound)
        wanted += [row[0] for row in rows if row[1] in types]
    return sorted(wanted)


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
