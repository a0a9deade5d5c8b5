"""A vector of named features laid open for LIME and SHAP, and the checks both must pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suwen.core.errors import BadInput
from suwen.core.prediction import Explanation
from suwen.explain.shapley import ADDITIVITY

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_STEPS, _ORDERS, _ROWS = 12, 4, 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Vector:
    """One subject's features, the model over them, and others to compare with.

    Attributes
    ----------
    values
        Array (d,); NaN is missing.
    names
        One name per feature.
    answer
        The model: takes (n, d), returns (n,) log-odds of the explained class (or another score that adds
        up better than a probability: log hazard, a value in its unit).
    background
        Array (m, d): other subjects, or draws like them; what an absent feature is replaced by.
    unit
        Of the answer.
    output
        What the model answered in use, in that unit, where it is known; the sum is held against it.
    """

    values: Floats
    names: Sequence[str]
    answer: Callable[[Floats], ArrayLike]
    background: Floats
    unit: str = "log-odds"
    output: float | None = None

    def __post_init__(self) -> None:
        d = len(self.values)
        if self.values.ndim != 1 or not d or len(self.names) != d or self.background.shape[1:] != (d,):
            raise BadInput(
                f"{len(self.names)} names and a background of shape {self.background.shape} do not fit "
                f"values of shape {self.values.shape}"
            )
        if not len(self.background):
            raise BadInput("an explanation needs others to compare with", where="background")

    def ask(self, rows: Floats) -> Floats:
        """Answers (n,) to rows (n, d), float64."""
        return np.asarray(self.answer(rows), dtype=np.float64).reshape(len(rows))

    def typical(self) -> Floats:
        """Median of the background, (d,); missing where most of it is."""
        known = np.isfinite(self.background)
        some = known.any(axis=0)
        medians = np.full(self.background.shape[1], np.nan)
        medians[some] = np.nanmedian(self.background[:, some], axis=0)
        usual: Floats = np.where(known.mean(axis=0) >= 0.5, medians, np.nan)
        return usual

    def among(self, kept: Bools) -> Floats:
        """Mean answer (m,) with only the kept features (m, d), the others from up to 20 background rows."""
        others = self.background[np.linspace(0, len(self.background) - 1, _ROWS).round().astype(int)]
        rows = np.where(kept[:, None], self.values, others)
        answers = self.ask(rows.reshape(-1, kept.shape[1])).reshape(len(kept), len(others))
        return np.asarray(answers.mean(axis=1))


def faithfulness(vector: Vector, values: Floats) -> tuple[float, float]:
    """Insertion minus deletion area under the answer's logistic, as for images; and that of random orders.

    Features are replaced by the background's, the largest contribution first, and put back in that order.

    Parameters
    ----------
    vector
        What was explained.
    values
        Array (d,) of contributions.

    Returns
    -------
    tuple of float
        -1 to 1 each; a random order has 0 on average.
    """
    rng = np.random.default_rng(20180622)
    d = len(values)
    counts = np.unique(np.linspace(0, d, min(_STEPS, d) + 1).round().astype(int))
    orders = [np.lexsort((rng.permutation(d), -values)), *(rng.permutation(d) for _ in range(_ORDERS))]
    ranks = np.argsort(np.array(orders), axis=1)
    first = ranks[:, None] < counts[:, None]  # (orders, steps, d): the first of them
    rows = np.concatenate([first, ~first], axis=1).reshape(-1, d)
    probability = 0.5 * (1 + np.tanh(0.5 * vector.among(rows))).reshape(len(orders), 2, len(counts))
    share = counts / d
    area = np.asarray(np.trapezoid(probability, share, axis=2))
    gain = area[:, 0] - area[:, 1]
    return float(gain[0]), float(gain[1:].mean())


def explanation(
    method: str,
    vector: Vector,
    values: Floats,
    *,
    base: float,
    unit: str,
    extra: Mapping[str, float] | None = None,
    fits: bool = True,
) -> Explanation:
    """Explanation by name, the largest contribution first; withheld where it does not add up or fit.

    Parameters
    ----------
    method, unit
        As the explanation carries them.
    values
        Array (d,) of contributions.
    base
        Answer that they are added to.
    extra
        Further checks to print.
    fits
        Whether those passed.

    Returns
    -------
    Explanation
        ``values`` maps name to contribution, empty where withheld; ``checks`` holds ``base``, ``output``,
        ``additivity_gap`` and ``random_order_faithfulness``.
    """
    output = float(vector.ask(vector.values[None])[0]) if vector.output is None else vector.output
    gap = abs(base + float(values.sum()) - output)
    passed = bool(gap <= ADDITIVITY and fits)  # false for NaN
    faithful, chance = faithfulness(vector, values)
    order = np.argsort(-np.abs(values), kind="stable") if passed else np.zeros(0, np.int64)
    return Explanation(
        method=method,
        values={vector.names[at]: float(values[at]) for at in order},
        unit=unit,
        faithfulness=faithful,
        checks={
            "base": base,
            "output": output,
            "additivity_gap": gap,
            "random_order_faithfulness": chance,
            **(extra or {}),
        },
        passed=passed,
    )
