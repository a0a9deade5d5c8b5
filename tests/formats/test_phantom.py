"""The simulated chest film: reproducible, marked, and enough of a chest."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from suwen.core.errors import BadInput
from suwen.formats.image import ClinicalImage
from suwen.formats.phantom import chest_phantom, png_bytes
from suwen.formats.read import read_image


def test_the_seed_decides_everything() -> None:
    assert chest_phantom(3).content_key() == chest_phantom(3).content_key()
    assert chest_phantom(3).content_key() != chest_phantom(4).content_key()
    image = chest_phantom(5, size=100)
    assert image.pixels.shape == (100, 100)
    assert (image.simulated, image.source_format, image.notes) == (True, "phantom", ("simulated",))


def test_an_opacity_brightens_one_lung_and_nothing_else() -> None:
    for seed in range(4):
        change = chest_phantom(seed, opacity=True).pixels - chest_phantom(seed).pixels
        assert 0.1 < change.max() < 0.4
        assert change.min() > -0.01
        left, right = change[:, :128].sum(), change[:, 128:].sum()
        assert max(left, right) > 20 * min(left, right)
        assert 0.01 < (change > 0.05).mean() < 0.15


def test_it_resembles_the_mean_of_real_chest_films(data_dir: Path) -> None:
    with np.load(data_dir / "imaging" / "pneumoniamnist.npz", allow_pickle=False) as archive:
        mean = archive["train_images"].mean(axis=0)
    for seed in range(6):
        film = Image.fromarray(np.rint(chest_phantom(seed, opacity=seed % 2 == 1).pixels * 255).astype("u1"))
        small = np.asarray(film.resize((28, 28), Image.Resampling.BOX))
        assert np.corrcoef(mean.ravel(), small.ravel())[0, 1] > 0.7


def test_png_says_that_it_is_simulated() -> None:
    image = chest_phantom(1)
    clean = read_image(png_bytes(image, simulated_text=False))
    assert clean.simulated
    assert clean.content_key() == image.content_key()
    data = png_bytes(image)
    burnt = read_image(data)
    assert burnt.simulated
    changed = np.argwhere(burnt.pixels != image.pixels)
    assert len(changed) > 100
    assert changed[:, 0].min() > 230
    assert changed[:, 1].max() < 80
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.text == {"suwen": "simulated"}  # type: ignore[attr-defined]


def test_real_pictures_are_not_marked() -> None:
    image = ClinicalImage(pixels=np.zeros((64, 64)), source_format="png", bit_depth=8)
    assert not read_image(png_bytes(image)).simulated


def test_sizes() -> None:
    assert read_image(png_bytes(chest_phantom(0, size=28))).simulated  # too small for the word
    for size in (8, 4096):
        with pytest.raises(BadInput, match="28 to 2048"):
            chest_phantom(0, size=size)
