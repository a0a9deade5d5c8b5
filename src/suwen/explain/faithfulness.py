"""Does the map point at what the model used? Deletion and insertion (RISE: Petsiuk et al., BMVC 2018).

Cells are hidden behind the blurred image, the most important first (*deletion*: the probability should fall
at once), or uncovered from the blurred image in that order (*insertion*: it should rise at once). The figure:

    faithfulness = area under insertion - area under deletion,    -1 to 1.

A random order scores 0 on average, exactly: uncovering in an order shows the same images as hiding in the
reverse order, and both orders are equally likely. For the same reason the figure is the same for the other
class of two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, UnknownSetting, nearest
from suwen.explain.masking import Array, Probability, ask, blurred, cell_means, grid_of, resized

DIRECTIONS = ("auto", "for", "against")
_SEED = 20180622


def deletion_insertion(
    probability: Probability,
    image: Array,
    attribution: Array,
    *,
    steps: int = 12,
    direction: str = "auto",
) -> dict[str, float]:
    """Areas under the deletion and insertion curves of a map, and their difference beside a random order's.

    Parameters
    ----------
    probability
        Takes (n, H, W), returns (n,) probabilities of the explained class.
    image
        (H, W), 0 to 1.
    attribution
        (h, w), any scale; higher means more evidence for the class.
    steps
        Points of a curve beyond the first; 12 take 46 forward passes in all.
    direction
        Whose areas are given: ``for`` the explained class, highest values first; ``against`` it, lowest
        first; ``auto`` for it where its probability is at least one half. The difference is the same.

    Returns
    -------
    dict
        ``deletion`` and ``insertion``, 0 to 1; ``faithfulness``, -1 to 1; ``random_faithfulness`` of one
        fixed random order as smooth as a class activation map.

    Raises
    ------
    BadInput
        When the map is not finite and two-dimensional, or ``steps`` is below 2.
    UnknownSetting
        When ``direction`` is unknown.
    """
    if direction not in DIRECTIONS:
        known = nearest(direction, DIRECTIONS)
        raise UnknownSetting(f"no direction is called '{direction}'", where="direction", fix=known)
    if attribution.ndim != 2 or not np.isfinite(attribution).all() or steps < 2:
        raise BadInput("faithfulness needs a finite two-dimensional map and at least two steps")
    side = min(image.shape)
    cell = grid_of(image.shape, min(14, max(7, side // 8)))
    rng = np.random.default_rng(_SEED)
    rough = rng.standard_normal((4, 4)).astype(np.float32)
    # Equal values are put in a fixed random order: reading order would credit a constant map with a pattern.
    ties = rng.permutation(cell.max() + 1)
    orders = [
        np.lexsort((ties, -cell_means(resized(values, image.shape), cell))) for values in (attribution, rough)
    ]
    cuts = np.linspace(0, len(ties), steps + 1).round().astype(int)
    ground = _ground(probability, image)
    views = [image, ground]
    for order in orders:
        for cut in cuts[1:-1]:
            first = np.isin(cell, order[:cut])
            views += [np.where(first, ground, image), np.where(first, image, ground)]
    answers = ask(probability, views)
    own, random = np.split(answers[2:], 2)
    against = direction == "against" or (direction == "auto" and answers[0] < 0.5)
    deletion, insertion = _areas(answers[:2], own, cuts)
    random_deletion, random_insertion = _areas(answers[:2], random, cuts)
    return {
        "deletion": 1 - insertion if against else deletion,
        "insertion": 1 - deletion if against else insertion,
        "faithfulness": insertion - deletion,
        "random_faithfulness": random_insertion - random_deletion,
    }


def _ground(probability: Probability, image: Array) -> Array:
    """The image without its detail or without its shading, whichever speaks less for the class.

    Haze is evidence too: a blurred chest looks consolidated, so hiding behind a blur would take nothing from a
    probability of pneumonia.
    """
    smooth = blurred(image)
    grounds = [smooth, np.clip(image - smooth + smooth.mean(), 0, 1)]
    return grounds[int(np.argmin(ask(probability, grounds)))]


def _areas(
    ends: NDArray[np.float64], between: NDArray[np.float64], cuts: NDArray[np.int64]
) -> tuple[float, float]:
    """Areas (0 to 1) under the deletion and the insertion curve, by trapezoids over the share of cells."""
    share = cuts / cuts[-1]
    whole, nothing = ends
    deletion = np.concatenate([[whole], between[0::2], [nothing]])
    insertion = np.concatenate([[nothing], between[1::2], [whole]])
    return float(np.trapezoid(deletion, share)), float(np.trapezoid(insertion, share))
