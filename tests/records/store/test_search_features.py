"""Chains, ``_has``, composites and the rarer forms of searches, against plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


def of(shelf: Any, kind: str) -> Iterator[tuple[int, Any]]:
    return ((rid, body) for rid, body in shelf.bodies.items() if body["resourceType"] == kind)


def where(shelf: Any, kind: str, meets: Callable[[Any], bool]) -> list[int]:
    return [rid for rid, body in of(shelf, kind) if meets(body)]


def by_name(shelf: Any) -> dict[str, Any]:
    return {f"{body['resourceType']}/{body['id']}": body for body in shelf.bodies.values()}


def to(body: Any, name: str = "subject") -> str:
    found = body.get(name)
    return found.get("reference", "") if isinstance(found, dict) else ""


def has_code(body: Any, code: str, name: str = "code") -> bool:
    return any(one.get("code") == code for one in body.get(name, {}).get("coding", []))


def names(body: Any) -> list[Any]:
    return body.get("name", []) if body.get("resourceType") == "Patient" else []


def starts(patient: Any, text: str) -> bool:
    for name in names(patient):
        lists = (name.get(part, []) for part in ("given", "prefix", "suffix"))
        parts = [name.get("family", ""), name.get("text", ""), *(one for some in lists for one in some)]
        if any(part.lower().startswith(text) for part in parts):
            return True
    return False


def all_of(shelf: Any, kind: str, *pairs: tuple[str, str]) -> list[int]:
    return [rid for page in shelf.pages(kind, *pairs, limit=5) for rid in page]


@pytest.mark.usefixtures("scale")
class TestFollowingReferences:
    def test_chain(self, shelf: Any) -> None:
        named = by_name(shelf)
        for letter in "abcdeflmst":
            want = where(shelf, "Observation", lambda one: starts(named.get(to(one), {}), letter))  # noqa: B023
            assert all_of(shelf, "Observation", ("subject:Patient.name", letter)) == want
            assert all_of(shelf, "Observation", ("patient.name", letter)) == want

    def test_chain_over_two_references(self, shelf: Any) -> None:
        named = by_name(shelf)

        def meets(one: Any) -> bool:
            encounter = named.get(to(one, "encounter"), {})
            return bool(named.get(to(encounter), {}).get("gender") == "female")

        want = where(shelf, "Observation", meets)
        assert want
        assert all_of(shelf, "Observation", ("encounter.subject:Patient.gender", "female")) == want

    def test_chain_beside_other_conditions(self, shelf: Any) -> None:
        named = by_name(shelf)
        want = where(
            shelf,
            "Observation",
            lambda one: has_code(one, "8302-2") and named.get(to(one), {}).get("gender") == "male",
        )
        pairs = ("subject:Patient.gender", "male"), ("code", f"{LOINC}|8302-2")
        assert want
        assert all_of(shelf, "Observation", *pairs) == want

    def test_chain_whose_end_only_decryption_decides(self, shelf: Any) -> None:
        named = by_name(shelf)
        some = next(
            body for _, body in of(shelf, "Patient") if len([*names(body), {}][0].get("family", "")) > 4
        )
        piece = some["name"][0]["family"][1:5].lower()
        want = where(
            shelf,
            "Observation",
            lambda one: any(
                piece in name.get("family", "").lower() for name in names(named.get(to(one), {}))
            ),
        )
        assert all_of(shelf, "Observation", ("subject:Patient.family:contains", piece)) == want

    def test_has(self, shelf: Any) -> None:
        codes = {
            one["code"] for _, body in of(shelf, "Observation") for one in body["code"].get("coding", [])
        }
        for code in sorted(codes)[::9]:
            holders = {to(body) for _, body in of(shelf, "Observation") if has_code(body, code)}
            want = where(shelf, "Patient", lambda one: f"Patient/{one['id']}" in holders)  # noqa: B023
            assert all_of(shelf, "Patient", ("_has:Observation:patient:code", code)) == want

    def test_has_of_has(self, shelf: Any) -> None:
        seen = {to(body, "encounter") for _, body in of(shelf, "Observation") if has_code(body, "8302-2")}
        named = by_name(shelf)
        patients = {to(named[name]) for name in seen if name in named}
        want = where(shelf, "Patient", lambda one: f"Patient/{one['id']}" in patients)
        assert want
        name = "_has:Encounter:patient:_has:Observation:encounter:code"
        assert all_of(shelf, "Patient", (name, "8302-2")) == want

    def test_has_with_a_range(self, shelf: Any) -> None:
        holders = {
            to(body)
            for _, body in of(shelf, "Observation")
            if body.get("valueQuantity", {}).get("value", 0) > 150
        }
        want = where(shelf, "Patient", lambda one: f"Patient/{one['id']}" in holders)
        assert all_of(shelf, "Patient", ("_has:Observation:patient:value-quantity", "gt150")) == want


@pytest.mark.usefixtures("scale")
class TestSeveralConditions:
    def test_composite_of_the_whole_resource(self, shelf: Any) -> None:
        want = where(
            shelf,
            "Observation",
            lambda one: has_code(one, "8302-2") and one.get("valueQuantity", {}).get("value", 0) > 160,
        )
        assert want
        assert (
            all_of(shelf, "Observation", ("code-value-quantity", f"{LOINC}|8302-2$gt160|{UCUM}|cm")) == want
        )

    def test_composite_of_one_component(self, shelf: Any) -> None:
        def meets(one: Any) -> bool:
            return any(
                has_code(part, "8462-4") and part.get("valueQuantity", {}).get("value", 0) > 80
                for part in one.get("component", [])
            )

        want = where(shelf, "Observation", meets)
        assert want
        assert all_of(shelf, "Observation", ("component-code-value-quantity", "8462-4$gt80")) == want

    def test_or_and_and(self, shelf: Any) -> None:
        def meets(one: Any) -> bool:
            height = has_code(one, "8302-2") or has_code(one, "29463-7")
            return height and "2010" <= one.get("effectiveDateTime", "")[:4] < "2015"

        want = where(shelf, "Observation", meets)
        pairs = ("code", "8302-2,29463-7"), ("date", "ge2010"), ("date", "lt2015")
        assert want
        assert all_of(shelf, "Observation", *pairs) == want

    def test_several_ranges(self, shelf: Any) -> None:
        def meets(one: Any) -> bool:
            return one.get("effectiveDateTime", "")[:4] in {"2010", "2012"}

        assert all_of(shelf, "Observation", ("date", "2010,2012")) == where(shelf, "Observation", meets)

    def test_not_missing_and_id(self, shelf: Any) -> None:
        some = [body["id"] for _, body in of(shelf, "Patient")][:3]
        want = where(shelf, "Patient", lambda one: one["id"] in some and one.get("gender") != "male")
        assert all_of(shelf, "Patient", ("_id", ",".join(some)), ("gender:not", "male")) == want

    def test_when_it_was_changed(self, shelf: Any) -> None:
        want = where(shelf, "Observation", lambda one: one["meta"]["lastUpdated"] >= "2020-01-01T05")
        assert all_of(shelf, "Observation", ("_lastUpdated", "ge2020-01-01T05:00:00Z")) == want


class TestOtherForms:
    def test_of_type(self, shelf: Any) -> None:
        kind = "http://terminology.hl7.org/CodeSystem/v2-0203"
        number = next(
            one
            for _, body in of(shelf, "Patient")
            for one in body.get("identifier", [])
            if one.get("type", {}).get("coding", [{}])[0].get("code") == "MR"
        )["value"]
        assert shelf.find("Patient", ("identifier:of-type", f"{kind}|MR|{number}"))
        assert not shelf.find("Patient", ("identifier:of-type", f"{kind}|SS|{number}"))

    def test_implied_system_of_a_code(self, shelf: Any) -> None:
        men = shelf.find("Patient", ("gender", "male"))
        assert shelf.find("Patient", ("gender", "http://hl7.org/fhir/administrative-gender|male")) == men
        assert shelf.find("Patient", ("gender", "http://nowhere.org|male")) == []

    def test_urls_above_and_below(self, new_shelf: Callable[[], Any]) -> None:
        shelf = new_shelf()
        urls = ["http://a.org/x", "http://a.org/x/y", "http://a.org/xy", "urn:oid:1.2", "http://a.org"]
        shelf.add(*({"resourceType": "ValueSet", "id": str(at), "url": url} for at, url in enumerate(urls)))
        shelf.add({"resourceType": "Patient", "id": "p", "meta": {"profile": ["http://a.org/x/y"]}})
        assert shelf.find("ValueSet", ("url:below", "http://a.org/x")) == [1, 2]
        assert shelf.find("ValueSet", ("url:below", "http://a.org/")) == [1, 2, 3]
        assert shelf.find("ValueSet", ("url:above", "http://a.org/x/y/z")) == [1, 2, 5]
        assert shelf.find("Patient", ("_profile:below", "http://a.org/x")) == [6]
        assert shelf.find("Patient", ("_profile:below", "http://a.org/z")) == []

    def test_identifier_of_a_reference(self, new_shelf: Callable[[], Any]) -> None:
        shelf = new_shelf()
        logical = {"identifier": {"system": "urn:s", "value": "7"}}
        shelf.add(
            {"resourceType": "Observation", "id": "a", "subject": {**logical, "type": "Patient"}},
            {"resourceType": "Observation", "id": "b", "subject": {**logical, "type": "Group"}},
        )
        assert shelf.find("Observation", ("subject:identifier", "urn:s|7")) == [1, 2]
        assert shelf.find("Observation", ("patient:identifier", "urn:s|7")) == [1]
        assert shelf.find("Observation", ("patient:identifier", "7")) == [1]

    def test_versions_and_other_servers(self, new_shelf: Callable[[], Any]) -> None:
        shelf = new_shelf()
        forms = ["Patient/1", "Patient/1/_history/2", "http://b.org/Patient/1", "Group/1", "urn:uuid:1"]
        for at, form in enumerate(forms):
            shelf.add({"resourceType": "Observation", "id": str(at), "subject": {"reference": form}})
        asked = {
            "1": [1, 2, 4],
            "Patient/1": [1, 2],
            "Patient/1/_history/2": [2],
            "http://b.org/Patient/1": [3],
            "urn:uuid:1": [5],
        }
        for value, want in asked.items():
            assert shelf.find("Observation", ("subject", value)) == want, value
        assert shelf.find("Observation", ("subject:Group", "1")) == [4]
        assert shelf.find("Observation", ("patient", "1")) == [1, 2]
        assert shelf.find("Observation", ("patient", "http://b.org/Patient/1")) == [3]

    def test_the_whole_system(self, shelf: Any) -> None:
        def tagged(body: Any) -> bool:
            return any("smarthealthit" in one.get("system", "") for one in body["meta"].get("tag", []))

        tag = "https://smarthealthit.org/tags|synthea-5-2019"
        want = [rid for rid, body in shelf.bodies.items() if tagged(body)]
        assert want
        assert shelf.find(None, ("_tag", tag), limit=5000) == want
        kinds = {"Patient", "Encounter"}
        some = [rid for rid in want if shelf.bodies[rid]["resourceType"] in kinds]
        assert shelf.find(None, ("_tag", tag), ("_type", ",".join(kinds)), limit=5000) == some
        first = next(iter(shelf.bodies.values()))
        assert shelf.find(None, ("_id", first["id"])) == [1]
