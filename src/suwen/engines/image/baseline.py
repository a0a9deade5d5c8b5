"""The simple model trained beside every network: HOG features and logistic regression.

Histograms of oriented gradients (Dalal and Triggs, CVPR 2005). Stored as numbers in JSON, never pickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import MissingExtra

ORIENTATIONS = 9
CELLS = 7
"""Cells per side: 4 pixels each at 28, 18 at 128."""


def features(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """HOG features (n, d) of images (n, S, S) in 0 to 1."""
    try:
        from skimage.feature import hog
    except ImportError:
        raise MissingExtra("scikit-image", "train", "the HOG baseline") from None
    cell = max(2, images.shape[-1] // CELLS)
    rows = [
        hog(image, orientations=ORIENTATIONS, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))
        for image in images
    ]
    return np.asarray(rows, np.float32)


def fit_baseline(
    images: NDArray[np.float32], labels: NDArray[np.int64], classes: int, *, seed: int
) -> dict[str, Any]:
    """Learn the baseline.

    Returns
    -------
    dict
        ``mean, scale`` (d,), ``weights`` (K, d), ``bias`` (K,): JSON-able numbers of a softmax model on
        standardised features. The penalty is chosen by five-fold cross-validation.
    """
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.preprocessing import StandardScaler

    x = features(images)
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


def baseline_probabilities(images: NDArray[np.float32], model: Mapping[str, Any]) -> NDArray[np.float64]:
    """Probabilities (n, K) of the stored baseline for images (n, S, S)."""
    x = (features(images) - np.asarray(model["mean"])) / np.asarray(model["scale"])
    scores = x @ np.asarray(model["weights"]).T + np.asarray(model["bias"])
    scores -= scores.max(1, keepdims=True)
    odds = np.exp(scores)
    out: NDArray[np.float64] = odds / odds.sum(1, keepdims=True)
    return out
