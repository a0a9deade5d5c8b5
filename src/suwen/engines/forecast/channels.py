"""A window as the network reads it: level, distance from the last reading, step, mask, and what was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.engines.forecast.scaling import Scaling, fit_scaling, read_scaling

Floats = NDArray[np.float64]
Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Channels:
    """Scales of everything that goes in and comes out, fitted on the training part.

    Attributes
    ----------
    features
        Of the columns known at the origin.
    level
        Mean and standard deviation of the readings.
    away, step
        Standard deviation of a reading's distance from the last, and of the step between two.
    given
        Mean dose of each event where there was one, (events,).
    change
        Standard deviation of the change at each horizon, (H,): the unit of the network's answer.
    """

    features: Scaling
    level: tuple[float, float]
    away: float
    step: float
    given: Floats
    change: Floats

    def inputs(self, arrays: Mapping[str, Floats]) -> tuple[Array, Array]:
        """``window`` (u, T, C), the oldest step first, and ``known`` (u, d); nothing missing, masks said."""
        seen, last = arrays["seen"][:, ::-1], arrays["last"][:, None]
        there = ~np.isnan(seen)
        value = np.where(there, seen, last)
        step = np.nan_to_num(np.diff(seen, axis=1, prepend=np.nan))
        parts = [
            (value - self.level[0]) / self.level[1],
            (value - last) / self.away,
            step / self.step,
            there.astype(np.float64),
        ]
        doses = np.minimum(arrays["given"][:, ::-1] / self.given, 5.0)
        window = np.concatenate([np.stack(parts, -1), doses], -1)
        known = self.features.of(arrays["x"])
        return window.astype(np.float32), known.astype(np.float32)

    def document(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "features": self.features.document(),
            "level": list(self.level),
            "away": self.away,
            "step": self.step,
            "given": self.given.tolist(),
            "change": self.change.tolist(),
        }


def fit_channels(arrays: Mapping[str, Floats], names: Sequence[str], change: Floats) -> Channels:
    """Scales of training origins.

    Parameters
    ----------
    arrays
        ``x``, ``seen``, ``given`` and ``last`` of :class:`suwen.engines.forecast.design.Origins`.
    names
        Columns of ``x``.
    change
        Array (u, H), NaN where the future is unknown.
    """
    seen, last, given = arrays["seen"], arrays["last"], arrays["given"]
    doses = [float(one[one > 0].mean()) if (one > 0).any() else 1.0 for one in np.moveaxis(given, -1, 0)]
    return Channels(
        features=fit_scaling(arrays["x"], names),
        level=(float(last.mean()), _spread(last)),
        away=_spread(seen - last[:, None]),
        step=_spread(np.diff(seen, axis=1)),
        given=np.array(doses, np.float64),
        change=np.array([_spread(one) for one in change.T]),
    )


def _spread(values: Floats) -> float:
    """Standard deviation of what is known; 1 where nothing varies."""
    known = values[~np.isnan(values)]
    found = float(known.std()) if len(known) else 0.0
    return found if found > 1e-6 else 1.0


def read_channels(found: Mapping[str, Any]) -> Channels:
    """The scales of :meth:`Channels.document`."""
    mean, sd = found["level"]
    return Channels(
        features=read_scaling(found["features"]),
        level=(float(mean), float(sd)),
        away=float(found["away"]),
        step=float(found["step"]),
        given=np.asarray(found["given"], np.float64),
        change=np.asarray(found["change"], np.float64),
    )
