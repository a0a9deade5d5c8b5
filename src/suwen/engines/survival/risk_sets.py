"""Who was still at risk at each event, and Cox's partial likelihood over them.

Cox, J. R. Stat. Soc. B 34:187, 1972, with Breslow's treatment of ties (Biometrics 30:89, 1974). An event may
count more than once: with ``rho = 1`` it counts as many times as there are subjects at risk (Gehan's weights, in
the weighted partial likelihood of Sasieni, JASA 88:144, 1993). Harrell's concordance has one pair for each event
and each subject still at risk after it, so that these weights fit the ranking which is measured; where hazards are
not proportional they give an average hazard ratio (Schemper, Wakounig and Heinze, Stat. Med. 28:2473, 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_CURVATURE = 1e-6
"""Of a subject's second derivative, so that a step of boosting stays finite."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RiskSets:
    """Subjects from the longest follow-up to the shortest.

    Attributes
    ----------
    order
        Array (n,): index of each in the data.
    first, last
        Arrays (n,): first and last place of those with the same time; the risk set of an event is everybody up
        to its ``last`` place.
    weight
        Array (n,): how often the event of each counts, 0 where it was censored; their sum is the number of events.
    """

    order: Ints
    first: Ints
    last: Ints
    weight: Floats

    @classmethod
    def of(cls, time: Floats, event: NDArray[np.generic], rho: float = 0.0) -> RiskSets:
        """Risk sets of times and events (n,); an event weighs ``(at risk / n) ** rho``."""
        order = np.argsort(-time, kind="stable")
        falling = -time[order]
        last = np.searchsorted(falling, falling, side="right") - 1
        happened = np.asarray(event, np.float64)[order]
        weight = happened * ((last + 1) / len(time)) ** rho
        total = float(weight.sum())
        return cls(
            order=order,
            first=np.searchsorted(falling, falling, side="left"),
            last=last,
            weight=weight * (happened.sum() / total) if total > 0 else weight,
        )

    def log_likelihood(self, risk: Floats) -> float:
        """Weighted log partial likelihood of log relative hazards (n,), in the order of the data."""
        ordered = risk[self.order]
        top = float(ordered.max())
        at_risk = np.cumsum(np.exp(ordered - top))[self.last]
        return float((self.weight * (ordered - top - np.log(at_risk))).sum())

    def derivatives(self, risk: Floats) -> tuple[Floats, Floats]:
        """First and second derivatives (n,) of the negative log partial likelihood by each subject's risk."""
        ordered = risk[self.order]
        hazard = np.exp(ordered - ordered.max())
        at_risk = np.cumsum(hazard)[self.last]
        expected = hazard * self._until(self.weight / at_risk)
        curvature = expected - hazard**2 * self._until(self.weight / at_risk**2)
        gradient, second = np.empty_like(risk), np.empty_like(risk)
        gradient[self.order] = expected - self.weight
        second[self.order] = np.maximum(curvature, LEAST_CURVATURE)
        return gradient, second

    def _until(self, steps: Floats) -> Floats:
        """Sum of the steps at times up to each subject's own."""
        out: Floats = np.cumsum(steps[::-1])[::-1][self.first]
        return out

    def newton(self, terms: Floats, risk: Floats) -> tuple[Floats, Floats]:
        """Gradient (p,) and Hessian (p, p) of the log partial likelihood by the coefficients of terms (n, p)."""
        x, ordered = terms[self.order], risk[self.order]
        hazard = np.exp(ordered - ordered.max())
        at_risk = np.cumsum(hazard)[self.last]
        expected = hazard * self._until(self.weight / at_risk)
        happened = self.weight > 0
        means = (np.cumsum(hazard[:, None] * x, axis=0)[self.last] / at_risk[:, None])[happened]
        hessian = (x * expected[:, None]).T @ x - (means * self.weight[happened, None]).T @ means
        return x.T @ (self.weight - expected), -hessian


def fit_cox(
    terms: Floats, sets: RiskSets, penalty: Floats, *, start: Floats | None = None, steps: int = 40
) -> Floats:
    """Coefficients (p,) of greatest penalised partial likelihood, by Newton's method with halved steps.

    Parameters
    ----------
    terms
        Array (n, p), standardised.
    sets
        Risk sets of the same n subjects.
    penalty
        Array (p,): of each coefficient's square, halved; more than 0.
    start
        Coefficients to begin with.
    steps
        At most so many.
    """
    beta = np.zeros(terms.shape[1]) if start is None else start.copy()

    def value(b: Floats) -> float:
        return sets.log_likelihood(terms @ b) - 0.5 * float((penalty * b * b).sum())

    best = value(beta)
    for _ in range(steps):
        gradient, hessian = sets.newton(terms, terms @ beta)
        step = np.linalg.solve(np.diag(penalty) - hessian, gradient - penalty * beta)
        share = 1.0
        while (found := value(beta + share * step)) < best - 1e-10 and share > 1e-6:
            share /= 2
        if share <= 1e-6:
            break
        beta, gain, best = beta + share * step, found - best, max(found, best)
        if gain < 1e-8 * max(1.0, abs(best)):
            break
    return beta


SCALES: Floats = np.linspace(0.3, 1.5, 25)


def best_scale(held_out: Sequence[tuple[Floats, RiskSets]]) -> float:
    """Factor of greatest partial likelihood, summed over parts of held-out risks, each with its risk sets.

    Below 1 the risks exaggerate; it lies within 0.3 to 1.5.
    """
    total = [sum(sets.log_likelihood(scale * risk) for risk, sets in held_out) for scale in SCALES]
    return float(SCALES[int(np.argmax(total))])
