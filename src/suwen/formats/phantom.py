"""Simulated chest films for demonstrations and tests, marked as simulated wherever they go."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from suwen.core.errors import BadInput
from suwen.formats import anatomy
from suwen.formats.image import ClinicalImage
from suwen.formats.picture import SIMULATED_KEY, SIMULATED_VALUE

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_SIZE_PX, MAX_SIZE_PX = 28, 2048


def chest_phantom(seed: int, *, size: int = 256, opacity: bool = False) -> ClinicalImage:
    """Draw a frontal chest film that shows nobody; the same seed draws the same film.

    Parameters
    ----------
    seed
        Decides build, vessels, noise and the opacity; a film with and one without opacity share the rest.
    size
        Side of the square picture, 28 to 2048 px.
    opacity
        Add a blurred consolidation to one lung.

    Returns
    -------
    ClinicalImage
        8-bit values, ``simulated=True``.

    Raises
    ------
    BadInput
        ``bad-size``.
    """
    if not MIN_SIZE_PX <= size <= MAX_SIZE_PX:
        raise BadInput(
            f"a phantom of {size} px cannot be drawn",
            fix=f"Ask for {MIN_SIZE_PX} to {MAX_SIZE_PX}",
            code="bad-size",
        )
    pixels = _film(seed, size, opacity=opacity)
    return ClinicalImage(
        pixels=(np.rint(pixels * 255) / 255).astype(np.float32),
        source_format="phantom",
        bit_depth=8,
        modality="DX",
        body_part="CHEST",
        view="PA",
        simulated=True,
        notes=("simulated",),
    )


def _film(seed: int, size: int, *, opacity: bool) -> NDArray[np.float64]:
    shape, lesion, grain = (np.random.default_rng((seed, stream)) for stream in range(3))
    build = anatomy.Build.drawn(shape)
    axis = (np.arange(size) + 0.5) / size
    y, x = np.meshgrid(axis, 2 * axis - 1, indexing="ij")
    x = x - build.lean * (y - 0.5)
    body = anatomy.trunk(x, y, build)
    lung = anatomy.lungs(x, y, build)
    middle, core = anatomy.midline(x, y), anatomy.heart(x, y, build)
    air = lung * (1 - 0.95 * np.clip(np.maximum(core, np.clip(middle, 0, 1)), 0, 1))
    density = 0.60 + 0.07 * (1 - np.abs(x)) + 0.10 * anatomy.step(y - 0.76, 0.05)
    density = density + 0.15 * np.clip(middle, -1, 1) + 0.07 * core * (1 - 0.4 * np.clip(middle, 0, 1))
    density = density - air * (0.34 + 0.05 * y)
    density = density + (0.025 + 0.035 * air) * anatomy.ribs(x, y, build) + 0.055 * anatomy.shoulders(x, y)
    density = density + 0.11 * air * np.clip(anatomy.vessels(x, y, shape, 0.7 / size), 0, 1.6)
    bubble = anatomy.step(1 - np.hypot((x - 0.38) / 0.13, (y - build.dome_left - 0.09) / 0.035), 0.12)
    density = density - 0.07 * bubble
    if opacity:
        patch = anatomy.consolidation(x, y, build, lesion, _smooth_noise(lesion, size, 9))
        density = density + 0.30 * air * patch
    density = body * density + 0.04 * (1 - body)
    density = density + 0.012 * _smooth_noise(grain, size, 24) + 0.014 * grain.standard_normal((size, size))
    return np.clip(density, 0, 1)


def _smooth_noise(rng: np.random.Generator, size: int, cells: int) -> NDArray[np.float64]:
    """Noise (size, size) of about unit variance, smooth at the scale of ``1 / cells`` of the picture."""
    at = np.linspace(0, cells - 1, size)
    knots = rng.standard_normal((cells, cells))
    rows = np.stack([np.interp(at, np.arange(cells), row) for row in knots])
    return 1.5 * np.stack([np.interp(at, np.arange(cells), column) for column in rows.T], axis=1)


def png_bytes(image: ClinicalImage, *, simulated_text: bool = True) -> bytes:
    """Write a picture as 8-bit grey PNG; a simulated one says so in its metadata and in its pixels.

    Parameters
    ----------
    image
        Any image. Only simulated ones are marked.
    simulated_text
        Burn the word SIMULATED into the lower left corner, where the picture is wide enough for it.
    """
    picture = Image.fromarray(np.rint(image.pixels * 255).astype(np.uint8), mode=None)
    info = PngInfo()
    if image.simulated:
        info.add_text(SIMULATED_KEY, SIMULATED_VALUE)
        if simulated_text:
            _burn(picture, "SIMULATED")
    out = io.BytesIO()
    picture.save(out, format="PNG", pnginfo=info)
    return out.getvalue()


def _burn(picture: Image.Image, text: str) -> None:
    font = ImageFont.load_default_imagefont()
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    times = max(1, picture.width // 256)
    width, height = (right - left) * times, (bottom - top) * times
    if width + 8 > picture.width or height + 8 > picture.height:
        return
    word = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(word).text((-left, -top), text, font=font, fill=255)
    word = word.resize((width, height), Image.Resampling.NEAREST)
    picture.paste(word, (4, picture.height - height - 4), word)
