"""Every event is an AuditEvent that our own validator accepts."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.records.fhir.definitions import definitions
from suwen.records.fhir.validate import Validator
from suwen.records.ledger.audit_event import audit_event
from suwen.records.ledger.events import ACTIONS, OUTCOMES, Event

NAMES = {7: "Patient/p1", -8: "Observation/o1"}
VALIDATOR = Validator(definitions())
NOW = 1_732_318_380_123_000


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_every_action_gives_a_valid_audit_event(action: str) -> None:
    for ref in (0, 7, -8, 9):
        for outcome in sorted(OUTCOMES):
            event = Event(
                action,
                NOW,
                "dr. who",
                ref,
                5,
                2,
                sha256(b"x").digest(),
                (7, 11),
                3,
                outcome,
                "a-code",
                b"query",
            )
            for one in (event, Event(action, NOW, "dr. who", ref, outcome=outcome)):
                resource = audit_event(one, position=0, origin="record.example/ledger", resolve=NAMES.get)
                assert VALIDATOR.check(resource) == []


@given(st.text(max_size=20), st.text(max_size=20), st.integers(-(1 << 63), (1 << 63) - 1))
def test_odd_texts_and_any_pseudonym_are_valid_too(actor: str, note: str, ref: int) -> None:
    event = Event("read", NOW, actor, ref, note=note)
    resource = audit_event(event, position=1, origin="x", resolve=lambda _: None)
    assert VALIDATOR.check(resource) == []
    assert "entity" not in resource or len(resource["entity"][0]["what"]["identifier"]["value"]) == 16


def test_a_read_says_who_saw_what_when() -> None:
    event = Event("read", NOW, "dr. who", ref=-8, version=3, subjects=(7,))
    resource = audit_event(event, position=41, origin="record.example/ledger", resolve=NAMES.get)
    assert resource["id"] == "41"
    assert resource["type"]["code"] == "rest"
    assert resource["subtype"][0] == {
        "system": "http://hl7.org/fhir/restful-interaction",
        "code": "read",
        "display": "read",
    }
    assert (resource["action"], resource["outcome"]) == ("R", "0")
    assert resource["recorded"] == "2024-11-22T23:33:00.123Z"
    assert resource["agent"] == [{"who": {"identifier": {"value": "dr. who"}}, "requestor": True}]
    observation, patient = resource["entity"]
    assert observation["what"] == {"reference": "Observation/o1/_history/3"}
    assert patient["what"] == {"reference": "Patient/p1"}
    assert patient["role"]["code"] == "1"


@pytest.mark.parametrize(
    ("action", "letter"),
    [
        *[("create", "C"), ("update", "U"), ("patch", "U"), ("delete", "D"), ("read", "R"), ("search", "E")],
        *[("history", "R"), ("predict", "E"), ("erase", "D"), ("login", "E"), ("key-create", "C")],
    ],
)
def test_actions_are_the_standards_letters(action: str, letter: str) -> None:
    assert audit_event(Event(action, NOW, "a"), position=0, origin="x", resolve=NAMES.get)["action"] == letter


def test_what_is_gone_keeps_its_pseudonym_only() -> None:
    event = Event("erase", NOW, "admin", ref=99, seq=5, count=10_000)
    resource = audit_event(event, position=0, origin="x", resolve=NAMES.get)
    assert resource["entity"][0]["what"]["identifier"]["value"] == f"{99:016x}"
    assert resource["entity"][1]["detail"] == [{"type": "resources", "valueString": "10000"}]


@pytest.mark.parametrize(("outcome", "code"), [("ok", "0"), ("refused", "4"), ("failed", "8")])
def test_outcomes_are_the_standards_codes(outcome: str, code: str) -> None:
    event = Event("login", NOW, "a", outcome=outcome, note="wrong-password")
    resource = audit_event(event, position=0, origin="x", resolve=NAMES.get)
    assert (resource["outcome"], resource["outcomeDesc"]) == (code, "wrong-password")
