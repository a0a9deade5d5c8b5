"""Penalised logistic regression: the optimum, wide tables, and classes a fold has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.engines.linear.solve import fit_path

pytest.importorskip("sklearn")


def table(n: int, t: int, classes: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, t))
    logits = x[:, :classes] * 1.5
    return x, (logits + rng.gumbel(size=logits.shape)).argmax(1)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("shape", [(150, 8), (40, 90)], ids=["tall", "wide"])
def test_the_slope_of_the_penalised_loss_vanishes(classes: int, shape: tuple[int, int]) -> None:
    x, y = table(*shape, classes)
    for penalty, (weights, bias) in zip((0.3, 0.03), fit_path(x, y, classes, (0.3, 0.03)), strict=True):
        logits = x @ weights + bias
        share = np.exp(logits - logits.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        gap = x.T @ (share - np.eye(classes)[y]) / len(y)
        free = penalty * weights
        if classes == 2:  # the penalty lies on the log-odds, which the second column alone carries
            gap, free = gap[:, 1], penalty * (weights[:, 1] - weights[:, 0])
        assert np.abs(gap + free).max() < 2e-3
        assert np.abs((share - np.eye(classes)[y]).mean(0)).max() < 2e-3


def test_a_class_that_was_not_seen_is_unlikely_and_no_error() -> None:
    x, y = table(60, 5, 3)
    seen = y != 1
    ((weights, bias),) = fit_path(x[seen], y[seen], 3, [0.1])
    logits = x @ weights + bias
    share = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert share[:, 1].max() < 0.05
    ((weights, bias),) = fit_path(x[y == 2], y[y == 2], 3, [0.1])
    assert (weights == 0).all()
    assert bias.argmax() == 2


def test_the_elastic_net_drops_terms_and_balance_lifts_the_rare_class() -> None:
    x, y = table(300, 20, 2)
    ((plain, _),), ((sparse, _),) = fit_path(x, y, 2, [0.05]), fit_path(x, y, 2, [0.05], l1_ratio=0.9)
    assert (plain[:, 1] != 0).all()
    assert (sparse[:, 1] == 0).sum() >= 10
    rare = y & (np.arange(300) % 4 == 0)
    ((_, usual),), ((_, lifted),) = fit_path(x, rare, 2, [0.1]), fit_path(x, rare, 2, [0.1], balanced=True)
    assert lifted[1] - lifted[0] > usual[1] - usual[0] + 1
