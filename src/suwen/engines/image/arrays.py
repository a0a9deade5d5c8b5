"""Samples to the arrays a network eats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import Refused
from suwen.core.sample import Sample
from suwen.core.task import Task
from suwen.engines.image.prepare import to_input

THUMBNAIL_SIDE = 48
"""Images up to this side (pixels) keep their size; larger ones are reduced to ``LARGE_SIDE``."""
LARGE_SIDE = 64


def pixels(sample: Sample) -> NDArray[np.float32]:
    """Decoded pixels (H, W), float32, 0 to 1, of the sample's one image."""
    (image,) = sample.inputs.values()
    result: NDArray[np.float32] = image.load().pixels
    return result


def stack(samples: Sequence[Sample], size: int) -> NDArray[np.float32]:
    """Prepare samples for a network of input side ``size``: (n, size, size), float32, 0 to 1."""
    out = np.empty((len(samples), size, size), np.float32)
    for row, sample in zip(out, samples, strict=True):
        row[:] = to_input(pixels(sample), size)
    return out


def targets(samples: Sequence[Sample], task: Task) -> NDArray[np.int64]:
    """Class indices (n,) of labelled samples.

    Raises
    ------
    Refused
        If one has no label: an unknown label is never read as negative.
    """
    index = {name: i for i, name in enumerate(task.endpoint.classes)}
    missing = sum(sample.target is None for sample in samples)
    if missing:
        raise Refused(f"{missing} samples have no label and cannot be learned from", code="missing-label")
    return np.array([index[str(sample.target)] for sample in samples], np.int64)


def natural_size(samples: Sequence[Sample]) -> int:
    """Input side for these images: their own when small, else ``LARGE_SIDE`` pixels."""
    sides = [min(pixels(sample).shape) for sample in samples[:: max(1, len(samples) // 50)]]
    side = int(np.median(sides))
    return side if side <= THUMBNAIL_SIDE else LARGE_SIDE
