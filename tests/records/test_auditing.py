"""The ledger's entries as AuditEvents; looking at them is one of them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from suwen.records import anchoring, auditing
from suwen.records.auditing import audit_events
from suwen.records.erasure import erase
from suwen.records.interactions.messages import Request
from suwen.records.ledger import anchor as chain
from suwen.records.ledger.events import decode
from suwen.records.record import Record
from suwen.records.verifying import publish_key


def put(record: Record, kind: str, ident: str, **more: Any) -> None:
    body = json.dumps({"resourceType": kind, "id": ident, **more}).encode()
    record.perform(Request(method="PUT", path=f"{kind}/{ident}", body=body, actor="dr who"))


@pytest.fixture
def busy(sqlite_record: Record, monkeypatch: pytest.MonkeyPatch) -> Record:
    """A record in which something was done to two patients."""
    monkeypatch.setattr(auditing, "PAGE", 3)
    for ident in "ab":
        put(sqlite_record, "Patient", ident)
        subject = {"reference": f"Patient/{ident}"}
        put(sqlite_record, "Basic", f"basic-{ident}", code={"text": "x"}, subject=subject)
    sqlite_record.perform(Request(method="GET", path="Patient/a", actor="nurse"))
    return sqlite_record


def named(event: dict[str, Any]) -> set[str]:
    return {
        entity["what"].get("reference", "").partition("/_history")[0] for entity in event.get("entity", [])
    }


def test_every_entry_is_a_valid_audit_event(busy: Record) -> None:
    events = list(audit_events(busy, actor="auditor"))
    assert [event["id"] for event in events] == [str(at) for at in range(len(events))]
    assert all(busy.validator.check(event) == [] for event in events)
    who = {event["agent"][0]["who"]["identifier"]["value"] for event in events}
    assert {"dr who", "nurse", "system"} <= who
    again = list(audit_events(busy, actor="auditor"))
    assert again[-1]["agent"][0]["who"]["identifier"]["value"] == "auditor"


def test_one_patients_entries_also_after_the_erasure(busy: Record) -> None:
    found = [one for event in audit_events(busy, actor="auditor", patient="a") for one in named(event)]
    assert set(found) == {"Patient/a", "Basic/basic-a"}
    erase(busy, "a", actor="tester")
    events = list(audit_events(busy, actor="auditor", patient="a"))
    assert "Patient/a" not in json.dumps(events)
    assert events[-1]["subtype"] == [{"code": "erase"}] or events[-2]["subtype"] == [{"code": "erase"}]


def test_nothing_before_a_time(busy: Record) -> None:
    time.sleep(0.02)  # and may run ahead of the clock by one each
    later = busy.now() // 1000 * 1000  # commits have whole milliseconds
    put(busy, "Patient", "c")
    recent = list(audit_events(busy, actor="auditor", since_us=later))
    assert {one for event in recent for one in named(event)} >= {"Patient/c"}
    assert "Patient/a" not in {one for event in recent for one in named(event)}


def test_an_anchor_is_made_once_in_an_interval_and_held_against_the_chain(
    busy: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain itself is tested in ledger/test_anchor.py, against a real node."""
    sent: list[Any] = []

    def pretend(rpc: str, checkpoint: Any) -> chain.Receipt:
        sent.append(checkpoint)
        return chain.Receipt(
            chain_id=1, transaction="0x" + "1" * 64, block=7, sender="0x2", origin=checkpoint.origin,
            size=checkpoint.size, root="AAAA",
        )  # fmt: skip

    monkeypatch.setattr(chain, "anchor", pretend)
    first = anchoring.anchor(busy, "http://node", actor="tester", every_s=3600)
    second = anchoring.anchor(busy, "http://node", actor="tester", every_s=3600)
    assert (first["new"], second["new"], len(sent)) == (True, False, 1)
    assert first["receipt"] == second["receipt"]
    with busy.database.reading() as db:
        (last,) = db.row("SELECT entry FROM leaf ORDER BY position DESC LIMIT 1") or ()
    assert (decode(bytes(last)).action, len(decode(bytes(last)).digest)) == ("anchor", 32)
    publish_key(busy.folder)
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(first))
    held: list[Any] = []
    monkeypatch.setattr(chain, "check", lambda rpc, receipt, checkpoint: held.append(checkpoint) or 3)
    assert anchoring.check(busy.folder, None, "http://node", file, [])["depth"] == 3
    assert held == sent
