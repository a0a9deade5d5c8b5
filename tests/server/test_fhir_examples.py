"""Every official R4 example comes back as it went in, to the digit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suwen.records.record import Record
from suwen.server.app import create_app

BY_THE_SERVER = ("versionId", "lastUpdated")
PARTS = 4
BREAK_R4 = {
    "DeviceMetric-example.json": "its parent is a DeviceDefinition, not a Device",
    "DeviceUseStatement-example.json": "its reason is a Procedure, which the element may not refer to",
    "MedicationRequest-medrx0301.json": "its dispense performer is a Practitioner, not an Organization",
    "Observation-clinical-gender.json": "its performer is an Encounter",
    "Questionnaire-qs1.json": "its items have no linkId, which is 1..1",
}
"""Examples that break the standard they come with; refused, as any such resource is."""


class Digits(str):
    """A number as it is written."""


def _exactly(text: str | bytes) -> Any:
    """A document whose numbers are their own text, so that 1.0 and 1.00 differ."""
    return json.loads(text, parse_float=Digits, parse_int=Digits)


def _without_the_servers_own(resource: dict[str, Any]) -> dict[str, Any]:
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in BY_THE_SERVER}
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return rest | ({"meta": meta} if meta else {})


@pytest.fixture(scope="module")
def examples(data_dir: Path) -> list[Path]:
    return sorted((data_dir / "records" / "fhir_r4_examples").glob("[A-Z]*.json"))


def test_there_are_all_the_examples(examples):
    assert len(examples) == 510
    assert {path.name for path in examples} > set(BREAK_R4)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_official_example_comes_back_as_it_was(tmp_path, home, fhir_client, examples, part):
    mine = examples[part::PARTS]
    refused, changed = {}, []
    with Record.open(tmp_path / "store") as record:
        client = fhir_client(create_app(record=record))
        for path in mine:
            content = path.read_bytes()
            sent = _exactly(content.decode("utf-8-sig"))
            address = f"{sent['resourceType']}/{sent['id']}"
            put = client.ask("PUT", address, content)
            if put.status_code not in {200, 201}:
                refused[path.name] = [issue["details"]["text"] for issue in put.json()["issue"]]
                continue
            got = client.get(address)
            assert got.content == put.content
            back = _exactly(got.content)
            if _without_the_servers_own(back) != _without_the_servers_own(sent):
                changed.append(path.name)
            assert back["meta"]["versionId"] in {"1", "2"}, path.name
        client.close()
    assert changed == []
    assert set(refused) == {path.name for path in mine} & set(BREAK_R4), refused


def test_the_comparison_sees_digits():
    assert _exactly("[1.00]") != _exactly("[1.0]")
    assert _exactly("[1.00]") == _exactly("[ 1.00 ]")
