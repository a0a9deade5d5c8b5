"""Follow-up simulated with known hazards: one covariate that bends, one that is linear, one that says nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

NAMES = ("bends", "linear", "noise", "stage", "marker")


def simulate(n: int = 400, seed: int = 0) -> tuple[Any, Any, Any]:
    """Covariates (n, 5) with gaps, times and events; about a third are censored."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    x[:, 3] = rng.integers(0, 4, n)
    x[:, 4] = np.exp(1.5 * rng.normal(size=n))
    risk = x[:, 0] ** 2 + 0.8 * x[:, 1] + 0.7 * (x[:, 3] == 1)
    time = rng.exponential(10 * np.exp(-risk)) + 1e-3
    end = rng.exponential(12, n)
    x[rng.random(x.shape) < 0.03] = np.nan
    return x.astype(np.float32), np.minimum(time, end), time <= end


@pytest.fixture(name="simulate", scope="session")
def simulate_fixture() -> Callable[..., tuple[Any, Any, Any]]:
    return simulate


@pytest.fixture(scope="session")
def names() -> tuple[str, ...]:
    return NAMES
