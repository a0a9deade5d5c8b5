"""Trivial vectors of one image, for the data audit: what could be learned without seeing the finding."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.sample import Sample

Vector = NDArray[np.float32]

THUMBNAIL_SIDE = 8
FINE_SIDE = 32
BORDER_FRACTION = 0.02
"""Width of the border strips, as a part of the image's side; at least one pixel."""
BORDER_QUANTILES = (0.05, 0.5, 0.95)
FINE_INNER, FINE_OUTER = 3, 9
"""Box widths (cells of the 32x32 grid) whose difference is the band that tells images apart: coarser than
that all chest radiographs look alike, finer than that a re-encoded or slightly cropped copy differs."""
FLAT = 1e-4
"""Contrast (Euclidean norm of the band) below which an image is blank and resembles nothing."""


def views(sample: Sample) -> dict[str, Vector | float]:
    """Reduce the sample's one image to the vectors that the data audit works on.

    Parameters
    ----------
    sample
        One image, whose ``load()`` gives ``pixels`` (H, W), float32, 0 to 1, and ``file_bytes``.

    Returns
    -------
    dict
        ``thumbnail`` (64,): 8x8 area averages, 0 to 1. ``border`` (20,): mean, standard deviation and 5th,
        50th and 95th percentile of the top, bottom, left and right edge. ``image_size`` (3,): height and
        width in pixels, and width / height. ``file_size``: bytes, where one file holds the image.
        ``fine`` (1024,): 32x32 area averages, band-passed, zero mean, unit norm (all zero for a blank
        image), so that the dot product of two is their correlation.
    """
    (held,) = sample.inputs.values()
    image: Any = held.load()
    pixels: Vector = image.pixels
    height, width = pixels.shape
    result: dict[str, Vector | float] = {
        "thumbnail": area_average(pixels, THUMBNAIL_SIDE).ravel(),
        "border": _border(pixels),
        "image_size": np.array([height, width, width / height], np.float32),
        "fine": _fine(pixels),
    }
    if image.file_bytes is not None:
        result["file_size"] = float(image.file_bytes)
    return result


def area_average(pixels: Vector, side: int) -> Vector:
    """Mean of ``pixels`` (H, W) over the cells of a ``side`` x ``side`` grid, weighted by overlap."""
    height, width = pixels.shape
    return np.asarray(_cells(height, side) @ pixels @ _cells(width, side).T, np.float32)


@lru_cache(maxsize=64)
def _cells(length: int, side: int) -> Vector:
    """Rows (side, length) that average ``length`` pixels over ``side`` equal cells."""
    edges = np.linspace(0, length, side + 1)
    pixel = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.asarray(np.clip(overlap, 0, None) * (side / length), np.float32)


@lru_cache(maxsize=8)
def _box(width: int) -> Vector:
    """Moving average (FINE_SIDE, FINE_SIDE) of odd ``width``, the edge cells repeated outwards."""
    rows = np.zeros((FINE_SIDE, FINE_SIDE), np.float32)
    for offset in range(-(width // 2), width // 2 + 1):
        rows[np.arange(FINE_SIDE), np.clip(np.arange(FINE_SIDE) + offset, 0, FINE_SIDE - 1)] += 1 / width
    return rows


def _fine(pixels: Vector) -> Vector:
    grid = area_average(pixels, FINE_SIDE)
    inner, outer = _box(FINE_INNER), _box(FINE_OUTER)
    band = inner @ grid @ inner.T - outer @ grid @ outer.T
    band -= band.mean()
    norm = float(np.linalg.norm(band))
    return np.asarray(band.ravel() / norm if norm >= FLAT else np.zeros(band.size), np.float32)


def _border(pixels: Vector) -> Vector:
    height, width = pixels.shape
    rows, columns = max(1, round(height * BORDER_FRACTION)), max(1, round(width * BORDER_FRACTION))
    edges = (pixels[:rows], pixels[-rows:], pixels[:, :columns], pixels[:, -columns:])
    return np.concatenate([_figures(np.sort(edge, axis=None)) for edge in edges])


def _figures(ordered: Vector) -> Vector:
    """Mean, standard deviation and quantiles (nearest rank) of sorted grey values."""
    ranks = [round(quantile * (len(ordered) - 1)) for quantile in BORDER_QUANTILES]
    return np.array([ordered.mean(), ordered.std(), *ordered[ranks]], np.float32)
