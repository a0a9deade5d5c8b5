"""The utility of hourly alarms against examples worked by hand and the definition written out hour by hour."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from suwen.core.engine import Units
from suwen.engines.hourly.utility import best_threshold, hours_after_onset, normalised, score, worth

Ints = NDArray[np.int64]


def units(*stays: list[int]) -> Units:
    return Units(
        owner=np.repeat(np.arange(len(stays)), [len(stay) for stay in stays]),
        hour=np.concatenate([np.arange(len(stay), dtype=float) for stay in stays]),
        target=np.concatenate([np.array(stay) for stay in stays]),
    )


def total(made: Units, alarm: list[int]) -> float:
    found = worth(made)
    return float(np.where(np.array(alarm) == 1, found.alarm, found.silence).sum())


def by_definition(labels: Ints, alarm: Ints) -> float:
    """One stay, hour by hour, as the definition's table is read."""
    septic = bool(labels.any())
    onset = int(np.argmax(labels)) + 6 if septic else 10**6
    out = 0.0
    for hour, due in enumerate(alarm):
        d = hour - onset
        if not septic:
            out += -0.05 if due else 0.0
        elif d > 3:
            out += 0.0
        elif due:
            out += max((d + 12) / 6, -0.05) if d <= -6 else (3 - d) / 9
        else:
            out += 0.0 if d <= -6 else -2 * (d + 6) / 9
    return out


def test_the_organisers_example_gives_their_figure() -> None:
    # Onset at hour 10: 4/6 + 5/6 + 1 + 8/9.
    assert total(units([0, 0, 0, 0, 1, 1]), [0, 0, 1, 1, 1, 1]) == pytest.approx(3.388888888888889)


def test_alarms_without_sepsis_cost_a_twentieth_each() -> None:
    assert total(units([0] * 10), [1, 1, 1, 0, 0, 0, 0, 1, 0, 0]) == pytest.approx(-0.2)
    assert total(units([0] * 10), [0] * 10) == 0.0


def test_silence_costs_more_with_every_hour_until_three_hours_after_onset() -> None:
    # Label from hour 0, onset at hour 6: -2 (d + 6) / 9 for d = -6 .. 3, nothing later.
    stay = units([1] * 12)
    assert worth(stay).silence == pytest.approx([-2 * k / 9 for k in range(10)] + [0.0, 0.0])
    assert worth(stay).alarm == pytest.approx([1 - k / 9 for k in range(10)] + [0.0, 0.0])


def test_an_alarm_long_before_onset_is_as_bad_as_a_false_one() -> None:
    found = worth(units([0] * 30 + [1] * 10))  # onset at hour 36
    assert found.alarm[:24] == pytest.approx([-0.05] * 24)
    assert found.alarm[24:31] == pytest.approx([k / 6 for k in range(7)])


def test_the_score_is_one_for_the_ideal_answer_and_zero_for_silence() -> None:
    stays = units([0] * 20, [0] * 30 + [1] * 10, [1, 1, 1])
    found = worth(stays)
    ideal = np.isfinite(found.after) & (found.after >= -12) & (found.after <= 3)
    assert score(ideal, found) == pytest.approx(1.0)
    assert score(np.zeros(len(stays), bool), found) == 0.0
    assert score(~ideal, found) < -0.1


def test_worked_score_of_two_stays() -> None:
    # The septic stay's best is 0 + 1/6 + .. + 5/6 + 1 + 8/9 + 7/9 (hours 4 to 12); silence costs 2/9 + 4/9.
    stays = units([0] * 10 + [1] * 3, [0] * 5)
    alarm = np.zeros(18, bool)
    alarm[[10, 11, 12, 13]] = True
    silence, best, got = -6 / 9, 15 / 6 + 24 / 9, 24 / 9 - 0.05
    assert score(alarm, worth(stays)) == pytest.approx((got - silence) / (best - silence))


def test_equal_to_the_definition_on_random_stays() -> None:
    rng = np.random.default_rng(0)
    stays, alarms = [], []
    for _ in range(200):
        n = int(rng.integers(1, 60))
        label = np.zeros(n, int)
        if rng.random() < 0.6:
            label[int(rng.integers(0, n)) :] = 1
        stays.append(label.tolist())
        alarms.append(rng.integers(0, 2, n))
    expected = sum(by_definition(np.array(s), a) for s, a in zip(stays, alarms, strict=True))
    assert total(units(*stays), np.concatenate(alarms).tolist()) == pytest.approx(expected)


def test_hours_without_a_label_are_worth_nothing() -> None:
    found = worth(units([0, -1, 0], [-1, 1, 1]))
    assert found.alarm[[1, 3]].tolist() == [0.0, 0.0]
    assert found.silence[[1, 3]].tolist() == [0.0, 0.0]
    assert hours_after_onset(units([0, -1, 0], [-1, 1, 1]))[3:].tolist() == [-7.0, -6.0, -5.0]


def test_without_an_onset_there_is_no_score() -> None:
    assert np.isnan(score(np.array([True, False]), worth(units([0, 0]))))
    assert np.isnan(normalised(np.zeros(1), np.zeros(1), np.zeros(1))).all()


def test_the_best_threshold_is_the_best_of_all() -> None:
    rng = np.random.default_rng(1)
    stays = units(*([0] * 20 + [1] * 10 if k % 3 == 0 else [0] * 25 for k in range(30)))
    made = worth(stays)
    value = np.round(rng.random(len(stays)) + 0.5 * (made.gain > 0), 2)
    got = best_threshold(value, made)
    every = [score(value >= cut, made) for cut in [*np.unique(value), 9.0]]
    assert score(value >= got, made) == pytest.approx(max(every))
    assert got not in set(value)


def test_the_best_threshold_may_be_never() -> None:
    made = worth(units([0, 0, 0]))
    assert best_threshold(np.array([0.1, 0.9, 0.9]), made) > 0.9
