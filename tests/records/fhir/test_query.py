"""Searches as they come in a URL: what is understood, what is left out, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.core.errors import BadInput
from suwen.records.fhir.definitions import definitions
from suwen.records.fhir.query import CONDITIONS, DEPTH, VALUES, parse
from suwen.records.fhir.search_criteria import (
    Chain,
    CompositeValue,
    Criterion,
    Has,
    Include,
    MissingValue,
    Query,
    RangeValue,
    ReferenceValue,
    SortKey,
    StringValue,
    TokenValue,
)


def read(kind: str | None, *pairs: tuple[str, str], base: str | None = None) -> Query:
    return parse(definitions(), kind, pairs, base=base)


def one(kind: str, name: str, value: str) -> Criterion:
    (found,) = read(kind, (name, value)).conditions
    assert isinstance(found, Criterion)
    return found


def test_values_by_kind() -> None:
    assert one("Patient", "name", "Élan  X").values == (StringValue("Élan  X", "elan x"),)
    assert one("Observation", "code", "a|b,c,|d,e|").values == (
        TokenValue("a", "b"),
        TokenValue(None, "c"),
        TokenValue("", "d"),
        TokenValue("e", None),
    )
    assert one("Observation", "patient", "7").values == (ReferenceValue(("Patient/7",)),)
    assert one("Observation", "subject", "Group/7").values == (ReferenceValue(("Group/7",)),)
    assert one("Observation", "subject:Patient", "7").values == (ReferenceValue(("Patient/7",)),)
    assert one("Observation", "subject:Patient", "Group/7").values == (ReferenceValue(),)
    assert one("Observation", "value-quantity", "lt5||mg").values == (RangeValue("lt", 5, 5, (None, "mg")),)
    assert one("Observation", "status:missing", "true").values == (MissingValue(True),)
    (value,) = one("Observation", "code-value-quantity", "a|b$gt5").values
    assert value == CompositeValue((TokenValue("a", "b"), RangeValue("gt", 5, 5)))


def test_escapes() -> None:
    assert one("Patient", "name", r"a\,b,c\\").values == (
        StringValue("a,b", "a,b"),
        StringValue("c\\", "c\\"),
    )
    assert one("Patient", "identifier", r"a\|b|c\,d").values == (TokenValue("a|b", "c,d"),)


def test_absolute_references_to_this_server_are_local() -> None:
    (found,) = read("Observation", ("subject", "http://me/fhir/Patient/1"), base="http://me/fhir").conditions
    assert isinstance(found, Criterion)
    assert found.values == (ReferenceValue(("Patient/1",)),)
    assert one("Observation", "subject", "http://you/Patient/1").values == (
        ReferenceValue(text="http://you/Patient/1"),
    )


def test_chains_and_has() -> None:
    (found,) = read("Observation", ("encounter.subject:Patient.name:exact", "X")).conditions
    assert isinstance(found, Chain)
    ((target, inner),) = found.targets
    assert target == "Encounter"
    assert isinstance(inner, Chain)
    assert [target for target, _ in inner.targets] == ["Patient"]
    (found,) = read("Patient", ("_has:Observation:patient:_has:AuditEvent:entity:agent-name", "x")).conditions
    assert isinstance(found, Has)
    assert isinstance(found.inner, Has)
    assert (found.source, found.inner.source) == ("Observation", "AuditEvent")


def test_how_the_answer_is_to_look() -> None:
    query = read(
        "Observation",
        ("_sort", "-date,_id"),
        ("_count", "20"),
        ("_summary", "data"),
        ("_total", "accurate"),
        ("_elements", "code, status"),
        ("_include", "Observation:subject:Patient"),
        ("_revinclude:iterate", "Provenance:target"),
        ("_include", "*"),
        ("_cursor", "abc"),
        ("_format", "json"),
    )
    assert query.sort == (SortKey("date", "date", True), SortKey("_id", "token", False))
    assert (query.count, query.summary, query.total, query.cursor) == (20, "data", "accurate", "abc")
    assert query.elements == ("code", "status")
    assert query.includes == (
        Include(False, False, "Observation", "subject", "Patient"),
        Include(True, True, "Provenance", "target", None),
        Include(False, False, "*", "*", None),
    )
    assert (query.conditions, query.unknown) == ((), ())


def test_what_is_left_out_is_named() -> None:
    query = read(
        "Patient",
        ("colour", "x"),
        ("_text", "x"),
        ("name", ""),
        ("family", ","),
        ("general-practitioner.colour", "x"),
    )
    assert query.conditions == ()
    assert query.unknown == ("colour", "_text", "name", "family", "general-practitioner.colour")


def test_the_whole_system() -> None:
    assert read(None, ("_id", "7")).types == ()
    query = read(None, ("_type", "Patient,Group"), ("_tag", "x"), ("name", "y"))
    assert query.types == ("Group", "Patient")
    (found,) = query.conditions
    assert isinstance(found, Criterion)
    assert found.types == ("Group", "Patient")
    assert query.unknown == ("name",)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("Observation", "date", "yesterday"),
        ("Observation", "date", "2012-02-30"),
        ("Observation", "value-quantity", "heavy"),
        ("Observation", "value-quantity", "5|mg"),
        ("Observation", "value-quantity", "5|http://unitsofmeasure.org|"),
        ("Observation", "code", "|"),
        ("Observation", "code:exact", "x"),
        ("Observation", "code:text", "x"),
        ("Observation", "code:in", "http://x"),
        ("Observation", "date:not", "2012"),
        ("Observation", "subject:Nobody", "1"),
        ("Observation", "status:missing", "perhaps"),
        ("Observation", "code-value-quantity", "a$b$c"),
        ("Observation", "code-value-quantity:missing", "true"),
        ("Observation", "code.name", "x"),
        ("Observation", "subject:Encounter.status", "x"),
        ("Patient", "_has:Observation:code", "x"),
        ("Patient", "_has:Observation:code:code", "x"),
        ("Patient", "_has:Observation:encounter:code", "x"),
        ("Patient", "identifier:of-type", "a|b"),
        ("Patient", "_sort", "colour"),
        ("Patient", "_sort", "near"),
        ("Patient", "_count", "-1"),
        ("Patient", "_count", "many"),
        ("Patient", "_summary", "short"),
        ("Patient", "_total", "yes"),
        ("Patient", "_include", "Patient"),
        ("Patient", "_include", "Patient:name"),
        ("Patient", "_include:often", "*"),
        ("Patient", "_revinclude", "Nobody:subject"),
        ("Patient", "link." * (DEPTH + 1) + "name", "x"),
        ("Patient", "gender", ",".join("x" * (VALUES + 1))),
    ],
)
def test_what_cannot_be_understood(kind: str, name: str, value: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(kind, (name, value))
    assert caught.value.code == "bad-search"
    assert value[:80] not in str(caught.value) or len(value) < 6


def test_too_many_conditions() -> None:
    with pytest.raises(BadInput):
        read("Patient", *[("gender", "male")] * (CONDITIONS + 1))


def test_unknown_type() -> None:
    with pytest.raises(BadInput):
        read(None, ("_type", "Nobody"))


NAMES = st.one_of(
    st.sampled_from(
        ["name", "birthdate", "_has:Observation:patient:code", "link.name", "identifier:of-type", "_sort"]
    ),
    st.text(max_size=20),
)


@given(st.lists(st.tuples(NAMES, st.text(max_size=30)), max_size=4))
def test_no_input_breaks_it(pairs: list[tuple[str, str]]) -> None:
    try:
        read("Patient", *pairs)
    except BadInput as error:
        assert error.code == "bad-search"
