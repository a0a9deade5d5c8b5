"""A prediction as FHIR: valid by the published models, complete, and the same every time."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from suwen.core.errors import BadInput
from suwen.core.prediction import Prediction, Provenance, Scores
from suwen.core.task import DISCLAIMER, Endpoint, Field, Task
from suwen.formats.fhir import diagnostic_report

PROVENANCE = Provenance(
    model="imaging.pneumonia@3",
    weights_sha256="ab" * 32,
    data_fingerprint="cd" * 32,
    code_version="0.1.0",
    created_at="2025-01-02T03:04:05+00:00",
)
SCORES = Scores(
    probabilities={"normal": 0.2, "pneumonia": 0.8},
    positive="pneumonia",
    interval=(0.7, 0.9),
    threshold=0.4,
    decision="pneumonia",
    conformal_set=("pneumonia",),
)
ANSWER = Prediction(
    task="imaging.pneumonia", subject_id="SECRET-SUBJECT", output=SCORES, provenance=PROVENANCE
)


def task_for(endpoint: Endpoint, *modalities: str) -> Task:
    image = Field(name="image", kind="image", description="Chest X-ray", accepts=modalities)
    return Task(
        name="imaging.pneumonia",
        title="Pneumonia on a chest X-ray",
        intended_use="tests",
        not_for="patients",
        inputs=(image,),
        endpoint=endpoint,
        engine="image",
    )


def resources(bundle: dict[str, Any]) -> dict[str, Any]:
    """Validate the bundle by the published models, and give its resources by type."""
    Bundle.model_validate_json(json.dumps(bundle))
    for entry in bundle["entry"]:
        assert entry["fullUrl"] == f"urn:uuid:{entry['resource']['id']}"
    return {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}


def test_an_answer(endpoint: Endpoint) -> None:
    bundle = diagnostic_report(ANSWER, task_for(endpoint, "DX", "CR"), patient="p-1")
    found = resources(bundle)
    assert bundle["type"] == "collection"
    report, observation, provenance = (
        found[kind] for kind in ("DiagnosticReport", "Observation", "Provenance")
    )
    assert report["status"] == observation["status"] == "preliminary"
    assert report["subject"] == observation["subject"] == {"reference": "Patient/p-1"}
    assert DISCLAIMER in report["conclusion"]
    assert "0.800 (95% interval 0.700 to 0.900)" in report["conclusion"]
    assert report["category"][0]["coding"][0]["code"] == "RAD"
    assert report["result"] == [{"reference": f"urn:uuid:{observation['id']}"}]
    assert observation["code"]["coding"][0]["code"] == "233604007"
    assert observation["valueQuantity"] == {
        "value": 0.8,
        "unit": "1",
        "system": "http://unitsofmeasure.org",
        "code": "1",
    }
    parts = {part["code"]["text"]: part for part in observation["component"]}
    assert parts["Lower bound of the 95% interval"]["valueQuantity"]["value"] == 0.7
    assert parts["Upper bound of the 95% interval"]["valueQuantity"]["value"] == 0.9
    assert parts["Decision threshold"]["valueQuantity"]["value"] == 0.4
    assert parts["Decision"]["valueCodeableConcept"] == {"text": "pneumonia"}
    assert observation["interpretation"][0]["coding"][0]["code"] == "POS"
    (device,) = observation["contained"]
    assert observation["device"] == {"reference": f"#{device['id']}"}
    assert device["deviceName"][0]["name"] == "imaging.pneumonia"
    assert device["version"][0]["value"] == "3"
    assert device["identifier"][0]["value"] == "ab" * 32
    assert provenance["recorded"] == PROVENANCE.created_at
    assert {one["reference"] for one in provenance["target"]} == {
        f"urn:uuid:{report['id']}",
        f"urn:uuid:{observation['id']}",
    }
    assert "SECRET" not in json.dumps(bundle)
    assert "meta" not in bundle


def test_an_undecided_and_a_negative_answer(endpoint: Endpoint) -> None:
    scores = dataclasses.replace(SCORES, conformal_set=("normal", "pneumonia"))
    found = resources(diagnostic_report(dataclasses.replace(ANSWER, output=scores), task_for(endpoint, "DX")))
    assert found["Observation"]["interpretation"][0]["coding"][0]["code"] == "IND"
    assert "undecided" in found["DiagnosticReport"]["conclusion"]
    assert "subject" not in found["Observation"]
    scores = dataclasses.replace(SCORES, decision="normal", conformal_set=("normal",))
    found = resources(diagnostic_report(dataclasses.replace(ANSWER, output=scores), task_for(endpoint, "DX")))
    assert found["Observation"]["interpretation"][0]["coding"][0]["code"] == "NEG"


@pytest.mark.parametrize(
    ("code", "absent"),
    [("out-of-distribution", "unsupported"), ("wrong-modality", "unsupported"), ("unreadable", "error")],
)
def test_an_abstention(endpoint: Endpoint, code: str, absent: str) -> None:
    silent = dataclasses.replace(ANSWER, output=None, abstained=code, reason="This is a hand")
    found = resources(diagnostic_report(silent, task_for(endpoint, "DX"), patient="p1"))
    observation = found["Observation"]
    assert "valueQuantity" not in observation
    assert observation["dataAbsentReason"]["coding"][0]["code"] == absent
    assert observation["note"] == [{"text": f"{code}: This is a hand"}]
    assert DISCLAIMER in found["DiagnosticReport"]["conclusion"]


def test_simulated_input_is_tagged_everywhere(endpoint: Endpoint) -> None:
    bundle = diagnostic_report(dataclasses.replace(ANSWER, simulated=True), task_for(endpoint, "DX"))
    for one in (bundle, *resources(bundle).values()):
        assert one["meta"]["tag"][0]["code"] == "HTEST"
    assert resources(bundle)["DiagnosticReport"]["conclusion"].startswith("Simulated image.")


@pytest.mark.parametrize(
    ("modalities", "section"), [(("US",), "RUS"), (("CT",), "CT"), (("CT", "MR"), "RAD"), ((), "RAD")]
)
def test_the_section_follows_the_modality(
    endpoint: Endpoint, modalities: tuple[str, ...], section: str
) -> None:
    report = resources(diagnostic_report(ANSWER, task_for(endpoint, *modalities)))["DiagnosticReport"]
    assert report["category"][0]["coding"][0]["code"] == section


def test_the_same_prediction_gives_the_same_bundle(endpoint: Endpoint) -> None:
    task = task_for(endpoint, "DX")
    assert diagnostic_report(ANSWER, task) == diagnostic_report(ANSWER, task)
    other = dataclasses.replace(ANSWER, subject_id="somebody else")
    assert diagnostic_report(other, task)["id"] != diagnostic_report(ANSWER, task)["id"]


@pytest.mark.parametrize("patient", ["", "Jane Doe", "a/b", "x" * 65])
def test_a_bad_patient_id_is_refused_without_repeating_it(endpoint: Endpoint, patient: str) -> None:
    with pytest.raises(BadInput) as caught:
        diagnostic_report(ANSWER, task_for(endpoint, "DX"), patient=patient)
    assert caught.value.code == "bad-patient-id"
    assert not patient or patient not in str(caught.value)
