"""The compact definitions say what the official ones say."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from suwen.records.fhir.definitions import Definitions, definitions

ROOT = Path(__file__).resolve().parents[3]
PACKED = 2_000_000


@pytest.fixture(scope="module")
def r4() -> Definitions:
    return definitions()


@pytest.fixture(scope="module")
def official(data_dir: Path) -> dict[str, Any]:
    """HL7's own JSON schema of R4."""
    path = data_dir / "records" / "fhir_r4_defs" / "fhir.schema.official.json"
    return json.loads(path.read_text("utf-8"))["definitions"]


def test_it_is_small_and_names_the_build(r4: Definitions) -> None:
    assert (r4.fhir_version, r4.build) == ("4.0.1", "4.0.1-9346c8cc45")
    assert len((files("suwen.records.fhir") / "r4.json").read_bytes()) < PACKED


def test_every_resource_type_of_r4_is_known(r4: Definitions, official: dict[str, Any]) -> None:
    named = {ref["$ref"].rpartition("/")[2] for ref in official["ResourceList"]["oneOf"]}
    assert r4.resource_types == named


def keys(r4: Definitions, path: str) -> set[str]:
    return {key for element in r4.elements(path).values() for key, _ in element.properties()}


def test_every_type_and_backbone_has_the_official_elements(r4: Definitions, official: dict[str, Any]) -> None:
    seen: set[tuple[str, str]] = set()
    wrong: list[str] = []

    def compare(path: str, name: str) -> None:
        if (path, name) in seen or "properties" not in official[name]:
            return
        seen.add((path, name))
        properties = {
            key: value
            for key, value in official[name]["properties"].items()
            if not key.startswith("_") and (key != "resourceType" or path not in r4.resource_types)
        }
        ours, known = keys(r4, path), set(properties)
        # HL7's JSON schema forgot valueMeta; and it gives the parts of datatypes a modifierExtension.
        if {key for key in ours ^ known if not key.endswith("Meta") and key != "modifierExtension"}:
            wrong.append(f"{path}: {sorted(ours ^ known)}")
        for element in r4.elements(path).values():
            for key, kind in element.properties():
                if key not in properties:
                    continue
                many = properties[key].get("type") == "array"
                if many != (element.max is None):
                    wrong.append(f"{path}.{key}: max {element.max}")
                required = key in official[name].get("required", [])
                # HL7's JSON schema requires no primitive that may have an extension instead, and no choice.
                told = kind not in r4.primitives and not element.choice
                if (required != (element.min > 0)) if told else (required and not element.min):
                    wrong.append(f"{path}.{key}: min {element.min}")
                target = (properties[key].get("items", properties[key]).get("$ref") or "").rpartition("/")[2]
                if kind in {"BackboneElement", "Element"} and target in official:
                    compare(element.content or f"{path}.{key}", target)

    for name in sorted(r4.resource_types | r4.datatypes):
        if name in official:
            compare(name, name)
    assert not wrong
    assert len(seen) > 600


def test_required_codes_are_those_of_the_official_schema(r4: Definitions, official: dict[str, Any]) -> None:
    compared = 0
    for name in sorted(r4.resource_types | r4.datatypes):
        for key, value in official.get(name, {}).get("properties", {}).items():
            if "enum" not in value or key not in r4.elements(name):
                continue
            element = r4.elements(name)[key]
            codes = r4.codes(element.binding) if element.binding else None
            if codes is None:
                assert (name, key) == ("Expression", "language")  # not required, for all its list
                continue
            # HL7's JSON schema lists only the top of a hierarchy of codes.
            assert set(value["enum"]) <= codes, f"{name}.{key}"
            compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("Patient", "id", {"types": ("id",), "min": 0, "max": 1}),
        ("HumanName", "id", {"types": ("string",)}),
        ("Extension", "url", {"types": ("uri",), "min": 1}),
        ("Patient", "deceased", {"types": ("boolean", "dateTime"), "choice": True}),
        ("Patient.contact", "gender", {"binding": "http://hl7.org/fhir/ValueSet/administrative-gender"}),
        ("Observation", "subject", {"targets": ("Device", "Group", "Location", "Patient")}),
        ("Observation", "focus", {"targets": (), "max": None}),
        ("Observation.component", "referenceRange", {"content": "Observation.referenceRange", "types": ()}),
        ("Range", "low", {"simple": True, "types": ("Quantity",)}),
        ("AuditEvent.source", "observer", {"min": 1}),
    ],
)
def test_some_elements(r4: Definitions, path: str, name: str, expected: dict[str, Any]) -> None:
    element = r4.elements(path)[name]
    assert {key: getattr(element, key) for key in expected} == expected


