"""Coverage of forecast intervals on subjects that did not set them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.endpoint import Forecast
from suwen.core.engine import Units
from suwen.core.errors import BadInput
from suwen.lifecycle.evaluation.arrays import Bools, Floats, subject_index
from suwen.lifecycle.evaluation.forecast_intervals import fit_intervals

HALVINGS = 5


def held_out_coverage(
    values: Floats,
    last: Floats,
    units: Units,
    endpoint: Forecast,
    subjects: Sequence[str] | NDArray[Any],
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Fit intervals on one half of the subjects and judge them on the other, both ways, at five halvings.

    Parameters
    ----------
    values, last, units, endpoint
        As for :func:`suwen.lifecycle.evaluation.forecast_intervals.fit_intervals`.
    subjects
        Whose each origin is, (u,).
    seed
        Of the halvings.

    Returns
    -------
    dict
        ``held_out_coverage`` at the nearest horizon; ``by_horizon``: minutes to coverage; ``halvings``: the
        nearest horizon's coverage at each halving.

    Raises
    ------
    BadInput
        With fewer than two subjects.
    """
    subject = subject_index(subjects, len(last))
    count = int(subject.max()) + 1
    if count < 2:
        raise BadInput("held-out coverage needs at least two subjects", where="subjects")
    rng = np.random.default_rng(seed)
    known = ~np.isnan(units.target)
    found = []
    for _ in range(HALVINGS):
        chosen = np.zeros(count, bool)
        chosen[rng.permutation(count)[: count // 2]] = True
        first = chosen[subject]
        inside = np.zeros(values.shape, bool)
        for learn, judge in ((first, ~first), (~first, first)):
            fitted = fit_intervals(values[learn], last[learn], _some(units, learn), endpoint)
            bounds = fitted.of(values[judge], last[judge], _some(units, judge))
            truth = units.target[judge]
            inside[judge] = (truth >= bounds[..., 0]) & (truth <= bounds[..., 1])
        found.append((inside & known).sum(0) / known.sum(0))
    mean = np.mean(found, axis=0)
    return {
        "held_out_coverage": float(mean[0]),
        "by_horizon": {
            f"{minutes}min": float(one) for minutes, one in zip(endpoint.horizons_min, mean, strict=True)
        },
        "halvings": [float(one[0]) for one in found],
    }


def _some(units: Units, keep: Bools) -> Units:
    """These origins alone: whole traces, since a subject's are kept or left together."""
    return Units(owner=units.owner[keep], hour=units.hour[keep], target=units.target[keep])
