"""The plan over HTTP: a ZIP archive in, the same document out, and nothing of the server's files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from specimens.surgery import CASE, case, zipped
from suwen.core.schemas import schema_of
from suwen.records.record import Record

ROUTE = "/api/tasks/surgery.path/plan"


@pytest.fixture
def client(home: Path, record: Record, make_client: Callable[..., Any]) -> Any:
    """The application with an empty record."""
    return make_client(record=record)


def _code(answer: Any) -> str:
    document = answer.json()
    assert document["resourceType"] == "OperationOutcome"
    return str(document["issue"][0]["details"]["coding"][0]["code"])


def test_a_case_is_planned(client: Any) -> None:
    answer = client.post(ROUTE, files={"file": ("case.zip", case())})
    assert answer.status_code == 200, answer.text
    document = answer.json()
    jsonschema.validate(document, schema_of("plan"), jsonschema.Draft202012Validator)
    assert document["certificate"]["holds"]
    assert document["motion"]["tip_error_mm"]["max"] <= 0.5
    assert document["ledger"]["revision"] == 1
    again = client.post(
        ROUTE, files={"file": ("case.zip", case())}, data={"plan_id": document["plan_id"], "motion": "false"}
    ).json()
    assert again["revision"] == 2
    assert again["motion"] is None
    assert again["path_lps_mm"] == document["path_lps_mm"]


def test_predict_takes_the_same_archive(client: Any) -> None:
    answer = client.post("/api/tasks/surgery.path/predict", files={"file": ("case.zip", case())})
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["results"]
    assert result["decision"] == "certified"


@pytest.mark.parametrize("named", ["/etc/hostname", "../secret.nrrd", "file:///etc/passwd"])
def test_a_case_names_no_file_of_the_server(client: Any, named: str) -> None:
    document = CASE | {"labels": named}
    for content, code in ((json.dumps(document).encode(), "no-files"), (zipped(document, b"x"), "not-found")):
        answer = client.post(ROUTE, files={"file": ("case", content)})
        assert answer.status_code in {400, 404}
        assert _code(answer) == code
        assert "root:" not in answer.text


def test_what_is_no_case_is_refused(client: Any) -> None:
    assert _code(client.post(ROUTE, files={"file": ("case.zip", b"PK\x03\x04junk")})) == "truncated"
    assert _code(client.post(ROUTE, files={"file": ("case.zip", b"")})) == "empty-file"
    assert _code(client.post(ROUTE, files={"file": ("case.zip", case(critical=None))})) == "missing-critical"
    two = [("files", ("a.zip", case())), ("files", ("b.zip", case()))]
    assert _code(client.post(ROUTE, files=two)) == "no-plan"
    other = client.post("/api/tasks/signals.deterioration/plan", files={"file": ("case.zip", case())})
    assert _code(other) == "no-plan"
    assert client.post(ROUTE, data={}).status_code == 415
    assert _code(client.post(ROUTE, files={"file": ("c", case())}, data={"plan_id": "../x"})) == "bad-request"


def test_no_way_is_an_answer(client: Any) -> None:
    answer = client.post(ROUTE, files={"file": ("case.zip", case(registration_tre_mm=12))})
    assert answer.status_code == 200
    document = answer.json()
    assert not document["found"]
    assert document["blocked_by"]
