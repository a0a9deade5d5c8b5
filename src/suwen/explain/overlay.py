"""The picture of an explanation: the image, the image under its heat map, the scale, and what must be said.

Colours run in Oklab (Ottosson 2020), where equal steps look equal, from clear to orange (speaks for) and from
clear to blue (speaks against): a pair that no common colour blindness confuses, of equal lightness and
chroma on both sides, so that neither looks the stronger.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from suwen.core.errors import BadInput
from suwen.explain.masking import Array

STATEMENT = "Research and decision support. Not a diagnosis."
SIMULATED = "SIMULATED"
MIN_PANEL = 512
"""Least long side of a panel, pixels; smaller images are enlarged."""
MAX_PANEL = 2048
"""Largest long side of a panel, pixels; larger images are reduced."""

_BACKGROUND, _INK, _FAINT, _WARNING = (16, 18, 22), (235, 237, 240), (160, 166, 175), (255, 190, 60)
_OPACITY = 0.8
_SIGNED_FROM = 0.02


def heat_png(attribution: Array, *, shape: tuple[int, int]) -> bytes:
    """The heat map alone, as a transparent layer to lay over the image.

    Parameters
    ----------
    attribution
        (h, w), any scale; its largest absolute value is the end of the colour scale. A square map of an
        image that is not square covers the central square, which is what the model saw.
    shape
        Height and width of the image it will lie on, pixels.

    Returns
    -------
    bytes
        PNG, RGBA, of that shape; opacity grows with the absolute value.
    """
    return _png(_layer(attribution, shape))


def overlay_png(
    image: Array,
    attribution: Array,
    *,
    title_lines: Sequence[str],
    simulated: bool,
    unit: str,
) -> bytes:
    """The image beside itself under the heat map, with the colour scale and the statement of purpose.

    Parameters
    ----------
    image
        (H, W), 0 to 1: the original pixels.
    attribution
        (h, w), as for :func:`heat_png`.
    title_lines
        Lines above the panels: task, probability, faithfulness.
    simulated
        Whether the image is a phantom; then every panel says so.
    unit
        What one value of the map means; stands at the colour scale.

    Returns
    -------
    bytes
        PNG, RGB. Each panel has the image's own size, brought to 512 to 2048 pixels on its long side.
    """
    if image.ndim != 2 or 0 in image.shape:
        raise BadInput(
            f"an image of shape {image.shape} cannot be drawn", fix="Give grey values (height, width)"
        )
    scale = min(max(1.0, MIN_PANEL / max(image.shape)), MAX_PANEL / max(image.shape))
    height, width = (max(1, round(n * scale)) for n in image.shape)
    grey = Image.fromarray((np.clip(image, 0, 1) * 255).round().astype(np.uint8))
    plain = grey.resize((width, height), Image.Resampling.BICUBIC).convert("RGB")
    heated = plain.copy()
    heat = _layer(attribution, (height, width))
    heated.paste(heat, mask=heat.getchannel("A"))
    size = max(15, round(max(height, width) / 30))
    gap = size
    font, small = ImageFont.load_default(size), ImageFont.load_default(round(size * 0.8))
    bar = round(size * 1.2)
    total = 3 * gap + 2 * width + gap + bar + round(size * 3.6)
    lines = [part for line in title_lines for part in _wrapped(line, font, total - 2 * gap)]
    top = gap + round(len(lines) * size * 1.4) + (gap if lines else 0)
    canvas = Image.new("RGB", (total, top + height + round(size * 3.8)), _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        draw.text((gap, gap + round(number * size * 1.4)), line, font=font, fill=_INK)
    for number, panel in enumerate((plain, heated)):
        left = gap + number * (width + gap)
        canvas.paste(panel, (left, top))
        if simulated:
            _tag(draw, (left + gap // 2, top + gap // 2), font)
    _colour_bar(canvas, draw, (3 * gap + 2 * width, top, bar, height), attribution, small)
    below = top + height + gap // 2
    sides = "; orange speaks for, blue against" if _signed(attribution) else ""
    draw.text((gap, below), "Image", font=small, fill=_FAINT)
    draw.text((2 * gap + width, below), f"Heat map: {unit}{sides}", font=small, fill=_FAINT)
    words = STATEMENT + (f" {SIMULATED}: not a patient." if simulated else "")
    draw.text((gap, below + round(size * 1.5)), words, font=font, fill=_WARNING)
    return _png(canvas)


def _layer(attribution: Array, shape: tuple[int, int]) -> Image.Image:
    """The coloured, transparent map over an image of that shape."""
    if attribution.ndim != 2 or 0 in attribution.shape or not np.isfinite(attribution).all():
        raise BadInput("the attribution is not a finite (height, width) map")
    height, width = shape
    square = attribution.shape[0] == attribution.shape[1]
    covered = (min(shape), min(shape)) if square else (width, height)
    values = np.asarray(attribution, dtype=np.float32) / max(_peak(attribution), 1e-12)
    frame = Image.fromarray(values).resize(covered, Image.Resampling.BICUBIC)
    heat = Image.fromarray(_coloured(np.clip(np.asarray(frame), -1, 1)))
    layer = Image.new("RGBA", (width, height))
    left, top = (width - covered[0]) // 2, (height - covered[1]) // 2
    layer.paste(heat, (left, top))
    if covered != (width, height):  # show what the model saw of the image
        frame_box = (left, top, left + covered[0] - 1, top + covered[1] - 1)
        ImageDraw.Draw(layer).rectangle(frame_box, outline=(*_INK, 150))
    return layer


def _peak(attribution: Array) -> float:
    """End of the colour scale: the largest absolute value."""
    return float(np.abs(attribution).max())


def _signed(attribution: Array) -> bool:
    """Whether values below zero matter, so that the scale needs two sides."""
    return bool(attribution.min() < -_SIGNED_FROM * _peak(attribution))


def _coloured(values: Array) -> NDArray[np.uint8]:
    """RGBA of values from -1 to 1: more opaque, and slightly lighter, with the absolute value."""
    levels = np.linspace(-1, 1, 511)
    strength = np.abs(levels)
    hue = np.deg2rad(np.where(levels < 0, 255.0, 50.0))
    chroma = 0.13 + 0.04 * strength
    lab = np.stack([0.58 + 0.1 * strength, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1)
    alpha = np.round(255 * _OPACITY * strength).astype(np.uint8)
    table = np.concatenate([_srgb(lab), alpha[:, None]], axis=-1)
    return np.asarray(table[np.round((values + 1) * 255).astype(np.int64)])


def _srgb(lab: Array) -> NDArray[np.uint8]:
    """Oklab to 8-bit sRGB, with the matrices of Ottosson, 'A perceptual color space' (2020)."""
    to_lms = np.array(
        [
            [1, 0.3963377774, 0.2158037573],
            [1, -0.1055613458, -0.0638541728],
            [1, -0.0894841775, -1.2914855480],
        ]
    )
    to_linear = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip((lab @ to_lms.T) ** 3 @ to_linear.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(encoded * 255), dtype=np.uint8)


def _colour_bar(
    canvas: Image.Image,
    draw: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
    attribution: Array,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """The scale in a box (left, top, width, height), over mid grey as it lies over an image."""
    left, top, width, height = box
    peak = _peak(attribution)
    signed = _signed(attribution)
    values = np.linspace(1, -1 if signed else 0, height)[:, None].repeat(width, axis=1)
    colours = Image.fromarray(_coloured(values))
    canvas.paste((110, 110, 110), (left, top, left + width, top + height))
    canvas.paste(colours, (left, top), mask=colours.getchannel("A"))
    for share in (1.0, 0.5, 0.0, -0.5, -1.0) if signed else (1.0, 0.5, 0.0):
        y = top + round((height - 1) * ((1 - share) / 2 if signed else 1 - share))
        draw.line((left + width, y, left + width + 5, y), fill=_FAINT)
        number = f"{share * peak:+.2g}" if signed and share else f"{share * peak:.2g}"
        anchor = "lt" if share == 1 else "lb" if y == top + height - 1 else "lm"
        draw.text((left + width + 8, y), number, font=font, fill=_FAINT, anchor=anchor)


def _tag(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """The word SIMULATED on a panel."""
    left, top, right, bottom = draw.textbbox(place, SIMULATED, font=font)
    draw.rectangle((left - 6, top - 5, right + 6, bottom + 5), fill=_BACKGROUND, outline=_WARNING)
    draw.text(place, SIMULATED, font=font, fill=_WARNING)


def _wrapped(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> list[str]:
    """The line broken between words so that each part fits."""
    parts = [""]
    for word in line.split():
        longer = f"{parts[-1]} {word}".strip()
        if parts[-1] and font.getlength(longer) > width:
            parts.append(word)
        else:
            parts[-1] = longer
    return parts


def _png(picture: Image.Image) -> bytes:
    """The picture as PNG bytes, without metadata."""
    out = io.BytesIO()
    picture.save(out, format="PNG")
    return out.getvalue()
