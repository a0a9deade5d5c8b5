"""Does the map point at what the model used? Deletion and insertion (RISE: Petsiuk et al., BMVC 2018).

Cells are hidden behind a ground image, the most important first (*deletion*: the probability should fall
at once), or uncovered from it in that order (*insertion*: it should rise at once). The figure:

    faithfulness = area under insertion - area under deletion,    -1 to 1.

A random order scores 0 on average, exactly: uncovering in an order shows the same images as hiding in the
reverse order, and both orders are equally likely. For the same reason the figure is the same for the other
class of two. Where the ground has the same probability as the image itself the curves are flat and the
figure is small even for a good map: a blurred chest looks consolidated, and so stays a pneumonia. Hence an
engine may give a better ground, such as the mean training image of the other classes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, UnknownSetting, nearest
from suwen.explain.masking import Array, Probability, ask, blurred, cell_means, grid_of, resized

DIRECTIONS = ("auto", "for", "against")
_SEED = 20180622
_RANDOM_ORDERS, _RANDOM_STEPS = 4, 3


def deletion_insertion(
    probability: Probability,
    image: Array,
    attribution: Array,
    *,
    steps: int = 12,
    direction: str = "auto",
    ground: Array | None = None,
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
        Points of a curve beyond the first; 12 take 40 forward passes in all, with the random orders.
    direction
        Whose areas are given: ``for`` the explained class, highest values first; ``against`` it, lowest
        first; ``auto`` for it where its probability is at least one half. The difference is the same.
    ground
        (H, W): what hidden cells show. An image without evidence for the explained class makes the curves
        speak; without one, the blurred image.

    Returns
    -------
    dict
        ``deletion`` and ``insertion``, 0 to 1; ``faithfulness``, -1 to 1; ``random_faithfulness``, the mean
        of four fixed random orders as smooth as a class activation map, on coarser steps.

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
    cell = grid_of(image.shape, min(14, max(7, min(image.shape) // 8)))
    rng = np.random.default_rng(_SEED)
    rough = rng.standard_normal((_RANDOM_ORDERS, 4, 4)).astype(np.float32)
    # Equal values are put in a fixed random order: reading order would credit a constant map with a pattern.
    ties = rng.permutation(cell.max() + 1)
    orders = [
        np.lexsort((ties, -cell_means(resized(values, image.shape), cell)))
        for values in (attribution, *rough)
    ]
    counts = [np.linspace(0, len(ties), n + 1).round().astype(int) for n in (steps, _RANDOM_STEPS)]
    cuts = [counts[0]] + [counts[1]] * _RANDOM_ORDERS
    hidden = blurred(image) if ground is None else ground
    views = [image, hidden]
    for order, cut in zip(orders, cuts, strict=True):
        for number in cut[1:-1]:
            first = np.isin(cell, order[:number])
            views += [np.where(first, hidden, image), np.where(first, image, hidden)]
    answers = ask(probability, views)
    between = np.split(answers[2:], np.cumsum([2 * (len(cut) - 2) for cut in cuts])[:-1])
    areas = [_areas(answers[:2], part, cut) for part, cut in zip(between, cuts, strict=True)]
    deletion, insertion = areas[0]
    against = direction == "against" or (direction == "auto" and answers[0] < 0.5)
    return {
        "deletion": 1 - insertion if against else deletion,
        "insertion": 1 - deletion if against else insertion,
        "faithfulness": insertion - deletion,
        "random_faithfulness": float(np.mean([later - earlier for earlier, later in areas[1:]])),
    }


def _areas(
    ends: NDArray[np.float64], between: NDArray[np.float64], cuts: NDArray[np.int64]
) -> tuple[float, float]:
    """Areas (0 to 1) under the deletion and the insertion curve, by trapezoids over the share of cells."""
    share = cuts / cuts[-1]
    whole, nothing = ends
    deletion = np.concatenate([[whole], between[0::2], [nothing]])
    insertion = np.concatenate([[nothing], between[1::2], [whole]])
    return float(np.trapezoid(deletion, share)), float(np.trapezoid(insertion, share))
