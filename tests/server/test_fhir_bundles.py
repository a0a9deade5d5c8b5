"""Transactions that are stored as a whole or not at all, batches, searches and their pages, over HTTP."""

from __future__ import annotations

import gzip
import json

import pytest

MERGE_PATCH = "application/merge-patch+json"
SYSTEM = "urn:test"


def _patient(ident=None, value="7", **more):
    made = {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": value}]} | more
    return made | ({"id": ident} if ident else {})


def _observation(patient, code="8867-4", ident=None, **more):
    made = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": patient},
    } | more
    return made | ({"id": ident} if ident else {})


def _entry(method, url, resource=None, full_url=None, **request):
    made = {"request": {"method": method, "url": url} | request}
    if resource is not None:
        made["resource"] = resource
    if full_url is not None:
        made["fullUrl"] = full_url
    return made


def _total(fhir, path):
    return fhir.get(f"{path}{'&' if '?' in path else '?'}_summary=count").json()["total"]


def test_a_transaction_resolves_its_own_references(fhir):
    here = "urn:uuid:6f1c5cd6-6b0b-4f4c-9e57-0e1f3f8f1c11"
    done = fhir.bundle(
        "transaction",
        _entry("POST", "Observation", _observation(here)),
        _entry("POST", "Patient", _patient(), here),
        _entry("PUT", "Observation/mine", _observation(here, ident="mine")),
    )
    assert done.status_code == 200, done.text
    answer = done.json()
    assert answer["type"] == "transaction-response"
    assert [entry["response"]["status"] for entry in answer["entry"]] == ["201 Created"] * 3
    place = answer["entry"][1]["response"]["location"].partition("/_history")[0]
    for path in (answer["entry"][0]["response"]["location"], "Observation/mine"):
        assert fhir.get(path).json()["subject"]["reference"] == place


def test_a_conditional_reference_finds_its_target_or_nothing_is_stored(fhir, problem):
    fhir.put(_patient("p1"))
    wanted = f"Patient?identifier={SYSTEM}|7"
    done = fhir.bundle("transaction", _entry("PUT", "Observation/o", _observation(wanted, ident="o")))
    assert done.status_code == 200, done.text
    assert fhir.get("Observation/o").json()["subject"]["reference"] == "Patient/p1"
    missing = fhir.bundle(
        "transaction",
        _entry("PUT", "Patient/p2", _patient("p2", "8")),
        _entry("POST", "Observation", _observation(f"Patient?identifier={SYSTEM}|9")),
    )
    assert missing.status_code == 412
    assert problem(missing)["our"] == "no-match"
    assert fhir.get("Patient/p2").status_code == 404


@pytest.mark.parametrize(
    "bad",
    [
        _entry("POST", "Patient", {"resourceType": "Patient", "shoeSize": 44}),
        _entry("POST", "Observation", _patient()),
        _entry("POST", "Nonsense", {"resourceType": "Nonsense"}),
        _entry("PUT", "Patient/other", _patient("another")),
        _entry("PUT", "Patient/first", _patient("first", "9")),
        _entry("PUT", "Patient/old", _patient("old"), ifMatch='W/"9"'),
        _entry("POST", "Patient", _patient(value="twins"), ifNoneExist=f"identifier={SYSTEM}|twins"),
        _entry("PATCH", "Patient/none", {"resourceType": "Parameters"}),
        _entry("POST", "Patient"),
        _entry("GET", "Patient/none"),
        {"resource": _patient()},
        "rubbish",
    ],
    ids=lambda bad: str(bad.get("request", bad)) if isinstance(bad, dict) else bad,
)
def test_one_bad_entry_and_nothing_of_a_transaction_is_stored(fhir, bad):
    fhir.put(_patient("old"))
    fhir.post(_patient(value="twins"))
    fhir.post(_patient(value="twins"))
    before = fhir.get("_history").json()["total"]
    done = fhir.bundle("transaction", _entry("PUT", "Patient/first", _patient("first")), bad)
    assert 400 <= done.status_code < 500, done.text
    assert done.json()["resourceType"] == "OperationOutcome"
    assert fhir.get("_history").json()["total"] == before
    assert fhir.get("Patient/first").status_code == 404


