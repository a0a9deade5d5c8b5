"""LIME: a linear model of which segments the probability hangs on (Ribeiro et al., KDD 2016).

The package's own image class is not used: it writes a progress bar to stderr, holds all maskings in colour in
memory and imports all of scikit-image. Sampling is done here, on grey images; the package fits and weighs.
"""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

import numpy as np

from suwen.core.errors import MissingExtra
from suwen.explain.masking import Array, Probability, ask, blurred, grid_of

CELLS = 7
"""Segments along each side. A grid: superpixels of a 28-pixel radiograph follow noise, not anatomy."""
KERNEL_WIDTH = 0.25
"""Width of the proximity kernel over the cosine distance, as in the package's image explainer."""


def lime_map(probability: Probability, image: Array, *, seed: int = 0, samples: int = 300) -> Array:
    """Weight of each grid segment in a local linear model of the probability.

    Parameters
    ----------
    probability
        Takes (n, H, W), returns (n,) probabilities of the explained class.
    image
        (H, W), 0 to 1.
    seed
        Of the random maskings; the same seed gives the same map.
    samples
        Maskings tried; each replaces a random half of the segments by the blurred image.

    Returns
    -------
    numpy.ndarray
        (H, W), float32: change of the probability, -1 to 1, when the pixel's segment is shown.

    Raises
    ------
    MissingExtra
        When the package ``lime`` is not installed.
    """
    base = package().LimeBase(proximity, random_state=np.random.RandomState(seed))
    cell = grid_of(image.shape, CELLS)
    segments = int(cell.max()) + 1
    shown = np.random.default_rng(seed).integers(0, 2, (samples, segments))
    shown[0] = 1  # the package measures nearness from the first row: the image itself
    ground = blurred(image)
    answers = ask(probability, (np.where(row[cell] == 1, image, ground) for row in shown))
    # Cosine distance of a 0/1 row of k ones to the row of all ones.
    distances = 1 - np.sqrt(shown.sum(axis=1) / segments)
    _, weights, _, _ = base.explain_instance_with_data(
        shown, answers[:, None], distances, 0, num_features=segments, feature_selection="none"
    )
    by_segment = np.zeros(segments, dtype=np.float32)
    for segment, weight in weights:
        by_segment[segment] = weight
    return np.asarray(by_segment[cell])


def proximity(distance: Array) -> Array:
    """Weight of a masking, 0 to 1, by its distance from the image."""
    return np.asarray(np.sqrt(np.exp(-(distance**2) / KERNEL_WIDTH**2)))


def package() -> ModuleType:
    """``lime.lime_base``, imported on first use; what its dependencies deprecate is not ours to report."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("lime.lime_base")
    except ModuleNotFoundError:
        raise MissingExtra("lime", "explain", "The explanation method 'lime'") from None
