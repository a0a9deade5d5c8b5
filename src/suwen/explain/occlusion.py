"""Occlusion: what the model loses when a part of the image is hidden (Zeiler and Fergus, ECCV 2014)."""

from __future__ import annotations

import numpy as np

from suwen.core.errors import UnknownSetting, nearest
from suwen.explain.masking import Array, Probability, ask, blurred, logit, resized

FILLS = ("blur", "mean")
"""What may stand in for a hidden patch: the image without its detail, or its mean grey."""
_SMALL = 64


def occlusion_map(
    probability: Probability,
    image: Array,
    *,
    patch: int | None = None,
    stride: int | None = None,
    fill: str = "blur",
) -> Array:
    """Drop of the explained class's log odds while a patch is hidden, averaged over the patches on a pixel.

    Parameters
    ----------
    probability
        Takes (n, H, W), returns (n,) probabilities of the explained class.
    image
        (H, W), 0 to 1.
    patch
        Side of the hidden square, pixels; a seventh of the short side by default.
    stride
        Step between patches, pixels; half a patch on images up to 64 pixels (169 patches), a whole patch on
        larger ones (49 patches, interpolated), so that a full-size image costs no more than it must.
    fill
        ``blur`` or ``mean``.

    Returns
    -------
    numpy.ndarray
        (H, W), float32, in log odds; above 0 where the image speaks for the class.

    Raises
    ------
    UnknownSetting
        When ``fill`` is unknown, or ``patch`` or ``stride`` is not positive or exceeds the image.
    """
    height, width = image.shape
    side = min(height, width)
    patch = max(1, side // 7) if patch is None else patch
    stride = (max(1, patch // 2) if side <= _SMALL else patch) if stride is None else stride
    if not (1 <= patch <= side and 1 <= stride <= patch):
        raise UnknownSetting(
            f"a patch of {patch} with a stride of {stride} pixels does not fit {height} x {width} pixels",
            where="patch, stride",
            fix="The patch must fit into the image, and the stride must not exceed the patch",
        )
    if fill not in FILLS:
        raise UnknownSetting(f"no fill is called '{fill}'", where="fill", fix=nearest(fill, FILLS))
    stand_in = blurred(image) if fill == "blur" else np.full_like(image, image.mean())
    tops, lefts = _starts(height, patch, stride), _starts(width, patch, stride)

    def hidden(top: int, left: int) -> Array:
        copy = image.copy()
        region = (slice(top, top + patch), slice(left, left + patch))
        copy[region] = stand_in[region]
        return copy

    places = [(top, left) for top in tops for left in lefts]
    whole = logit(ask(probability, [image]))[0]
    drops = whole - logit(ask(probability, (hidden(*place) for place in places)))
    if stride == patch:
        return resized(drops.reshape(len(tops), len(lefts)), image.shape)
    total, times = np.zeros(image.shape), np.zeros(image.shape)
    for (top, left), drop in zip(places, drops, strict=True):
        region = (slice(top, top + patch), slice(left, left + patch))
        total[region] += drop
        times[region] += 1
    return (total / times).astype(np.float32)


def _starts(length: int, patch: int, stride: int) -> list[int]:
    """Where patches start so that they cover everything; the last one ends at the edge."""
    return [*range(0, length - patch, stride), length - patch]
