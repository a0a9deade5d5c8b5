"""The judge of survival, from held-out hazards to a decision, a report with its plots, and an answer."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import plain, write_json
from suwen.core.engine import Fitted, Raw, Units
from suwen.core.errors import BadInput, UnknownSetting
from suwen.core.prediction import Survival
from suwen.core.sample import Sample
from suwen.core.target import Outcome
from suwen.engines.survival.grid import time_grid
from suwen.formats.signals.row import Row
from suwen.lifecycle.evaluation.document import document, read_report
from suwen.lifecycle.evaluation.survival_report import KAPLAN_MEIER
from suwen.lifecycle.judges import Judged, judge_of
from suwen.systems.signals.cancer_survival import task

judge = judge_of(task)


def cohort(n: int, seed: int, *, followed: float = 30.0) -> tuple[list[Sample], Units, Any]:
    """Samples with one covariate that is the log hazard, of both sexes."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    latent, end = rng.exponential(10 * np.exp(-risk)), rng.exponential(followed, n)
    time, event = np.minimum(latent, end) + 1e-3, latent <= end
    samples = [
        Sample(
            subject_id=f"p{i}",
            inputs={"covariates": Row(values=risk[[i]].astype(np.float32), names=("risk",))},
            target=Outcome(time=float(time[i]), event=bool(event[i])),
            attributes={"sex": "female" if i % 2 else "male"},
        )
        for i in range(n)
    ]
    units = Units(owner=np.arange(n), hour=np.zeros(n), target=np.stack([time, event.astype(float)], axis=1))
    return samples, units, risk


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """A decision on 400 subjects whose hazards exaggerate, a weak rival beside them."""
    samples, units, risk = cohort(400, 0)
    grid = time_grid(units.target[:, 0], units.target[:, 1] == 1)
    noise = np.random.default_rng(5).normal(size=400)

    def scores(x: Any) -> Any:
        return 1.6 * x[:, None] + np.log(grid / 8)

    fitted = Fitted(
        samples=tuple(samples),
        logits=scores(risk),
        units=units,
        baselines={"weak": scores(0.2 * risk + noise)},
        history=(),
        engine_manifest={},
    )
    manifest = judge.decision(task, fitted, {"operating_point": "none"}, seed=0)
    return {"fitted": fitted, "manifest": manifest, "grid": grid, "scores": scores}


def judged(made: Mapping[str, Any], n: int, seed: int, **changes: Any) -> Judged:
    samples, units, risk = cohort(n, seed, **changes)
    noise = np.random.default_rng(seed + 100).normal(size=n)
    return Judged(
        samples=samples,
        scores=made["scores"](risk),
        units=units,
        baselines={"weak": made["scores"](0.2 * risk + noise)},
        split="test",
        data_fingerprint="f",
    )


def test_the_decision_is_plain_and_puts_the_slope_right(made: dict[str, Any]) -> None:
    manifest = made["manifest"]
    assert json.loads(json.dumps(manifest)) == manifest
    assert manifest["calibration"]["slope"] == pytest.approx(1 / 1.6, abs=0.06)
    assert manifest["operating_point"] == {"rule": "none", "threshold": None}
    assert 0.86 < manifest["conformal"]["held_out_coverage"] < 0.94
    assert set(manifest["baselines"]) == {"weak"}


