"""A two-class and a three-class model with known properties, simulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from suwen.core.task import Endpoint, Field, Task


def simulate(n: int, seed: int, *, gap: float = 1.5, temperature: float = 1.0) -> tuple[Any, Any]:
    """Logits (n, 2) of a Gaussian score and labels; calibrated at the given temperature.

    A score x ~ N(±gap/2, 1) of balanced classes has the log-odds gap * x.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=n)
    odds = gap * (rng.normal(size=n) + (labels - 0.5) * gap) * temperature
    return np.stack([-odds / 2, odds / 2], axis=1), labels


@pytest.fixture(name="simulate", scope="session")
def simulate_fixture() -> Callable[..., tuple[Any, Any]]:
    return simulate


@pytest.fixture
def two() -> tuple[Any, Any, Any]:
    """Probabilities (400, 2) with ties, labels, and subjects of one to three samples."""
    logits, labels = simulate(400, 3)
    odds = np.round(logits[:, 1], 1)
    p = 1 / (1 + np.exp(-2 * odds))
    subjects = np.array([f"s{i}" for i in np.random.default_rng(5).integers(200, size=400)])
    return np.stack([1 - p, p], axis=1), labels, subjects


@pytest.fixture
def three() -> tuple[Any, Any]:
    """Probabilities (300, 3), rounded so that they tie, and labels."""
    rng = np.random.default_rng(8)
    labels = rng.integers(3, size=300)
    logits = rng.normal(size=(300, 3)) + 1.5 * np.eye(3)[labels]
    p = np.exp(logits).round(1) + 0.1
    return p / p.sum(axis=1, keepdims=True), labels


@pytest.fixture
def make_task() -> Callable[..., Task]:
    def make(*, classes: tuple[str, ...] = ("normal", "pneumonia"), **changes: Any) -> Task:
        settings: dict[str, Any] = {
            "name": "imaging.pneumonia",
            "title": "Pneumonia on a chest X-ray",
            "intended_use": "Orders the reading list.",
            "not_for": "Ruling pneumonia out.",
            "inputs": (Field(name="image", kind="image", description="frontal chest X-ray"),),
            "endpoint": Endpoint(
                labels={name: (str(i),) for i, name in enumerate(classes)},
                positive=classes[1],
                code=("http://snomed.info/sct", "233604007", "Pneumonia"),
            ),
            "engine": "image",
            "floor": {"auroc": 0.7},
        }
        return Task(**(settings | changes))

    return make
