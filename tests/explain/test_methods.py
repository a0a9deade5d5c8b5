"""Every method by name, with its checks, on a model whose reasons are known."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from suwen.core.engine import Explainable
from suwen.core.errors import UnknownSetting
from suwen.explain.methods import METHODS, UNITS, explain

Array = NDArray[np.floating]
CHECKS = {"deletion", "insertion", "random_order_faithfulness", "random_weights_correlation"}


def opened(image: Array, weights: Array, bias: float) -> Explainable:
    """A linear model laid open; its own map is exact up to the mean: what each pixel adds to the log odds."""

    def twin(seed: int) -> Explainable:
        noise = np.random.default_rng(5 + seed).standard_normal(weights.shape).astype(np.float32)
        return opened(image, noise * weights.std(), 0.0)

    return Explainable(
        image=image,
        probability=lambda images: 1 / (1 + np.exp(-(images * weights).sum(axis=(1, 2)) - bias)),
        own_maps={"cam": lambda pixels: (pixels - pixels.mean()) * weights},
        randomised=twin,
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_known_reason_is_found_and_passes(square_image: Array, square_weights: Array, method: str) -> None:
    found = explain(opened(square_image, square_weights, -5.0), method, seed=1)
    assert found.method == method
    assert found.unit == UNITS[method]
    assert found.values.shape == (28, 28)
    assert found.values.dtype == np.float32
    assert found.checks.keys() == CHECKS
    assert found.faithfulness is not None
    assert found.faithfulness > max(0.3, found.checks["random_order_faithfulness"])
    assert found.passed
    centre = np.average(np.argwhere(found.values > found.values.max() / 2), axis=0)
    assert np.abs(centre - [7.5, 19.5]).max() < 3


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_explanation(chest: tuple[Array, Array, float], method: str) -> None:
    images, weights, bias = chest
    first, second = (explain(opened(images[3], weights, bias), method, seed=2) for _ in range(2))
    assert np.array_equal(first.values, second.values)
    assert (first.faithfulness, first.checks, first.passed) == (
        second.faithfulness,
        second.checks,
        second.passed,
    )


@pytest.mark.parametrize("method", ["occlusion", "lime"])
def test_real_x_rays_under_a_real_linear_model(chest: tuple[Array, Array, float], method: str) -> None:
    images, weights, bias = chest
    positive = opened(images[0], weights, bias).probability(images) > 0.5
    for image, decided in zip(images[:8], positive[:8], strict=True):
        sign = 1 if decided else -1
        found = explain(opened(image, sign * weights, sign * bias), method)
        assert found.faithfulness is not None
        assert found.faithfulness > found.checks["random_order_faithfulness"]
        assert found.passed


def test_a_constant_map_fails(square_image: Array, square_weights: Array) -> None:
    model = opened(square_image, square_weights, -5.0)
    flat = replace(model, own_maps={"cam": np.ones_like})
    found = explain(flat, "cam")
    assert not found.passed
    assert found.checks["random_weights_correlation"] == pytest.approx(1)


def test_a_map_that_ignores_the_weights_fails(square_image: Array, square_weights: Array) -> None:
    def edges(pixels: Array) -> Array:
        return np.hypot(*np.gradient(pixels))

    model = opened(square_image, square_weights, -5.0)
    blind = replace(
        model, own_maps={"cam": edges}, randomised=lambda _: replace(model, own_maps={"cam": edges})
    )
    assert not explain(blind, "cam").passed


def test_a_model_may_bring_a_map_of_its_own_and_an_unknown_name_is_refused(
    square_image: Array, square_weights: Array
) -> None:
    model = opened(square_image, square_weights, -5.0)

    def named(source: Explainable) -> Explainable:
        return replace(source, own_maps={"gradient": source.own_maps["cam"]})

    own = replace(named(model), randomised=lambda seed: named(model.randomised(seed)))
    assert explain(own, "gradient").passed
    with pytest.raises(UnknownSetting) as caught:
        explain(model, "oclusion")
    assert "Did you mean 'occlusion'" in str(caught.value)
    with pytest.raises(UnknownSetting, match="cam"):
        explain(own, "cam")


def test_it_is_quick(chest: tuple[Array, Array, float]) -> None:
    images, weights, bias = chest
    for method, limit in (("cam", 0.3), ("occlusion", 1.0)):
        start = time.process_time()
        explain(opened(images[0], weights, bias), method)
        assert time.process_time() - start < limit
