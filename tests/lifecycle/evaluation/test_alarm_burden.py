"""Alarms that are heard, and what they add up to."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.engine import Units
from suwen.engines.hourly.utility import score, worth
from suwen.lifecycle.bell import alarms
from suwen.lifecycle.evaluation.alarm_burden import burden, heard


def units(*stays: list[int]) -> Units:
    return Units(
        owner=np.repeat(np.arange(len(stays)), [len(stay) for stay in stays]),
        hour=np.concatenate([np.arange(len(stay), dtype=float) for stay in stays]),
        target=np.concatenate([np.array(stay) for stay in stays]),
    )


def test_side_by_side_the_alarms_are_those_of_each_stay_alone() -> None:
    rng = np.random.default_rng(0)
    stays = units(*([0] * int(n) for n in rng.integers(1, 70, 40)))
    due = rng.random(len(stays)) < 0.3
    got = heard(due, stays, 6.0)
    for stay in range(40):
        at = stays.owner == stay
        expected = alarms(stays.hour[at].tolist(), due[at].astype(int).tolist(), 6.0)
        assert tuple(stays.hour[at][got[at]]) == expected


def test_stays_of_a_subset_need_not_be_numbered_from_zero() -> None:
    some = Units(owner=np.array([3, 3, 8]), hour=np.array([4.0, 5.0, 0.0]), target=np.zeros(3, int))
    assert heard(np.ones(3, bool), some, 6.0).tolist() == [True, False, True]
    assert heard(np.zeros(0, bool), units([]), 6.0).tolist() == []


def test_worked_example() -> None:
    # Stay 0: label from hour 20, onset at 26; alarms due at 2 (false), 16 and 17 (right, one heard), 24 (right).
    # Stay 1: no onset, alarms due at 0, 3 (silenced) and 6. Together 46 hours.
    stays = units([0] * 20 + [1] * 10, [0] * 16)
    due = np.zeros(46, bool)
    due[[2, 16, 17, 24, 30, 33, 36]] = True
    made = worth(stays)
    subject = stays.owner
    found = burden(due, stays, made, subject, 6.0)
    figure = {name: float(value[0]) for name, value in found.figures(np.ones((1, 2))).items()}
    assert found.alarms.tolist() == [3, 2]
    assert found.right.tolist() == [2, 0]
    assert figure["alarm_ppv"] == pytest.approx(2 / 5)
    assert figure["alarms_per_patient_day"] == pytest.approx(5 / (46 / 24))
    assert figure["false_alarms_per_patient_day"] == pytest.approx(3 / (46 / 24))
    assert figure["onset_sensitivity"] == 1.0
    assert figure["lead_time"] == 10.0
    assert figure["utility"] == pytest.approx(score(due, made))


def test_an_alarm_at_or_after_onset_announces_nothing() -> None:
    stays = units([0] * 20 + [1] * 10)
    due = np.zeros(30, bool)
    due[[26, 28]] = True
    found = burden(due, stays, worth(stays), stays.owner, 0.0)
    figure = found.figures(np.ones((1, 1)))
    assert found.right.tolist() == [2]
    assert figure["onset_sensitivity"].tolist() == [0.0]
    assert np.isnan(figure["lead_time"]).all()


def test_subjects_drawn_twice_count_twice() -> None:
    stays = units([0] * 10 + [1] * 10, [0] * 20, [0] * 12 + [1] * 10)
    due = np.random.default_rng(3).random(len(stays)) < 0.3
    subject = np.array([0, 1, 2])[stays.owner]
    once = burden(due, stays, worth(stays), subject, 3.0)
    twice = units([0] * 10 + [1] * 10, [0] * 10 + [1] * 10, [0] * 20)
    again = burden(np.concatenate([due[:20], due[:20], due[20:40]]), twice, worth(twice), twice.owner, 3.0)
    first = once.figures(np.array([[2.0, 1.0, 0.0]]))
    second = again.figures(np.ones((1, 3)))
    for name, value in first.items():
        np.testing.assert_allclose(value, second[name], err_msg=name)


def test_hours_without_a_label_are_not_judged() -> None:
    stays = units([-1] * 10 + [0] * 10)
    found = burden(np.ones(20, bool), stays, worth(stays), stays.owner, 100.0)
    assert found.hours.tolist() == [10]
    assert found.gained.tolist() == pytest.approx([-0.5])
