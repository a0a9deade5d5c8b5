"""Split conformal prediction: sets of classes that hold the truth in nine of ten cases.

The score is that of least ambiguous set-valued classifiers (LAC; Sadinle, Lei and Wasserman, JASA
114:223, 2019): one minus the probability of the class, computed here as *the sum of the other classes'
probabilities*, which keeps its resolution where ``1 - p`` would round to zero. A class is in the set when
its score is at most the finite-sample quantile of the true classes' scores on validation, so that a new
exchangeable sample is covered with probability between 1 - alpha and 1 - alpha + 1 / (n + 1).

**Sets are served exactly as they are, and a set may be empty.** A model that is right in 97 of 100 cases
cannot cover 90% with a never-empty set: its single best class already covers 97%, so a forced answer
would make the stated 90% untrue, and would hide the cases it is unsure of. With LAC those are the empty
sets: the sample is less like either class than nine of ten validation samples were like their own.
The user reads ``uncertain: unlike either class``, while probability and decision stand beside it.
Randomised sets would also be exact, but would answer the same image differently on two days.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.lifecycle.evaluation.arrays import (
    Bools,
    Floats,
    checked_labels,
    checked_probabilities,
    subject_index,
)

ALPHA = 0.1
"""Share of cases whose set may miss the truth."""

SPLITS = 20
"""Random halvings of validation behind the held-out coverage."""


def nonconformity(probabilities: Floats) -> Floats:
    """LAC score of every class, (n, K), 0 (certain) to 1: the probability of all other classes."""
    before = np.cumsum(probabilities, axis=1) - probabilities
    after = np.cumsum(probabilities[:, ::-1], axis=1)[:, ::-1] - probabilities
    if probabilities.shape[1] == 2:  # differences of sums lose digits; with two classes none is needed
        return probabilities[:, ::-1]
    return np.clip(before + after, 0.0, 1.0)


def fit_conformal(probabilities: ArrayLike, labels: ArrayLike, alpha: float = ALPHA) -> float:
    """Quantile of the LAC scores on validation, ``ceil((n + 1)(1 - alpha)) / n``.

    Parameters
    ----------
    probabilities
        Array (n, K) of calibrated probabilities in float64, as ``apply_temperature`` returns them.
    labels
        Array (n,) of class indices.
    alpha
        Share of cases that may be missed, above 0 and below 1.

    Returns
    -------
    float
        Largest score that is still in the set, 0 to 1; 1 (every class, always) where there are too few
        samples for the guarantee, that is fewer than ``1 / alpha - 1``.

    Raises
    ------
    BadInput
        When alpha is out of range or the arrays do not fit together.
    """
    if not 0 < alpha < 1:
        raise BadInput(f"alpha must lie between 0 and 1, not {alpha}", where="alpha")
    p = checked_probabilities(probabilities)
    truth = checked_labels(labels, *p.shape)
    scores = np.sort(nonconformity(p)[np.arange(len(p)), truth])
    # The small term keeps (n + 1)(1 - alpha) from rounding up where it is a whole number.
    rank = math.ceil((len(p) + 1) * (1 - alpha) - 1e-9)
    return 1.0 if rank > len(p) else float(scores[rank - 1])


def prediction_set(probabilities: ArrayLike, quantile: float) -> Bools:
    """Whether each class is in each sample's conformal set, bool (n, K); a row may be empty."""
    p = np.asarray(probabilities, dtype=np.float64)
    return np.asarray(nonconformity(p) <= quantile)


def set_meaning(members: Sequence[str], classes: Sequence[str]) -> str:
    """What a conformal set says to its user, in words.

    Parameters
    ----------
    members
        Classes in the set.
    classes
        All classes of the task.
    """
    if not members:
        return f"uncertain: unlike {'either class' if len(classes) == 2 else 'every class'}"
    if len(members) == 1:
        return f"consistent with {members[0]} alone"
    return f"undecided between {', '.join(members[:-1])} and {members[-1]}"


@dataclass(frozen=True, kw_only=True)
class HeldOutCoverage:
    """Coverage measured on samples that did not set the quantile.

    Attributes
    ----------
    coverage
        Mean over all splits, 0 to 1.
    fixed
        Of the first split alone: each half judged by the other's quantile.
    splits
        One coverage per split, each over both directions.
    empty
        Mean share of empty sets.
    target
        1 - alpha.
    """

    coverage: float
    fixed: float
    splits: tuple[float, ...]
    empty: float
    target: float


def held_out_coverage(
    probabilities: ArrayLike,
    labels: ArrayLike,
    subjects: Sequence[str] | NDArray[Any],
    alpha: float = ALPHA,
    seed: int = 0,
) -> HeldOutCoverage:
    """Fit the quantile on one half of the subjects and measure the served sets on the other.

    Subjects are halved at random 20 times, and in every split each half is judged by the other's
    quantile, so that each sample counts as held out once per split.

    Raises
    ------
    BadInput
        When there are fewer than two subjects, or the arrays do not fit together.
    """
    p = checked_probabilities(probabilities)
    truth = checked_labels(labels, *p.shape)
    subject = subject_index(subjects, len(p))
    count = int(subject.max()) + 1
    if count < 2:
        raise BadInput("held-out coverage needs at least two subjects", where="subjects")
    rng = np.random.default_rng(seed)
    coverages, empties = [], []
    for _ in range(SPLITS):
        half = np.zeros(count, dtype=bool)
        half[rng.permutation(count)[: count // 2]] = True
        first = half[subject]
        sets = np.empty(p.shape, dtype=bool)
        for part in (first, ~first):
            sets[~part] = prediction_set(p[~part], fit_conformal(p[part], truth[part], alpha))
        coverages.append(float(sets[np.arange(len(p)), truth].mean()))
        empties.append(float((~sets.any(axis=1)).mean()))
    return HeldOutCoverage(
        coverage=float(np.mean(coverages)),
        fixed=coverages[0],
        splits=tuple(coverages),
        empty=float(np.mean(empties)),
        target=1 - alpha,
    )
