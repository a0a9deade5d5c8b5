"""The judge of forecasts, from held-out scores to a decision, a report with its plots, and an answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.documents import plain, write_json
from suwen.core.engine import Fitted, Raw, Units
from suwen.core.errors import BadInput, UnknownSetting
from suwen.core.prediction import Outlook
from suwen.core.sample import Sample
from suwen.core.target import FutureValues
from suwen.engines.forecast.naive import LINEAR, PERSISTENCE
from suwen.engines.forecast.units import forecast_units, last_values
from suwen.formats.signals.observations import Observations
from suwen.lifecycle.evaluation.document import document, read_report
from suwen.lifecycle.judges import Judged, judge_of
from suwen.systems.signals.glucose import task

ENDPOINT: Any = task.endpoint
SETTINGS = {"operating_point": "sensitivity>=0.9"}
judge = judge_of(task)


def trace(seed: int, n: int = 300) -> Sample:
    """A smooth wander between low and high."""
    rng = np.random.default_rng(seed)
    steps = np.convolve(rng.normal(0, 14, n + 8), np.ones(8) / 8, "valid")[:n]
    values = 150 + 95 * np.sin(np.cumsum(steps) / 60 + seed)
    seen = Observations(
        hours=np.arange(n) * 0.25,
        variable=np.zeros(n, np.int16),
        values=values.astype(np.float32),
        names=task.names,
        length_h=(n - 1) * 0.25,
    )
    return Sample(
        subject_id=f"p{seed // 2}",
        inputs={"trace": seen},
        target=FutureValues(),
        attributes={"diabetes_type": "type 1" if seed % 4 < 2 else "type 2"},
    )


@pytest.fixture(scope="module")
def samples() -> tuple[Sample, ...]:
    return tuple(trace(seed) for seed in range(24))


@pytest.fixture(scope="module")
def fitted(samples: tuple[Sample, ...]) -> Fitted:
    """Forecasts half way between the last reading and a peek at the truth, and the two naive ones."""
    units = forecast_units(samples, ENDPOINT)
    last = last_values(samples, ENDPOINT)
    rng = np.random.default_rng(0)
    truth = np.where(np.isnan(units.target), last[:, None], units.target)
    scores = (last[:, None] + truth) / 2 + rng.normal(0, (4, 8), truth.shape)
    naive = {
        one.name: one.open(task, Path(), "", {}).scores(one.design(task, samples))
        for one in (PERSISTENCE, LINEAR)
    }
    return Fitted(
        samples=samples, logits=scores, units=units, baselines=naive, history=(), engine_manifest={}
    )


@pytest.fixture(scope="module")
def manifest(fitted: Fitted) -> dict[str, Any]:
    """As it is read back from the bundle."""
    found: dict[str, Any] = json.loads(json.dumps(plain(judge.decision(task, fitted, SETTINGS, 0))))
    return found


@pytest.fixture(scope="module")
def report(fitted: Fitted, manifest: dict[str, Any]) -> Any:
    return judge.report(
        task,
        manifest,
        Judged(
            samples=fitted.samples,
            scores=fitted.logits,
            units=fitted.units,
            baselines=fitted.baselines,
            split="validation",
            data_fingerprint="f" * 64,
        ),
    )


def test_the_decision_holds_thresholds_and_intervals(fitted: Fitted, manifest: dict[str, Any]) -> None:
    assert 0.88 <= manifest["conformal"]["held_out_coverage"] <= 0.92
    assert [one["minutes"] for one in manifest["conformal"]["horizons"]] == [30, 60]
    assert set(manifest["baselines"]) == {"persistence", "linear"}
    units: Any = fitted.units
    low = units.target[:, 0] < 70
    assert 0.9 <= (fitted.logits[low, 0] < manifest["operating_point"]["low"]).mean() < 0.93


def test_the_report_has_everyone_on_the_same_origins(report: Any, fitted: Fitted) -> None:
    units: Any = fitted.units
    known = ~np.isnan(units.target[:, 0])
    assert report.n == known.sum()
    assert report.n_subjects == 12
    own = report.metrics["rmse_30min_mg_dl"]
    assert own.value == pytest.approx(np.sqrt(np.nanmean((fitted.logits - units.target)[:, 0] ** 2)))
    assert own.lo < own.value < own.hi
    assert report.baselines["persistence"]["skill_30min"].value == 0
    minus = report.differences["rmse_30min_mg_dl_minus_persistence"]
    assert minus.hi < 0
    assert minus.value == pytest.approx(own.value - report.baselines["persistence"]["rmse_30min_mg_dl"].value)
    assert set(report.by_group) == {"diabetes_type=type 1", "diabetes_type=type 2"}
    n = [report.by_group[group]["n_forecasts_30min"].value for group in report.by_group]
    assert sum(n) == report.n
    assert 0.87 < report.metrics["coverage_90_30min"].value < 0.93
    assert report.passed == (report.metrics["skill_30min"].value >= 0.2)


def test_the_report_survives_its_document(report: Any, tmp_path: Path) -> None:
    write_json(tmp_path / "report.json", document(report, curves=True))
    again = read_report(tmp_path / "report.json")
    assert again.metrics["rmse_60min_mg_dl"] == report.metrics["rmse_60min_mg_dl"]
    titles = [table["title"] for table in again.curves["tables"]]  # type: ignore[attr-defined]
    assert titles == ["By horizon", "By range of the reading", "Clarke error grid", "How subjects differ"]
    for table in again.curves["tables"]:  # type: ignore[attr-defined]
        assert all(len(row) == len(table["columns"]) for row in table["rows"])


def test_its_plots_are_drawn(report: Any) -> None:
    pytest.importorskip("matplotlib")
    from suwen.lifecycle.evaluation.plots import draw

    drawn = draw(report)
    assert set(drawn) == {"clarke", "alarms", "coverage"}
    assert all(png.startswith(b"\x89PNG") for png in drawn.values())


def test_a_calm_group_has_no_alarms_to_draw(fitted: Fitted, manifest: dict[str, Any]) -> None:
    units: Any = fitted.units
    calm = replace(units, target=np.clip(units.target, 80, 170))
    judged = Judged(
        samples=fitted.samples, scores=np.clip(fitted.logits, 80, 170), units=calm, baselines={},
        split="validation", data_fingerprint="",
    )  # fmt: skip
    report = judge.report(task, manifest, judged)
    assert "alarms" not in report.curves
    assert np.isnan(report.metrics["hypo_sensitivity_30min"].value)
    pytest.importorskip("matplotlib")
    from suwen.lifecycle.evaluation.plots import draw

    assert set(draw(report)) == {"clarke", "coverage"}


def raw_of(fitted: Fitted, number: int, end: int | None = None) -> Raw:
    units: Any = fitted.units
    at = np.flatnonzero(units.owner == number)[:end]
    return Raw(
        logits=np.asarray(fitted.logits)[at],
        members=np.asarray(fitted.logits)[at][None],
        units=Units(owner=np.zeros(len(at), np.int64), hour=units.hour[at], target=units.target[at]),
        last=last_values(fitted.samples, ENDPOINT)[at],
    )


def test_the_answer_is_the_outlook_from_the_last_reading(fitted: Fitted, manifest: dict[str, Any]) -> None:
    raw = raw_of(fitted, 3)
    answer = judge.decide(task, manifest, raw)
    assert isinstance(answer, Outlook)
    assert answer.values == tuple(raw.logits[-1])
    assert answer.last == raw.last[-1]
    assert answer.unit == "mg/dL"
    for (low, high), value in zip(answer.intervals, answer.values, strict=True):
        assert 0 <= low < value < high
    said = judge.document(task, answer)
    assert [one["minutes"] for one in said["outlook"]["horizons"]] == [30, 60]
    assert said["said"].startswith(f"glucose {answer.last:.0f} mg/dL now")
    json.dumps(plain(said))
    assert judge.document(task, None) == {}


@pytest.mark.parametrize(
    ("values", "alarms"),
    [
        ((100.0, 100.0), ()),
        ((50.0, 45.0), ("low at 30 min", "low at 60 min")),
        ((240.0, 150.0), ("high at 30 min",)),
        ((120.0, 181.0), ("high at 60 min",)),
    ],
)
def test_alarms_give_their_reason(
    fitted: Fitted, manifest: dict[str, Any], values: tuple[float, float], alarms: tuple[str, ...]
) -> None:
    raw = raw_of(fitted, 0, 20)
    raw.logits[-1] = values
    answer = judge.decide(task, manifest, raw)
    assert isinstance(answer, Outlook)
    assert answer.alarms == alarms
    assert judge.document(task, answer)["decision"] == ("; ".join(alarms) or "no alarm")


def test_a_patient_who_has_been_hard_to_forecast_gets_wider_intervals(
    fitted: Fitted, manifest: dict[str, Any]
) -> None:
    raw = raw_of(fitted, 5)
    wild = replace(raw.units, target=raw.units.target + 60) if raw.units else None
    calm = judge.decide(task, manifest, raw)
    wide = judge.decide(task, manifest, replace(raw, units=wild))
    assert isinstance(calm, Outlook)
    assert isinstance(wide, Outlook)
    assert wide.values == calm.values
    assert np.diff(wide.intervals[0]) > 1.5 * np.diff(calm.intervals[0])


def test_what_cannot_be_learned_from_is_refused(samples: tuple[Sample, ...]) -> None:
    judge.check(task, samples)
    short = [replace(s, inputs={"trace": s.inputs["trace"].until(2.0)}) for s in samples[:3]]
    with pytest.raises(BadInput) as raised:
        judge.check(task, short)
    assert raised.value.code == "too-few-forecasts"
    with pytest.raises(BadInput) as raised:
        judge.check(task, [replace(samples[0], target="high")])
    assert raised.value.code == "not-a-trace"
    with pytest.raises(UnknownSetting):
        judge.rule("loudest")
    judge.rule("limits")
