"""Kaplan-Meier's estimate, and what censoring hides: weights that stand in for the subjects it took away.

Kaplan and Meier, JASA 53:457, 1958. A subject seen to its event at ``T`` counts ``1 / G(T-)`` times, ``G`` being the
probability not to be censored by then (inverse probability of censoring: Robins and Rotnitzky 1992). This assumes that
censoring does not depend on the time to the event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.lifecycle.evaluation.arrays import Bools, Floats

LEAST = 0.05
"""Censoring probabilities are kept above this, so that no subject counts more than twenty times."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """A probability that falls in steps from 1.

    Attributes
    ----------
    times
        Array (k,), rising: where it falls.
    values
        Array (k,): from there on.
    """

    times: Floats
    values: Floats

    def at(self, time: NDArray[Any], *, before: bool = False) -> Floats:
        """Value at each time, or just before it."""
        place = np.searchsorted(self.times, time, side="left" if before else "right")
        return np.concatenate([[1.0], self.values])[place]

    def document(self) -> dict[str, list[float]]:
        """Everything, for a manifest."""
        return {"times": self.times.tolist(), "values": self.values.tolist()}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Steps:
        """What :meth:`document` gave."""
        return cls(
            times=np.asarray(document["times"], np.float64), values=np.asarray(document["values"], np.float64)
        )


def kaplan_meier(time: Floats, event: Bools) -> Steps:
    """Probability that the event has not happened, from times and events (n,).

    Parameters
    ----------
    time, event
        To know the distribution of censoring, hand over ``~event``.
    """
    distinct, place = np.unique(time, return_inverse=True)
    gone = np.bincount(place, minlength=len(distinct))
    happened = np.bincount(place, weights=event.astype(np.float64), minlength=len(distinct))
    at_risk = len(time) - np.concatenate([[0], np.cumsum(gone)[:-1]])
    falls = happened > 0
    values = np.cumprod(1.0 - happened / at_risk)
    return Steps(times=distinct[falls], values=values[falls])


def censoring(time: Floats, event: Bools) -> Steps:
    """Probability not to be censored; at one time, events come before censoring.

    A subject with an event at ``t`` was not at risk of being censored at ``t``: the times of events are moved back by
    less than any gap between times.
    """
    gaps = np.diff(np.unique(time))
    shift = 0.5 * float(gaps.min()) if len(gaps) else 0.0
    return kaplan_meier(np.where(event, time - shift, time), ~event)


def greenwood(time: Floats, event: Bools, horizon: float) -> tuple[float, float, float]:
    """Probability that the event happened by the horizon, and its 95% interval (Greenwood, log-log scale)."""
    distinct, place = np.unique(time, return_inverse=True)
    gone = np.bincount(place, minlength=len(distinct))
    happened = np.bincount(place, weights=event.astype(np.float64), minlength=len(distinct))
    at_risk = (len(time) - np.concatenate([[0], np.cumsum(gone)[:-1]])).astype(np.float64)
    use = (distinct <= horizon) & (happened > 0)
    survival = float(np.prod(1 - happened[use] / at_risk[use]))
    if survival in {0.0, 1.0} or not use.any():
        return 1 - survival, float("nan"), float("nan")
    variance = float((happened[use] / (at_risk[use] * (at_risk[use] - happened[use]))).sum())
    centre = np.log(-np.log(survival))
    half = 1.959963984540054 * np.sqrt(variance) / abs(np.log(survival))
    high, low = np.exp(-np.exp(centre + np.array([-half, half])))
    return 1 - survival, float(1 - high), float(1 - low)
