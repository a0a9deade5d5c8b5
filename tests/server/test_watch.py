"""A served record is watched: what is stored moves the risk without anybody asking."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from suwen.core.errors import Refused
from suwen.records.interactions.messages import Request
from suwen.records.record import Record
from suwen.server.run import run
from suwen.server.watch import Watch

TASK = "signals.deterioration"


def _put(record: Record, kind: str, ident: str, body: dict[str, Any]) -> None:
    whole = {"resourceType": kind, "id": ident, **body}
    record.perform(Request(method="PUT", path=f"{kind}/{ident}", actor="test", body=orjson.dumps(whole)))


def _observation(record: Record, ident: str, code: str, value: float, unit: str) -> None:
    _put(record, "Observation", ident, {
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="seconds"),
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    })  # fmt: skip


def _assessments(record: Record) -> int:
    answer = record.perform(
        Request(method="GET", path="RiskAssessment", query=(("subject", "Patient/p1"),), actor="test")
    )
    return len(orjson.loads(answer.body).get("entry", []))


def test_what_is_stored_is_answered(home: Path, tmp_path: Path) -> None:
    with Record.open(tmp_path / "store") as record:
        _put(record, "Patient", "p1", {"gender": "female"})
        watch = Watch(record, [TASK], every_s=0.05)
        try:
            assert _assessments(record) == 0
            _observation(record, "o1", "9279-1", 28, "/min")
            for _ in range(200):
                if _assessments(record):
                    break
                time.sleep(0.05)
            assert _assessments(record) == 1
        finally:
            watch.stop()


def test_without_a_record_there_is_nothing_to_watch() -> None:
    with pytest.raises(Refused) as refused:
        run(watch=[TASK])
    assert refused.value.code == "watch-without-record"
