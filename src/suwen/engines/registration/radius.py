"""How far a normally distributed error reaches: the ball about zero that holds a stated share of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from suwen.core.errors import BadInput
from suwen.engines.registration.rigid import Floats, scipy_module

NODES = 14
"""Along each of the two angles over an octant: the radius is then right to 1e-6 of itself at 95%, to 5e-5 at 50%."""


ROUNDS = 7
"""Of the search for the radius: enough for 1e-8 of it at 95%, 1e-5 at 99.9%."""


def error_radius(
    covariances_mm2: ArrayLike, coverage: float = 0.95, *, degrees_of_freedom: int | None = None
) -> Floats:
    """Radius of the ball that holds a share ``coverage`` of an error of zero mean.

    Parameters
    ----------
    covariances_mm2
        Array (..., 3, 3), symmetric, not negative; may be singular.
    coverage
        Probability, 0.5 to below 1.
    degrees_of_freedom
        Of the estimate that scales the covariances, where their scale was estimated from residuals; the radius then
        covers that as well. ``None``: the scale is known.

    Returns
    -------
    ndarray
        Array (...), mm.

    Raises
    ------
    BadInput
        ``coverage-unusable``, ``not-finite``.

    Notes
    -----
    With the covariance's eigenvalues ``l`` the error is ``rho * sqrt(l) * u``, ``u`` a direction uniform over the
    sphere and ``rho**2`` chi-squared of 3 degrees of freedom, independent of it. Hence P(error <= r) is the mean
    over directions of chi2_3(r**2 / (l . u**2)), taken by Gauss and Legendre over an octant. With an estimated
    scale ``rho**2 / 3`` follows F with 3 and ``degrees_of_freedom`` instead. For equal eigenvalues this is 2.795
    deviations at 95%.
    """
    if not 0.5 <= coverage < 1:
        raise BadInput(
            f"coverage is a probability of at least 0.5 and below 1, not {coverage}",
            fix="Ask for 0.95, or for 0.99 where more is at stake",
            code="coverage-unusable",
        )
    given = np.asarray(covariances_mm2, float)
    if not np.isfinite(given).all():
        raise BadInput("a covariance is not finite", fix="Check the fiducials", code="not-finite")
    values = np.clip(np.linalg.eigvalsh(given), 0, None).reshape(-1, 3)
    largest = values[:, 2]
    shape = np.divide(values, largest[:, None], out=np.zeros_like(values), where=largest[:, None] > 0)
    reach = np.concatenate([_unit_radius(part, coverage, degrees_of_freedom) for part in _parts(shape)])
    return np.asarray((reach * np.sqrt(largest)).reshape(given.shape[:-2]))


def _parts(shape: Floats) -> list[Floats]:
    """At most some thousand covariances at a time, which bounds the memory."""
    return [shape[at : at + 4096] for at in range(0, len(shape), 4096)] or [shape]


def _directions() -> tuple[Floats, Floats]:
    """Squares (k, 3) of directions over an octant, and their weights (k,), which sum to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    height, turn = (nodes + 1) / 2, (nodes + 1) * np.pi / 4
    z, angle = np.meshgrid(height**2, turn, indexing="ij")
    squares = np.stack([(1 - z) * np.cos(angle) ** 2, (1 - z) * np.sin(angle) ** 2, z], axis=-1)
    return squares.reshape(-1, 3), (np.outer(weights, weights) / 4).reshape(-1)


def _unit_radius(shape: Floats, coverage: float, degrees_of_freedom: int | None) -> Floats:
    """Radii (m,) for eigenvalues (m, 3) of which the last and largest is 1, by false position."""
    special = scipy_module("special", "Predicting the error at a target")
    squares, weights = _directions()
    spread = shape @ squares.T

    def missing(radius: Floats) -> Floats:
        """How much of the error is held, less what is asked."""
        reach = radius[:, None] ** 2 / np.maximum(spread, 1e-300)
        if degrees_of_freedom is None:
            half = np.sqrt(np.minimum(reach / 2, 1e3))
            inside = special.erf(half) - half * (2 / np.sqrt(np.pi)) * np.exp(-(half**2))
        else:
            inside = special.fdtr(3, degrees_of_freedom, np.minimum(reach / 3, 1e300))
        return np.asarray(inside @ weights - coverage)

    # The error reaches at least as far as that along the longest axis alone, and no further than three such ones.
    if degrees_of_freedom is None:
        low, high = np.sqrt(special.chdtri(1, 1 - coverage)), np.sqrt(special.chdtri(3, 1 - coverage))
    else:
        low, high = (np.sqrt(axes * special.fdtri(axes, degrees_of_freedom, coverage)) for axes in (1, 3))
    below, above = np.full(len(shape), 0.999 * low), np.full(len(shape), 1.001 * high)
    lack, excess = missing(below), missing(above)
    last, middle = np.zeros(len(shape)), below
    for _ in range(ROUNDS):
        # False position; the value at an end that stays twice is halved, so that both move (Dowell and Jarratt 1971).
        gap = excess - lack
        middle = np.where(gap > 0, (below * excess - above * lack) / np.where(gap > 0, gap, 1), middle)
        found = missing(middle)
        short, side = found < 0, np.sign(found)
        stays = np.where(side == last, 0.5, 1.0)
        lack, excess = np.where(short, found, lack * stays), np.where(short, excess * stays, found)
        below, above = np.where(short, middle, below), np.where(short, above, middle)
        last = side
    return np.asarray(middle)
