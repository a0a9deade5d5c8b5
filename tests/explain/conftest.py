"""Toy and small real models whose reasons are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[np.floating]
Probability = Callable[[Array], Array]
SQUARE = (slice(4, 12), slice(16, 24))


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def weighing(weights: Array, bias: float) -> Probability:
    """A linear model of the pixels."""
    return lambda images: sigmoid(np.einsum("nhw,hw->n", images, weights) + bias)


@pytest.fixture
def square_image() -> Array:
    """Dim noise with a bright square at :data:`SQUARE`."""
    image = 0.2 + 0.05 * np.random.default_rng(0).random((28, 28), dtype=np.float32)
    image[SQUARE] = 0.9
    return image


@pytest.fixture
def square_weights() -> Array:
    """Only the brightness at :data:`SQUARE` counts."""
    weights = np.zeros((28, 28), dtype=np.float32)
    weights[SQUARE] = 0.12
    return weights


@pytest.fixture(scope="session")
def chest(data_dir: Path) -> tuple[Array, Array, float]:
    """Validation X-rays, and the weights and bias of a logistic regression (pneumonia) learned on train."""
    with np.load(data_dir / "imaging" / "pneumoniamnist.npz", allow_pickle=False) as data:
        train, labels = data["train_images"].astype(np.float32) / 255, data["train_labels"].ravel()
        validation = data["val_images"].astype(np.float32) / 255
        truth = data["val_labels"].ravel()
    cells = train.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(train), -1)
    mean, scale = cells.mean(axis=0), cells.std(axis=0)
    vectors, weights, bias = (cells - mean) / scale, np.zeros(196), 0.0
    for _ in range(400):
        error = sigmoid(vectors @ weights + bias) - labels
        weights -= 0.3 * (vectors.T @ error / len(vectors) + 0.003 * weights)
        bias -= 0.3 * error.mean()
    raw = weights / scale
    pixels = np.kron(raw.reshape(14, 14), np.ones((2, 2))).astype(np.float32) / 4
    offset = float(bias - raw @ mean)
    assert ((weighing(pixels, offset)(validation) > 0.5) == truth).mean() > 0.9
    return validation, pixels, offset
