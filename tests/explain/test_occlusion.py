"""Occlusion finds what the probability hangs on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from suwen.core.errors import UnknownSetting
from suwen.explain.masking import BATCH
from suwen.explain.occlusion import occlusion_map

Array = NDArray[np.floating]
SQUARE = (slice(4, 12), slice(16, 24))


@pytest.mark.parametrize("fill", ["blur", "mean"])
def test_the_map_finds_the_square(square_image: Array, square_weights: Array, fill: str) -> None:
    def probability(images: Array) -> Array:
        return 1 / (1 + np.exp(5 - (images * square_weights).sum(axis=(1, 2))))

    found = occlusion_map(probability, square_image, fill=fill)
    assert found.shape == (28, 28)
    assert found.dtype == np.float32
    inside = np.zeros((28, 28), dtype=bool)
    inside[SQUARE] = True
    assert found[inside].min() > 0
    assert found[inside].mean() > 20 * np.abs(found[~inside]).mean()
    assert np.array_equal(found, occlusion_map(probability, square_image, fill=fill))


def test_a_value_is_the_drop_of_log_odds() -> None:
    image = np.zeros((28, 28), dtype=np.float32)
    image[:14] = 1.0

    def probability(images: Array) -> Array:
        return 1 / (1 + np.exp(-images[:, 2, 2]))

    found = occlusion_map(probability, image, patch=4, stride=4, fill="mean")
    assert found[1, 1] == pytest.approx(0.5, abs=1e-5)


def test_a_large_image_takes_few_batched_passes() -> None:
    batches: list[int] = []

    def probability(images: Array) -> Array:
        batches.append(len(images))
        return 1 / (1 + np.exp(-images[:, 40:70, 150:190].mean(axis=(1, 2))))

    image = np.random.default_rng(0).random((230, 224), dtype=np.float32)
    image[40:70, 150:190] = 1
    found = occlusion_map(probability, image)
    assert found.shape == (230, 224)
    assert sum(batches) <= 60
    assert max(batches) <= BATCH
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert 20 <= row <= 90
    assert 130 <= column <= 210


def test_settings_that_do_not_fit_are_refused(square_image: Array) -> None:
    for wrong in ({"patch": 0}, {"patch": 29}, {"patch": 4, "stride": 5}, {"stride": 0}):
        with pytest.raises(UnknownSetting, match="does not fit"):
            occlusion_map(lambda images: images.mean(axis=(1, 2)), square_image, **wrong)  # type: ignore[arg-type]
    with pytest.raises(UnknownSetting) as caught:
        occlusion_map(lambda images: images.mean(axis=(1, 2)), square_image, fill="blurr")
    assert "blur" in str(caught.value)
