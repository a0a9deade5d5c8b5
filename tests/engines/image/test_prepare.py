"""Images of any size become the square that a network sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suwen.core.errors import BadInput, Unreadable
from suwen.engines.image.prepare import to_input


def test_an_image_of_the_right_size_stays_bit_for_bit(data_dir: Path) -> None:
    with np.load(data_dir / "imaging" / "pneumoniamnist.npz", allow_pickle=False) as data:
        image = data["val_images"][0].astype(np.float32) / 255
    assert np.array_equal(to_input(image, 28), image)
    assert to_input(image, 28).dtype == np.float32


@pytest.mark.parametrize("shape", [(300, 200), (200, 300), (201, 201), (20, 31)])
def test_only_the_central_square_counts(shape: tuple[int, int]) -> None:
    height, width = shape
    side = min(shape)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.random.default_rng(0).random((side, side), dtype=np.float32)
    image = np.full(shape, 0.9, dtype=np.float32)
    image[top : top + side, left : left + side] = square
    assert np.array_equal(to_input(image, 28), to_input(square, 28))


def test_reducing_averages_instead_of_aliasing() -> None:
    stripes = np.tile(np.array([0.0, 1.0], dtype=np.float32), (256, 128))
    assert np.abs(to_input(stripes, 32) - 0.5).max() < 0.02


def test_the_result_stays_between_0_and_1_where_bicubic_overshoots() -> None:
    step = np.zeros((100, 100), dtype=np.float32)
    step[:, 50:] = 1
    out = to_input(step, 64)
    assert out.shape == (64, 64)
    assert out.min() >= 0
    assert out.max() <= 1
    assert to_input(step, 224).shape == (224, 224)


def test_what_cannot_be_an_image_is_refused() -> None:
    with pytest.raises(Unreadable, match="grey"):
        to_input(np.zeros((0, 5), dtype=np.float32), 28)
    with pytest.raises(Unreadable, match="grey"):
        to_input(np.zeros((5, 5, 3), dtype=np.float32), 28)
    with pytest.raises(Unreadable, match="not numbers"):
        to_input(np.full((5, 5), np.nan, dtype=np.float32), 28)
    with pytest.raises(BadInput, match="input size is 0"):
        to_input(np.zeros((5, 5), dtype=np.float32), 0)
