from __future__ import annotations

import numpy as np
import pytest

from suwen.lifecycle.evaluation.arrays import Context
from suwen.lifecycle.evaluation.risk_coverage import confidence, risk_coverage


def test_by_hand() -> None:
    p = np.array([[0.01, 0.99], [0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    labels = np.array([1, 0, 0, 1])  # wrong: the two least sure
    found = risk_coverage(p, labels, Context(positive=1, threshold=0.5))
    np.testing.assert_allclose(found.coverage, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(found.risk, [0, 0, 1 / 3, 1 / 2])
    assert found.aurc == pytest.approx((1 / 3 + 1 / 2) / 4)


def test_ties_do_not_depend_on_the_order() -> None:
    p = np.tile([0.3, 0.7], (10, 1))
    labels = np.array([1] * 7 + [0] * 3)
    context = Context(positive=1)
    forward = risk_coverage(p, labels, context)
    np.testing.assert_allclose(forward.risk, 0.3)
    assert forward.aurc == pytest.approx(risk_coverage(p, labels[::-1], context).aurc)


def test_least_sure_at_the_operating_point(three: tuple[np.ndarray, np.ndarray]) -> None:
    p = np.stack([1 - np.linspace(0, 1, 101), np.linspace(0, 1, 101)], axis=1)
    assert confidence(p, Context(positive=1, threshold=0.2)).argmin() == 20
    np.testing.assert_array_equal(confidence(three[0], Context(positive=0)), three[0].max(axis=1))
