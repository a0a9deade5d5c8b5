"""The judge of hourly alarms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import dumps
from suwen.core.engine import Fitted, Raw, Units
from suwen.core.errors import BadInput, UnknownSetting
from suwen.core.prediction import Course
from suwen.core.sample import Sample
from suwen.core.target import HourlyLabels
from suwen.engines.hourly.units import hourly_units
from suwen.engines.hourly.utility import best_threshold, score, worth
from suwen.formats.signals.observations import Observations
from suwen.lifecycle.evaluation.alarm_metrics import GLOSSARY
from suwen.lifecycle.evaluation.calibration import apply_temperature
from suwen.lifecycle.judges import Judged, judge_of
from suwen.lifecycle.judges.alarm import judge
from suwen.systems.signals.sepsis import task

Array = np.ndarray[Any, Any]


def stays(count: int) -> list[Sample]:
    rng = np.random.default_rng(1)
    out = []
    for number in range(count):
        hours = int(rng.integers(20, 50))
        labels = np.zeros(hours, np.int8)
        if number % 3 == 0:
            labels[int(rng.integers(8, hours - 4)) :] = 1
        seen = Observations(
            hours=np.zeros(1), variable=np.zeros(1, np.int16), values=np.ones(1, np.float32), names=task.names,
            length_h=float(hours),
        )  # fmt: skip
        out.append(
            Sample(
                subject_id=f"s{number // 2}",
                inputs={"stay": seen},
                target=HourlyLabels(values=labels, names=("no sepsis", "sepsis")),
                attributes={"sex": "male" if number % 2 else "female"},
            )
        )
    return out


def logits_of(units: Units, seed: int, skill: float) -> Array:
    made = worth(units)
    rng = np.random.default_rng(seed)
    odds = -4.0 + skill * 3 * (made.gain > 0) + 1.2 * rng.normal(size=len(units))
    return np.stack([np.zeros(len(units)), 2.0 * odds], 1)  # twice as sure as it should be


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return stays(240)


@pytest.fixture(scope="module")
def units(samples: Sequence[Sample]) -> Units:
    return hourly_units(samples, task.endpoint)


@pytest.fixture(scope="module")
def fitted(samples: Sequence[Sample], units: Units) -> Fitted:
    return Fitted(
        samples=tuple(samples),
        logits=logits_of(units, 0, 1.0),
        units=units,
        baselines={"weak": apply_temperature(logits_of(units, 5, 0.3), 1.0)},
        history=(),
        engine_manifest={},
    )


@pytest.fixture(scope="module")
def manifest(fitted: Fitted) -> dict[str, Any]:
    return judge.decision(task, fitted, {"operating_point": "utility"}, seed=0)


@pytest.fixture(scope="module")
def judged(samples: Sequence[Sample], units: Units) -> Judged:
    return Judged(
        samples=samples,
        scores=logits_of(units, 7, 1.0),
        units=units,
        baselines={"weak": apply_temperature(logits_of(units, 8, 0.3), 1.0)},
        split="test",
        data_fingerprint="f",
    )


def test_it_is_found_by_the_endpoints_kind() -> None:
    assert judge_of(task) is judge


def test_the_decision_is_fixed_on_held_out_hours(
    manifest: dict[str, Any], fitted: Fitted, units: Units
) -> None:
    json.loads(dumps(manifest))
    temperature = manifest["calibration"]["temperature"]
    assert temperature > 1.3  # the scores were too sure
    assert 0 < manifest["calibration"]["temperature_se"] < 0.5
    assert manifest["calibration"]["n_subjects"] == 120
    p = apply_temperature(fitted.logits, temperature)[:, 1]
    made = worth(units)
    assert manifest["operating_point"] == {"rule": "utility", "threshold": best_threshold(p, made)}
    assert set(manifest["baselines"]) == {"weak"}
    assert 0.85 < manifest["conformal"]["held_out_coverage"] < 0.95


@pytest.mark.parametrize("rule", ["youden", "sensitivity>=0.8"])
def test_rules_of_classes_count_hours(fitted: Fitted, units: Units, rule: str) -> None:
    found = judge.decision(task, fitted, {"operating_point": rule}, seed=0)
    p = apply_temperature(fitted.logits, found["calibration"]["temperature"])[:, 1]
    due = p >= found["operating_point"]["threshold"]
    assert due[units.target == 1].mean() >= 0.5
    assert found["operating_point"]["rule"] == rule


def test_an_unknown_rule_is_refused() -> None:
    judge.rule("utility")
    judge.rule("youden")
    with pytest.raises(UnknownSetting):
        judge.rule("utilty")


def test_what_cannot_be_learned_from_is_refused(samples: Sequence[Sample]) -> None:
    judge.check(task, samples)
    with pytest.raises(BadInput) as error:
        judge.check(task, [s for s in samples if str(s.target) == "no sepsis"])
    assert error.value.code == "one-class"
    with pytest.raises(BadInput) as error:
        judge.check(task, [Sample(subject_id="a", inputs={}, target="sepsis")])
    assert error.value.code == "not-hourly"


def test_the_report_says_what_alarms_do(manifest: dict[str, Any], judged: Judged, units: Units) -> None:
    report = judge.report(task, manifest, judged)
    made = worth(units)
    p = apply_temperature(judged.scores, manifest["calibration"]["temperature"])[:, 1]
    cut = manifest["operating_point"]["threshold"]
    utility = report.metrics["utility"]
    assert utility.value == pytest.approx(score(p >= cut, made))
    assert utility.lo < utility.value < utility.hi
    assert report.n == len(units)
    assert report.n_subjects == 120
    for name in (*GLOSSARY, "auroc", "auprc", "ece", "calibration_slope", "conformal_coverage"):
        assert np.isfinite(report.metrics[name].value), name
        assert report.metrics[name].lo <= report.metrics[name].value <= report.metrics[name].hi, name
    weak = score(judged.baselines["weak"][:, 1] >= manifest["baselines"]["weak"], made)
    assert report.baselines["weak"]["utility"].value == pytest.approx(weak)
    gap = report.differences["utility_minus_weak"]
    assert gap.value == pytest.approx(utility.value - weak)
    assert gap.lo > 0
    assert "auroc_minus_weak" in report.differences
    assert {"sex=male", "sex=female"} <= set(report.by_group)
    assert np.isfinite(report.by_group["sex=male"]["utility"].value)
    assert "n" not in report.differences


def test_the_tables_hold_the_threshold_in_use_and_the_hours_before_onset(
    manifest: dict[str, Any], judged: Judged
) -> None:
    report = judge.report(task, manifest, judged)
    titles = {table["title"]: table for table in report.curves["tables"]}  # type: ignore[attr-defined]
    burden = titles["Alarm burden by threshold"]
    assert sum("in use" in row[0] for row in burden["rows"]) == 1
    assert all(len(row) == len(burden["columns"]) for row in burden["rows"])
    before = titles["Risk by hours before onset"]
    assert sum(row[1] for row in before["rows"]) > 0
    assert before["rows"][-1][0] == "no onset"
    shares = titles["Utility by hour of the stay"]
    assert shares["columns"][-1] == "weak"
    json.loads(dumps(report.curves))


def test_unlabelled_hours_are_not_judged(manifest: dict[str, Any], judged: Judged, units: Units) -> None:
    target = units.target.copy()
    target[units.owner < 20] = -1
    some = Judged(
        samples=judged.samples, scores=judged.scores, baselines={}, split="test", data_fingerprint="",
        units=Units(owner=units.owner, hour=units.hour, target=target),
    )  # fmt: skip
    report = judge.report(task, manifest, some)
    assert report.n == int((target >= 0).sum())
    assert report.n_subjects == 110


def test_an_answer_is_a_course_with_alarms(manifest: dict[str, Any]) -> None:
    odds = np.array([-9.0, 9.0, 9.0, -9.0, 9.0, 9.0, 9.0, 9.0, 9.0])
    logits = np.stack([np.zeros(9), odds], 1)
    raw = Raw(
        logits=logits,
        members=np.stack([logits * 0.9, logits * 1.1]),
        units=Units(owner=np.zeros(9, int), hour=np.arange(9.0), target=np.full(9, -1)),
    )
    found = judge.decide(task, manifest, raw)
    assert isinstance(found, Course)
    assert found.hours == tuple(range(9))
    assert found.alarms == (1.0, 7.0)  # 6 hours of silence after each
    assert found.threshold == manifest["operating_point"]["threshold"]
    assert (
        found.probability
        == found.probabilities[-1]
        == pytest.approx(apply_temperature(logits, manifest["calibration"]["temperature"])[-1, 1])
    )
    for p, (low, high) in zip(found.probabilities, found.intervals, strict=True):
        assert 0 <= low <= p <= high <= 1
    document = judge.document(task, found)
    assert document["decision"] == "sepsis"
    assert document["course"]["alarms"] == (1.0, 7.0)
    assert "alarms of the last 24 hours: 1, 7" in document["said"]
    assert judge.document(task, None) == {}
    json.loads(dumps(document))
