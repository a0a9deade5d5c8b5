"""Order, paging, limits and includes of searches, against plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from suwen.core.errors import BadInput
from suwen.records.store import search, search_include, search_resolve
from suwen.records.store.search import Cursor


def of(shelf: Any, kind: str) -> Iterator[tuple[int, Any]]:
    return ((rid, body) for rid, body in shelf.bodies.items() if body["resourceType"] == kind)


def where(shelf: Any, kind: str, meets: Callable[[Any], bool]) -> list[int]:
    return [rid for rid, body in of(shelf, kind) if meets(body)]


def by_name(shelf: Any) -> dict[str, Any]:
    return {f"{body['resourceType']}/{body['id']}": body for body in shelf.bodies.values()}


def to(body: Any, name: str = "subject") -> str:
    found = body.get(name)
    return found.get("reference", "") if isinstance(found, dict) else ""


def all_of(shelf: Any, kind: str, *pairs: tuple[str, str]) -> list[int]:
    return [rid for page in shelf.pages(kind, *pairs, limit=5) for rid in page]


@pytest.mark.usefixtures("scale")
class TestOrder:
    def test_by_a_date(self, shelf: Any) -> None:
        def key(item: tuple[int, Any]) -> tuple[bool, str, int]:
            text = item[1].get("effectiveDateTime", "")
            return not text, text, item[0]

        dated = [(rid, body) for rid, body in of(shelf, "Observation") if "8302-2" in str(body["code"])]
        want = [rid for rid, _ in sorted(dated, key=key)]
        assert all_of(shelf, "Observation", ("code", "8302-2"), ("_sort", "date")) == want

    def test_down_by_a_number_and_missing_last(self, shelf: Any) -> None:
        def key(item: tuple[int, Any]) -> tuple[bool, float, int]:
            value = item[1].get("valueQuantity", {}).get("value")
            above = item[1].get("valueQuantity", {}).get("comparator", "").startswith(">")
            return value is None, float("-inf") if above else -float(value or 0), item[0]

        want = [rid for rid, _ in sorted(of(shelf, "Observation"), key=key)]
        assert all_of(shelf, "Observation", ("_sort", "-value-quantity")) == want

    def test_by_what_only_decryption_shows(self, shelf: Any) -> None:
        def key(item: tuple[int, Any]) -> tuple[bool, str, int]:
            names = [name["family"].lower() for name in item[1].get("name", []) if "family" in name]
            return not names, min(names, default=""), item[0]

        want = [rid for rid, _ in sorted(of(shelf, "Patient"), key=key)]
        assert all_of(shelf, "Patient", ("_sort", "family")) == want

    def test_by_several_keys(self, shelf: Any) -> None:
        def key(item: tuple[int, Any]) -> tuple[str, bool, str]:
            return item[1]["status"], "period" not in item[1], item[1].get("period", {}).get("start", "")

        synthetic = [body for _, body in of(shelf, "Encounter") if "synthea" in str(body["meta"])]
        who = synthetic[0]["subject"]["reference"]
        mine = [(rid, body) for rid, body in of(shelf, "Encounter") if who in str(body.get("subject"))]
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
        for module in (search_resolve, search):
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
        shelf.find("Observation", ("code", "8302-2"), ("date", "ge2010"), ("patient.gender", "male"))
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
