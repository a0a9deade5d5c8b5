"""A risk as FHIR: valid by the published models and by the record's own validator, for every kind of answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from suwen.core.endpoint import Endpoint, Forecast, Points, TimeToEvent
from suwen.core.errors import BadInput
from suwen.core.prediction import Course, Outlook, Prediction, Provenance, Scores, Survival
from suwen.core.tally import Part, Sheet, Tally
from suwen.core.task import DISCLAIMER, Field, Task
from suwen.formats.fhir_result import as_fhir
from suwen.formats.risk_assessment import risk_assessment
from suwen.records.interactions.messages import Request
from suwen.records.record import Record

PROVENANCE = Provenance(
    model="signals.mortality@3",
    weights_sha256="ab" * 32,
    data_fingerprint="cd" * 32,
    code_version="0.1.0",
    created_at="2025-01-02T03:04:05+00:00",
)
CODE = ("http://snomed.info/sct", "419099009", "Dead")
AT = datetime(2025, 1, 2, 3, tzinfo=UTC)
PART = Part(name="pulse", title="Pulse", shown="125 /min", value=125, hour=1, points=2, least=2, most=2)
OPEN = Part(
    name="temperature",
    title="Temperature",
    shown="not recorded",
    value=None,
    hour=None,
    points=None,
    least=0,
    most=3,
)
SHEET = Sheet(
    name="NEWS2",
    title="National Early Warning Score 2",
    source="RCP 2017",
    hour=1.0,
    least=5,
    most=8,
    maximum=20,
    parts=(PART, OPEN),
    band="medium",
    band_most="high",
    response="Call.",
    monitoring="at least every hour",
    level=3,
    risk="moderate",
)
ANSWERS: dict[str, Any] = {
    "scores": Scores(
        probabilities={"survived": 0.58, "died": 0.42},
        positive="died",
        interval=(0.3, 0.55),
        threshold=0.25,
        decision="died",
        conformal_set=("survived", "died"),
    ),
    "course": Course(
        hours=(0.0, 1.0),
        probabilities=(0.01, 0.03),
        positive="sepsis",
        threshold=0.02,
        alarms=(1.0,),
        refractory_h=6.0,
    ),
    "outlook": Outlook(
        quantity="glucose",
        unit="mg/dL",
        horizons_min=(30, 60),
        values=(68.0, 61.0),
        intervals=((55.0, 80.0), (45.0, 85.0)),
        last=82.0,
        alarms=("low at 30 min", "low at 60 min"),
    ),
    "survival": Survival(
        event="death", times=tuple(range(1, 13)), probabilities=tuple(1 - 0.05 * k for k in range(1, 13)), median=10.0,
        risk=0.9,
    ),
    "tally": Tally(
        hours=(1.0,), least=(5,), most=(8,), sheets=(SHEET,), threshold=5.0, alarms=(1.0,), refractory_h=1.0
    ),
}  # fmt: skip
ENDPOINTS: dict[str, Any] = {
    "scores": Endpoint(labels={"survived": (), "died": ()}, positive="died", code=CODE),
    "course": Endpoint(labels={"none": (), "sepsis": ()}, positive="sepsis", code=CODE),
    "outlook": Forecast(quantity="glucose", unit="mg/dL", horizons_min=(30, 60), low=70, high=180, code=CODE),
    "survival": TimeToEvent(event="death", code=CODE),
    "tally": Points(labels={"stable": (), "worse": ()}, positive="worse", code=CODE),
}


def task_for(kind: str, **extra: Any) -> Task:
    return Task(
        name="signals.mortality",
        title="Death in hospital after 48 hours",
        intended_use="tests",
        not_for="patients",
        inputs=(Field(name="observations", kind="series", description="vital signs"),),
        endpoint=ENDPOINTS[kind],
        engine="panel",
        extra=extra,
    )


def prediction(kind: str) -> Prediction:
    return Prediction(
        task="signals.mortality",
        subject_id="SECRET-SUBJECT",
        output=ANSWERS[kind],
        provenance=PROVENANCE,
        inputs_sha256={"observations": "ef" * 32},
    )


def assessment(bundle: dict[str, Any]) -> dict[str, Any]:
    Bundle.model_validate_json(json.dumps(bundle))
    found = {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}
    assert set(found) == {"RiskAssessment", "Provenance"}
    assert found["Provenance"]["target"] == [{"reference": f"urn:uuid:{found['RiskAssessment']['id']}"}]
    return found["RiskAssessment"]


@pytest.fixture(scope="module")
def validate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        folder: Path = tmp_path_factory.mktemp("record")
        patch.setenv("SUWEN_HOME", str(folder))
        with Record.open(folder / "store") as record:

            def check(resource: dict[str, Any]) -> None:
                path = f"{resource['resourceType']}/$validate"
                body = record.perform(Request(method="POST", path=path, resource=resource)).body
                (issue,) = json.loads(body)["issue"]
                assert issue["severity"] == "information", issue

            yield check


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_kind_of_answer_is_valid_and_complete(kind: str, validate: Any) -> None:
    bundle = risk_assessment(
        prediction(kind), task_for(kind), patient="p-1", basis=["Observation/a", "Observation/b"], at=AT
    )
    found = assessment(bundle)
    for entry in bundle["entry"]:
        validate(entry["resource"])
    assert found["status"] == "preliminary"
    assert found["subject"] == {"reference": "Patient/p-1"}
    assert found["basis"] == [{"reference": "Observation/a"}, {"reference": "Observation/b"}]
    assert found["occurrenceDateTime"] == "2025-01-02T03:00:00+00:00"
    assert found["method"]["text"] == "signals.mortality@3"
    assert found["note"][-1]["text"] == DISCLAIMER
    assert found["prediction"]
    text = json.dumps(bundle)
    assert "SECRET-SUBJECT" not in text
    assert PROVENANCE.weights_sha256 in text
    assert "ef" * 32 in text
    assert bundle == risk_assessment(
        prediction(kind), task_for(kind), patient="p-1", basis=["Observation/a", "Observation/b"], at=AT
    )


def test_a_probability_is_a_percentage_and_said_in_words(validate: Any) -> None:
    found = assessment(
        risk_assessment(prediction("scores"), task_for("scores", horizon_h=720), patient="p", at=AT)
    )
    (one,) = found["prediction"]
    assert one["probabilityDecimal"] == 42.0
    assert "Probability 0.420 (95% interval 0.300 to 0.550); operating point 0.250" in one["rationale"]
    assert one["outcome"]["coding"][0]["code"] == "419099009"
    assert one["whenPeriod"] == {"start": "2025-01-02T03:00:00+00:00", "end": "2025-02-01T03:00:00+00:00"}
    assert one["qualitativeRisk"]["text"] == "at or above the threshold"


def test_points_are_no_probability() -> None:
    found = assessment(risk_assessment(prediction("tally"), task_for("tally"), patient="p", at=AT))
    (one,) = found["prediction"]
    assert "probabilityDecimal" not in one
    assert one["qualitativeRisk"]["text"] == "NEWS2 5 to 8 of 20: at least medium"
    assert one["qualitativeRisk"]["coding"][0]["code"] == "moderate"
    assert "Pulse 125 /min: 2; Temperature not recorded: 0 to 3" in one["rationale"]
    assert found["mitigation"] == "Call. Observe at least every hour. (RCP 2017)"


def test_a_forecast_has_one_prediction_per_horizon() -> None:
    found = assessment(risk_assessment(prediction("outlook"), task_for("outlook"), patient="p", at=AT))
    near, far = found["prediction"]
    assert near["outcome"]["text"] == "glucose 68 mg/dL in 30 min"
    assert near["qualitativeRisk"]["text"] == "low at 30 min"
    assert near["whenPeriod"]["end"] == "2025-01-02T03:30:00+00:00"
    assert far["whenPeriod"]["end"] == "2025-01-02T04:00:00+00:00"
    assert "90% interval 45 to 85 mg/dL" in far["rationale"]


def test_a_curve_is_written_at_a_few_times() -> None:
    found = assessment(risk_assessment(prediction("survival"), task_for("survival"), patient="p", at=AT))
    risks = [one["probabilityDecimal"] for one in found["prediction"]]
    assert len(risks) == 4
    assert risks == sorted(risks)
    assert risks[-1] == 60.0


def test_an_abstention_has_no_prediction_and_says_why(validate: Any) -> None:
    refused = replace(
        prediction("scores"), output=None, abstained="empty-stay", reason="nothing was observed"
    )
    bundle = risk_assessment(refused, task_for("scores"), patient="p-1")
    found = assessment(bundle)
    validate(found)
    assert found["status"] == "cancelled"
    assert "prediction" not in found
    assert found["note"][0]["text"] == "No result (empty-stay): nothing was observed"
    assert found["occurrenceDateTime"] == PROVENANCE.created_at


def test_reasons_and_what_could_lower_it_are_written() -> None:
    bundle = risk_assessment(
        prediction("scores"),
        task_for("scores"),
        patient="p",
        reasons=["alarm at hour 3"],
        mitigation="Lactate 4 to 2: 0.3",
    )
    found = assessment(bundle)
    assert [note["text"] for note in found["note"]] == ["Alarm at hour 3", DISCLAIMER]
    assert found["mitigation"] == "Lactate 4 to 2: 0.3"


def test_nobody_is_named_who_was_not(validate: Any) -> None:
    found = assessment(risk_assessment(prediction("scores"), task_for("scores")))
    assert found["subject"] == {"display": "Patient not named"}
    validate(found)
    with pytest.raises(BadInput) as refused:
        risk_assessment(prediction("scores"), task_for("scores"), patient="../../etc")
    assert refused.value.code == "bad-patient-id"
    assert "etc" not in str(refused.value)


def test_simulated_data_is_marked() -> None:
    bundle = risk_assessment(replace(prediction("scores"), simulated=True), task_for("scores"), patient="p")
    assert {e["resource"]["meta"]["tag"][0]["code"] for e in bundle["entry"]} == {"HTEST"}


def test_the_kind_of_resource_follows_the_task() -> None:
    series = as_fhir(prediction("scores"), task_for("scores"), patient="p")
    assert series["entry"][0]["resource"]["resourceType"] == "RiskAssessment"
    image = replace(task_for("scores"), inputs=(Field(name="image", kind="image", description="film"),))
    assert as_fhir(prediction("scores"), image)["entry"][0]["resource"]["resourceType"] == "DiagnosticReport"
