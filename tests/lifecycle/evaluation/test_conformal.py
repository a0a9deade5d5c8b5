from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.lifecycle.evaluation.calibration import apply_temperature
from suwen.lifecycle.evaluation.conformal import (
    fit_conformal,
    held_out_coverage,
    nonconformity,
    prediction_set,
    set_meaning,
)

Simulate = Callable[..., tuple[Any, Any]]


def covered(p: Any, labels: Any, quantile: float) -> float:
    return float(prediction_set(p, quantile)[np.arange(len(labels)), labels].mean())


@pytest.mark.parametrize("gap", [0.8, 2.0, 4.5])
@pytest.mark.parametrize("temperature", [1.0, 20.0])
def test_coverage_on_new_data_is_ninety_percent(gap: float, temperature: float, simulate: Simulate) -> None:
    # 4.5 makes a classifier that is right in 99 of 100 cases; temperature 20 saturates the softmax.
    old = simulate(4000, 1, gap=gap, temperature=temperature)
    new = simulate(20_000, 2, gap=gap, temperature=temperature)
    quantile = fit_conformal(apply_temperature(old[0], 1), old[1])
    assert covered(apply_temperature(new[0], 1), new[1], quantile) == pytest.approx(0.9, abs=0.01)


def test_an_accurate_model_serves_empty_sets_and_keeps_its_word(simulate: Simulate) -> None:
    logits, labels = simulate(524, 3, gap=4.0)
    p = apply_temperature(logits, 1)
    assert (p.argmax(axis=1) == labels).mean() > 0.965
    found = held_out_coverage(p, labels, [str(i) for i in range(524)], seed=0)
    assert 0.87 <= found.coverage <= 0.93
    assert 0.87 <= found.fixed <= 0.93
    assert found.empty > 0.04
    assert len(found.splits) == 20
    assert found.target == pytest.approx(0.9)
    sets = prediction_set(p, fit_conformal(p, labels))
    unsure = ~sets.any(axis=1)
    assert p[unsure].max(axis=1).max() < p[~unsure].max(axis=1).min()  # the least confident, and only they
    assert (p.argmax(axis=1) != labels)[unsure].mean() > 3 * (p.argmax(axis=1) != labels)[~unsure].mean()


@pytest.mark.parametrize("seed", range(5))
def test_held_out_coverage_is_in_the_band_whatever_the_data(seed: int, simulate: Simulate) -> None:
    logits, labels = simulate(524, 50 + seed, gap=3.5)
    found = held_out_coverage(apply_temperature(logits, 1), labels, [str(i) for i in range(524)], seed=seed)
    assert 0.885 <= found.coverage <= 0.92
    assert 0.87 <= found.fixed <= 0.93


def test_a_weak_model_is_undecided(three: Any) -> None:
    p, labels = three
    quantile = fit_conformal(p, labels)
    sets = prediction_set(p, quantile)
    assert sets.sum(axis=1).mean() > 1.3
    assert covered(p, labels, quantile) >= 0.9


def test_quantile_by_hand() -> None:
    p = np.stack([1 - np.arange(1, 20) / 100, np.arange(1, 20) / 100], axis=1)
    labels = np.zeros(19, int)
    assert fit_conformal(p, labels) == pytest.approx(0.18)  # ceil(20 x 0.9) = the 18th of 19
    assert fit_conformal(p[:8], labels[:8]) == 1.0  # too few for the guarantee: every class
    assert prediction_set(p[:8], 1.0).all()
    with pytest.raises(BadInput, match="alpha"):
        fit_conformal(p, labels, alpha=1.0)


def test_scores_keep_their_resolution(three: Any) -> None:
    p, _ = three
    np.testing.assert_allclose(nonconformity(p), 1 - p, atol=1e-12)
    tiny = apply_temperature([[0.0, 50.0], [0.0, 60.0]], 1)
    assert (1 - tiny[:, 1] == 0).all()
    assert 0 < nonconformity(tiny)[1, 1] < nonconformity(tiny)[0, 1]


def test_halves_part_by_subject(two: Any) -> None:
    p, labels, subjects = two
    assert 0.85 < held_out_coverage(p, labels, subjects, seed=1).coverage < 0.95
    with pytest.raises(BadInput, match="two subjects"):
        held_out_coverage(p, labels, ["same"] * len(labels))


def test_what_a_set_says() -> None:
    classes = ("normal", "pneumonia")
    assert set_meaning((), classes) == "uncertain: unlike either class"
    assert set_meaning((), ("a", "b", "c")) == "uncertain: unlike every class"
    assert set_meaning(("normal",), classes) == "consistent with normal alone"
    assert set_meaning(classes, classes) == "undecided between normal and pneumonia"
