"""Pixels back to a picture that a browser shows."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LARGEST_SIDE = 1024
"""A page needs no more pixels than this."""


def shown(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """An image (H, W) with its longer side reduced to at most 1024 pixels, for pictures that explain it."""
    height, width = pixels.shape
    factor = LARGEST_SIDE / max(height, width)
    if factor >= 1:
        return pixels
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX), np.float32)


def grey_png(pixels: NDArray[np.float32]) -> bytes:
    """8-bit grey PNG of an image (H, W) in 0 to 1, reduced where its longer side exceeds 1024 pixels."""
    picture = Image.fromarray(np.round(np.clip(shown(pixels), 0, 1) * 255).astype(np.uint8))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
