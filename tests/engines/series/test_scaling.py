"""Scaling by training quantiles: fitted on the training part alone, missing at the median, order kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.engines.series.grid import NEVER, Grid, carried
from suwen.engines.series.scaling import KNOTS, PLACES, Scaling, fit_scaling, placed, quantiles


def made(n: int = 40, steps: int = 12, seed: int = 0) -> Grid:
    rng = np.random.default_rng(seed)
    means = np.exp(rng.normal(size=(n, steps, 3))).astype(np.float32)
    means[rng.random(means.shape) < 0.5] = np.nan
    means[..., 2] = np.nan
    value, seen, since = carried(means, 1.0)
    static = rng.normal(50, 9, (n, 2)).astype(np.float32)
    static[0] = np.nan
    return Grid(value=value, seen=seen, since=since, static=static, end=np.full(n, steps - 1))


def test_a_training_value_goes_to_the_normal_score_of_its_place() -> None:
    rng = np.random.default_rng(1)
    x = np.exp(rng.normal(size=20_000)).astype(np.float32)
    scaled = placed(x[:, None], quantiles(x)[None])[:, 0]
    assert abs(scaled.mean()) < 0.01
    assert abs(scaled.std() - 1) < 0.03
    order = np.argsort(x)
    assert (np.diff(scaled[order]) >= 0).all()
    assert scaled.min() == PLACES[0]
    assert scaled.max() == PLACES[-1]


@pytest.mark.parametrize(
    "values",
    [[1.0] * 50, [137.0] * 50, [0.0] * 9, [5.0], [0.0] * 4 + [1.0] * 6, [3.0] * 10 + [15.0] * 90, [1e6]],
)
def test_quantiles_always_rise_and_missing_is_nought(values: list[float]) -> None:
    knots = quantiles(np.array(values, np.float32))
    assert knots.shape == (KNOTS,)
    assert (np.diff(knots) > 0).all()
    assert placed(np.array([[np.nan]], np.float32), knots[None])[0, 0] == 0
    middle = np.array([np.median(values)], np.float32)
    assert abs(float(placed(middle[:, None], knots[None])[0, 0])) < 1e-3 or len(set(values)) > 1


def test_a_constant_says_nothing() -> None:
    knots = quantiles(np.full(50, 137.0, np.float32))
    assert placed(np.array([[137.0]], np.float32), knots[None])[0, 0] == pytest.approx(0, abs=1e-3)


def test_what_was_never_observed_still_scales() -> None:
    scaling = fit_scaling(made())
    assert np.isfinite(scaling.features(made())).all()
    assert (np.diff(scaling.value, axis=1) > 0).all()


def test_the_network_reads_values_masks_ages_descriptors_and_how_many_lack() -> None:
    grid = made()
    x = fit_scaling(grid).features(grid)
    assert x.shape == (40, 12, 3 * 3 + 2 + 1)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x[..., 3:6], grid.seen)
    waited = np.log1p(np.minimum(grid.since, NEVER)) / np.log1p(NEVER)
    np.testing.assert_allclose(x[..., 6:9], waited, rtol=1e-5)
    assert (x[..., 0:3][np.isnan(grid.value)] == 0).all()
    assert (x[0, :, 9:11] == 0).all()
    assert (x[0, :, 11] == 1).all(), "all of its descriptors are missing"
    assert (x[1:, :, 11] == 0).all()


def test_without_descriptors_none_is_missing() -> None:
    grid = made()
    bare = Grid(
        value=grid.value, seen=grid.seen, since=grid.since, static=np.zeros((40, 0), np.float32), end=grid.end
    )
    scaling = fit_scaling(bare)
    x = scaling.features(bare)
    assert x.shape[2] == 10
    assert (x[..., -1] == 0).all()
    assert scaling.static.shape == (0, KNOTS)


def test_it_is_fitted_to_what_was_observed_and_to_nothing_else() -> None:
    grid = made()
    train = np.arange(30)
    scaling = fit_scaling(grid.take(train))
    loud = Grid(
        value=np.where(np.arange(40)[:, None, None] >= 30, grid.value * 1000, grid.value),
        seen=grid.seen, since=grid.since, static=grid.static, end=grid.end,
    )  # fmt: skip
    again = fit_scaling(loud.take(train))
    for key, array in scaling.arrays().items():
        np.testing.assert_array_equal(again.arrays()[key], array)
    observed = grid.value[:30, :, 0][grid.seen[:30, :, 0]]
    np.testing.assert_array_equal(scaling.value[0], quantiles(observed))


def test_it_comes_back_from_its_file(tmp_path: Path) -> None:
    grid = made()
    scaling = fit_scaling(grid)
    np.savez(tmp_path / "a.npz", **scaling.arrays())
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        back: Any = Scaling.of({key: arrays[key] for key in arrays.files})
    np.testing.assert_array_equal(back.features(grid), scaling.features(grid))


@pytest.mark.parametrize("few", [0, 10**9])
def test_a_few_values_and_many_are_placed_alike(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from suwen.engines.series import scaling as module

    rng = np.random.default_rng(7)
    values = np.exp(rng.normal(size=(50, 6, 3))).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    knots = np.stack([quantiles(np.exp(rng.normal(size=400)).astype(np.float32)) for _ in range(3)])
    values[0, 0] = knots[:, 4]  # exactly on a knot
    monkeypatch.setattr(module, "FEW", few)
    got = placed(values, knots)
    for v in range(3):
        expected = np.interp(np.nan_to_num(values[..., v]), knots[v], PLACES)
        expected[np.isnan(values[..., v])] = 0
        np.testing.assert_allclose(got[..., v], expected, atol=2e-5)
    monkeypatch.setattr(module, "FEW", 10**9 - few)
    np.testing.assert_array_equal(placed(values, knots), got)
    several = placed(values, np.stack([knots, knots * 2]))
    np.testing.assert_array_equal(several[0], got)
    np.testing.assert_array_equal(several[1], placed(values, knots * 2))
