"""90% intervals of forecasts: conformal quantiles of errors, scaled by how hard each forecast is.

An error is divided by its expected size before its quantile is taken (normalised conformal prediction:
Papadopoulos et al., ECML 2002; Lei et al., JASA 113:1094, 2018), and quantiles are taken separately where the
forecast is low, within the limits, and high (Mondrian: Vovk et al., Algorithmic Learning in a Random World,
2005), below and above the forecast by themselves. The expected size is a log-linear function of level and
forecast change, times how far this very trace has lately been off: its errors known by then, those of a day
ago counting half. All of it is known when the forecast is made, so that a stream gives what a batch gives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from suwen.core.endpoint import Forecast
from suwen.core.engine import Units
from suwen.core.errors import BadInput
from suwen.lifecycle.evaluation.arrays import Floats, Ints
from suwen.lifecycle.evaluation.conformal import ALPHA

PRIOR = 8.0
"""Forecasts' worth of being as far off as anybody, before a trace's own errors count."""
HALF_LIFE_H = 24.0
LEAST = 200
"""A range with fewer forecasts takes the quantiles of all."""
RANGES = ("low", "within", "high")
GRACE_H = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Horizon:
    """What turns forecasts at one horizon into intervals.

    Attributes
    ----------
    size
        Coefficients (4,) of the log of the expected error size on :func:`_terms`.
    quantiles
        Array (3, 2): the scaled error's quantiles below and above, by range of the forecast.
    """

    size: Floats
    quantiles: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Intervals:
    """The fitted intervals of every horizon."""

    endpoint: Forecast
    horizons: tuple[Horizon, ...]

    def of(self, values: Floats, last: Floats, units: Units) -> Floats:
        """Lower and upper bounds (u, H, 2) of forecasts ``values`` (u, H); never below 0.

        Parameters
        ----------
        values, last
            Forecasts, and the reading at each origin.
        units
            Whole traces: their earlier errors, as far as known at each origin, widen or narrow what follows.
        """
        bounds = []
        for k, one in enumerate(self.horizons):
            width = _difficulty(one.size, values[:, k], last, units, k, self.endpoint)
            quantiles = one.quantiles[_range(values[:, k], self.endpoint)]
            bounds.append(np.maximum(values[:, k, None] + quantiles * width[:, None], 0.0))
        return np.stack(bounds, 1)

    def document(self) -> list[dict[str, Any]]:
        """As the manifest keeps it."""
        return [
            {
                "minutes": minutes,
                "size": one.size.tolist(),
                "quantiles": dict(zip(RANGES, one.quantiles.tolist(), strict=True)),
            }
            for minutes, one in zip(self.endpoint.horizons_min, self.horizons, strict=True)
        ]


def read_intervals(found: list[Mapping[str, Any]], endpoint: Forecast) -> Intervals:
    """The intervals of :meth:`Intervals.document`."""
    return Intervals(
        endpoint=endpoint,
        horizons=tuple(
            Horizon(
                size=np.asarray(one["size"], np.float64),
                quantiles=np.asarray([one["quantiles"][name] for name in RANGES], np.float64),
            )
            for one in found
        ),
    )


def fit_intervals(values: Floats, last: Floats, units: Units, endpoint: Forecast) -> Intervals:
    """Fit sizes and quantiles on held-out forecasts.

    Parameters
    ----------
    values, last, units
        Held-out forecasts (u, H) of whole traces, the readings they were made from, and what followed.
    endpoint
        Its limits cut the ranges.

    Raises
    ------
    BadInput
        ``too-few-forecasts`` when a horizon has too few for 90%.
    """
    fitted = []
    for k in range(values.shape[1]):
        error = units.target[:, k] - values[:, k]
        known = ~np.isnan(error)
        if known.sum() < 2 / ALPHA:
            raise BadInput(
                f"{int(known.sum())} forecasts that a reading followed are too few for a 90% interval",
                fix="Give longer traces, or more of them",
                code="too-few-forecasts",
            )
        size = _fit_size(np.abs(error[known]), values[known, k], last[known])
        width = _difficulty(size, values[:, k], last, units, k, endpoint)
        scaled, where = error[known] / width[known], _range(values[known, k], endpoint)
        own = [scaled[where == r] for r in range(len(RANGES))]
        quantiles = [_quantiles(one if len(one) >= LEAST else scaled) for one in own]
        fitted.append(Horizon(size=size, quantiles=np.array(quantiles)))
    return Intervals(endpoint=endpoint, horizons=tuple(fitted))


def _quantiles(scaled: Floats) -> tuple[float, float]:
    """Finite-sample quantiles of scaled errors at ALPHA / 2 on each side; the forecast stays inside."""
    ordered = np.sort(scaled)
    rank = min(math.ceil((len(ordered) + 1) * (1 - ALPHA / 2) - 1e-9), len(ordered))
    return min(float(ordered[-rank]), 0.0), max(float(ordered[rank - 1]), 0.0)


def _range(values: Floats, endpoint: Forecast) -> Ints:
    """0 below the lower limit, 1 within, 2 above the upper."""
    return np.asarray(np.digitize(values, [endpoint.low, np.nextafter(endpoint.high, np.inf)]), np.int64)


def _terms(values: Floats, last: Floats) -> Floats:
    """What the expected size of an error depends on, (u, 4)."""
    change = values - last
    level = np.log(np.maximum(values, 1.0))
    return np.stack([np.ones(len(values)), level, np.log1p(np.abs(change)), change / 50], 1)


def _fit_size(size: Floats, values: Floats, last: Floats) -> Floats:
    """Least squares on the log, then shifted so that sizes are right on average."""
    terms = _terms(values, last)
    found = np.asarray(np.linalg.lstsq(terms, np.log1p(size), rcond=None)[0], np.float64)
    expected = np.exp(terms @ found)
    found[0] += math.log(max(float((size / expected).mean()), 1e-6))
    return found


def _difficulty(
    size: Floats, values: Floats, last: Floats, units: Units, k: int, endpoint: Forecast
) -> Floats:
    """Expected size of each error, (u,)."""
    usual = np.exp(_terms(values, last) @ size)
    relative = np.abs(units.target[:, k] - values) / usual
    return usual * lately(relative, units.owner, units.hour, endpoint.horizons_min[k] / 60)


def lately(relative: Floats, owner: Ints, hour: Floats, ahead_h: float) -> Floats:
    """How far off each trace has lately been against what is usual, (u,), as known at each origin.

    Parameters
    ----------
    relative
        Array (u,): size of each error over its usual size; NaN where no reading followed.
    owner, hour
        Whose each origin is, and when.
    ahead_h
        Horizon in hours: an error is known so much later.

    Returns
    -------
    array
        ``(PRIOR + sum of weighted sizes) / (PRIOR + sum of weights)``; a weight halves every 24 hours.
    """
    out = np.ones(len(relative))
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    for a, b in zip(starts, [*starts[1:], len(owner)], strict=True):
        at, sizes = hour[a:b].tolist(), relative[a:b].tolist()
        total = weight = 0.0
        then, ripe = at[0], 0
        for i, now in enumerate(at):
            fade = 0.5 ** ((now - then) / HALF_LIFE_H)
            total, weight, then = total * fade, weight * fade, now
            while at[ripe] + ahead_h <= now + GRACE_H:
                if not math.isnan(sizes[ripe]):
                    # It counts from when it was made, however late it became known.
                    own = 0.5 ** ((now - at[ripe]) / HALF_LIFE_H)
                    total, weight = total + own * sizes[ripe], weight + own
                ripe += 1
            out[a + i] = (PRIOR + total) / (PRIOR + weight)
    return out
