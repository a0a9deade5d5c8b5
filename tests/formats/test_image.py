"""The picture type: what it accepts, and its content key."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput
from suwen.formats.image import ClinicalImage, check_size, grey, scale_integers


def made(pixels: Any, **changes: Any) -> ClinicalImage:
    return ClinicalImage(**{"pixels": pixels, "source_format": "png", "bit_depth": 8} | changes)


@pytest.mark.parametrize(
    ("pixels", "code"),
    [
        (np.zeros((0, 0)), "empty-image"),
        (np.zeros((7, 100)), "image-too-small"),
        (np.zeros((9, 9, 3)), "not-two-dimensional"),
        (np.full((9, 9), np.nan), "not-finite"),
        (np.full((9, 9), np.inf), "not-finite"),
        (np.full((9, 9), 1.5), "out-of-range"),
        (np.full((9, 9), -0.1), "out-of-range"),
    ],
)
def test_refuses_what_is_no_picture(pixels: Any, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        made(pixels)
    assert caught.value.code == code


def test_one_bad_pixel_among_many_is_found() -> None:
    pixels = np.full((64, 64), 0.5)
    pixels[63, 63] = np.nan
    with pytest.raises(BadInput, match="NaN"):
        made(pixels)


def test_pixels_become_float32_and_load_returns_itself() -> None:
    image = made(np.full((8, 8), 0.25, dtype=np.float64))
    assert image.pixels.dtype == np.float32
    assert image.load() is image


def test_too_many_pixels_are_refused_by_declared_size() -> None:
    with pytest.raises(BadInput) as caught:
        check_size(100_000, 100_000)
    assert caught.value.code == "too-large"


def test_content_key_depends_on_pixels_and_shape_alone(ramp: Any) -> None:
    one = made(ramp / np.float32(255))
    same = made(ramp / np.float32(255), source_format="npz", notes=("something",), modality="DX")
    turned = made((ramp / np.float32(255)).reshape(32, 24))
    brighter = made(np.minimum(ramp / np.float32(255) + np.float32(1 / 255), 1))
    assert one.content_key() == same.content_key()
    assert len({one.content_key(), turned.content_key(), brighter.content_key()}) == 3
    assert len(one.content_key()) == 64


@pytest.mark.parametrize(
    ("values", "highest"),
    [
        (np.array([[0, 255]], dtype=np.uint8), 1.0),
        (np.array([[0, 100]], dtype=np.uint8), 100 / 255),
        (np.array([[0, 200]], dtype=np.int64), 200 / 255),
    ],
)
def test_eight_bits_scale_by_255(values: Any, highest: float) -> None:
    assert scale_integers(values).max() == pytest.approx(highest)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (np.array([[-1, 5]]), "out-of-range"),
        (np.array([[0, 70_000]]), "unstated-range"),
        (np.array([[0, 4095]], dtype=np.uint16), "unstated-range"),
        (np.array([[0, 200]], dtype=np.uint16), "unstated-range"),
    ],
)
def test_integers_without_a_stated_range_are_refused(values: Any, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        scale_integers(values)
    assert caught.value.code == code


def test_grey_in_three_channels_stays_exact_and_colour_is_said(ramp: Any) -> None:
    same, notes = grey(np.stack([ramp] * 3, axis=-1))
    assert np.array_equal(same, ramp)
    assert "all channels equal" in notes[0]
    colour = np.stack([ramp, ramp // 2, 255 - ramp], axis=-1)
    luma, notes = grey(colour)
    assert notes == ("colour picture converted to grey",)
    expected = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(luma - expected).max() <= 0.51
    nearly = np.stack([ramp, np.clip(ramp.astype(int) + 3, 0, 255).astype(np.uint8), ramp], axis=-1)
    assert "within tolerance" in grey(nearly)[1][0]


def test_32_bit_white_stays_white() -> None:
    white = np.full((8, 8, 3), 2**32 - 1, dtype=np.uint32)
    white[0, 0, 0] = 0  # not all channels equal
    assert grey(white, top=2**32 - 1)[0].max() == 2**32 - 1
