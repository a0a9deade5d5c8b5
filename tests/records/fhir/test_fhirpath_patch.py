"""FHIRPath Patch: the 33 official cases, then what they do not say.

The official cases are FHIR XML; ``to_json`` below reads them by the definitions. All 33 are applied forwards;
their ``mode`` says which of them another program could also derive from its two ends, which is no part of
applying a patch. ``xml-patch-tests.xml`` beside them is about XML Patch, which the record does not offer.
"""

import copy
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.core.errors import BadInput, Unreadable
from suwen.records.fhir import fhirpath_patch, wire
from suwen.records.fhir.definitions import definitions

XHTML = "{http://www.w3.org/1999/xhtml}div"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "a", "value": "1"}, {"system": "b", "value": "2"}],
    "name": [{"family": "F", "given": ["x", "y"], "_given": [None, {"id": "gy"}]}],
    "contact": [{"gender": "male"}],
    "birthDate": "1970-06-01",
    "_birthDate": {"extension": [{"url": "u", "valueDateTime": "1970-06-01T10:00:00Z"}]},
    "deceasedBoolean": False,
    "extension": [{"url": "e", "valueCode": "c"}],
}


def to_json(element: ET.Element, kind: str) -> dict[str, Any]:
    """FHIR XML of a type as FHIR JSON."""
    found: dict[str, Any] = {name: element.get(name) for name in ("id", "url") if element.get(name)}
    known = definitions().elements(kind)
    properties = {key: (one, of) for one in known.values() for key, of in one.properties()}
    for child in element:
        key = "div" if child.tag == XHTML else child.tag.rpartition("}")[2]
        one, of = properties[key]
        within = one.content or (f"{kind}.{key}" if of in {"BackboneElement", "Element"} else of)
        value: Any = child.get("value")
        extra: Any = None
        if key == "div":
            value = ET.canonicalize(ET.tostring(child, "unicode"), strip_text=True, rewrite_prefixes=True)
        elif value is None:
            value = to_json(child, within)
        else:
            value = {"boolean": value == "true"}.get(of, int(value) if of == "integer" else value)
            extra = to_json(child, "Extension") or None  # ids and extensions, as every element has
        for name, what in ((key, value), (f"_{key}", extra)):
            if what is not None:
                found[name] = [*found.get(name, []), what] if one.max is None else what
    return found


def resource(holder: ET.Element) -> dict[str, Any]:
    (element,) = holder
    kind = element.tag.rpartition("}")[2]
    return {"resourceType": kind, **to_json(element, kind)}


def official(data_dir: Path) -> list[ET.Element]:
    return ET.parse(data_dir / "records/patch_r4/fhir-patch-tests.xml").getroot().findall("case")  # noqa: S314


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    """Parameters from ``{"type": ..., "path": ..., "value": {"valueX": ...}}``."""

    def part(name: str, value: Any) -> dict[str, Any]:
        return {"name": name, **(value if isinstance(value, dict) else {key(value): value})}

    def key(value: Any) -> str:
        return "valueInteger" if isinstance(value, int) else "valueString"

    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "operation", "part": [part(name, value) for name, value in one.items()]}
            for one in operations
        ],
    }


def test_the_official_cases(data_dir: Path) -> None:
    cases = official(data_dir)
    assert len(cases) == 33
    for case in cases:
        name = case.get("name")
        before, parameters = (resource(case.find(part)) for part in ("input", "diff"))  # type: ignore[arg-type]
        kept = copy.deepcopy((before, parameters))
        if case.find("error") is not None:
            with pytest.raises(Unreadable) as raised:
                fhirpath_patch.apply(before, parameters)
            assert raised.value.code == "patch-failed", name
        else:
            changed = fhirpath_patch.apply(before, parameters)
            if div := changed.get("text", {}).get("div"):
                changed["text"]["div"] = ET.canonicalize(div, strip_text=True, rewrite_prefixes=True)
            assert changed == resource(case.find("output")), name  # type: ignore[arg-type]
        assert (before, parameters) == kept, name


