"""What hours teach, and how scores become log-odds again."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.engine import Units
from suwen.engines.hourly.aim import halves, lesson, platt
from suwen.engines.hourly.utility import worth


@pytest.fixture
def units() -> Units:
    stays = [[0] * 30 + [1] * 10 if k % 5 == 0 else [0] * 40 for k in range(50)]
    return Units(
        owner=np.repeat(np.arange(50), 40), hour=np.tile(np.arange(40.0), 50), target=np.concatenate(stays)
    )


def test_each_hour_counts_by_what_an_alarm_changes(units: Units) -> None:
    taught, made = lesson(units, keep=1.0, seed=0), worth(units)
    assert taught.rows.tolist() == np.flatnonzero(made.gain != 0).tolist()
    assert taught.target.tolist() == (made.gain > 0)[taught.rows].astype(int).tolist()
    ratio = taught.weight / np.abs(made.gain)[taught.rows]
    assert np.ptp(ratio) < 1e-9
    assert taught.weight.mean() == pytest.approx(1.0)


def test_few_hours_stand_for_many(units: Units) -> None:
    taught, made = lesson(units, keep=0.25, seed=1), worth(units)
    ill = np.isfinite(made.after)
    assert ill[taught.rows].sum() == (ill & (made.gain != 0)).sum()
    drawn = ~ill[taught.rows]
    assert 300 < drawn.sum() < 500  # a quarter of 1600
    assert set(taught.share[drawn].tolist()) == {4.0}
    assert set(taught.share[~drawn].tolist()) == {1.0}
    again = lesson(units, keep=0.25, seed=1)
    assert again.rows.tolist() == taught.rows.tolist()


def test_unknown_hours_teach_nothing(units: Units) -> None:
    target = units.target.copy()
    target[:40] = -1
    some = Units(owner=units.owner, hour=units.hour, target=target)
    assert lesson(some, keep=1.0, seed=0).rows.min() >= 40


def test_without_utility_the_class_is_the_label(units: Units) -> None:
    taught = lesson(units, keep=1.0, seed=0, by_utility=False)
    assert taught.target.tolist() == units.target.tolist()
    assert set(taught.weight.tolist()) == {1.0}


def test_parts_deal_out_stays_with_an_onset_evenly(units: Units) -> None:
    part = halves(units, 5, seed=3)
    ill = np.arange(50) % 5 == 0
    assert np.bincount(part[ill], minlength=5).tolist() == [2] * 5
    assert np.bincount(part[~ill], minlength=5).tolist() == [8] * 5


def test_platt_finds_the_two_numbers() -> None:
    rng = np.random.default_rng(0)
    score = rng.normal(2, 3, 60_000)
    label = (rng.random(len(score)) < 1 / (1 + np.exp(-(-4.0 + 0.5 * score)))).astype(np.int64)
    intercept, slope = platt(score, label, np.ones(len(score)))
    assert (intercept, slope) == pytest.approx((-4.0, 0.5), abs=0.06)


def test_platt_counts_weights_as_repetitions() -> None:
    score = np.array([0.0, 1.0, 2.0, 3.0])
    label = np.array([0, 1, 0, 1])
    times = np.array([5, 1, 2, 3])
    whole = platt(np.repeat(score, times), np.repeat(label, times), np.ones(11))
    assert platt(score, label, times.astype(float)) == pytest.approx(whole)


def test_platt_survives_one_class_and_scores_that_part_the_classes() -> None:
    assert platt(np.array([1.0, 2.0]), np.array([0, 0]), np.ones(2)) == (0.0, 1.0)
    intercept, slope = platt(np.array([-9.0, -8.0, 8.0, 9.0]), np.array([0, 0, 1, 1]), np.ones(4))
    assert np.isfinite([intercept, slope]).all()
    assert slope > 0