def test_a_report_on_others(made: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from suwen.lifecycle.evaluation.plots import draw

    report = judge.report(task, made["manifest"], judged(made, 500, 1))
    figures = report.metrics
    assert report.n == report.n_subjects == 500
    assert figures["c_index"].value == pytest.approx(0.75, abs=0.03)
    assert figures["c_index"].lo < figures["c_index"].value < figures["c_index"].hi
    assert figures["c_index_uno"].value == pytest.approx(figures["c_index"].value, abs=0.03)
    assert figures["auc_t"].value > 0.75
    assert figures["hazard_slope"].lo < 1 < figures["hazard_slope"].hi
    assert figures["observed_to_expected"].value == pytest.approx(1, abs=0.15)
    assert figures["conformal_coverage"].value == pytest.approx(0.9, abs=0.04)
    assert set(report.baselines) == {"weak", KAPLAN_MEIER}
    assert report.baselines[KAPLAN_MEIER]["c_index"].value == 0.5
    assert report.differences["c_index_minus_weak"].lo > 0
    assert report.differences[f"ibs_minus_{KAPLAN_MEIER}"].hi < 0
    assert "hazard_slope" not in report.baselines[KAPLAN_MEIER]
    assert set(report.by_group) == {"sex=female", "sex=male"}
    assert report.passed
    assert not report.warnings
    path = tmp_path / "report.json"
    write_json(path, document(report, curves=True))
    again = read_report(path)
    assert again.metrics == report.metrics
    plots = draw(again)
    assert set(plots) == {"survival_thirds", "survival_calibration", "survival_errors"}
    assert all(image.startswith(b"\x89PNG") for image in plots.values())


def test_every_figure_is_described(made: dict[str, Any]) -> None:
    from suwen.lifecycle.evaluation.glossary import line_of

    report = judge.report(task, made["manifest"], judged(made, 200, 4))
    assert [name for name in report.metrics if line_of(name) is None] == []
    assert set(task.metrics) <= set(report.metrics)


def test_subjects_followed_otherwise_get_their_own_weights(made: dict[str, Any]) -> None:
    report = judge.report(task, made["manifest"], judged(made, 500, 2, followed=4.0))
    assert any("followed otherwise" in warning for warning in report.warnings)
    assert report.metrics["observed_to_expected"].value == pytest.approx(1, abs=0.2)
    assert report.metrics["conformal_coverage"].value == pytest.approx(0.9, abs=0.05)


def test_an_answer_is_a_curve_a_median_and_a_bound(made: dict[str, Any]) -> None:
    def answer(risk: float) -> Survival:
        scores = made["scores"](np.array([risk]))
        output = judge.decide(task, made["manifest"], Raw(logits=scores, members=scores[None]))
        assert isinstance(output, Survival)
        return output

    well, ill = answer(-3.0), answer(2.0)
    assert ill.risk > well.risk
    assert ill.median is not None
    assert ill.median < 5
    assert well.median is None
    assert ill.bounds is not None
    assert well.bounds is not None
    assert ill.bounds < ill.median
    assert ill.bounds < well.bounds
    assert all(a >= b for a, b in zip(ill.probabilities, ill.probabilities[1:], strict=False))
    shown = judge.document(task, ill)
    assert json.loads(json.dumps(plain(shown)))["survival"]["median"] == ill.median
    assert shown["survival"]["lower_bound_90"] == ill.bounds
    assert "nine of ten" in shown["said"]
    assert "beyond" in judge.document(task, well)["said"]
    assert judge.document(task, None) == {}


def test_the_bound_holds_for_one_subject_as_for_many(made: dict[str, Any]) -> None:
    """What is served one by one is what the report's coverage was counted on."""
    samples, units, risk = cohort(200, 6, followed=1e6)
    scores = made["scores"](risk)
    bounds = []
    for row in range(200):
        one = judge.decide(
            task, made["manifest"], Raw(logits=scores[row : row + 1], members=scores[None, row : row + 1])
        )
        assert isinstance(one, Survival)
        bounds.append(one.bounds)
    outlived = np.mean(units.target[:, 0] >= np.array(bounds, float))
    found = judge.report(
        task,
        made["manifest"],
        Judged(samples=samples, scores=scores, units=units, baselines={}, split="test", data_fingerprint="f"),
    )
    assert found.metrics["conformal_coverage"].value == pytest.approx(outlived, abs=0.011)


def test_bad_input_is_refused(made: dict[str, Any]) -> None:
    few = cohort(400, 0)[0][:5]
    with pytest.raises(BadInput) as refused:
        judge.check(task, few)
    assert refused.value.code == "too-few-events"
    with pytest.raises(BadInput) as refused:
        judge.check(task, [replace(few[0], target="dead")])
    assert refused.value.code == "not-follow-up"
    judge.check(task, cohort(60, 0)[0])
    judge.rule("none")
    with pytest.raises((UnknownSetting, BadInput)):
        judge.rule("gut feeling")
    good = judged(made, 50, 3)
    broken = np.array(good.scores)
    broken[0, 0] = math.nan
    with pytest.raises(BadInput):
        judge.report(task, made["manifest"], replace(good, scores=broken))
    assert good.units is not None
    target = good.units.target.copy()
    target[:, 1] = 0
    with pytest.raises(BadInput) as refused:
        judge.report(task, made["manifest"], replace(good, units=replace(good.units, target=target)))
    assert refused.value.code == "no-events"
    target[0, 0] = np.nan
    with pytest.raises(BadInput) as refused:
        judge.report(task, made["manifest"], replace(good, units=replace(good.units, target=target)))
    assert refused.value.code == "not-follow-up"