@pytest.mark.parametrize(
    ("operation", "at", "expected"),
    [
        (
            {"type": "replace", "path": "Patient.identifier.where(system='b').value", "value": "3"},
            "identifier",
            [{"system": "a", "value": "1"}, {"system": "b", "value": "3"}],
        ),
        (
            {"type": "replace", "path": "Patient.extension('e').value", "value": {"valueBoolean": True}},
            "extension",
            [{"url": "e", "valueBoolean": True}],
        ),
        (
            {"type": "delete", "path": "Patient.extension('e')"},
            "extension",
            None,
        ),
        ({"type": "delete", "path": "Patient.birthDate"}, "_birthDate", None),
        ({"type": "delete", "path": "Patient.birthDate.extension('u')"}, "_birthDate", None),
        (
            {
                "type": "replace",
                "path": "Patient.birthDate",
                "value": {"valueDate": "1971", "_valueDate": {"id": "i"}},
            },
            "_birthDate",
            {"id": "i"},
        ),
        (
            {"type": "replace", "path": "Patient.deceased", "value": {"valueDateTime": "2020"}},
            "deceasedBoolean",
            None,
        ),
        (
            {"type": "replace", "path": "Patient.deceased", "value": {"valueDateTime": "2020"}},
            "deceasedDateTime",
            "2020",
        ),
        (
            {"type": "delete", "path": "Patient.name[0].given[0]"},
            "name",
            [{"family": "F", "given": ["y"], "_given": [{"id": "gy"}]}],
        ),
        (
            {"type": "insert", "path": "Patient.name.given", "index": 1, "value": "z"},
            "name",
            [{"family": "F", "given": ["x", "z", "y"], "_given": [None, None, {"id": "gy"}]}],
        ),
        (
            {"type": "move", "path": "Patient.name.given", "source": 1, "destination": 0},
            "name",
            [{"family": "F", "given": ["y", "x"], "_given": [{"id": "gy"}, None]}],
        ),
        (
            {"type": "add", "path": "Patient.name[0]", "name": "given", "value": "z"},
            "name",
            [{"family": "F", "given": ["x", "y", "z"], "_given": [None, {"id": "gy"}, None]}],
        ),
        (
            {"type": "add", "path": "Patient", "name": "multipleBirth", "value": {"valueInteger": 2}},
            "multipleBirthInteger",
            2,
        ),
        (
            {"type": "add", "path": "Patient", "name": "multipleBirth[x]", "value": {"valueBoolean": True}},
            "multipleBirthBoolean",
            True,
        ),
        (
            {
                "type": "insert",
                "path": "Patient.telecom",
                "index": 0,
                "value": {"valueContactPoint": {"value": "5"}},
            },
            "telecom",
            [{"value": "5"}],
        ),
        (
            {
                "type": "add",
                "path": "Patient",
                "name": "contact",
                "value": {
                    "part": [
                        {"name": "telecom", "valueContactPoint": {"value": "5"}},
                        {"name": "name", "part": [{"name": "given", "valueString": "g"}]},
                    ]
                },
            },
            "contact",
            [{"gender": "male"}, {"telecom": [{"value": "5"}], "name": {"given": ["g"]}}],
        ),
        (
            {
                "type": "add",
                "path": "Patient",
                "name": "contained",
                "value": {"resource": {"resourceType": "Basic"}},
            },
            "contained",
            [{"resourceType": "Basic"}],
        ),
        ({"type": "delete", "path": "Patient.contact.gender"}, "contact", None),
        ({"type": "delete", "path": "Patient.photo"}, "photo", None),
    ],
)
def test_one_operation(operation: dict[str, Any], at: str, expected: Any) -> None:
    assert fhirpath_patch.apply(PATIENT, patch(operation)).get(at) == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"type": "replace", "path": "Patient.photo", "value": "x"},
        {"type": "replace", "path": "Patient.identifier", "value": {"valueIdentifier": {"value": "9"}}},
        {"type": "replace", "path": "Patient", "value": "x"},
        {"type": "delete", "path": "Patient"},
        {"type": "delete", "path": "Patient.identifier"},
        {"type": "delete", "path": "Patient.resourceType"},
        {"type": "add", "path": "Patient.identifier", "name": "value", "value": "x"},
        {"type": "add", "path": "Patient.birthDate", "name": "x", "value": "x"},
        {"type": "add", "path": "Patient", "name": "birthDate", "value": "1980"},
        {"type": "add", "path": "Patient", "name": "deceased", "value": {"valueDateTime": "1980"}},
        {"type": "add", "path": "Patient", "name": "multipleBirth", "value": "two"},
        {"type": "add", "path": "Patient", "name": "nmae", "value": "x"},
        {"type": "add", "path": "Patient", "name": "resourceType", "value": "x"},
        {"type": "insert", "path": "Patient.identifier", "index": 3, "value": "x"},
        {"type": "insert", "path": "Patient.identifier", "index": -1, "value": "x"},
        {"type": "insert", "path": "Patient.identifier.where(system='b')", "index": 0, "value": "x"},
        {"type": "insert", "path": "Patient.birthDate", "index": 0, "value": "x"},
        {"type": "insert", "path": "Patient.gender", "index": 0, "value": "male"},
        {"type": "insert", "path": "Patient.identifier.where(system='z')", "index": 0, "value": "x"},
        {"type": "move", "path": "Patient.identifier", "source": 2, "destination": 0},
        {"type": "move", "path": "Patient.identifier", "source": 0, "destination": 2},
        {"type": "move", "path": "Patient.photo", "source": 0, "destination": 0},
    ],
)
def test_what_does_not_fit_is_refused(operation: dict[str, Any]) -> None:
    before = copy.deepcopy(PATIENT)
    with pytest.raises(Unreadable) as raised:
        fhirpath_patch.apply(PATIENT, patch({"type": "delete", "path": "Patient.photo"}, operation))
    assert raised.value.code == "patch-failed"
    assert (raised.value.where or "").startswith("parameter[1]")
    assert before == PATIENT


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        {},
        {"resourceType": "Patient"},
        {"resourceType": "Parameters", "parameter": {}},
        {"resourceType": "Parameters", "parameter": [{"name": "operation"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "other", "part": []}]},
        {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [3]}]},
        patch({"path": "Patient"}),
        patch({"type": "upsert", "path": "Patient"}),
        patch({"type": "delete"}),
        patch({"type": "delete", "path": "Patient.name", "value": "x"}),
        patch({"type": "delete", "path": 3}),
        patch({"type": "delete", "path": "Patient.name["}),
        patch({"type": "delete", "path": "Patient.foo()"}),
        patch({"type": "move", "path": "Patient.name", "source": True, "destination": 0}),
        patch(
            {"type": "replace", "path": "Patient.name[0]", "value": {"valueString": "x", "valueCode": "y"}}
        ),
        patch({"type": "replace", "path": "Patient.name[0]", "value": {}}),
        patch({"type": "replace", "path": "Patient.name[0]", "value": {"part": [{}]}}),
        patch(*[{"type": "delete", "path": "Patient.photo"}] * 1001),
    ],
)
def test_what_is_no_patch_is_refused(parameters: Any) -> None:
    with pytest.raises(BadInput) as raised:
        fhirpath_patch.apply(PATIENT, parameters)
    assert raised.value.code == "bad-patch"


