"""A model card says the same of every kind of endpoint as the report it was promoted by."""

from __future__ import annotations

from typing import Any

import pytest

from suwen.core.endpoint import Alarm, AnyEndpoint, Endpoint, Forecast, TimeToEvent
from suwen.core.report import Estimate, Report
from suwen.core.task import Field, Task
from suwen.lifecycle.card import render

CODE = ("http://snomed.info/sct", "419099009", "Dead")
LABELS = {"survived": ("0",), "died": ("1",)}


def make(endpoint: AnyEndpoint, *, rivals: int = 0, **manifest: Any) -> str:
    task = Task(
        name="signals.mortality",
        title="Death in hospital",
        intended_use="Orders the round.",
        not_for="Anything else.",
        inputs=(Field(name="stay", kind="series", description="48 hours"),),
        endpoint=endpoint,
        engine="panel",
        metrics=("auroc", "brier"),
    )

    def figures(auroc: float) -> dict[str, Estimate]:
        return {
            "auroc": Estimate(value=auroc, lo=auroc - 0.01, hi=auroc + 0.01),
            "brier": Estimate(value=0.08, lo=float("nan"), hi=float("nan")),
        }

    report = Report(
        task=task.name,
        split="test",
        n=400,
        n_subjects=380,
        n_positive=56,
        metrics=figures(0.87),
        baselines={f"rival_{i}": figures(0.9 - 0.02 * i) for i in range(rivals)},
        differences={
            f"auroc_minus_rival_{i}": Estimate(value=0.01 * i, lo=0.0, hi=0.1) for i in range(rivals)
        },
        floor={"auroc": 0.8},
        passed=True,
    )
    whole: dict[str, Any] = {
        "version": "3f2a",
        "engine": "panel",
        "engine_manifest": {"winner": "ensemble", "parts": {"gru": 0.4, "trees": 0.6}, "out_of_fold": True},
        "operating_point": {"threshold": 0.31, "rule": "event1"},
        "calibration": {"temperature": 1.04},
        "conformal": {"alpha": 0.1, "quantile": 0.7, "held_out_coverage": 0.903},
        "warnings": ["Four stays are damaged."],
        "created_at": "2026-01-01",
        "code_version": "0.1",
        "seed": 0,
        "data_fingerprint": "ab",
        "weights_sha256": "cd",
        "credit": "",
    }
    return render(task, report, whole | manifest)


CLASSES = Endpoint(labels=LABELS, positive="died", code=CODE)


def test_many_contestants_are_ranked_and_the_best_stands_beside() -> None:
    text = make(CLASSES, rivals=6)
    lines = text.splitlines()
    at = lines.index("| contestant | auroc | brier |")
    names = [line.split("|")[1].strip() for line in lines[at + 2 : at + 9]]
    assert names == [
        "rival_0",
        "rival_1",
        "**ensemble** (deployed)",
        "rival_2",
        "rival_3",
        "rival_4",
        "rival_5",
    ]
    assert "| metric | model (95% interval) | rival_0 |" in text
    assert "| auroc | 0.870 (0.860 to 0.880) | 0.900 (0.890 to 0.910) |" in text
    assert "| brier | 0.080 |" in text
    assert "- auroc_minus_rival_0: 0.000 (0.000 to 0.100)" in text
    assert "auroc_minus_rival_3" not in text
    assert "- Deployed: ensemble (gru 0.40, trees 0.60), the measured winner." in text
    assert "- Operating point 0.3100, by the rule `event1` out-of-fold." in text
    assert "90% conformal sets; held-out coverage 90.3%." in text
    assert "400 samples of 380 subjects, 56 died." in text
    assert "Four stays are damaged." in text
    assert "modality" not in text


def test_one_baseline_needs_no_ranking() -> None:
    text = make(CLASSES, rivals=1)
    assert "Who competed" not in text
    assert "- auroc_minus_rival_0" in text


KINDS: dict[str, tuple[AnyEndpoint, tuple[str, ...]]] = {
    "alarm": (
        Alarm(labels=LABELS, positive="died", code=CODE, refractory_h=6),
        ("each hour, the probability of *died*; an alarm silences the next for 6 hours",),
    ),
    "forecast": (
        Forecast(quantity="glucose", unit="mg/dL", horizons_min=(30, 60), low=70, high=180, code=CODE),
        ("glucose in mg/dL, 30 and 60 minutes ahead", "below 70 or above 180", "380 subjects. Floor"),
    ),
    "survival": (
        TimeToEvent(event="death", code=CODE),
        ("the time to death", "380 subjects, 56 with death."),
    ),
    "open": (
        Endpoint(labels={}, positive="", code=CODE),
        ("the probability of each class (those of the data)", "380 subjects. Floor"),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_endpoint_has_a_card(kind: str) -> None:
    endpoint, said = KINDS[kind]
    nothing: dict[str, Any] = {"operating_point": {}, "calibration": {}, "conformal": {"alpha": 0.1}}
    text = make(endpoint, **nothing)
    for words in said:
        assert words in text
    assert "Operating point" not in text
    assert "Temperature" not in text
    assert "90% conformal intervals." in text


def test_published_tables_learn_nothing() -> None:
    text = make(
        CLASSES,
        calibration={"method": "none"},
        operating_point={"threshold": 5.0, "rule": "published"},
        conformal={"alpha": None},
        engine_manifest={},
    )
    assert "- Threshold 5, as published: nothing is learned or calibrated." in text
