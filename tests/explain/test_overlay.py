"""The picture says what it shows, and covers only what the model saw."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from suwen.core.errors import BadInput
from suwen.explain.overlay import STATEMENT, heat_png, overlay_png

Array = NDArray[np.floating]


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    assert picture.format == "PNG"
    return picture


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text drawn."""
    texts: list[str] = []
    draw = ImageDraw.ImageDraw.text

    def record(self: ImageDraw.ImageDraw, xy: tuple[float, float], text: str, **rest: object) -> None:
        texts.append(text)
        draw(self, xy, text, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", record)
    return texts


def test_it_says_what_it_shows(written: list[str]) -> None:
    rng = np.random.default_rng(0)
    arguments = (rng.random((28, 28)), rng.standard_normal((7, 7)))
    picture = opened(
        overlay_png(*arguments, title_lines=["pneumonia 0.93"], simulated=False, unit="logit per cell")
    )
    assert picture.mode == "RGB"
    assert picture.width > 2 * 512
    assert picture.height > 512
    assert "pneumonia 0.93" in written
    assert STATEMENT == "Research and decision support. Not a diagnosis."
    assert STATEMENT in written
    assert any("logit per cell" in text and "blue against" in text for text in written)
    assert sum(text.startswith(("+", "-")) for text in written) == 4
    assert not any("SIMULATED" in text for text in written)


def test_a_phantom_says_so_on_both_panels_and_below(written: list[str]) -> None:
    image = np.linspace(0, 1, 64 * 64).reshape(64, 64)
    overlay_png(image, image, title_lines=[], simulated=True, unit="x")
    assert sum("SIMULATED" in text for text in written) == 3
    assert not any("against" in text for text in written)
    assert not any(text.startswith("-") for text in written)


def test_a_long_title_is_broken_and_nothing_leaves_the_picture(written: list[str]) -> None:
    image = np.zeros((600, 520))
    line = "probability " * 40
    picture = opened(overlay_png(image, image, title_lines=[line], simulated=False, unit="x"))
    parts = [text for text in written if text.startswith("probability")]
    assert len(parts) > 1
    assert " ".join(parts) == line.strip()
    assert picture.height > 600


def test_native_size_is_kept_and_a_huge_image_reduced() -> None:
    heat = np.ones((7, 7))
    native = opened(overlay_png(np.zeros((700, 800)), heat, title_lines=[], simulated=False, unit="x"))
    assert 2 * 800 < native.width < 2 * 800 + 500
    huge = opened(
        overlay_png(np.zeros((2500, 4000), dtype=np.float32), heat, title_lines=[], simulated=False, unit="x")
    )
    assert 2 * 2048 < huge.width < 2 * 2048 + 1000


def test_the_layer_is_clear_where_nothing_speaks_and_two_sided_where_signed() -> None:
    heat = np.zeros((28, 28))
    heat[:8, :8], heat[-8:, -8:] = 1.0, -1.0
    layer = np.asarray(opened(heat_png(heat, shape=(280, 280))))
    assert layer.shape == (280, 280, 4)
    assert layer[140, 140, 3] == 0
    supports, against = layer[20, 20], layer[-20, -20]
    assert supports[3] > 180
    assert against[3] > 180
    assert supports[0] > supports[2] + 60
    assert against[2] > against[0] + 60


def test_both_sides_are_equally_light() -> None:
    layer = np.asarray(opened(heat_png(np.array([[1.0, -1.0]]), shape=(1, 2)))).astype(float)[0, :, :3] / 255
    linear = np.where(layer <= 0.04045, layer / 12.92, ((layer + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    assert abs(luminance[0] - luminance[1]) < 0.06


def test_a_square_map_covers_the_square_the_model_saw() -> None:
    layer = np.asarray(opened(heat_png(np.ones((7, 7)), shape=(100, 160))))
    assert layer.shape == (100, 160, 4)
    assert (layer[:, :30, 3] == 0).all()
    assert (layer[:, 130:, 3] == 0).all()
    assert (layer[5:95, 35:125, 3] > 150).all()
    assert (np.asarray(opened(heat_png(np.ones((5, 8)), shape=(100, 160))))[..., 3] > 150).all()


def test_a_blank_map_and_a_broken_one() -> None:
    assert (np.asarray(opened(heat_png(np.zeros((7, 7)), shape=(50, 50))))[..., 3] == 0).all()
    with pytest.raises(BadInput, match="finite"):
        heat_png(np.full((7, 7), np.inf), shape=(50, 50))
    with pytest.raises(BadInput, match="cannot be drawn"):
        overlay_png(np.zeros((0, 4)), np.zeros((7, 7)), title_lines=[], simulated=False, unit="x")


def test_drawing_needs_no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert heat_png(np.eye(7), shape=(28, 28)).startswith(b"\x89PNG")
