"""Kaplan and Meier's estimate by hand and against lifelines; censoring with ties."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.lifecycle.evaluation.survival_censoring import Steps, censoring, greenwood, kaplan_meier

TIME = np.array([1.0, 2.0, 2.0, 3.0, 5.0])
EVENT = np.array([True, True, False, True, False])


def test_by_hand() -> None:
    found = kaplan_meier(TIME, EVENT)
    assert found.times.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(found.values, [4 / 5, 4 / 5 * 3 / 4, 4 / 5 * 3 / 4 * 1 / 2])
    np.testing.assert_allclose(found.at(np.array([0.5, 1.0, 9.0])), [1.0, 0.8, 0.3])
    np.testing.assert_allclose(found.at(np.array([1.0]), before=True), [1.0])


def test_an_event_is_not_at_risk_of_being_censored_at_its_own_time() -> None:
    """At time 2 one had the event and one was censored: of four at risk, three could be censored."""
    found = censoring(TIME, EVENT)
    np.testing.assert_allclose(found.at(np.array([2.0])), [2 / 3])
    np.testing.assert_allclose(found.at(np.array([2.0]), before=True), [1.0])
    assert found.at(np.array([5.0]))[0] == 0.0


def test_it_is_that_of_lifelines() -> None:
    lifelines = pytest.importorskip("lifelines")
    rng = np.random.default_rng(0)
    time, event = np.ceil(rng.exponential(20, 300)), rng.random(300) < 0.6
    fitted = lifelines.KaplanMeierFitter().fit(time, event)
    at = np.arange(1.0, 60.0)
    np.testing.assert_allclose(kaplan_meier(time, event).at(at), fitted.predict(at).to_numpy(), atol=1e-12)
    gone, low, high = greenwood(time, event, 20.0)
    assert gone == pytest.approx(1 - fitted.predict(20.0))
    expected = fitted.confidence_interval_.loc[20.0].to_numpy()
    np.testing.assert_allclose([1 - high, 1 - low], expected, atol=1e-6)


def test_it_survives_a_manifest() -> None:
    found = kaplan_meier(TIME, EVENT)
    again = Steps.read(found.document())
    np.testing.assert_array_equal(again.at(TIME), found.at(TIME))


def test_without_events_nobody_is_gone_and_there_is_no_interval() -> None:
    gone, low, high = greenwood(TIME, np.zeros(5, bool), 4.0)
    assert gone == 0.0
    assert np.isnan(low)
    assert np.isnan(high)
