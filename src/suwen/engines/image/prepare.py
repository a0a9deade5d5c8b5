"""Bring an image of any size into the square that a network sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from suwen.core.errors import BadInput, Unreadable

Pixels = NDArray[np.float32]


def to_input(pixels: NDArray[np.floating], size: int) -> Pixels:
    """Crop to the central square, then resize with anti-aliasing.

    The square of the short side is what MedMNIST kept of its sources (Yang et al., Sci Data 10:41, 2023), so
    a full-size radiograph arrives framed as the published thumbnails are. Pillow's bicubic filter widens with
    the reduction, so every native pixel counts and fine texture does not alias.

    Parameters
    ----------
    pixels
        Grey values, (H, W), 0 to 1.
    size
        Side of the result, pixels, at least 1.

    Returns
    -------
    numpy.ndarray
        (size, size), float32, 0 to 1; bit for bit the input where it has that size already.

    Raises
    ------
    BadInput
        When ``size`` is not positive.
    Unreadable
        When ``pixels`` is not a non-empty, finite, two-dimensional image.
    """
    if size < 1:
        raise BadInput(f"the input size is {size}", fix="Give at least one pixel")
    image = np.asarray(pixels, dtype=np.float32)
    if image.ndim != 2 or 0 in image.shape:
        raise Unreadable(f"an image of shape {image.shape} is not a grey (height, width) image")
    if not np.isfinite(image).all():
        raise Unreadable("the image holds values that are not numbers", fix="Export it again from its source")
    if image.shape != (size, size):
        image = _square(image)
    if image.shape != (size, size):
        frame = Image.fromarray(np.ascontiguousarray(image))
        image = np.asarray(frame.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32)
    return np.clip(image, 0.0, 1.0)


def _square(image: Pixels) -> Pixels:
    """The central square of the short side."""
    height, width = image.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]
