"""Chains, ``_has``, composites, includes, order, paging and limits of searches, against plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from suwen.core.errors import BadInput
from suwen.records.store import search_include, search_plan, search_resolve
from suwen.records.store.search import Cursor

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


@pytest.fixture(params=["as it is", "everything is many"])
def scale(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once with the plans for small results, once with those for large ones."""
    if request.param != "as it is":
        for module, name, value in (
            (search_plan, "FEW", 2),
            (search_plan, "MANY", 3),
            (search_plan, "VAST", 4),
            (search_plan, "WINDOW", 2),
            (search_resolve, "FEW", 2),
        ):
            monkeypatch.setattr(module, name, value)


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
        who = next(to(body) for _, body in of(shelf, "Encounter") if "synthea" in str(body["meta"]))
        mine = [(rid, body) for rid, body in of(shelf, "Encounter") if to(body) == who]
        want = [rid for rid, _ in sorted(mine, key=key)]
        assert len(want) > 5
        assert all_of(shelf, "Encounter", ("patient", who), ("_sort", "status,date")) == want

    @pytest.mark.parametrize("sort", ["_lastUpdated", "-_lastUpdated", "_id", "-_id"])
    def test_by_columns(self, shelf: Any, sort: str) -> None:
        def key(item: tuple[int, Any]) -> str:
            return str(item[1]["id"] if "_id" in sort else item[1]["meta"]["lastUpdated"])

        want = [rid for rid, _ in sorted(of(shelf, "Condition"), key=key, reverse=sort[0] == "-")]
        if sort == "-_lastUpdated":
            want = [rid for rid, _ in sorted(sorted(of(shelf, "Condition")), key=key, reverse=True)]
        assert all_of(shelf, "Condition", ("_sort", sort)) == want


