"""Has the population changed? The population-stability index of each variable, and of the score.

With shares e of the reference and a of the new data in the same bins::

    PSI = sum (a - e) ln(a / e)

the symmetric Kullback-Leibler divergence of the two histograms. Bins are the reference's deciles; missing is
a bin of its own. Reading: below .1 no relevant change, to .25 some change, above a large one (Siddiqi, Credit
Risk Scorecards, Wiley 2006: a convention, not a test). Small samples show a PSI by chance alone: where nothing
changed, PSI / (1/n + 1/m) tends to chi-square with bins - 1 degrees of freedom (Yurdakul, dissertation,
Western Michigan University 2018), and exceeds it where bins are thin. So its 95% quantile is drawn for the
sizes at hand, 1,000 times, and stands beside each figure; a PSI within it says nothing.

The reference goes into the manifest: shares and edges, no rows, its outermost edges the 1st and 99th
percentile, so that no single patient's value is in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput
from suwen.core.sample import Sample
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.row import Row
from suwen.lifecycle.evaluation.arrays import Floats

SOME, LARGE = 0.1, 0.25
"""From here on a change is looked into, or is large (Siddiqi 2006)."""

BINS = 10
_SEED, _DRAWS = 20060101, 1000
_MOST_ROWS = 20


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How one variable moved.

    Attributes
    ----------
    name
        Of the variable, or ``score``.
    psi
        Population-stability index, 0 or more.
    by_chance
        What 95 of 100 samples of this size stay below where nothing changed.
    reading
        ``no relevant change``, ``within chance``, ``some change`` or ``large change``.
    median, median_reference
        Of the known values; NaN where there are none.
    missing, missing_reference
        Shares, 0 to 1.
    """

    name: str
    psi: float
    by_chance: float
    reading: str
    median: float
    median_reference: float
    missing: float
    missing_reference: float


def reference(x: ArrayLike, names: Sequence[str]) -> dict[str, Any]:
    """Summary of the data a model learned from, for the manifest (``reference_bins``).

    Parameters
    ----------
    x
        Array (n, d); NaN is missing.
    names
        One per column.

    Returns
    -------
    dict
        ``n`` and ``variables``: name to ``edges`` (inner deciles, ascending, without repeats), ``shares`` (one
        more than edges), ``missing``, ``median``, and ``low`` and ``high`` (1st and 99th percentile). JSON-able.
    """
    table = _table(x, names)
    variables: dict[str, Any] = {}
    for name, column in zip(names, table.T, strict=True):
        known = column[np.isfinite(column)]
        inner = np.quantile(known, np.arange(1, BINS) / BINS) if len(known) else np.zeros(0)
        edges = np.unique(_short(inner))
        low, median, high = np.quantile(known, [0.01, 0.5, 0.99]) if len(known) else [None] * 3
        shares = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
        variables[name] = {
            "edges": edges.tolist(),
            "shares": [round(float(s), 6) for s in shares / max(len(known), 1)],
            "missing": round(1 - len(known) / max(len(column), 1), 6),
            "median": None if median is None else float(_short(median)[0]),
            "low": None if low is None else float(_short(low)[0]),
            "high": None if high is None else float(_short(high)[0]),
        }
    return {"n": len(table), "variables": variables}


def psi(found: Mapping[str, Any], x: ArrayLike, names: Sequence[str]) -> list[Drift]:
    """Population-stability index of every variable that the reference knows, the largest first.

    Parameters
    ----------
    found
        From :func:`reference`.
    x, names
        The new data, as there; columns the reference does not know are passed over.

    Raises
    ------
    BadInput
        When the names do not fit the columns, or there are no rows.
    """
    table = _table(x, names)
    rows = []
    for name, column in zip(names, table.T, strict=True):
        known_of = found["variables"].get(name)
        if known_of is None:
            continue
        known = column[np.isfinite(column)]
        edges = np.asarray(known_of["edges"], dtype=np.float64)
        count = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
        missing = float(known_of["missing"])
        old = np.append(np.asarray(known_of["shares"]) * (1 - missing), missing)
        new = np.append(count, len(column) - len(known)) / len(column)
        sizes = (max(int(found["n"]), 1), len(column))
        value = float(_index(old, new, sizes))
        chance = _by_chance(old, sizes)
        median = known_of["median"]
        rows.append(
            Drift(
                name=name,
                psi=value,
                by_chance=chance,
                reading=_reading(value, chance),
                median=float(np.median(known)) if len(known) else math.nan,
                median_reference=math.nan if median is None else float(median),
                missing=float(new[-1]),
                missing_reference=missing,
            )
        )
    return sorted(rows, key=lambda row: -row.psi)


def _reading(value: float, chance: float) -> str:
    if value < SOME:
        return "no relevant change"
    if value <= chance:
        return "within chance"
    return "large change" if value > LARGE else "some change"


