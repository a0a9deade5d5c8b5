"""Terms of a regression: medians, flags, ends and bends, all from the training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.engines.linear.terms import Terms, bends


@pytest.fixture
def x() -> Any:
    rng = np.random.default_rng(0)
    x = rng.normal(5, 2, size=(200, 4))
    x[:, 1] = rng.integers(0, 2, 200)
    x[:60, 2] = np.nan
    x[:, 3] = np.nan
    return x


def test_terms_of_the_training_rows_are_standardised(x: Any) -> None:
    terms = Terms.fit(x, splines=True)
    made = terms.of(x)
    assert made.shape == (200, 4 + 1 + 2 * 2)  # a flag of column 2; columns 0 and 2 bend
    assert terms.column.tolist() == [0, 1, 2, 3, 2, 0, 0, 2, 2]
    np.testing.assert_allclose(made.mean(0), 0, atol=1e-9)
    assert set(made.std(0).round(9)) == {0.0, 1.0}  # the column that holds nothing has no spread
    assert np.isfinite(made).all()


def test_missing_is_the_median_and_says_so(x: Any) -> None:
    terms = Terms.fit(x)
    row = x[100].copy()
    row[2] = np.nan
    gone = terms.of(row[None])[0]
    row[2] = np.nanmedian(x[:, 2])
    there = terms.of(row[None])[0]
    np.testing.assert_allclose(gone[:4], there[:4])
    assert gone[4] > 0 > there[4]


def test_beyond_the_range_of_training_counts_as_its_end(x: Any) -> None:
    terms = Terms.fit(x, splines=True)
    far, end = x[100].copy(), x[100].copy()
    far[0], end[0] = 1e6, x[:, 0].max()
    np.testing.assert_allclose(terms.of(far[None]), terms.of(end[None]))


def test_a_restricted_cubic_spline_is_straight_outside_its_knots() -> None:
    knots = np.array([1.0, 2.0, 4.0, 5.0])
    left, right = np.linspace(-3, 1, 9), np.linspace(5, 9, 9)
    assert np.abs(bends(left, knots)).max() == 0
    assert np.abs(np.diff(bends(right, knots), n=2, axis=0)).max() < 1e-9
    inside = bends(np.linspace(1, 5, 4001), knots)
    # Continuous with two continuous derivatives: second differences change little from step to step.
    assert np.abs(np.diff(inside, n=3, axis=0)).max() < 1e-7
    # Harrell (2.25) by hand at x = 3, first term: (2³ - 0 + 0) / 4².
    assert bends(np.array([3.0]), knots)[0, 0] == pytest.approx(8 / 16)


def test_arrays_bring_everything_back(x: Any) -> None:
    terms = Terms.fit(x, splines=True)
    again = Terms.from_arrays({name: np.array(value) for name, value in terms.arrays().items()})
    np.testing.assert_array_equal(again.of(x), terms.of(x))
