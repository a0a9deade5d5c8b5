"""``record:NAME``: a view of the patient record as a source of learning."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from suwen.core.errors import BadInput, NotFound
from suwen.formats.phantom import chest_phantom, png_bytes
from suwen.lifecycle.cohorts import gather
from suwen.lifecycle.collect import collect
from suwen.lifecycle.discovery import find
from suwen.records.cohort import save_view
from suwen.records.interactions.messages import Request
from suwen.records.record import Record

TASK = "imaging.pneumonia"
VIEW: dict[str, Any] = {
    "resourceType": "ViewDefinition",
    "resource": "Observation",
    "status": "active",
    "select": [
        {
            "column": [
                {"name": "subject_id", "path": "subject.getReferenceKey()"},
                {"name": "image", "path": "derivedFrom.first().reference"},
                {"name": "label", "path": "value.ofType(string)"},
                {"name": "ward", "path": "method.text"},
            ]
        }
    ],
}


@pytest.fixture
def films(home: Path) -> Iterator[Record]:
    """Six films of three patients in the record of this home, one with an unreadable file."""
    with Record.open() as record:

        def put(resource: dict[str, Any]) -> None:
            address = f"{resource['resourceType']}/{resource['id']}"
            record.perform(Request(method="PUT", path=address, resource=resource))

        for number in range(6):
            data = png_bytes(chest_phantom(seed=number)) if number != 5 else b"no picture"
            put(
                {
                    "resourceType": "Binary",
                    "id": f"film{number}",
                    "contentType": "image/png",
                    "data": base64.b64encode(data).decode(),
                }
            )
            put(
                {
                    "resourceType": "Observation",
                    "id": f"o{number}",
                    "status": "final",
                    "code": {"text": "reading"},
                    "subject": {"reference": f"Patient/p{number // 2}"},
                    "method": {"text": "ward A"},
                    "derivedFrom": [{"reference": f"DocumentReference/film{number}"}],
                    **({"valueString": "pneumonia" if number % 2 else "normal"} if number != 4 else {}),
                }
            )
        yield record


def _view(films: Record) -> None:
    view = dict(VIEW)
    columns = [dict(column) for column in VIEW["select"][0]["column"]]
    columns[1]["path"] = "'Binary/' + derivedFrom.first().getReferenceKey()"
    save_view(films, "films", view | {"select": [{"column": columns}]})


def test_a_view_becomes_samples(films: Record) -> None:
    _view(films)
    samples = gather(find(TASK), "record:films")
    assert len(samples) == 5
    assert {sample.subject_id for sample in samples} == {"p0", "p1", "p2"}
    assert [sample.target for sample in samples].count(None) == 1
    assert {sample.attributes["ward"] for sample in samples} == {"ward A"}
    assert [one.code for one in samples.unusable] != []
    assert samples.subjects_known


def test_collect_audits_it(films: Record) -> None:
    _view(films)
    document = collect(TASK, "record:films", probe=False)
    assert document["n"] == 5
    assert document["n_subjects"] == 3
    assert document["unlabelled"] == 1


def test_a_missing_view_or_column_says_so(films: Record) -> None:
    with pytest.raises(NotFound) as missing:
        gather(find(TASK), "record:films")
    assert missing.value.code == "no-view"
    save_view(films, "short", {**VIEW, "select": [{"column": VIEW["select"][0]["column"][:2]}]})
    with pytest.raises(BadInput) as short:
        gather(find(TASK), "record:short")
    assert short.value.code == "cohort-columns"


def test_no_record_says_so(home: Path) -> None:
    with pytest.raises(NotFound) as missing:
        gather(find(TASK), "record:films")
    assert missing.value.code == "no-record"
