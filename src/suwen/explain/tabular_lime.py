"""LIME for vectors: a linear model of what each feature adds over its usual value (Ribeiro et al., KDD 2016).

The package's own table class cannot take missing values and needs the training data; sampling is done here,
the package fits and weighs. The linear model is held to the model's answer at both ends, the subject as
observed and the usual values throughout, so that its weights add up to the difference; how well it does in
between is the local R², and a poor fit is withheld.
"""

from __future__ import annotations

import importlib

import numpy as np

from suwen.core.prediction import Explanation
from suwen.explain.lime import package, proximity
from suwen.explain.tabular import Bools, Floats, Vector, explanation

LEAST_R2 = 0.5
"""Below this the local linear model explains less than half of what the answer does nearby (our bound)."""

_RIDGE = 1e-3


def lime_explanation(vector: Vector, *, seed: int = 0, samples: int = 1000) -> Explanation:
    """Weight of each feature in a local linear model of the answer.

    Parameters
    ----------
    vector
        The subject, the model and the background, whose medians are the usual values.
    seed
        Of the perturbations; the same seed gives the same explanation.
    samples
        Perturbations tried; each sets a random number of features to their usual value.

    Returns
    -------
    Explanation
        ``values`` by name, in the answer's unit; ``checks`` holds ``local_r2`` and ``additivity_gap``.

    Raises
    ------
    MissingExtra
        When the package ``lime`` is not installed.
    """
    d = len(vector.values)
    rng = np.random.default_rng(seed)
    number = rng.integers(1, d + 1, samples)
    kept = np.argsort(np.argsort(rng.random((samples, d)), axis=1), axis=1) >= number[:, None]
    kept[0] = True  # the package measures nearness from the first row: the subject as observed
    usual = vector.typical()
    answers = vector.ask(np.where(kept, vector.values, usual))
    base = float(vector.ask(usual[None])[0])
    distances = 1 - np.sqrt(kept.sum(axis=1) / d)  # cosine distance of a 0/1 row to the row of all ones
    values = _weights(kept, answers - base, distances, seed)
    misses = base + kept @ values - answers
    weight = proximity(distances)
    spread = float(weight @ (answers - np.average(answers, weights=weight)) ** 2)
    r2 = 1 - float(weight @ misses**2) / spread if spread > 0 else 1.0
    return explanation(
        "lime",
        vector,
        values,
        base=base,
        unit=f"{vector.unit} over the usual value",
        extra={"local_r2": r2},
        fits=r2 >= LEAST_R2,
    )


def _weights(kept: Bools, gain: Floats, distances: Floats, seed: int) -> Floats:
    """Weights (d,) of the kept features, which sum to the gain of the first row exactly.

    The last weight is what the others leave, so the others are fitted freely on differences to it.
    """
    d = kept.shape[1]
    if d == 1:
        return np.array([gain[0]])
    shown = kept.astype(np.float64)
    others, last = shown[:, :-1] - shown[:, -1:], gain - shown[:, -1] * gain[0]
    fitter = package().LimeBase(proximity, random_state=np.random.RandomState(seed))
    ridge = importlib.import_module("sklearn.linear_model").Ridge(alpha=_RIDGE, fit_intercept=False)
    _, weights, _, _ = fitter.explain_instance_with_data(
        others,
        last[:, None],
        distances,
        0,
        num_features=d - 1,
        feature_selection="none",
        model_regressor=ridge,
    )
    found = np.zeros(d)
    for at, weight in weights:
        found[at] = weight
    found[-1] = gain[0] - found.sum()
    return found
