"""The schemas themselves: legal, small, complete, and of linear-time patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import jsonschema_rs
import pytest

from suwen.records.fhir import patterns
from suwen.records.fhir.definitions import definitions
from suwen.records.fhir.schema import schema_for

SMALL = 300_000


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from parts(item)


@pytest.mark.parametrize(
    "name", ["Observation", "Patient", "Bundle", "Questionnaire", "ExplanationOfBenefit"]
)
def test_a_schema_is_legal_and_closed(name: str) -> None:
    schema = schema_for(definitions(), name)
    jsonschema_rs.meta.validate(schema)
    assert len(str(schema)) < SMALL
    refs = {part["$ref"] for part in parts(schema) if isinstance(part.get("$ref"), str)}
    assert {ref.removeprefix("#/$defs/") for ref in refs if ref.startswith("#")} <= set(schema["$defs"])
    for part in parts(schema):
        if part.get("type") == "object" and "properties" in part:
            assert part["additionalProperties"] is False


def test_every_resource_type_compiles_without_look_around() -> None:
    for name in sorted(definitions().resource_types):
        patterns_used = {
            p["pattern"] for p in parts(schema_for(definitions(), name)) if isinstance(p.get("pattern"), str)
        }
        assert not [p for p in patterns_used if "(?=" in p or "(?!" in p or "(?<" in p]


def accepts(kind: str, text: str) -> bool:
    schema = {"type": "string", **patterns.TEXTS[kind]}
    return jsonschema_rs.is_valid(schema, text, pattern_options=jsonschema_rs.RegexOptions())


def test_dates_are_those_of_the_calendar() -> None:
    schema = {"type": "string", **patterns.TEXTS["date"]}
    validator = jsonschema_rs.validator_for(schema, pattern_options=jsonschema_rs.RegexOptions())
    for year in (1, 4, 99, 100, 400, 1600, 1700, 1900, 1996, 2000, 2004, 2023, 2024, 2100, 9999):
        for month in range(14):
            for day in range(33):
                text = f"{year:04}-{month:02}-{day:02}"
                try:
                    date(year, month, day)
                except ValueError:
                    assert not validator.is_valid(text), text
                else:
                    assert validator.is_valid(text), text
    day = date(2023, 12, 1)
    while day.year < 2025:
        assert validator.is_valid(day.isoformat())
        day += timedelta(1)


GOOD = {
    "date": ["2021", "2021-02", "2020-02-29", "0001"],
    "dateTime": [
        "2021",
        "2021-12",
        "2021-12-31",
        "2016-12-31T23:59:60Z",
        "2021-01-01T00:00:00.123456789+14:00",
    ],
    "instant": ["2021-01-01T00:00:00Z", "2021-01-01T00:00:00.1-13:59"],
    "time": ["00:00:00", "23:59:60", "12:30:00.5"],
    "id": ["a", "A-1.b", "x" * 64],
    "oid": ["urn:oid:2.16.840.1", "urn:oid:1.0"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "uri": ["http://a.b/c", "urn:x", "é"],
    "code": ["a", "a b", "ä-1"],
    "base64Binary": ["QQ==", "QUI=", "QUJD", " QUJD\nQUJD ", "QU JD"],
    "string": ["a", " ", "a\tb\r\nc", "\u00a0", "😀", "x" * 1_048_576],
    "xhtml": [
        '<div xmlns="http://www.w3.org/1999/xhtml"><p>a &lt; b, on x = "3"</p><br/><!-- c --></div>',
        "<div><a href='x.html' name=\"o\">y</a><img src='a.png'/><h1 class='b'>Z</h1></div>",
    ],
}
BAD = {
    "date": [
        "",
        "0000",
        "21",
        "2021-13",
        "2021-00",
        "2021-02-30",
        "1900-02-29",
        "2021-2-3",
        "2021-01-01T00:00:00Z",
        "2021 ",
    ],
    "dateTime": [
        "2021-01-01T10",
        "2021-01-01T10:00Z",
        "2021-01-01T10:00:00",
        "2021-01-01T24:00:00Z",
        "2021-02-29T00:00:00Z",
        "2021-01-01T00:00:00+14:30",
    ],
    "instant": ["2021", "2021-01-01", "2021-01-01T00:00:00", "2021-02-30T00:00:00Z"],
    "time": ["24:00:00", "12:30", "12:30:00Z", "1:00:00"],
    "id": ["", "a b", "a_b", "x" * 65, "é", "a\n"],
    "oid": ["2.16.840", "urn:oid:3.1", "urn:oid:1.01", "urn:oid:1"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"],
    "uri": ["", "a b", "a\n", "\u00a0"],
    "code": ["", " a", "a ", "a  b", "\n"],
    "base64Binary": ["", "Q", "QQ", "QQ=", "Q===", "QQ==QQ==x", "Q-Q_", "===="],
    "string": ["", "a\u0000", "\u001f", "x" * 1_048_577],
    "xhtml": [
        "",
        "text",
        "<p>x</p>",
        "<div>x",
        "<div><script>x</script></div>",
        '<div onclick="x">y</div>',
        "<div><p ONLOAD='x'>y</p></div>",
        "<!DOCTYPE html><div>x</div>",
        "<div><iframe src='x'/></div>",
        '<div><a href="javascript:x">y</a></div>',
        "<div><a href=' JavaScript:x'>y</a></div>",
        "<div><a href='&#106;avascript:x'>y</a></div>",
        "<div><form/></div>",
        "<div><p x=y>z</p></div>",
        "<div><svg/onload=x></div>",
        "<div><![CDATA[<script/>]]></div>",
        "<div><object/></div>",
    ],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in GOOD.items() for text in texts])
def test_legal_primitives(kind: str, text: str) -> None:
    assert accepts(kind, text)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in BAD.items() for text in texts])
def test_illegal_primitives(kind: str, text: str) -> None:
    assert not accepts(kind, text)


def test_what_the_official_expressions_refuse_is_refused() -> None:
    for kind, official in definitions().primitives.items():
        for text in BAD.get(kind, []):
            if official and kind not in {
                "string",
                "markdown",
                "date",
                "dateTime",
                "instant",
                "base64Binary",
                "uri",
            }:
                assert re.fullmatch(official, text) is None, (kind, text)
        for text in GOOD.get(kind, []):
            if official and kind not in {"string", "base64Binary"}:
                assert re.fullmatch(official, text), (kind, text)


def references(conditional: bool, *targets: str) -> jsonschema_rs.Validator:
    made = patterns.References(definitions().resource_types, conditional=conditional)
    return jsonschema_rs.validator_for(made.to(targets), pattern_options=jsonschema_rs.RegexOptions())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patient/1", True),
        ("Patient/1/_history/2", True),
        ("https://a.b/fhir/Patient/1", True),
        ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", True),
        ("urn:oid:1.2", True),
        ("http://a.b/anything", True),
        ("Group/1", False),
        ("http://a.b/Group/1", False),
        ("http://a.b/Group/1/_history/2", False),
        ("Patient", False),
        ("Patient/", False),
        ("Patient/a b", False),
        ("Nothing/1", False),
        ("1", False),
        ("/Patient/1", False),
        ("", False),
        ("Patient?identifier=x", False),
        ("#a", False),
    ],
)
def test_references_to_a_patient(text: str, expected: bool) -> None:
    assert references(False, "Patient").is_valid(text) == expected


def test_a_search_is_a_reference_only_where_asked_for() -> None:
    assert references(True, "Patient").is_valid("Patient?identifier=a|b")
    assert not references(True, "Patient").is_valid("Group?identifier=a|b")
    assert references(False).is_valid("Group/1")
