"""Hiding parts of an image, and asking the model about many such images without filling the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.floating]
Probability = Callable[[Array], Array]
"""Takes images (n, H, W), 0 to 1; returns (n,) probabilities of the explained class."""

BATCH = 64
"""Images handed to the model at a time."""


def ask(probability: Probability, images: Iterable[Array]) -> NDArray[np.float64]:
    """Probability of each of many images, a batch at a time; the images may come from a generator."""
    stream, answers = iter(images), []
    while batch := list(islice(stream, BATCH)):
        answers.append(np.asarray(probability(np.stack(batch).astype(np.float32)), dtype=np.float64).ravel())
    return np.concatenate(answers)


def logit(probability: Array) -> NDArray[np.float64]:
    """Log odds, with probabilities held 1e-6 from 0 and 1."""
    held = np.clip(np.asarray(probability, dtype=np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(held) - np.log1p(-held))


def blurred(image: Array) -> Array:
    """The image without its detail: a Gaussian of a seventh of the side, edges renormalised.

    What replaces a hidden part. A grey patch would add edges that no patient has, and the model would be
    explained on images unlike any it learned from.
    """
    height, width = image.shape
    return np.asarray(_gaussian(height) @ image @ _gaussian(width).T, dtype=np.float32)


def _gaussian(side: int) -> Array:
    """Rows of a normalised Gaussian smoother, (side, side)."""
    position = np.arange(side)
    weights = np.exp(-0.5 * ((position[:, None] - position) / (side / 7)) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def grid_of(shape: tuple[int, ...], cells: int) -> NDArray[np.int64]:
    """Number of the cell each pixel lies in, (H, W), for a grid of cells x cells counted row by row."""
    height, width = shape
    rows, columns = (np.arange(n) * min(cells, n) // n for n in (height, width))
    return np.asarray(rows[:, None] * min(cells, width) + columns, dtype=np.int64)


def cell_means(values: Array, cell: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of the values in each cell of :func:`grid_of`."""
    sums = np.bincount(cell.ravel(), weights=np.asarray(values, dtype=np.float64).ravel())
    return np.asarray(sums / np.bincount(cell.ravel()))


def resized(values: Array, shape: tuple[int, ...]) -> Array:
    """A map brought to another shape, (H, W), bilinearly."""
    frame = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(frame.resize((shape[1], shape[0]), Image.Resampling.BILINEAR), dtype=np.float32)
