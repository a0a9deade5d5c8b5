"""The simple model trained beside every network: HOG features and logistic regression.

Histograms of oriented gradients (Dalal and Triggs, CVPR 2005). Stored as numbers in JSON, never pickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import MissingExtra
from suwen.engines.image.arrays import THUMBNAIL_SIDE

BASELINE = "hog_logistic"
"""Its name in reports and manifests."""
ORIENTATIONS = 9
LARGE_SIDE = 128
"""Images that are no thumbnails are described at this side, in cells of 16 pixels, whatever the network sees:
a baseline held back would flatter the network."""
SMALL_CELL, LARGE_CELL = 4, 16
"""Pixels per side of a cell: 7 cells at 28, 8 at 128."""


def side(size: int) -> int:
    """Side of the images the baseline reads beside a network of input side ``size``."""
    return size if size <= THUMBNAIL_SIDE else LARGE_SIDE


def features(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """HOG features (n, d) of images (n, S, S) in 0 to 1."""
    try:
        from skimage.feature import hog
    except ImportError:
        raise MissingExtra("scikit-image", "train", "the HOG baseline") from None
    cell = SMALL_CELL if images.shape[-1] <= THUMBNAIL_SIDE else LARGE_CELL
    rows = [
        hog(image, orientations=ORIENTATIONS, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))
        for image in images
    ]
    return np.asarray(rows, np.float32)


def fit_baseline(
    x: NDArray[np.float32], labels: NDArray[np.int64], classes: int, *, seed: int
) -> dict[str, Any]:
    """Learn the baseline from HOG features (n, d) and class indices (n,).

    Returns
    -------
    dict
        ``mean, scale`` (d,), ``weights`` (K, d), ``bias`` (K,): JSON-able numbers of a softmax model on
        standardised features. The penalty is chosen by five-fold cross-validation.
    """
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    model = LogisticRegressionCV(
        Cs=[1e-4, 1e-3, 1e-2], cv=3, scoring="neg_log_loss", class_weight="balanced",
        max_iter=300, random_state=seed, use_legacy_attributes=False, l1_ratios=(0,),
    )  # fmt: skip
    model.fit(scaler.transform(x), labels)
    weights = np.zeros((classes, x.shape[1]))
    bias = np.zeros(classes)
    if len(model.classes_) == 2:
        weights[model.classes_[1]], bias[model.classes_[1]] = model.coef_[0], model.intercept_[0]
    else:
        weights[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
    return {
        "mean": scaler.mean_.tolist(),
        "scale": scaler.scale_.tolist(),
        "weights": weights.tolist(),
        "bias": bias.tolist(),
    }


def probabilities(x: NDArray[np.float32], model: Mapping[str, Any]) -> NDArray[np.float64]:
    """Probabilities (n, K) of the stored baseline for HOG features (n, d)."""
    standard = (x - np.asarray(model["mean"])) / np.asarray(model["scale"])
    scores = standard @ np.asarray(model["weights"]).T + np.asarray(model["bias"])
    scores -= scores.max(1, keepdims=True)
    odds = np.exp(scores)
    out: NDArray[np.float64] = odds / odds.sum(1, keepdims=True)
    return out
