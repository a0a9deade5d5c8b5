"""SHAP for vectors: Shapley values over a background, by the package ``shap`` (Lundberg and Lee, NIPS 2017).

The package's own additivity check stays on, and the gap is measured here once more against the answer the
model gave in use: values that miss it by more than 1e-3 are withheld.
"""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

import numpy as np

from suwen.core.errors import BadInput, MissingExtra
from suwen.core.prediction import Explanation
from suwen.explain.shapley import EXACT
from suwen.explain.tabular import Vector, explanation

MOST_FEATURES = 500
"""More features than this are too many for a model-agnostic method."""

MOST_ROWS = 50
"""Background rows that stand in for an absent feature."""


def shap_explanation(vector: Vector, *, seed: int = 0, rounds: int = 10) -> Explanation:
    """Shapley value of each feature: exact for up to 10 features, else by permutations in pairs.

    Costs up to ``rounds * (2 d + 1) * 50`` rows of the model. The first call compiles for some seconds.

    Parameters
    ----------
    vector
        The subject, the model and the background, of which up to 50 rows are used.
    seed
        Of the permutations.
    rounds
        Permutations, each with its reverse.

    Returns
    -------
    Explanation
        ``values`` by name, in the answer's unit; ``checks`` holds ``additivity_gap``; where the values do not
        add up there are none, and ``passed`` is false.

    Raises
    ------
    MissingExtra
        When the package ``shap`` is not installed.
    BadInput
        When there are more than 500 features.
    """
    d = len(vector.values)
    if d > MOST_FEATURES:
        raise BadInput(
            f"{d} features are too many for SHAP values of any model",
            where="method",
            fix=f"Explain the features the model selected, at most {MOST_FEATURES}, or use its own method",
        )
    shap = package()
    rows = vector.background
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).round().astype(int)]
    masker = shap.maskers.Independent(rows, max_samples=len(rows))
    before = np.random.get_state()
    try:
        if d <= EXACT:
            found = shap.explainers.Exact(vector.ask, masker)(vector.values[None], silent=True)
        else:
            explainer = shap.explainers.Permutation(vector.ask, masker, seed=seed)
            found = explainer(vector.values[None], max_evals=rounds * (2 * d + 1), silent=True)
    finally:
        np.random.set_state(before)
    base = float(np.ravel(found.base_values)[0])
    values = np.asarray(found.values[0], dtype=np.float64).reshape(d)
    return explanation("shap", vector, values, base=base, unit=f"{vector.unit} over the average answer")


def package() -> ModuleType:
    """``shap``, imported on first use; what its dependencies deprecate is not ours to report."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("shap")
    except ModuleNotFoundError:
        raise MissingExtra("shap", "explain", "The explanation method 'shap'") from None
