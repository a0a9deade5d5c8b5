"""A result is in the patient's record with its origin, in one transaction with its ledger entry, or nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from suwen.core.errors import NotFound
from suwen.formats.phantom import chest_phantom, png_bytes
from suwen.lifecycle.predict import predict_document
from suwen.lifecycle.write_back import record_of, stored, write_back
from suwen.records.interactions.messages import Request
from suwen.records.ledger.events import decode
from suwen.records.record import Record

TASK = "imaging.pneumonia"


@pytest.fixture
def record(home: Path, tmp_path: Path) -> Any:
    with Record.open(tmp_path / "store") as found:
        patient = {"resourceType": "Patient", "id": "p1"}
        found.perform(Request(method="PUT", path="Patient/p1", resource=patient))
        yield found


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "film.png"
    path.write_bytes(png_bytes(chest_phantom(seed=1)))
    return path


def _get(record: Record, address: str) -> dict[str, Any]:
    path, _, query = address.partition("?")
    pairs = [tuple(pair.split("=")) for pair in query.split("&")] if query else []
    found: dict[str, Any] = orjson.loads(
        record.perform(Request(method="GET", path=path, query=pairs)).body  # type: ignore[arg-type]
    )
    return found


def test_a_result_is_stored_whole(record: Record, picture: Path) -> None:
    document = predict_document(TASK, [picture], patient="p1")
    places = write_back(record, document, "p1", actor="tester")
    assert sorted(place.split("/")[0] for place in places) == [
        "DiagnosticReport",
        "Observation",
        "Provenance",
    ]
    report = _get(record, next(place for place in places if place.startswith("DiagnosticReport")))
    assert report["subject"] == {"reference": "Patient/p1"}
    observation = _get(record, report["result"][0]["reference"])
    assert observation["resourceType"] == "Observation"
    found = _get(record, "Provenance?patient=p1")
    assert found["total"] == 0 or found["entry"]
    (provenance,) = (_get(record, place) for place in places if place.startswith("Provenance"))
    text = json.dumps(provenance)
    origin = document["results"][0]["provenance"]
    assert origin["weights_sha256"] in text
    assert origin["data_fingerprint"] in text
    assert document["model"].partition("@")[0] in text
    inputs = [
        e["what"]["identifier"]["value"] for e in provenance["entity"] if "Input" in e["what"]["display"]
    ]
    assert len(inputs) == 1
    assert len(inputs[0]) == 64
    assert {entry["reference"].split("/")[0] for entry in provenance["target"]} == {
        "DiagnosticReport",
        "Observation",
    }


def test_it_is_found_by_searching_the_patient(record: Record, picture: Path) -> None:
    write_back(record, predict_document(TASK, [picture], patient="p1"), "p1", actor="tester")
    assert _get(record, "DiagnosticReport?patient=p1")["total"] == 1
    assert _get(record, "Observation?subject=Patient/p1")["total"] == 1


def test_the_ledger_calls_it_a_prediction(record: Record, picture: Path) -> None:
    write_back(record, predict_document(TASK, [picture], patient="p1"), "p1", actor="tester")
    with record.database.reading() as db:
        events = [decode(bytes(row[0])) for row in db.rows("SELECT entry FROM leaf ORDER BY position")]
        heads = db.rows("SELECT size FROM head ORDER BY size")
    predicted = [at for at, event in enumerate(events) if event.action == "predict"]
    assert len(predicted) == 3
    assert {events[at].actor for at in predicted} == {"tester"}
    # One commit: no signed head between the first and the last of them.
    assert not [size for (size,) in heads if predicted[0] < size <= predicted[-1]]


def test_an_unknown_patient_stores_nothing(record: Record, picture: Path) -> None:
    document = predict_document(TASK, [picture], patient="nobody")
    with pytest.raises(NotFound) as refused:
        write_back(record, document, "nobody", actor="tester")
    assert refused.value.code == "unknown-patient"
    assert _get(record, "Observation")["total"] == 0


def test_without_a_record_the_result_stays_in_the_answer(home: Path, picture: Path) -> None:
    assert record_of(None, None) is None
    document = stored(
        predict_document(TASK, [picture], patient="p1"), patient="p1", store=None, url=None, actor="tester"
    )
    assert document["stored"] is None


def test_the_command_line_stores_where_it_is_told(
    record: Record, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from typer.testing import CliRunner

    from suwen.cli.main import app

    done = CliRunner().invoke(
        app,
        ["predict", TASK, str(picture), "--patient", "p1", "--store", str(record.folder), "--json"],
    )
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert len(document["stored"]) == 3
    assert _get(record, document["stored"][0])["resourceType"] == document["stored"][0].split("/")[0]
