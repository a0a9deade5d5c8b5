"""A patient's observations from the record: real Synthea patients, and everything that must be left out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import NotFound
from suwen.core.variables import Variable
from suwen.lifecycle.patient_data import admitted, data_of, observations_of
from suwen.records.interactions.messages import Request
from suwen.records.ledger.events import decode
from suwen.records.record import Record

SYSTOLIC = Variable(
    name="SysBP",
    title="Systolic blood pressure",
    unit="mm[Hg]",
    plausible=(20, 300),
    loinc=("8480-6",),
    convertible={"kPa": (7.50062, 0.0)},
)
TEMPERATURE = Variable(
    name="Temp",
    title="Temperature",
    unit="Cel",
    plausible=(25, 45),
    loinc=("8310-5", "8331-1"),
    convertible={"[degF]": (5 / 9, -160 / 9)},
)
GLUCOSE = Variable(
    name="Glucose",
    title="Glucose",
    unit="mg/dL",
    plausible=(10, 2000),
    loinc=("2339-0",),
    convertible={"mmol/L": (18.016, 0.0)},
)
PULSE = Variable(name="Pulse", title="Pulse", unit="/min", plausible=(10, 300), loinc=("8867-4",))
ALERT = Variable(
    name="Consciousness",
    title="Consciousness",
    unit="1",
    plausible=(0, 4),
    snomed=("1104441000000107",),
    coded={"248234008": 0, "130987000": 1, "alert": 0},
)
VARIABLES = (SYSTOLIC, TEMPERATURE, GLUCOSE, PULSE, ALERT)
NOW = datetime(2024, 5, 2, 12, tzinfo=UTC)


@pytest.fixture
def record(home: Path, tmp_path: Path) -> Iterator[Record]:
    with Record.open(tmp_path / "store") as found:
        yield found


@pytest.fixture
def p1(record: Record) -> Record:
    put(record, {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1950-05"})
    return record


def put(record: Record, resource: dict[str, Any]) -> None:
    path = f"{resource['resourceType']}/{resource['id']}"
    record.perform(Request(method="PUT", path=path, resource=resource))


def observation(ident: str, code: str, at: str | None, **more: Any) -> dict[str, Any]:
    system = "http://snomed.info/sct" if len(code) > 10 else "http://loinc.org"
    time = {} if at is None else {"effectiveDateTime": at}
    return {
        "resourceType": "Observation",
        "id": ident,
        "status": "final",
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": "Patient/p1"},
        **time,
        **more,
    }


def quantity(value: float, code: str | None = None, **more: Any) -> dict[str, Any]:
    coded = {"system": "http://unitsofmeasure.org", "code": code} if code else {}
    return {"valueQuantity": {"value": value, **coded, **more}}


def test_real_patients_are_read_whole(record: Record, data_dir: Path) -> None:
    """All of Synthea's 21 patients: what is stored is what is read, blood pressure from its components."""
    files = sorted((data_dir / "records" / "synthea_r4").glob("p0*.json.gz"))
    assert files
    for path in files[:6]:
        bundle = json.loads(gzip.decompress(path.read_bytes()))
        answered = json.loads(record.perform(Request(method="POST", path="", resource=bundle)).body)
        place = next(
            e["response"]["location"]
            for e in answered["entry"]
            if e["response"]["location"][:8] == "Patient/"
        )
        patient = place.split("/")[1]
        wanted: dict[str, list[tuple[str, float]]] = {v.name: [] for v in VARIABLES}
        for entry in bundle["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] != "Observation":
                continue
            for part in (resource, *resource.get("component", ())):
                for variable in VARIABLES:
                    if part["code"]["coding"][0]["code"] in variable.loinc:
                        value = part["valueQuantity"]["value"]
                        wanted[variable.name].append((resource["effectiveDateTime"], value))
        found = data_of(record, patient, VARIABLES, actor="tester")
        seen = found.observations
        assert sum(map(len, wanted.values())) == len(seen) + sum(seen.dropped.values())
        assert len(wanted["SysBP"]) > 0
        assert set(seen.dropped) <= {"duplicate"}
        start = min(datetime.fromisoformat(at) for each in wanted.values() for at, _ in each)
        assert datetime.fromisoformat(str(seen.start)) == start
        for name, each in wanted.items():
            hours, values = seen.of(name)
            expected = sorted(
                {((datetime.fromisoformat(a) - start).total_seconds() / 3600, v) for a, v in each}
            )
            np.testing.assert_allclose(hours, [hour for hour, _ in expected], atol=1e-9)
            np.testing.assert_allclose(values, [value for _, value in expected], rtol=1e-6)
        assert found.sex in {"male", "female"}
        assert found.age_years is not None
        assert len(found.references) == len(set(found.references)) > 0


def test_units_are_converted_or_refused_and_said(p1: Record) -> None:
    put(p1, observation("a", "8310-5", "2024-05-01T08:00:00Z", **quantity(98.6, "[degF]")))
    put(p1, observation("b", "8310-5", "2024-05-01T09:00:00Z", **quantity(310.2, "K")))
    put(p1, observation("c", "2339-0", "2024-05-01T09:00:00Z", **quantity(5.5, "mmol/L")))
    put(p1, observation("d", "8867-4", "2024-05-01T10:00:00Z", **quantity(80, "{beats}/min")))
    put(p1, observation("e", "8867-4", "2024-05-01T11:00:00Z", **quantity(81)))
    seen = observations_of(p1, "p1", VARIABLES, actor="tester")
    assert seen.of("Temp")[1].tolist() == [37.0]
    np.testing.assert_allclose(seen.of("Glucose")[1], [99.088], rtol=1e-6)
    assert seen.of("Pulse")[1].tolist() == [80.0]
    assert seen.dropped == {"converted": 2, "wrong-unit": 1, "no-unit": 1}


def test_what_cannot_be_used_is_left_out_and_counted(p1: Record) -> None:
    at = "2024-05-01T08:00:00Z"
    put(p1, observation("a", "8867-4", at, **quantity(80, "/min"), status="entered-in-error"))
    put(p1, observation("b", "8867-4", at, **quantity(80, "/min"), status="cancelled"))
    put(p1, observation("c", "8867-4", None, **quantity(80, "/min")))
    put(p1, observation("d", "8867-4", "2024-05-01", **quantity(80, "/min")))
    put(p1, observation("e", "8867-4", "2024-05-03T08:00:00Z", **quantity(80, "/min")))
    put(p1, observation("f", "8867-4", at, **quantity(900, "/min")))
    put(p1, observation("g", "8867-4", at, **quantity(20, "/min", comparator="<")))
    put(p1, observation("h", "8867-4", at, valueString="fast"))
    put(p1, observation("i", "8867-4", at, dataAbsentReason={"text": "not done"}))
    put(p1, observation("j", "8867-4", at, **quantity(77, "/min")))
    put(p1, observation("k", "8867-4", at, **quantity(77, "/min")))
    put(p1, observation("l", "1104441000000107", at, valueCodeableConcept={"text": "Alert"}))
    found = data_of(p1, "p1", VARIABLES, actor="tester", now=NOW)
    seen = found.observations
    assert seen.of("Pulse")[1].tolist() == [77.0]
    assert seen.of("Consciousness")[1].tolist() == [0.0]
    assert seen.dropped == {
        "entered-in-error": 1,
        "no-result": 1,
        "no-time": 2,
        "future": 1,
        "impossible": 1,
        "comparator": 1,
        "not-a-number": 1,
        "missing": 1,
        "duplicate": 1,
    }
    assert found.references[0].startswith("Observation/")
    assert found.sex == "female"
    assert 73.8 < (found.age_years or 0) < 74.1
    assert seen.static["Gender"] == 0
    assert seen.static["Age"] == 73


def test_hour_zero_and_the_window(p1: Record) -> None:
    for hour in range(8, 12):
        put(
            p1,
            observation(
                f"h{hour}", "8867-4", f"2024-05-01T{hour:02}:00:00+02:00", **quantity(60 + hour, "/min")
            ),
        )
    since, until = datetime(2024, 5, 1, 7, tzinfo=UTC), datetime(2024, 5, 1, 8, 30, tzinfo=UTC)
    seen = data_of(p1, "p1", VARIABLES, actor="t", since=since, until=until).observations
    hours, values = seen.of("Pulse")
    assert hours.tolist() == [0.0, 1.0]
    assert values.tolist() == [69.0, 70.0]
    assert seen.length_h == 1.5
    assert seen.start == "2024-05-01T07:00:00+00:00"


def test_more_than_a_page_is_read(p1: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suwen.lifecycle.patient_data.PAGE", "7")
    for minute in range(30):
        put(
            p1,
            observation(
                f"m{minute}", "8867-4", f"2024-05-01T08:{minute:02}:00Z", **quantity(60 + minute, "/min")
            ),
        )
    seen = observations_of(p1, "p1", VARIABLES, actor="tester")
    assert seen.of("Pulse")[1].tolist() == [60 + minute for minute in range(30)]


def test_every_look_is_in_the_ledger(p1: Record) -> None:
    put(p1, observation("a", "8867-4", "2024-05-01T08:00:00Z", **quantity(80, "/min")))
    observations_of(p1, "p1", VARIABLES, actor="ward 3")
    with p1.database.reading() as db:
        events = [decode(bytes(row[0])) for row in db.rows("SELECT entry FROM leaf ORDER BY position")]
    looks = [event for event in events if event.actor == "ward 3"]
    assert [event.action for event in looks] == ["read", "search"]
    assert looks[0].ref == p1.ref("Patient", "p1")
    assert looks[1].count == 1


def test_an_unknown_patient_is_said_to_be_unknown(record: Record) -> None:
    with pytest.raises(NotFound) as refused:
        observations_of(record, "nobody", VARIABLES, actor="tester")
    assert refused.value.code == "unknown-patient"
    assert "nobody" not in str(refused.value)


def test_a_patient_without_observations_is_empty_and_not_an_error(p1: Record) -> None:
    seen = observations_of(p1, "p1", VARIABLES, actor="tester")
    assert len(seen) == 0
    assert seen.length_h == 0
    assert seen.start is None


def test_the_latest_stay_is_hour_zero(p1: Record) -> None:
    assert admitted(p1, "p1", actor="tester") is None
    for number, (kind, status, start) in enumerate(
        [
            ("IMP", "finished", "2024-04-01T08:00:00Z"),
            ("IMP", "in-progress", "2024-05-01T06:30:00Z"),
            ("AMB", "finished", "2024-05-01T20:00:00Z"),
            ("IMP", "cancelled", "2024-05-01T21:00:00Z"),
        ]
    ):
        put(
            p1,
            {
                "resourceType": "Encounter",
                "id": f"e{number}",
                "status": status,
                "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": kind},
                "subject": {"reference": "Patient/p1"},
                "period": {"start": start},
            },
        )
    assert admitted(p1, "p1", actor="tester") == datetime(2024, 5, 1, 6, 30, tzinfo=UTC)


def test_descriptors_are_those_of_the_stay_or_from_before(p1: Record) -> None:
    height = Variable(name="Height", title="Height", unit="cm", plausible=(50, 250), loinc=("8302-2",))
    weight = Variable(name="Weight", title="Weight", unit="kg", plausible=(2, 400), loinc=("29463-7",))
    kind = Variable(name="ICUType", title="Unit", unit="1", plausible=(1, 4))
    put(p1, observation("a", "8302-2", "2019-01-01", **quantity(171, "cm")))
    put(p1, observation("b", "8302-2", "2020-01-01", **quantity(172, "cm")))
    for number, (at, value) in enumerate(
        (("2024-04-01", 80), ("2024-05-01T08:00:00Z", 78), ("2024-05-02", 77))
    ):
        put(p1, observation(f"w{number}", "29463-7", at, **quantity(value, "kg")))
    since = datetime(2024, 5, 1, tzinfo=UTC)
    static = data_of(
        p1, "p1", VARIABLES, actor="t", since=since, now=NOW, descriptors=(height, weight, kind)
    ).observations.static
    assert static["Height"] == 172
    assert static["Weight"] == 78
    assert np.isnan(static["ICUType"])
    assert static["Gender"] == 0
