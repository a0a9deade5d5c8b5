"""Fiducials that were paired wrongly: left taken for right, two entered in each other's place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from suwen.engines.registration.configuration import check_configuration
from suwen.engines.registration.fiducials import pairs_of
from suwen.engines.registration.rigid import Floats

EXHAUSTIVE = 7
"""Up to so many fiducials every order is tried, 5,040 of them; beyond, exchanges of two while they help."""
FAR_BETTER = 1 / 3
"""Another pairing is suggested where its registration error is below this part of the given one's."""


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Whether another pairing fits far better.

    Attributes
    ----------
    exchanged
        Pairs ``(fixed, moving)`` of names that belong together instead; empty where the given pairing stands.
    fre_given_mm, fre_best_mm
        Fiducial registration error as given, and with the best pairing found.
    clear
        Whether the best pairing fits far better than the next one; a symmetric layout has several.
    """

    exchanged: tuple[tuple[str, str], ...]
    fre_given_mm: float
    fre_best_mm: float
    clear: bool

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON's own types."""
        return vars(self) | {"exchanged": [list(one) for one in self.exchanged]}


def check_pairing(
    fixed: ArrayLike | Mapping[str, ArrayLike],
    moving: ArrayLike | Mapping[str, ArrayLike],
    *,
    names: Sequence[str] | None = None,
) -> Pairing:
    """Look for a pairing that fits far better. Nothing is paired anew: the caller decides.

    Parameters
    ----------
    fixed, moving, names
        As for :func:`~suwen.engines.registration.points.register_points`.

    Raises
    ------
    BadInput
        As :func:`~suwen.engines.registration.fiducials.pairs_of` and
        :func:`~suwen.engines.registration.configuration.check_configuration`.

    Notes
    -----
    The least sum of squares over rotations is the spreads' sum less twice the (signed) sum of the singular values
    of the cross-covariance, so that no rotation is formed for the orders that are tried.
    """
    pairs = pairs_of(fixed, moving, names=names)
    for where, side in (("fixed", pairs.fixed_mm), ("moving", pairs.moving_mm)):
        check_configuration(side, where)
    f = pairs.fixed_mm - pairs.fixed_mm.mean(axis=0)
    m = pairs.moving_mm - pairs.moving_mm.mean(axis=0)
    n = len(f)
    given = np.arange(n)
    if n <= EXHAUSTIVE:
        orders = np.array(list(permutations(range(n))))
        errors = _errors(f, m, orders)
    else:
        orders, errors = _exchanges(f, m)
    ranked = np.argsort(errors, kind="stable")
    best, fre_best = orders[ranked[0]], float(errors[ranked[0]])
    fre_given = float(_errors(f, m, given[None])[0])
    better = fre_best < FAR_BETTER * fre_given and not np.array_equal(best, given)
    return Pairing(
        exchanged=tuple(
            (pairs.names[at], pairs.names[to]) for at, to in enumerate(best.tolist()) if better and at != to
        ),
        fre_given_mm=fre_given,
        fre_best_mm=fre_best if better else fre_given,
        clear=bool(fre_best < FAR_BETTER * float(errors[ranked[1]])),
    )


def _errors(f: Floats, m: Floats, orders: Any) -> Floats:
    """Fiducial registration errors (k,) of centred points, moving ones taken in each order (k, n)."""
    cross = np.einsum("kni,nj->kij", m[orders], f)
    u, values, vt = np.linalg.svd(cross)
    values[:, 2] *= np.sign(np.linalg.det(u) * np.linalg.det(vt))
    left = (f**2).sum() + (m**2).sum() - 2 * values.sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(left, 0) / len(f)))


def _exchanges(f: Floats, m: Floats) -> tuple[Any, Floats]:
    """Orders reached by exchanging two at a time, the best exchange first, and all of the last round's errors."""
    order = np.arange(len(f))
    least = float(_errors(f, m, order[None])[0])
    while True:
        tried = np.tile(order, (len(f) * (len(f) - 1) // 2 + 1, 1))
        for row, (i, j) in zip(tried[1:], combinations(range(len(f)), 2), strict=True):
            row[[i, j]] = row[[j, i]]
        errors = _errors(f, m, tried)
        if errors.min() >= least - 1e-12:
            return tried, errors
        order, least = tried[int(errors.argmin())], float(errors.min())
