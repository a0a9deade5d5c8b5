"""A patient of the record over HTTP: the document, the page under its own policy, the risk brought up to date."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from suwen.records.interactions.messages import Request
from suwen.records.ledger.events import decode
from suwen.records.record import Record
from suwen.server.app import create_app

TASK = "signals.deterioration"
PATH = f"/api/tasks/{TASK}/patients/p1"
HOUR_AGO = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
ILL = {"9279-1": 26, "59408-5": 93, "8480-6": 98, "8867-4": 115}


@pytest.fixture
def ward(home: Path, record: Record, make_client: Callable[..., Any]) -> Iterator[Any]:
    """The application with a record that holds one patient."""
    put(record, {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1950-01-01"})
    for number, (code, value) in enumerate(ILL.items()):
        vital(record, f"o{number}", code, value, HOUR_AGO)
    yield make_client(record=record)


def put(record: Record, resource: dict[str, Any]) -> None:
    path = f"{resource['resourceType']}/{resource['id']}"
    record.perform(Request(method="PUT", path=path, resource=resource))


def vital(record: Record, ident: str, code: str, value: float, at: str) -> None:
    unit = {"59408-5": "%", "8480-6": "mm[Hg]"}.get(code, "/min")
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
        },
    )


def events(record: Record) -> list[Any]:
    with record.database.reading() as db:
        return [decode(bytes(row[0])) for row in db.rows("SELECT entry FROM leaf ORDER BY position")]


def test_a_patients_document_is_read_from_the_record_and_audited(ward: Any, record: Record) -> None:
    before = len(events(record))
    answered = ward.get(PATH)
    assert answered.status_code == 200
    found = answered.json()
    assert found["format"] == "suwen-patient/1"
    assert found["patient"]["id"] == "p1"
    assert found["patient"]["sex"] == "female"
    assert found["answer"]["headline"] == "9 to 17"
    assert found["provenance"]["observations"] == [f"Observation/o{number}" for number in (0, 1, 2, 3)]
    assert {one["name"] for one in found["variables"]} == {"RespRate", "SpO2", "SysBP", "HR"}
    looks = [event.action for event in events(record)[before:]]
    assert looks == ["search", "read", "search"]
    assert answered.headers["cache-control"] == "no-store"


def test_the_page_brings_its_own_policy_and_nothing_else(ward: Any) -> None:
    answered = ward.get(f"{PATH}/page")
    assert answered.status_code == 200
    assert answered.headers["content-type"] == "text/html; charset=utf-8"
    policy = answered.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    (style,) = re.findall(r"<style>(.*?)</style>", answered.text, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answered.headers["x-frame-options"] == "DENY"
    assert "9 to 17" in answered.text
    assert "<script" not in answered.text


def test_following_stores_a_risk_assessment_once(ward: Any, record: Record) -> None:
    first = ward.post(PATH).json()
    (result,) = first["results"]
    assert result["said"].startswith("NEWS2 9 to 17 of 20: high")
    assert result["alarms"][0]["reasons"][0].endswith("points)")
    assert result["fhir"]["entry"][0]["resource"]["resourceType"] == "RiskAssessment"
    assert sorted(place.split("/")[0] for place in first["stored"]) == ["Provenance", "RiskAssessment"]
    assert ward.post(PATH).json()["results"] == []
    vital(record, "o9", "9279-1", 30, datetime.now(UTC).isoformat(timespec="seconds"))
    (again,) = ward.post(PATH).json()["results"]
    assert again["alarms"] == []  # silenced
    stored = ward.get("/fhir/RiskAssessment?patient=p1").json()
    assert stored["total"] == 2
    metrics = ward.get("/metrics").text
    assert f'task="{TASK}"' in metrics


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/api/tasks/{TASK}/patients/nobody", 404, "unknown-patient"),
        ("POST", f"/api/tasks/{TASK}/patients/nobody", 404, "unknown-patient"),
        ("GET", f"/api/tasks/{TASK}/patients/nobody/page", 404, "unknown-patient"),
        ("GET", f"/api/tasks/{TASK}/patients/a%20b", 400, "bad-patient-id"),
        ("GET", f"{PATH}?since=yesterday", 400, "bad-time"),
        ("GET", "/api/tasks/signals.deteriorations/patients/p1", 404, "unknown-task"),
        ("GET", "/api/tasks/imaging.pneumonia/patients/p1", 403, "not-from-record"),
        ("POST", "/api/tasks/imaging.pneumonia/patients/p1", 403, "no-stream"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(
    ward: Any, problem: Callable[..., Any], method: str, path: str, status: int, code: str
) -> None:
    answered = ward.request(method, path)
    assert answered.status_code == status
    issue = problem(answered)
    assert issue["our"] == code
    assert "nobody" not in answered.text


def test_without_a_record_there_is_no_patient(client: Any, problem: Callable[..., Any]) -> None:
    for method, path in (("GET", PATH), ("POST", PATH), ("GET", f"{PATH}/page")):
        answered = client.request(method, path)
        assert answered.status_code == 404
        assert problem(answered)["our"] == "no-record"


def test_hour_zero_can_be_named(ward: Any) -> None:
    before = (datetime.fromisoformat(HOUR_AGO) - timedelta(hours=2)).isoformat()
    found = ward.get(PATH, params={"since": before}).json()
    assert found["window"]["start"] == before
    assert found["variables"][0]["hours"] == [2.0]
    assert 0.9 < found["window"]["age_h"] < 1.5
    none = ward.get(PATH, params={"since": datetime.now(UTC).isoformat()}).json()
    assert none["answer"]["abstained"] == "no-observations"


def test_the_routes_are_described(home: Path) -> None:
    paths = create_app().openapi()["paths"]
    route = paths["/api/tasks/{task}/patients/{patient}"]
    assert set(route) == {"get", "post"}
    assert "404" in route["get"]["responses"]
    assert paths["/api/tasks/{task}/patients/{patient}/page"]["get"]["responses"]["200"][
        "content"
    ].keys() == {"text/html"}


def test_the_command_line_reads_the_record(
    ward: Any, record: Record, suwen: Callable[..., Any], tmp_path: Path
) -> None:
    words = ("--patient", "p1", "--store", record.folder)
    said = suwen("predict", TASK, *words, "--json")
    assert said.code == 0, said.err
    (result,) = said.document["results"]
    assert result["decision"] == "high"
    assert len(said.document["stored"]) == 2
    shown = suwen("predict", TASK, *words)
    assert "record: NEWS2 9 to 17 of 20: high" in shown.out
    out = tmp_path / "why"
    explained = suwen("explain", TASK, *words, "--out", out, "--json")
    assert explained.code == 0, explained.err
    assert {path.name for path in out.iterdir()} == {"patient.html", "patient.json", "explain.json"}
    assert explained.document["results"][0]["page"] == str(out / "patient.html")
    assert "9 to 17" in (out / "patient.html").read_text("utf-8")
    nothing = suwen("predict", TASK, "--json")
    assert nothing.document["error"]["code"] == "no-input"
    nowhere = suwen("predict", TASK, "--patient", "p1", "--json")
    assert nowhere.document["error"]["code"] == "no-record"


def test_a_file_gets_a_page_too(home: Path, suwen: Callable[..., Any], tmp_path: Path) -> None:
    table = tmp_path / "obs.csv"
    table.write_text("time_h,variable,value\n0,RespRate,26\n0,HR,120\n", "utf-8")
    said = suwen("explain", TASK, table, "--out", tmp_path / "out", "--json")
    assert said.code == 0, said.err
    page = Path(said.document["results"][0]["page"])
    assert page == tmp_path / "out" / "0" / "patient.html"
    assert "of 20 NEWS2 points" in page.read_text("utf-8")
