"""Samples to arrays."""

from __future__ import annotations

import numpy as np
import pytest

from suwen.core.errors import Refused
from suwen.core.sample import Sample
from suwen.engines.image.arrays import LARGE_SIDE, THUMBNAIL_SIDE, natural_size, stack, targets
from suwen.formats.image import ClinicalImage
from suwen.lifecycle.discovery import find

TASK = find("imaging.pneumonia")


def _sample(side: int, target: str | None = "normal", value: float = 0.5) -> Sample:
    pixels = np.full((side, side + 4), value, np.float32)
    return Sample(
        subject_id="s", inputs={"image": ClinicalImage(pixels=pixels, source_format="png", bit_depth=8)},
        target=target,
    )  # fmt: skip


def test_images_of_any_size_become_one_block() -> None:
    block = stack([_sample(28, value=0.25), _sample(200, value=0.75)], 28)
    assert block.shape == (2, 28, 28)
    assert block.dtype == np.float32
    np.testing.assert_allclose(block.mean((1, 2)), [0.25, 0.75], atol=1e-6)


def test_targets_follow_the_order_of_the_endpoint() -> None:
    assert targets([_sample(28, "pneumonia"), _sample(28)], TASK).tolist() == [1, 0]


def test_an_unknown_label_is_never_negative() -> None:
    with pytest.raises(Refused) as refused:
        targets([_sample(28), _sample(28, None)], TASK)
    assert refused.value.code == "missing-label"


@pytest.mark.parametrize(
    ("side", "size"),
    [(28, 28), (THUMBNAIL_SIDE, THUMBNAIL_SIDE), (THUMBNAIL_SIDE + 1, LARGE_SIDE), (320, LARGE_SIDE)],
)
def test_small_images_keep_their_size(side: int, size: int) -> None:
    assert natural_size([_sample(side)] * 3) == size
