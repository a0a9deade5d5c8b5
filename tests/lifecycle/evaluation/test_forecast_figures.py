"""Figures of forecasts against their plain definitions, on data and resamples; alarms and their thresholds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suwen.core.endpoint import Forecast
from suwen.core.engine import Units
from suwen.core.errors import UnknownSetting
from suwen.lifecycle.evaluation.bootstrap import subject_weights
from suwen.lifecycle.evaluation.forecast_alarms import alarm_thresholds, check_rule
from suwen.lifecycle.evaluation.forecast_clarke import clarke_zones
from suwen.lifecycle.evaluation.forecast_figures import Judging, replicates, sums, unit_suffix
from suwen.lifecycle.evaluation.glossary import line_of

ENDPOINT = Forecast(
    quantity="glucose", unit="mg/dL", horizons_min=(30, 60), low=70, high=180, code=("", "", "")
)
LIMITS = {"low": 70.0, "high": 180.0}


def some(seed: int = 0, n: int = 600, subjects: int = 7) -> tuple[Judging, Any]:
    rng = np.random.default_rng(seed)
    owner = np.sort(rng.integers(subjects + 3, size=n))
    starts = np.searchsorted(owner, owner)
    hour = (np.arange(n) - starts) * 0.25
    last = rng.uniform(45, 260, n)
    target = last[:, None] + rng.normal(0, (18, 30), (n, 2))
    target = np.maximum(target, 25)
    target[rng.random((n, 2)) < 0.05] = np.nan
    judging = Judging(
        endpoint=ENDPOINT,
        units=Units(owner=owner, hour=hour, target=target),
        last=last,
        subject=np.minimum(owner, subjects - 1),
    )
    return judging, last[:, None] + rng.normal(0, (10, 20), (n, 2))


def test_every_figure_is_its_definition() -> None:
    judging, values = some()
    intervals = np.stack([values - 20, values + 30], -1)
    found = {
        k: v[0] for k, v in replicates(sums(judging, values, LIMITS, intervals), judging.subject).items()
    }
    for k, at in enumerate(("30min", "60min")):
        known = ~np.isnan(judging.units.target[:, k])
        y, f, last = judging.units.target[known, k], values[known, k], judging.last[known]
        rmse = np.sqrt(np.mean((f - y) ** 2))
        zones = clarke_zones(y, f)
        for name, expected in {
            f"rmse_{at}_mg_dl": rmse,
            f"mae_{at}_mg_dl": np.abs(f - y).mean(),
            f"mard_{at}": (np.abs(f - y) / y).mean(),
            f"bias_{at}_mg_dl": (f - y).mean(),
            f"skill_{at}": 1 - rmse / np.sqrt(np.mean((last - y) ** 2)),
            f"clarke_a_{at}": (zones == 0).mean(),
            f"clarke_ab_{at}": (zones <= 1).mean(),
            f"coverage_90_{at}": ((y >= f - 20) & (y <= f + 30)).mean(),
            f"interval_width_{at}_mg_dl": 50,
            f"n_forecasts_{at}": known.sum(),
        }.items():
            assert found[name] == pytest.approx(expected), name
    known = ~np.isnan(judging.units.target[:, 0])
    y, f, last = judging.units.target[known, 0], values[known, 0], judging.last[known]
    for name, event, alarm, there in (
        ("hypo", y < 70, f < 70, last < 70),
        ("hyper", y > 180, f > 180, last > 180),
    ):
        assert found[f"{name}_sensitivity_30min"] == pytest.approx((event & alarm).sum() / event.sum())
        assert found[f"{name}_ppv_30min"] == pytest.approx((event & alarm).sum() / alarm.sum())
        onset = event & ~there
        assert found[f"{name}_onset_sensitivity_30min"] == pytest.approx((onset & alarm).sum() / onset.sum())
        assert found[f"{name}_prevalence_30min"] == pytest.approx(event.mean())


def test_every_figure_is_in_the_glossary() -> None:
    judging, values = some()
    for name in sums(judging, values, LIMITS, np.stack([values, values], -1)):
        line = line_of(name)
        assert line is not None, name
        assert name.endswith("_mg_dl") == (line.unit == "mg/dL"), name


def test_an_alarm_begins_once_and_anew_behind_a_gap() -> None:
    owner, hour = np.array([0, 0, 0, 0, 0, 1]), np.array([0.25, 0.5, 0.75, 2.0, 2.25, 0.25])
    judging = Judging(
        endpoint=ENDPOINT,
        units=Units(owner=owner, hour=hour, target=np.full((6, 2), 100.0)),
        last=np.full(6, 100.0),
        subject=np.zeros(6, np.int64),
    )
    alarm = np.array([True, True, False, True, True, True])
    assert judging.starts(alarm).tolist() == [True, False, False, True, False, True]
    gone_on = np.ones(6, bool)
    assert judging.starts(gone_on).tolist() == [True, False, False, True, False, True]
    np.testing.assert_allclose(judging.watched_days() * 24, [0.25, 0.25, 0.25, 0.25, 0.25, 0.25])
    values = np.where(alarm, 60.0, 100.0)[:, None] * np.ones(2)
    found = replicates(sums(judging, values, LIMITS), judging.subject, resamples=2)
    assert found["hypo_alarms_per_patient_day_30min"][0] == pytest.approx(3 / (1.5 / 24))


def test_a_resample_counts_whole_subjects() -> None:
    judging, values = some()
    found = replicates(sums(judging, values, LIMITS), judging.subject, resamples=20, seed=4)
    weights = np.concatenate(list(subject_weights(np.arange(7), resamples=20, seed=4)))
    known = ~np.isnan(judging.units.target[:, 0])
    gap = (values - judging.units.target)[known, 0] ** 2
    for row, times in enumerate(weights):
        each = times[judging.subject[known]]
        expected = np.sqrt((gap * each).sum() / each.sum())
        assert found["rmse_30min_mg_dl"][1 + row] == pytest.approx(expected)
    assert (found["n_forecasts_30min"] == known.sum()).all()


def test_without_an_event_sensitivity_is_undefined_and_not_a_number_of_ours() -> None:
    judging, values = some()
    calm = replace(judging, units=replace(judging.units, target=np.clip(judging.units.target, 80, 170)))
    found = replicates(sums(calm, np.clip(values, 80, 170), LIMITS), calm.subject, resamples=5)
    assert np.isnan(found["hypo_sensitivity_30min"]).all()
    assert np.isnan(found["hypo_ppv_30min"]).all()
    assert found["hypo_alarms_per_patient_day_30min"][0] == 0


def test_the_grid_speaks_mg_dl_whatever_the_unit() -> None:
    judging, values = some()
    molar = replace(
        judging,
        endpoint=replace(ENDPOINT, unit="mmol/L", low=3.9, high=10.0),
        units=replace(judging.units, target=judging.units.target / 18.016),
        last=judging.last / 18.016,
    )
    a = replicates(sums(judging, values, LIMITS), judging.subject, resamples=1)
    b = replicates(sums(molar, values / 18.016, {"low": 3.9, "high": 10.0}), judging.subject, resamples=1)
    assert a["clarke_a_30min"][0] == pytest.approx(b["clarke_a_30min"][0])
    assert a["rmse_30min_mg_dl"][0] == pytest.approx(18.016 * b["rmse_30min_mmol_l"][0])
    assert unit_suffix("mmol/L") == "mmol_l"


def test_thresholds_follow_their_rule() -> None:
    judging, values = some(n=4000)
    units, f = judging.units, values[:, 0]
    y = units.target[:, 0]
    assert alarm_thresholds(f, units, ENDPOINT, "limits") == LIMITS
    found = alarm_thresholds(f, units, ENDPOINT, "sensitivity>=0.9")
    low, high = y < 70, y > 180
    assert 0.9 <= (f[low] < found["low"]).mean() < 0.92
    assert 0.9 <= (f[high] > found["high"]).mean() < 0.92
    even = alarm_thresholds(f, units, ENDPOINT, "event1")
    alarm = f < even["low"]
    assert (alarm & low).sum() / low.sum() == pytest.approx(
        (alarm & low).sum() / (alarm & ~np.isnan(y)).sum(), abs=0.02
    )


def test_without_an_event_the_threshold_is_the_limit() -> None:
    judging, values = some()
    calm = replace(judging.units, target=np.clip(judging.units.target, 80, 170))
    assert alarm_thresholds(values[:, 0], calm, ENDPOINT, "sensitivity>=0.9") == LIMITS


def test_an_unknown_rule_is_refused() -> None:
    check_rule("limits")
    check_rule("event1")
    with pytest.raises(UnknownSetting):
        check_rule("loudest")