def test_the_entries_of_a_batch_stand_alone(fhir):
    done = fhir.bundle(
        "batch",
        _entry("PUT", "Patient/a", _patient("a")),
        _entry("PUT", "Patient/b", {"resourceType": "Patient", "id": "b", "shoeSize": 44}),
        _entry("GET", "Patient/a"),
        _entry("GET", "Patient/nobody"),
        _entry("GET", f"Patient?identifier={SYSTEM}|7"),
        _entry("DELETE", "Patient/nobody"),
    )
    assert done.status_code == 200
    entries = done.json()["entry"]
    assert [entry["response"]["status"][:3] for entry in entries] == [
        "201",
        "422",
        "200",
        "404",
        "200",
        "204",
    ]
    assert entries[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert entries[2]["resource"]["id"] == "a"
    assert entries[4]["resource"]["total"] == 1


def test_a_bundle_of_another_kind_is_stored_as_such_or_refused(fhir, problem):
    collection = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": _patient()}]}
    assert problem(fhir.ask("POST", "", collection))["our"] == "bad-bundle"
    assert fhir.ask("POST", "Bundle", collection).status_code == 201
    assert _total(fhir, "Patient") == 0


def test_a_real_transaction_and_searches_over_it(fhir, data_dir):
    path = data_dir / "records" / "synthea_r4" / "p001.json.gz"
    bundle = json.loads(gzip.decompress(path.read_bytes()))
    done = fhir.ask("POST", "", bundle)
    assert done.status_code == 200, done.text[:500]
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    for kind in set(kinds):
        assert _total(fhir, kind) == kinds.count(kind), kind
    (patient,) = fhir.get("Patient").json()["entry"]
    ident = patient["resource"]["id"]
    assert _total(fhir, f"Observation?patient=Patient/{ident}") == kinds.count("Observation")
    assert _total(fhir, f"Observation?subject:Patient._id={ident}") == kinds.count("Observation")
    included = fhir.get("Observation?_include=Observation:subject&_count=1").json()["entry"]
    assert [entry["search"]["mode"] for entry in included] == ["match", "include"]
    everything = fhir.get(f"Patient/{ident}/$everything?_count=1000").json()
    assert {entry["resource"]["resourceType"] for entry in everything["entry"]} >= set(kinds) - {"Provenance"}


def test_pages_stay_right_while_others_write(fhir):
    for number in range(7):
        fhir.put(_patient(f"p{number}"))
    seen, url = [], "Patient?_count=3"
    while url:
        page = fhir.get(url).json()
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
        fhir.put(_patient("p0", value="changed"))
        fhir.ask("DELETE", "Patient/p1")
    assert seen == [f"p{number}" for number in range(7)]
    assert fhir.get("Patient?_cursor=made-up").status_code == 400


def test_a_posted_search_is_the_same_search(fhir):
    fhir.put(_patient("p1"))
    fhir.put(_patient("p2", "8"))
    form = "application/x-www-form-urlencoded"
    for path in ("Patient/_search", "Patient/_search?_count=5"):
        found = fhir.ask("POST", path, b"identifier=urn%3Atest%7C8", content_type=form)
        assert [entry["resource"]["id"] for entry in found.json()["entry"]] == ["p2"]
    system = fhir.ask("POST", "_search", b"_id=p1&_type=Patient", content_type=form)
    assert [entry["resource"]["id"] for entry in system.json()["entry"]] == ["p1"]
    assert fhir.ask("POST", "Patient/_search", {"identifier": "x"}).status_code in {400, 415}


def test_an_unknown_parameter_is_ignored_and_said_so_or_refused(fhir, problem):
    fhir.put(_patient("p1"))
    lenient = fhir.get("Patient?shoe-size=44")
    assert lenient.status_code == 200
    modes = [entry["search"]["mode"] for entry in lenient.json()["entry"]]
    assert modes == ["match", "outcome"]
    assert "shoe-size" not in lenient.json()["link"][0]["url"]
    strict = fhir.get("Patient?shoe-size=44", prefer="handling=strict")
    assert strict.status_code == 400
    assert problem(strict)["our"] == "unknown-parameter"
    assert fhir.get("Patient?_id=p1&_format=json&_pretty=true", prefer="handling=strict").status_code == 200


def test_a_search_that_is_sql_finds_nothing_and_breaks_nothing(fhir):
    fhir.put(_patient("p1"))
    for value in (
        "' OR 1=1 --",
        "'; DROP TABLE resource; --",
        '") OR ("1"="1',
        "%27%20OR%201%3D1",
        "\\x00",
        "%00",
    ):
        for name in ("name", "_id", "identifier", "birthdate", "general-practitioner", "_sort", "_count"):
            found = fhir.ask("GET", f"Patient?{name}={value}")
            assert found.status_code in {200, 400}, (name, value, found.text)
            if found.status_code == 200 and name not in {"_sort", "_count"}:
                matches = [e for e in found.json().get("entry", []) if e["search"]["mode"] == "match"]
                assert matches == [], (name, value)
    assert fhir.get("Patient/' OR 1=1").status_code == 404
    assert fhir.get("Patient/p1").status_code == 200
