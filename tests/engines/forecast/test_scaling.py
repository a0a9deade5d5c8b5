"""Columns on one scale: missing is the mean, constant columns are nothing, wild values are held."""

from __future__ import annotations

import json

import numpy as np

from suwen.engines.forecast.channels import fit_channels, read_channels
from suwen.engines.forecast.scaling import FURTHEST, fit_scaling, read_scaling


def test_known_columns_are_standardised_and_others_are_zero() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(100, 20, 500), np.full(500, 7.0), np.full(500, np.nan)])
    x[:50, 0] = np.nan
    scaling = fit_scaling(x, ["a", "constant", "empty"])
    z = scaling.of(x)
    assert np.isfinite(z).all()
    assert abs(z[50:, 0].mean()) < 1e-9
    assert abs(z[50:, 0].std() - 1) < 1e-9
    assert (z[:50, 0] == 0).all()
    assert (z[:, 1:] == 0).all()
    assert scaling.of(np.array([[1e9, 8.0, 3.0]])).tolist() == [[FURTHEST, 0.0, 0.0]]


def test_it_survives_json_exactly() -> None:
    x = np.random.default_rng(1).normal(3, 0.1, (40, 2))
    scaling = fit_scaling(x, ["a", "b"])
    again = read_scaling(json.loads(json.dumps(scaling.document())))
    np.testing.assert_array_equal(again.of(x), scaling.of(x))
    assert again.names == ("a", "b")


def test_channels_say_what_is_missing_and_run_forward_in_time() -> None:
    seen = np.array([[120.0, np.nan, 100.0, 90.0], [150, 140, 130, 120]])
    arrays = {
        "seen": seen,
        "last": seen[:, 0],
        "given": np.zeros((2, 4, 1)) + np.array([[[4.0], [0], [0], [0]], [[0], [0], [0], [2.0]]]),
        "x": np.array([[1.0], [2.0]]),
    }
    channels = fit_channels(arrays, ["a"], np.array([[1.0, np.nan], [3.0, 5.0]]))
    window, known = channels.inputs(arrays)
    assert window.shape == (2, 4, 5)
    assert window[0, :, 3].tolist() == [1, 1, 0, 1]
    assert window[0, 2, 1] == 0  # a missing reading is as far away as the last: not at all
    assert np.allclose(window[1, :, 1] * channels.away, [-30, -20, -10, 0])
    assert window[0, :, 4].tolist() == np.float32([0, 0, 0, 4 / 3]).tolist()
    assert known.shape == (2, 1)
    again = read_channels(json.loads(json.dumps(channels.document())))
    np.testing.assert_array_equal(again.inputs(arrays)[0], window)