def test_a_value_that_fhir_does_not_have_cannot_break_a_later_operation() -> None:
    odd = patch(
        {"type": "replace", "path": "Patient.name[0]", "value": {"valueHumanName": {"given": "text"}}},
        {"type": "add", "path": "Patient.name[0]", "name": "given", "value": "x"},
    )
    with pytest.raises(Unreadable, match="not as FHIR has it"):
        fhirpath_patch.apply(PATIENT, odd)


def test_a_resource_cannot_be_nested_without_end() -> None:
    inner = {
        "type": "add",
        "path": "Patient.descendants().where($this is Extension).last()",
        "name": "extension",
    }
    operations = [{**inner, "value": {"valueExtension": {"url": "n"}}}] * 80
    with pytest.raises(BadInput, match="too deeply"):
        fhirpath_patch.apply({"resourceType": "Patient", "extension": [{"url": "n"}]}, patch(*operations))


def test_decimals_keep_their_digits() -> None:
    observation = wire.read(b'{"resourceType":"Observation","valueQuantity":{"value":1.00}}')
    operations = patch({"type": "add", "path": "Observation.value", "name": "unit", "value": "mg"})
    assert wire.write(fhirpath_patch.apply(observation, operations)) == (
        b'{"resourceType":"Observation","valueQuantity":{"value":1.00,"unit":"mg"}}'
    )


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(["add", "insert", "delete", "replace", "move"]),
                "path": st.sampled_from(
                    [
                        *(
                            "Patient",
                            "Patient.name",
                            "Patient.name[0]",
                            "Patient.name.given",
                            "Patient.extension",
                        ),
                        *(
                            "Patient.name.given[0]",
                            "Patient.birthDate",
                            "Patient.contact",
                            "Patient.deceased",
                        ),
                    ]
                ),
            },
            optional={
                "name": st.sampled_from(["given", "name", "deceased", "contact", "birthDate"]),
                "value": st.sampled_from(["x", {"valueBoolean": True}, {"valueHumanName": {"text": "t"}}])
                | st.just({"part": [{"name": "gender", "valueCode": "male"}]}),
                "index": st.integers(-1, 3),
                "source": st.integers(-1, 2),
                "destination": st.integers(-1, 2),
            },
        ),
        max_size=4,
    )
)
def test_any_patch_gives_a_resource_or_our_error(operations: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(PATIENT)
    try:
        changed = fhirpath_patch.apply(PATIENT, patch(*operations))
    except BadInput as error:
        assert error.code in {"bad-patch", "patch-failed"}
    else:
        assert changed["resourceType"] == "Patient"
    assert before == PATIENT