def _index(old: Floats, new: Floats, sizes: tuple[int, int]) -> Floats:
    """PSI of shares (..., bins); an empty bin counts as half a patient, for zero has no logarithm."""
    e, a = np.maximum(old, 0.5 / sizes[0]), np.maximum(new, 0.5 / sizes[1])
    return np.asarray(np.sum(((old > 0) | (new > 0)) * (a - e) * np.log(a / e), axis=-1))


def _by_chance(shares: Floats, sizes: tuple[int, int]) -> float:
    """95% quantile of the PSI of two samples of these sizes that both have the reference's shares."""
    rng = np.random.default_rng(_SEED)
    p = np.clip(shares, 0, None) / shares.sum()
    old, new = (rng.multinomial(size, p, _DRAWS) / size for size in sizes)
    return float(np.quantile(_index(old, new, sizes), 0.95))


def table(rows: Sequence[Drift], *, against: str = "the training data") -> dict[str, Any]:
    """The drift as the report's page shows it: at most 20 variables, the largest first."""
    moved = sum(row.reading in {"some change", "large change"} for row in rows)
    return {
        "title": f"Drift against {against}",
        "columns": ["Variable", "PSI", "By chance", "Reading", "Median", "was", "Missing", "was"],
        "rows": [
            [
                row.name,
                f"{row.psi:.3f}",
                f"{row.by_chance:.3f}",
                row.reading,
                _number(row.median),
                _number(row.median_reference),
                f"{row.missing:.1%}",
                f"{row.missing_reference:.1%}",
            ]
            for row in rows[:_MOST_ROWS]
        ],
        "note": f"{moved} of {len(rows)} changed. Population-stability index over deciles, missing as a bin of "
        f"its own; below {SOME} no relevant change, above {LARGE} a large one (Siddiqi 2006). By chance: what "
        "95 of 100 samples of this size stay below where nothing changed.",
    }


def vectors(samples: Sequence[Sample]) -> tuple[Floats, tuple[str, ...]]:
    """Samples as rows for :func:`reference` and :func:`psi`: a table's values, or each variable's mean.

    Parameters
    ----------
    samples
        Of one task, with :class:`Row` or :class:`Observations` among their inputs.

    Returns
    -------
    tuple
        Array (n, d), NaN where missing, and d names; no columns where there is neither input.
    """
    names: dict[str, None] = {}
    rows: list[dict[str, float]] = []
    for sample in samples:
        row: dict[str, float] = {}
        for value in sample.inputs.values():
            if isinstance(value, Row):
                row |= dict(zip(value.names, map(float, value.values), strict=True))
            elif isinstance(value, Observations):
                row |= {**value.static, **value.means()}
        names |= dict.fromkeys(row)
        rows.append(row)
    x = np.array([[row.get(name, math.nan) for name in names] for row in rows], dtype=np.float64)
    return x.reshape(len(rows), len(names)), tuple(names)


def draw(found: Mapping[str, Any], names: Sequence[str], count: int, *, seed: int = 0) -> Floats:
    """Rows like the reference's, each variable by itself: a background for LIME and SHAP without the data.

    A value is drawn from a bin by its share, evenly within; missing as often as it was. How variables go
    together is not in the summary, and so not in the draws.

    Returns
    -------
    numpy.ndarray
        (count, len(names)); a variable the reference does not know, or never saw, is missing.
    """
    rng = np.random.default_rng(seed)
    out = np.full((count, len(names)), np.nan)
    for at, name in enumerate(names):
        one = found["variables"].get(name)
        if one is None or one["median"] is None:
            continue
        inner = np.asarray(one["edges"], dtype=np.float64)
        ends = np.concatenate([[min(one["low"], inner[0])], inner, [max(one["high"], inner[-1])]])
        shares = np.asarray(one["shares"], dtype=np.float64)
        number = rng.choice(len(shares), size=count, p=shares / shares.sum())
        # A bin that is a step of a discrete variable is given by its lower edge, which is the value itself.
        discrete = len(inner) < BINS - 1
        within = np.zeros(count) if discrete else rng.random(count)
        values = ends[number] + within * (ends[number + 1] - ends[number])
        out[:, at] = np.where(rng.random(count) < one["missing"], np.nan, values)
    return out


def _table(x: ArrayLike, names: Sequence[str]) -> Floats:
    table = np.asarray(x, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(names) or not len(table):
        raise BadInput(f"{len(names)} names do not fit data of shape {table.shape}, or there are no rows")
    return table


def _short(values: Any) -> Floats:
    """Rounded to six significant digits, so that a manifest stays small."""
    return np.array([float(f"{value:.6g}") for value in np.atleast_1d(values)])


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"
