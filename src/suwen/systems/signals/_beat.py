"""What a beat looks like to a table: its values and a few plain figures of its shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.core.sample import Sample
from suwen.engines.linear.table import rows

PARTS = 10
FIGURES = (
    "greatest", "least", "greatest at", "least at", "range", "steepest rise", "steepest fall", "crossings",
    *(f"energy {part}" for part in range(PARTS)),
)  # fmt: skip
"""Names of the figures; places are shares of the window, 0 to 1; energies mean squares of its tenths."""


def figures(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Figures (n, 18) of beats (n, length), each of mean 0 and standard deviation 1."""
    n, length = x.shape
    if not n:
        return np.zeros((0, len(FIGURES)), np.float32)
    steps = np.diff(x, axis=1)
    energy = [part.mean(1) for part in np.array_split(x.astype(np.float64) ** 2, PARTS, axis=1)]
    columns = [
        x.max(1), x.min(1), x.argmax(1) / length, x.argmin(1) / length, np.ptp(x, axis=1),
        steps.max(1), steps.min(1), (np.diff(np.sign(x), axis=1) != 0).sum(1), *energy,
    ]  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float32)


def described(samples: Sequence[Sample]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Values and figures of each beat, (n, length + 18), with their names."""
    x, names = rows(samples)
    return np.concatenate([x, figures(np.nan_to_num(x))], axis=1), (*names, *FIGURES)
