"""Plans in the ledger: the latest revision is found, and an auditor sees who made it of whom."""

from __future__ import annotations

from suwen.records import plans
from suwen.records.auditing import audit_events
from suwen.records.record import Record
from suwen.records.verifying import verify

FIRST, SECOND = bytes(range(32)), bytes(range(1, 33))


def _enter(record: Record, name: str, revision: int, head: bytes, patient: str | None = None) -> None:
    plans.enter(
        record, plan=name, revision=revision, head=head, model="surgery.path@1", actor="dr", patient=patient
    )


def test_the_latest_revision_counts(record: Record) -> None:
    assert plans.latest(record, "a") is None
    _enter(record, "a", 1, FIRST)
    _enter(record, "ab", 7, FIRST)
    assert plans.latest(record, "a") == (1, FIRST)
    _enter(record, "a", 2, SECOND)
    assert plans.latest(record, "a") == (2, SECOND)
    assert plans.latest(record, "ab") == (7, FIRST)
    assert plans.latest(record, "b") is None


def test_it_is_found_behind_many_other_entries(sqlite_record: Record) -> None:
    from suwen.records.ledger.events import Event

    _enter(sqlite_record, "a", 1, FIRST)
    sqlite_record.logged([Event("read", 1, "x") for _ in range(plans._PAGE + 10)])
    assert plans.latest(sqlite_record, "a") == (1, FIRST)


def test_an_auditor_sees_it(record: Record) -> None:
    _enter(record, "a", 1, FIRST, patient="p1")
    found = [one for one in audit_events(record, actor="auditor") if one["subtype"][-1].get("code") == "plan"]
    assert len(found) == 1
    assert found[0]["agent"][0]["who"]["identifier"]["value"] == "dr"
    assert found[0]["outcomeDesc"] == "a#1 surgery.path@1"
    assert found[0]["entity"][0]["detail"][0]["type"] == "SHA-256 of the plan's chain"


def test_the_ledger_still_verifies(sqlite_record: Record) -> None:
    _enter(sqlite_record, "a", 1, FIRST, patient="p1")
    assert verify(sqlite_record.folder, None).ok
