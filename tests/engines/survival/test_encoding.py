"""Columns become terms: logarithms, levels, bends, and nothing learned from rows to come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from suwen.engines.survival.encoding import FARTHEST, Encoding


def test_skewed_columns_are_logarithms_and_stages_have_levels(simulate: Callable[..., Any]) -> None:
    x, _, _ = simulate(400)
    encoding = Encoding.fit(x, splines=True)
    assert encoding.logs.tolist() == [4]
    assert encoding.level_of.tolist() == [3, 3]
    assert encoding.level.tolist() == [1.0, 2.0]
    terms = encoding.of(x)
    assert np.isfinite(terms).all()
    assert np.abs(terms).max() <= FARTHEST
    assert encoding.simple(5).sum() == 5
    assert terms.shape[1] > 7 + 5  # bends and flags


def test_what_is_missing_is_the_training_median(simulate: Callable[..., Any]) -> None:
    x, _, _ = simulate(400)
    encoding = Encoding.fit(x, splines=False)
    row = np.nanmedian(x, axis=0)[None].astype(np.float64)
    missing = row.copy()
    missing[0, 1] = np.nan
    own = encoding.simple(5)
    np.testing.assert_allclose(encoding.of(missing)[:, own], encoding.of(row)[:, own], atol=1e-6)


def test_it_survives_a_file_and_a_row_does_not_change_its_neighbours(simulate: Callable[..., Any]) -> None:
    x, _, _ = simulate(100)
    encoding = Encoding.fit(x, splines=True)
    again = Encoding.from_arrays(encoding.arrays())
    np.testing.assert_array_equal(again.of(x[:1]), encoding.of(x)[:1])


def test_constant_and_empty_columns_are_no_error() -> None:
    x = np.stack([np.ones(50), np.full(50, np.nan), np.arange(50.0)], axis=1)
    assert np.isfinite(Encoding.fit(x, splines=True).of(x)).all()