def test_elements_that_packers_added_are_left_out(r4: Definitions) -> None:
    assert "project" not in r4.elements("Meta")
    assert "url" not in r4.elements("Binary")
    assert "recruitment" not in r4.elements("ResearchStudy")
    assert "usageContext" in r4.elements("EvidenceVariable.characteristic")
    assert not any("Bot" in target for target in r4.elements("AuditEvent.source")["observer"].targets)


def test_a_repeated_structure_has_its_elements(r4: Definitions) -> None:
    assert r4.elements("Questionnaire.item.item.item") == r4.elements("Questionnaire.item")
    with pytest.raises(KeyError):
        r4.elements("Patient.nothing")


def test_a_value_set_the_standard_does_not_list_is_open(r4: Definitions) -> None:
    assert r4.codes("http://hl7.org/fhir/ValueSet/mimetypes") is None
    assert r4.codes("http://hl7.org/fhir/ValueSet/administrative-gender") == {
        "male",
        "female",
        "other",
        "unknown",
    }


def test_a_parameter_has_only_the_part_of_its_type(r4: Definitions) -> None:
    assert r4.parameters("Observation")["date"].expression == "Observation.effective"
    assert r4.parameters("Patient")["phonetic"].expression == "Patient.name"
    assert r4.parameters("Patient")["_id"].expression == "Resource.id"
    assert r4.parameters("InsurancePlan")["name"].expression == "name | alias"
    assert r4.parameters("Observation")["value-quantity"].expression == (
        "(Observation.value as Quantity) | (Observation.value as SampledData)"
    )
    composite = r4.parameters("Observation")["code-value-quantity"]
    assert composite.components == (("code", "code"), ("value-quantity", "value.as(Quantity)"))


def test_every_parameter_has_an_expression_but_the_three_without(r4: Definitions) -> None:
    missing = {
        code
        for name in r4.resource_types
        for code, parameter in r4.parameters(name).items()
        if not parameter.expression
    }
    assert missing == {"_text", "_content", "_query"}
    assert "_text" not in r4.parameters("Bundle")
    assert list(r4.parameters("Patient")) == sorted(r4.parameters("Patient"))


def test_parameters_and_compartment_are_the_official_ones(r4: Definitions, data_dir: Path) -> None:
    folder = data_dir / "records" / "fhir_r4_defs"
    entries = json.loads((folder / "search-parameters.json").read_text("utf-8"))["entry"]
    for resource in (entry["resource"] for entry in entries):
        for base in set(resource["base"]) & r4.resource_types:
            ours = r4.parameters(base)[resource["code"]]
            assert (ours.kind, ours.url) == (resource["type"], resource["url"])
            assert set(ours.targets) == set(resource.get("target", ()))
    document = json.loads((folder / "compartmentdefinition-patient.json").read_text("utf-8"))
    expected = {r["code"]: tuple(r["param"]) for r in document["resource"] if r.get("param")}
    assert dict(r4.compartment) == expected


def test_the_script_says_what_it_needs(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "fhir_definitions.py"
    said = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert said.returncode != 0
    assert "definitions.json.zip" in said.stderr
    (tmp_path / "version.info").write_text("[FHIR]\nFhirVersion=5.0.0-abc\n", "utf-8")
    said = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=False)
    assert said.returncode != 0
    assert "R4" in said.stderr
