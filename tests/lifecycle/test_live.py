"""Observations arriving: the risk after each is the batch's, an alarm is heard once, and the record keeps all of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from suwen.core.errors import BadInput, Refused
from suwen.core.variables import Variable
from suwen.formats.signals.observations import Observations
from suwen.lifecycle import models
from suwen.lifecycle.bell import Bell, alarms
from suwen.lifecycle.discovery import find
from suwen.lifecycle.live import Live
from suwen.lifecycle.live_record import Follower
from suwen.records.interactions.messages import Request
from suwen.records.ledger.events import decode
from suwen.records.record import Record

TASK = "signals.deterioration"
VARIABLES = (
    Variable(name="a", title="Alpha", unit="/min", plausible=(0, 1000)),
    Variable(name="b", title="Beta", unit="mm[Hg]", plausible=(0, 1000)),
)


class Mean:
    """A stream whose risk is the share of a patient's values above 50: simple enough to know every answer."""

    def __init__(self) -> None:
        self.kept: dict[str, list[float]] = {}
        self.clock: dict[str, float] = {}

    def begin(self, patient: str, static: Any = None) -> None:
        self.kept[patient], self.clock[patient] = [], -1.0

    def update_many(self, updates: Any) -> list[float]:
        out = []
        for patient, hour, _, value in updates:
            if hour < self.clock[patient]:
                raise BadInput("too late", code="unsorted")
            self.clock[patient] = hour
            self.kept[patient].append(value)
            out.append(float(np.mean(np.array(self.kept[patient]) > 50)))
        return out

    def forget(self, patient: str) -> None:
        self.kept.pop(patient)


def seen(*rows: tuple[float, int, float]) -> Observations:
    return Observations(
        hours=np.array([r[0] for r in rows], np.float64),
        variable=np.array([r[1] for r in rows], np.int16),
        values=np.array([r[2] for r in rows], np.float32),
        names=("a", "b"),
    )


def live(threshold: float = 0.6, refractory_h: float = 6.0) -> Live:
    return Live(Mean(), VARIABLES, threshold=threshold, refractory_h=refractory_h)


@pytest.mark.parametrize(
    ("levels", "refractory", "heard"),
    [
        ((0, 0, 0), 2, ()),
        ((1, 1, 1, 1, 1), 2, (0, 2, 4)),
        ((1, 1, 1, 1, 1), 0, (0, 1, 2, 3, 4)),
        ((1, 2, 2, 1, 3), 10, (0, 1, 4)),
        ((3, 2, 1, 0, 3), 4, (0, 4)),
        ((0, 1, 0, 1, 0), 3, (1,)),
    ],
)
def test_a_bell_rings_from_its_level_on_and_not_again_at_once(
    levels: tuple[int, ...], refractory: float, heard: tuple[int, ...]
) -> None:
    assert alarms(range(len(levels)), levels, refractory) == heard
    bell = Bell(refractory_h=refractory)
    assert tuple(h for h, level in enumerate(levels) if bell.ring(h, level)) == heard


def test_risk_alarm_and_reason_as_observations_arrive() -> None:
    loop = live()
    first = loop.arrive("p", seen((0, 0, 10), (1, 1, 60), (1, 1, 70)))
    assert [(m.hour, m.risk) for m in first] == [(0.0, 0.0), (1.0, pytest.approx(2 / 3))]
    assert [m.heard for m in first] == [False, True]
    assert first[1].reasons[0].startswith("Beta 70 mmHg (odds ×")
    (second,) = loop.arrive("p", seen((2, 0, 80)))
    assert (second.risk, second.level, second.heard) == (0.75, 1, False)  # silenced
    (third,) = loop.arrive("p", seen((7.5, 0, 90)))
    assert third.heard
    assert third.reasons == ("Alpha 90 /min (odds ×2.00 over 6 h)",)
    assert loop.risk("p") == pytest.approx(0.8)
    assert loop.risk("nobody") is None
    loop.forget("p")
    assert loop.risk("p") is None


def test_one_by_one_or_all_at_once_is_the_same() -> None:
    rng = np.random.default_rng(0)
    rows = [
        (float(h), int(rng.integers(2)), float(rng.integers(100))) for h in sorted(rng.integers(0, 48, 80))
    ]
    whole = live().arrive("p", seen(*rows))
    loop, each = live(), []
    hours = sorted({row[0] for row in rows})
    for hour in hours:
        each += loop.arrive("p", seen(*[row for row in rows if row[0] == hour]))
    assert tuple(each) == whole


