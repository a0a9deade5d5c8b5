"""Pixels back to a picture that a browser shows."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LARGEST_SIDE = 1024
"""A page needs no more pixels than this."""


def grey_png(pixels: NDArray[np.float32]) -> bytes:
    """8-bit grey PNG of an image (H, W) in 0 to 1, reduced where its longer side exceeds 1024 pixels."""
    picture = Image.fromarray(np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
