"""95% intervals by resampling subjects, all metrics on the same resamples.

Samples of one subject are not independent, so whole subjects are drawn with replacement (cluster
bootstrap; Efron and Tibshirani 1993, percentile intervals). Resamples in which a figure is undefined
(one class only) are left out of its interval; where that is more than half of them, there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import UnknownSetting, nearest
from suwen.core.report import Estimate
from suwen.lifecycle.evaluation.arrays import (
    Context,
    Floats,
    Ints,
    checked_labels,
    checked_probabilities,
    subject_index,
)
from suwen.lifecycle.evaluation.metrics import METRICS, applicable

RESAMPLES = 1000
"""Bootstrap resamples behind every interval."""

_CELLS = 1_000_000
"""Weights held at once: 8 MB, whatever the number of samples."""


def subject_weights(subject: Ints, *, resamples: int, seed: int) -> Iterator[Floats]:
    """Blocks (b, n) of sample weights, ``resamples`` rows in all; the same for the same subjects and seed.

    Parameters
    ----------
    subject
        Array (n,), number of each sample's subject.
    resamples
        Rows in all.
    seed
        Of the draws.
    """
    count = int(subject.max()) + 1
    rng = np.random.default_rng(seed)
    block = max(1, _CELLS // len(subject))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = rng.integers(count, size=(rows, count)) + np.arange(rows)[:, None] * count
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        yield times[:, subject].astype(np.float64)


def replicates(
    probabilities: ArrayLike,
    labels: ArrayLike,
    subjects: Sequence[str] | NDArray[Any],
    context: Context,
    *,
    names: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Floats]:
    """Every metric on the data itself and on every resample.

    Two calls with the same subjects and seed use the same resamples: the difference of their replicates
    is a paired bootstrap.

    Parameters
    ----------
    probabilities
        Array (n, K) of calibrated probabilities.
    labels
        Array (n,) of class indices.
    subjects
        Whose sample each is, (n,).
    context
        Positive class, operating point, conformal quantile. Its weights are not used.
    names
        Metrics wanted; all that the context can give, where not said.
    resamples
        Number of resamples.
    seed
        Of the draws.

    Returns
    -------
    dict
        Metric name to array (1 + resamples,); the first is the figure on the data itself.

    Raises
    ------
    BadInput
        When the arrays do not fit together.
    UnknownSetting
        When a metric is not in the table.
    """
    p = checked_probabilities(probabilities)
    truth = checked_labels(labels, *p.shape)
    subject = subject_index(subjects, len(p))
    wanted = tuple(names) if names is not None else applicable(context)
    for name in wanted:
        if name not in METRICS:
            raise UnknownSetting(f"there is no metric '{name}'", where="metrics", fix=nearest(name, METRICS))
    drawn = [name for name in wanted if METRICS[name].resampled]
    once = replace(context, weights=None)
    found = {name: [METRICS[name].function(p, truth, once)] for name in wanted}
    for weights in subject_weights(subject, resamples=resamples, seed=seed):
        weighted = replace(context, weights=weights)
        for name in drawn:
            found[name].append(METRICS[name].function(p, truth, weighted))
    for name in set(wanted) - set(drawn):
        found[name].append(np.repeat(found[name][0], resamples))
    return {name: np.concatenate(found[name]) for name in wanted}


def estimate(values: Floats) -> Estimate:
    """Figure and 95% percentile interval of replicates (1 + resamples,), the figure first."""
    value, drawn = float(values[0]), values[1:]
    finite = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or 2 * len(finite) < len(drawn) or len(finite) == 0:
        return Estimate(value=value, lo=float("nan"), hi=float("nan"))
    lo, hi = np.percentile(finite, [2.5, 97.5])
    return Estimate(value=value, lo=float(lo), hi=float(hi))


def estimates(found: Mapping[str, Floats]) -> dict[str, Estimate]:
    """Figure and interval of each metric's replicates."""
    return {name: estimate(values) for name, values in found.items()}


def differences(
    model: Mapping[str, Floats], baseline: Mapping[str, Floats], baseline_name: str
) -> dict[str, Estimate]:
    """Paired differences model minus baseline, as ``<metric>_minus_<baseline>``.

    Only metrics of which more (or less) is better have a meaningful difference. Both arguments must come
    from :func:`replicates` with the same subjects and seed.
    """
    return {
        f"{name}_minus_{baseline_name}": estimate(model[name] - baseline[name])
        for name, metric in METRICS.items()
        if metric.direction in {"higher", "lower"} and name in model and name in baseline
    }