def test_what_comes_late_is_refused_and_replayed_without_a_second_alarm() -> None:
    loop = live()
    told = loop.arrive("p", seen((0, 0, 60), (2, 0, 70)))
    assert [m.heard for m in told] == [True, False]
    with pytest.raises(BadInput) as refused:
        loop.arrive("p", seen((1, 0, 10)))
    assert refused.value.code == "unsorted"
    again = loop.replay("p", seen((0, 0, 60), (1, 0, 10), (2, 0, 70), (9, 0, 80)))
    assert [m.risk for m in again] == [1.0, 0.5, pytest.approx(2 / 3), 0.75]
    assert [m.heard for m in again] == [False, False, False, True]


def test_alarms_told_before_a_restart_stay_silent() -> None:
    loop = live()
    loop.begin("p", told_until=2.0)
    moments = loop.arrive("p", seen((0, 0, 60), (2, 0, 70), (9, 0, 80)))
    assert [m.heard for m in moments] == [False, False, True]


def test_a_task_that_is_no_risk_over_time_is_refused(home: Path) -> None:
    with pytest.raises(Refused) as refused:
        Live.of(models.load(find("imaging.pneumonia")))
    assert refused.value.code == "no-stream"


def test_a_table_is_one_answer_and_not_followed(home: Path) -> None:
    loaded = models.load(find("signals.deterioration"))
    assert Live.of(loaded)
    with pytest.raises(Refused) as refused:
        Live.of(replace(loaded, task=find("signals.cardiovascular")))
    assert refused.value.code == "no-stream"


