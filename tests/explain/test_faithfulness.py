"""The faithfulness figure tells a true map from a random, a constant and a false one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from suwen.core.errors import BadInput, UnknownSetting
from suwen.explain.faithfulness import deletion_insertion

Array = NDArray[np.floating]


def test_a_true_map_beats_a_random_order_and_its_own_negative(
    square_image: Array, square_weights: Array
) -> None:
    passes: list[int] = []

    def probability(images: Array) -> Array:
        passes.append(len(images))
        return 1 / (1 + np.exp(5 - (images * square_weights).sum(axis=(1, 2))))

    found = deletion_insertion(probability, square_image, square_weights)
    assert sum(passes) <= 45
    assert 0 <= found["deletion"] < found["insertion"] <= 1
    assert found["faithfulness"] == pytest.approx(found["insertion"] - found["deletion"])
    assert found["faithfulness"] > 0.3 > found["random_faithfulness"]
    assert deletion_insertion(probability, square_image, -square_weights)["faithfulness"] < -0.3
    assert found == deletion_insertion(probability, square_image, square_weights)


def test_a_constant_map_gets_no_credit_for_reading_order(square_image: Array) -> None:
    def upper_half(images: Array) -> Array:
        return images[:, :14].std(axis=(1, 2))

    flat = deletion_insertion(upper_half, square_image, np.ones((7, 7)))
    told = deletion_insertion(upper_half, square_image, np.repeat(np.arange(7.0)[::-1, None], 7, axis=1))
    assert abs(flat["faithfulness"]) < 0.5 * told["faithfulness"]


def test_a_random_order_scores_zero_on_average(chest: tuple[Array, Array, float]) -> None:
    images, weights, bias = chest
    rng = np.random.default_rng(0)

    def probability(batch: Array) -> Array:
        return 1 / (1 + np.exp(-(batch * weights).sum(axis=(1, 2)) - bias))

    scores = [
        deletion_insertion(probability, images[0], rng.random((7, 7)))["faithfulness"] for _ in range(60)
    ]
    assert abs(np.mean(scores)) < 3 * np.std(scores) / np.sqrt(60)


def test_the_other_class_has_the_same_figure(chest: tuple[Array, Array, float]) -> None:
    images, weights, bias = chest
    chosen = [(image, image * weights) for image in images[:6]]

    def probability(batch: Array) -> Array:
        return 1 / (1 + np.exp(-(batch * weights).sum(axis=(1, 2)) - bias))

    for image, attribution in chosen:
        own = deletion_insertion(probability, image, attribution, direction="for")
        other = deletion_insertion(probability, image, attribution, direction="against")
        auto = deletion_insertion(probability, image, attribution)
        assert other["faithfulness"] == own["faithfulness"]
        assert other["insertion"] == pytest.approx(1 - own["deletion"])
        assert auto == (own if probability(image[None])[0] >= 0.5 else other)


def test_what_cannot_be_judged_is_refused(square_image: Array) -> None:
    def probability(images: Array) -> Array:
        return images.mean(axis=(1, 2))

    for wrong in (np.full((7, 7), np.nan), np.zeros(49)):
        with pytest.raises(BadInput, match="finite"):
            deletion_insertion(probability, square_image, wrong)
    with pytest.raises(BadInput, match="two steps"):
        deletion_insertion(probability, square_image, np.zeros((7, 7)), steps=1)
    with pytest.raises(UnknownSetting) as caught:
        deletion_insertion(probability, square_image, np.zeros((7, 7)), direction="agains")
    assert "against" in str(caught.value)
