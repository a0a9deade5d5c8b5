"""The trivial vectors of an image."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from suwen.core.sample import Sample
from suwen.engines.image.views import area_average, views


@dataclass(frozen=True)
class Picture:
    """Shaped like a decoded clinical image."""

    pixels: NDArray[np.float32]
    file_bytes: int | None = None
    loaded: list[int] | None = None

    def load(self) -> Picture:
        if self.loaded is not None:
            self.loaded.append(1)
        return self


def sample(pixels: NDArray[np.floating], file_bytes: int | None = None) -> Sample:
    return Sample(subject_id="s", inputs={"image": Picture(np.asarray(pixels, np.float32), file_bytes)})


def alike(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(np.dot(views(sample(a))["fine"], views(sample(b))["fine"]))


def jpeg(pixels: NDArray[np.floating], quality: int) -> NDArray[np.float32]:
    held = io.BytesIO()
    Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(held, "JPEG", quality=quality)
    return np.asarray(Image.open(held), np.float32) / 255


@pytest.fixture(scope="module")
def radiographs(data_dir: Path) -> list[NDArray[np.float32]]:
    files = sorted((data_dir / "imaging" / "cxr_nih").glob("*/*.jpg"))[::40]
    return [np.asarray(Image.open(file).convert("L"), np.float32) / 255 for file in files]


def test_shapes_and_ranges(radiographs: list[NDArray[np.float32]]) -> None:
    for pixels in radiographs[:5]:
        seen = views(sample(pixels, 1234))
        assert {name: np.shape(value) for name, value in seen.items()} == {
            "thumbnail": (64,),
            "border": (20,),
            "image_size": (3,),
            "fine": (1024,),
            "file_size": (),
        }
        assert 0 <= seen["thumbnail"].min() <= seen["thumbnail"].max() <= 1.0001
        assert seen["file_size"] == 1234
        np.testing.assert_allclose(np.linalg.norm(seen["fine"]), 1, rtol=1e-5)
        np.testing.assert_allclose(seen["fine"].mean(), 0, atol=1e-6)


@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (37, 53), (320, 200), (5, 900)])
def test_area_average_keeps_the_mean_and_agrees_with_block_means(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).random(shape, np.float32)
    np.testing.assert_allclose(area_average(pixels, 8).mean(), pixels.mean(), rtol=1e-5)
    if all(side % 8 == 0 for side in shape):
        blocks = pixels.reshape(8, shape[0] // 8, 8, shape[1] // 8).mean(axis=(1, 3))
        np.testing.assert_allclose(area_average(pixels, 8), blocks, rtol=1e-5)


def test_no_file_size_where_no_file_holds_the_image() -> None:
    assert "file_size" not in views(sample(np.eye(30)))


def test_the_image_is_decoded_once() -> None:
    loaded: list[int] = []
    views(Sample(subject_id="s", inputs={"image": Picture(np.eye(40, dtype=np.float32), None, loaded)}))
    assert loaded == [1]


def test_a_blank_image_resembles_nothing_not_even_itself() -> None:
    assert alike(np.full((64, 64), 0.5), np.full((64, 64), 0.5)) == 0


def test_border_sees_a_marker_at_the_edge_only() -> None:
    plain, marked, inside = (np.full((100, 100), 0.5, np.float32) for _ in range(3))
    marked[:2, 40:60] = 1
    inside[40:60, 40:60] = 1
    np.testing.assert_array_equal(views(sample(plain))["border"], views(sample(inside))["border"])
    assert np.abs(views(sample(plain))["border"] - views(sample(marked))["border"]).max() > 0.05


def test_copies_are_alike_and_strangers_are_not(radiographs: list[NDArray[np.float32]]) -> None:
    for pixels in radiographs:
        small = np.asarray(Image.fromarray(pixels).resize((160, 160), Image.Resampling.BILINEAR), np.float32)
        copies = (jpeg(pixels, 30), small, np.clip(pixels * 1.1 + 0.03, 0, 1), pixels[4:-4, 4:-4])
        assert min(alike(pixels, copy) for copy in copies) > 0.93
    strangers = [alike(a, b) for i, a in enumerate(radiographs) for b in radiographs[:i]]
    assert max(strangers) < 0.9