@pytest.fixture
def record(home: Path, tmp_path: Path) -> Iterator[Record]:
    with Record.open(tmp_path / "store") as found:
        put(found, {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1950-05-01"})
        yield found


@pytest.fixture
def follower(record: Record) -> Follower:
    return Follower(models.load(find(TASK)), record, actor="ward")


def put(record: Record, resource: dict[str, Any]) -> None:
    path = f"{resource['resourceType']}/{resource['id']}"
    record.perform(Request(method="PUT", path=path, resource=resource))


def vital(record: Record, ident: str, code: str, unit: str, value: float, hour: float, **more: Any) -> None:
    at = f"2024-05-01T{int(hour):02}:{round(60 * (hour % 1)):02}:00Z"
    put(
        record,
        {
            "resourceType": "Observation",
            "id": ident,
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "subject": {"reference": "Patient/p1"},
            "effectiveDateTime": at,
            "valueQuantity": {"value": value, "code": unit, "system": "http://unitsofmeasure.org"},
            **more,
        },
    )


def found(record: Record, kind: str) -> list[dict[str, Any]]:
    body = record.perform(
        Request(method="GET", path=kind, query=[("_sort", "_lastUpdated"), ("_count", "100")])
    ).body
    return [entry["resource"] for entry in orjson.loads(body).get("entry", ())]


NOW = datetime(2024, 5, 1, 23, tzinfo=UTC)


def test_observations_in_the_record_move_the_risk_and_are_stored(record: Record, follower: Follower) -> None:
    vital(record, "o1", "9279-1", "/min", 16, 8)
    vital(record, "o2", "8867-4", "/min", 80, 8)
    first = follower.follow("p1", now=NOW)
    assert first is not None
    assert [m.risk for m in first.moments] == [0.0]
    assert not first.alarms
    assert follower.follow("p1", now=NOW) is None  # nothing new, nothing stored
    vital(record, "o3", "9279-1", "/min", 28, 10)
    vital(record, "o4", "8867-4", "{beats}/min", 125, 10)
    second = follower.follow("p1", now=NOW)
    assert second is not None
    assert not second.replayed
    assert [(m.hour, m.risk, m.heard) for m in second.moments] == [(2.0, 5.0, True)]
    assert second.alarms[0].reasons == ("Respiration rate: 28 /min (3 points)", "Pulse: 125 /min (2 points)")
    assessments = found(record, "RiskAssessment")
    assert len(assessments) == 2
    last = assessments[-1]
    assert last["subject"] == {"reference": "Patient/p1"}
    assert last["occurrenceDateTime"] == "2024-05-01T10:00:00+00:00"
    assert {one["reference"] for one in last["basis"]} == {"Observation/o3", "Observation/o4"}
    assert last["method"]["text"].startswith(f"{TASK}@")
    assert last["note"][0]["text"].startswith("Alarm at hour 2, risk 5: Respiration rate: 28 /min")
    assert "probabilityDecimal" not in json.dumps(last)
    assert len(found(record, "Provenance")) == 2
    assert len(second.stored) == 2


def test_it_is_one_transaction_in_the_ledger(record: Record, follower: Follower) -> None:
    vital(record, "o1", "9279-1", "/min", 30, 8)
    follower.follow("p1", now=NOW)
    with record.database.reading() as db:
        events = [decode(bytes(row[0])) for row in db.rows("SELECT entry FROM leaf ORDER BY position")]
        heads = db.rows("SELECT size FROM head ORDER BY size")
    predicted = [at for at, event in enumerate(events) if event.action == "predict"]
    assert len(predicted) == 2
    assert {events[at].actor for at in predicted} == {"ward"}
    assert not [size for (size,) in heads if predicted[0] < size <= predicted[-1]]
    assert [event.action for event in events if event.actor == "ward"][:2] == ["search", "read"]


def test_late_corrected_and_withdrawn_observations_are_replayed(record: Record, follower: Follower) -> None:
    vital(record, "o1", "9279-1", "/min", 30, 8)
    follower.follow("p1", now=NOW)
    vital(record, "o0", "8867-4", "/min", 120, 7)  # came late
    late = follower.follow("p1", now=NOW)
    assert late is not None
    assert late.replayed
    assert [m.risk for m in late.moments] == [2.0, 5.0]
    vital(record, "o1", "9279-1", "/min", 13, 8)  # corrected
    corrected = follower.follow("p1", now=NOW)
    assert corrected is not None
    assert corrected.moments[-1].risk == 2.0
    vital(record, "o0", "8867-4", "/min", 120, 7, status="entered-in-error")  # withdrawn
    withdrawn = follower.follow("p1", now=NOW)
    assert withdrawn is not None
    assert withdrawn.moments[-1].risk == 0.0
    assert withdrawn.data.observations.dropped == {"entered-in-error": 1}


def test_everybody_with_something_new_is_followed_and_nobody_twice(
    record: Record, follower: Follower
) -> None:
    put(record, {"resourceType": "Patient", "id": "p2"})
    vital(record, "o1", "9279-1", "/min", 30, 8)
    vital(record, "o2", "9279-1", "/min", 16, 8, subject={"reference": "Patient/p2"})
    assert {one.patient for one in follower.once(now=NOW)} == {"p1", "p2"}
    assert follower.once(now=NOW) == []
    vital(record, "o3", "9279-1", "/min", 31, 9, subject={"reference": "Patient/p2"})
    (only,) = follower.once(now=NOW)
    assert (only.patient, only.alarms[0].hour) == ("p2", 1.0)


def test_a_restart_tells_nothing_twice(record: Record, follower: Follower) -> None:
    vital(record, "o1", "9279-1", "/min", 30, 8)
    assert follower.once(now=NOW)[0].alarms
    again = Follower(models.load(find(TASK)), record, actor="ward")
    assert again.once(now=NOW) == []
    assert len(found(record, "RiskAssessment")) == 1
    vital(record, "o2", "8867-4", "/min", 115, 9.5)
    (more,) = again.once(now=NOW)
    assert [(m.hour, m.risk, m.heard) for m in more.moments] == [(1.5, 5.0, True)]


def test_alarms_of_long_ago_are_history(record: Record, follower: Follower) -> None:
    vital(record, "o1", "9279-1", "/min", 30, 8)
    late = datetime(2024, 5, 2, 9, tzinfo=UTC)
    first = follower.follow("p1", now=late)
    assert first is not None
    assert [(m.level, m.heard) for m in first.moments] == [(1, False)]
    vital(record, "o2", "9279-1", "/min", 31, 22)
    second = follower.follow("p1", now=late)
    assert second is not None
    assert [m.hour for m in second.alarms] == [14.0]


def test_the_loop_stops_when_told(record: Record, follower: Follower) -> None:
    vital(record, "o1", "9279-1", "/min", 30, 8)
    stop = threading.Event()
    for one in follower.run(stop, every_s=0.01):
        assert one.patient == "p1"
        stop.set()


def test_a_patient_without_observations_is_abstained_from(record: Record, follower: Follower) -> None:
    empty = follower.follow("p1", now=NOW)
    assert empty is not None
    assert empty.prediction.abstained == "no-observations"
    (assessment,) = found(record, "RiskAssessment")
    assert assessment["status"] == "cancelled"
    assert "prediction" not in assessment


def test_a_look_that_keeps_nothing(record: Record) -> None:
    vital(record, "o1", "9279-1", "/min", 30, 8)
    looked = Follower(models.load(find(TASK)), record, actor="ward", keep=False).follow("p1", now=NOW)
    assert looked is not None
    assert looked.stored == ()
    assert found(record, "RiskAssessment") == []