class TestPages:
    def patients(self, count: int, start: int = 0) -> list[Any]:
        return [
            {
                "resourceType": "Patient",
                "id": f"n{at}",
                "gender": "female",
                "birthDate": f"19{at % 60 + 10}-01-01",
                "name": [{"family": f"Name{at % 7}"}],
            }
            for at in range(start, start + count)
        ]

    def test_stay_right_while_others_write(self, new_shelf: Callable[[], Any]) -> None:
        shelf = new_shelf()
        shelf.add(*self.patients(40))
        seen: list[int] = []
        for number, page in enumerate(shelf.pages("Patient", ("gender", "female"), limit=7)):
            seen += page
            if number == 0:
                shelf.delete(3)  # on the page before
                shelf.delete(20)  # still to come
                shelf.add(*self.patients(5, 40))
        assert seen == [rid for rid in range(1, 46) if rid != 20]

    def test_stay_right_in_another_order(self, new_shelf: Callable[[], Any]) -> None:
        shelf = new_shelf()
        shelf.add(*self.patients(30))
        first = shelf.ask("Patient", ("_sort", "family"), limit=10)
        shelf.add({"resourceType": "Patient", "id": "early", "name": [{"family": "Aaa"}]})
        shelf.add({"resourceType": "Patient", "id": "late", "name": [{"family": "Zzz"}]})
        cursor = Cursor.from_state(first.next.state())
        rest = shelf.ask("Patient", ("_sort", "family"), limit=50, cursor=cursor)
        assert sorted(first.rids + rest.rids) == [*range(1, 31), 32]
        assert rest.total == first.total == 30

    def test_totals(self, new_shelf: Callable[[], Any]) -> None:
        shelf = new_shelf()
        shelf.add(*self.patients(1010))
        female = ("gender", "female")
        assert shelf.ask("Patient", female, ("name", "name3"), limit=5).total == 144
        assert shelf.ask("Patient", female, limit=5).total is None
        assert shelf.ask("Patient", female, ("_total", "accurate"), limit=5).total == 1010
        assert shelf.ask("Patient", female, ("_total", "none"), ("name", "name3"), limit=5).total is None
        assert shelf.ask("Patient", female, ("_summary", "count"), limit=5).total == 1010
        assert shelf.ask("Patient", ("name:contains", "ame3"), limit=5).total == 144
        assert shelf.ask("Patient", limit=0).total == 1010

    def test_decryption_is_bounded(
        self, new_shelf: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shelf = new_shelf()
        shelf.add(*self.patients(300))
        for module in (search_resolve, __import__("suwen.records.store.search", fromlist=["search"])):
            monkeypatch.setattr(module, "COSTLY", 50)
        with pytest.raises(BadInput) as caught:
            shelf.find("Patient", ("_sort", "family"))
        assert caught.value.code == "too-costly"
        # A page that finds little is cut short, and the next one goes on.
        pages = list(shelf.pages("Patient", ("name:contains", "3"), limit=100))
        assert len(pages) > 2
        assert [rid for page in pages for rid in page] == [rid for rid in range(1, 301) if (rid - 1) % 7 == 3]

    def test_a_page_decrypts_no_more_than_it_must(self, shelf: Any) -> None:
        before = shelf.opened
        shelf.find("Observation", ("code", f"{LOINC}|8302-2"), ("date", "ge2010"), ("patient.gender", "male"))
        assert shelf.opened == before


class TestIncluding:
    def test_what_matches_refer_to(self, shelf: Any) -> None:
        found = shelf.ask("Observation", ("code", "8302-2"), ("_include", "Observation:subject"), limit=8)
        named = by_name(shelf)
        want = {to(shelf.bodies[rid]) for rid in found.rids} & named.keys()
        got = [shelf.bodies[rid] for rid in found.included]
        assert {f"Patient/{one['id']}" for one in got} == want
        assert len(got) == len(want)

    def test_only_one_type(self, shelf: Any) -> None:
        found = shelf.ask(
            "Observation", ("code", "8302-2"), ("_include", "Observation:subject:Group"), limit=8
        )
        assert found.included == []

    def test_what_refers_to_matches(self, shelf: Any) -> None:
        one = next(body for _, body in of(shelf, "Patient") if "synthea" in str(body["meta"]))
        found = shelf.ask("Patient", ("_id", one["id"]), ("_revinclude", "Observation:patient"), limit=5)
        assert found.included == where(shelf, "Observation", lambda body: to(body) == f"Patient/{one['id']}")

    def test_again_and_again(self, new_shelf: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
        shelf = new_shelf()
        chain = [
            {
                "resourceType": "Observation",
                "id": f"o{at}",
                "hasMember": [{"reference": f"Observation/o{at + 1}"}],
            }
            for at in range(9)
        ]
        chain.append(
            {"resourceType": "Observation", "id": "o9", "hasMember": [{"reference": "Observation/o0"}]}
        )
        shelf.add(*chain)
        first = ("_id", "o0")
        assert shelf.ask("Observation", first, ("_include", "Observation:has-member")).included == [2]
        again = ("_include:iterate", "Observation:has-member")
        assert shelf.ask("Observation", first, again).included == list(range(2, 11))
        assert shelf.ask("Observation", first, ("_revinclude:iterate", "*")).included == list(
            range(10, 1, -1)
        )
        assert shelf.ask("Observation", first, ("_include", "*")).included == [2]
        monkeypatch.setattr(search_include, "MOST", 4)
        assert len(shelf.ask("Observation", first, again).included) == 4

    def test_nothing_that_was_deleted(self, new_shelf: Callable[[], Any]) -> None:
        shelf = new_shelf()
        shelf.add(
            {"resourceType": "Patient", "id": "p"},
            {"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/p"}},
        )
        shelf.delete(1)
        assert shelf.ask("Observation", ("_include", "Observation:subject")).included == []
        assert shelf.find("Patient") == []
        assert shelf.find("Observation", ("subject:Patient._id", "p")) == []
        assert shelf.find("Patient", ("_id", "p")) == []
