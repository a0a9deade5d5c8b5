"""What pieces of an import become: changes, and rejections that quote nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suwen.records.exchange.preparing import Prepared, Tools, prepare
from suwen.records.exchange.sources import Form, Piece, find, form_of, pieces

SECRET = "Zzyzx-Canary"


@pytest.fixture(scope="module")
def tools() -> Tools:
    return Tools(bytes(32))


def of(tools: Tools, document: Any, form: Form = Form.DOCUMENT, line: int = 1) -> Prepared:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return prepare(tools, Piece(Path("x"), line, form, data, len(data)))


def patient(ident: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": ident, **more}


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def test_a_synthea_bundle_is_one_round_of_creations(tools: Tools, data_dir: Path) -> None:
    (source,) = find([data_dir / "records" / "synthea_r4" / "p001.json.gz"])
    (piece,) = pieces(source, form_of(source))
    prepared = prepare(tools, piece)
    (changes,) = prepared.rounds
    assert (prepared.rejected, prepared.needs_record) == ([], False)
    assert {change.method for change in changes} == {"POST"}
    (subject,) = [change for change in changes if change.kind == "Patient"]
    owners = {change.entries.patient for change in changes if change.entries}
    assert f"Patient/{subject.ident}" in owners
    assert b"urn:uuid" not in b"".join(change.body or b"" for change in changes)


def test_bad_lines_are_rejected_singly_and_quote_nothing(tools: Tools) -> None:
    lines = [
        json.dumps(patient("a")),
        "",
        '{"resourceType":"Patient","id":"b","name":"' + SECRET,
        json.dumps(patient("c", gender=SECRET)),
        json.dumps({"resourceType": "Patient", "name": [{"family": SECRET}]}),
        json.dumps({"resourceType": SECRET, "id": "x"}),
        json.dumps([SECRET]),
        '{"resourceType":"Patient","id":"d","id":"e"}',
        "[" * 100,
        json.dumps(patient("f", **{SECRET: 1})),
        json.dumps(patient("g")),
    ]
    prepared = of(tools, "\n".join(lines).encode(), Form.LINES, line=251)
    assert [change.ident for changes in prepared.rounds for change in changes] == ["a", "g"]
    assert [(one.line, one.code) for one in prepared.rejected] == [
        (253, "invalid-json"),
        (254, "invalid-resource"),
        (255, "no-id"),
        (256, "invalid-resource"),
        (257, "no-resource"),
        (258, "duplicate-key"),
        (259, "too-deep"),
        (260, "invalid-resource"),
    ]
    assert all(one.what and SECRET not in one.what for one in prepared.rejected[:-1])


def test_a_resource_twice_goes_into_two_rounds(tools: Tools) -> None:
    lines = [json.dumps(patient(ident)) for ident in "abaca"]
    prepared = of(tools, "\n".join(lines).encode(), Form.LINES)
    assert [[change.ident for change in changes] for changes in prepared.rounds] == [
        ["a", "b", "c"],
        ["a"],
        ["a"],
    ]
    assert prepared.count == 5


def test_a_collection_is_unwrapped_and_its_addresses_resolved(tools: Tools) -> None:
    encounter = {
        "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
        "subject": {"reference": "urn:uuid:1"},
    }  # fmt: skip
    whole = bundle(
        "collection",
        {"fullUrl": "urn:uuid:1", "resource": patient("a")},
        {"fullUrl": "urn:uuid:2", "resource": encounter},
        {"fullUrl": "urn:uuid:3", "resource": patient("b", gender=SECRET)},
    )
    prepared = of(tools, whole)
    ((first, second),) = prepared.rounds
    assert (first.method, first.ident, second.ident) == ("PUT", "a", "e")
    assert second.body is not None
    assert b'"Patient/a"' in second.body
    assert [one.code for one in prepared.rejected] == ["invalid-resource"]
    assert "Entry 2" in prepared.rejected[0].what


def test_a_batch_gives_new_ids_where_it_says_post(tools: Tools) -> None:
    whole = bundle(
        "batch",
        {"resource": patient("a"), "request": {"method": "POST", "url": "Patient"}},
        {"resource": patient("b"), "request": {"method": "PUT", "url": "Patient/b"}},
    )
    ((first, second),) = of(tools, whole).rounds
    assert (first.method, first.ident != "a", len(first.ident)) == ("PUT", True, 36)
    assert second.ident == "b"


@pytest.mark.parametrize("kind", ["document", "message", "history"])
def test_other_bundles_are_kept_whole(tools: Tools, kind: str) -> None:
    prepared = of(tools, bundle(kind) | {"id": "x", "entry": [{"fullUrl": "urn:uuid:1"}]})
    assert prepared.rejected or [change.kind for change in prepared.rounds[0]] == ["Bundle"]


@pytest.mark.parametrize(
    "entry",
    [
        {"resource": patient("a"), "request": {"method": "POST", "url": "Patient", "ifNoneExist": "_id=a"}},
        {"resource": patient("a"), "request": {"method": "PUT", "url": "Patient?identifier=1"}},
        {"resource": patient("a"), "request": {"method": "PUT", "url": "Patient/a", "ifMatch": 'W/"1"'}},
        {"request": {"method": "DELETE", "url": "Patient/a"}},
    ],
)
def test_what_depends_on_the_record_is_left_to_the_writer(tools: Tools, entry: dict[str, Any]) -> None:
    prepared = of(tools, bundle("transaction", entry))
    assert prepared.needs_record
    assert not prepared.rounds


def test_a_bad_transaction_is_rejected_as_a_whole(tools: Tools) -> None:
    request = {"method": "POST", "url": "Patient"}
    whole = bundle(
        "transaction",
        {"resource": patient("a"), "request": request},
        {"resource": patient("b", gender=SECRET), "request": request},
    )
    prepared = of(tools, whole)
    (rejected,) = prepared.rejected
    assert not prepared.rounds
    assert (rejected.count, rejected.code) == (2, "invalid-resource")
    assert "entry[1]" in rejected.what
    assert SECRET not in rejected.what


def test_references_of_bulk_exports_are_kept_as_they_are(tools: Tools) -> None:
    encounter = {
        "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
        "participant": [{"individual": {"reference": "Practitioner?identifier=http://x|1"}}],
    }  # fmt: skip
    prepared = of(tools, encounter)
    assert not prepared.rejected
    assert b"Practitioner?identifier=http://x|1" in (prepared.rounds[0][0].body or b"")


def test_official_examples_are_taken(tools: Tools, data_dir: Path) -> None:
    rejected = {}
    examples = [one for one in find([data_dir / "records" / "fhir_r4_examples"]) if one.path.name[0] != "_"]
    for source in examples[::5]:
        for piece in pieces(source, form_of(source)):
            if found := prepare(tools, piece).rejected:
                rejected[source.path.name] = {one.code for one in found}
    assert len(rejected) <= 3, rejected  # some are wrong on purpose
    assert all(codes == {"invalid-resource"} for codes in rejected.values())
