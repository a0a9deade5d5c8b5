"""Folds in which subjects are never parted and strata are balanced."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput


def grouped_folds(strata: NDArray[Any], groups: Sequence[str], k: int, seed: int) -> NDArray[np.int64]:
    """Fold number of each sample, (n,), 0 to k - 1.

    Parameters
    ----------
    strata
        Class, or other stratum, of each sample, (n,).
    groups
        Whom each sample must not be parted from, (n,).
    k
        Number of folds, 2 or more.
    seed
        Of the shuffle.

    Raises
    ------
    BadInput
        When there are fewer groups than folds (code ``too-few-subjects``).
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if len(set(groups)) < k:
        raise BadInput(
            f"{len(set(groups))} subjects do not make {k} folds",
            fix="Ask for fewer with --set folds",
            code="too-few-subjects",
        )
    fold = np.zeros(len(strata), np.int64)
    splitter = StratifiedGroupKFold(k, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a class with fewer members than folds; audited already
        for number, (_, out) in enumerate(splitter.split(strata, strata, groups)):
            fold[out] = number
    return fold
