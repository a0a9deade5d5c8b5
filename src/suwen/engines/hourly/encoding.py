"""What a network reads of each hour: values by rank, what was measured when and how often, and bent scales of time.

A network bends slowly and the risk does not: beside each value the hour, the descriptors and how much was measured
are given piece by piece, as how far they have come through each interval between training quantiles (piecewise
linear encoding: Gorishniy et al., 'On Embeddings for Numerical Features in Tabular Deep Learning', NeurIPS 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.engines.hourly.grid import Hours
from suwen.engines.hourly.windows import Known, known
from suwen.engines.series.scaling import KNOTS, placed, quantiles

Array = NDArray[np.float32]
LONG = 99.0
"""Hours since a measurement from which on they are no longer told apart."""
_SHARES = (*np.linspace(0, 0.9, 13), 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoding:
    """Fitted on training hours.

    Attributes
    ----------
    value
        Array (V, KNOTS): quantiles of the values measured.
    pieces
        Array (P, K): rising edges of the pieces of each of hour, number of measurements so far and in this
        hour, and the descriptors.
    """

    value: Array
    pieces: Array

    def features(self, made: Hours) -> Array:
        """Inputs (u, F) of hours."""
        found = known(made.value, made.hour)
        scaled = placed(found.last, self.value)
        since = np.log1p(np.minimum(np.nan_to_num(found.since, nan=LONG), LONG)) / np.float32(np.log1p(LONG))
        often = np.log1p(found.count) / np.float32(np.log1p(LONG))
        bent = [
            pieces(column, edges) for column, edges in zip(_scales(made, found), self.pieces, strict=True)
        ]
        missing = np.isnan(made.static)[made.owner]
        return np.concatenate(
            [scaled, ~np.isnan(made.value), since, often, missing, *bent],
            axis=1,
            dtype=np.float32,
            casting="unsafe",
        )

    def arrays(self) -> dict[str, Array]:
        """For an ``.npz`` file."""
        return {"value": self.value, "pieces": self.pieces}

    @staticmethod
    def of(arrays: Mapping[str, Array]) -> Encoding:
        """Back from the file."""
        return Encoding(value=arrays["value"], pieces=arrays["pieces"])


def fit_encoding(made: Hours) -> Encoding:
    """Quantiles of training hours."""
    measured = [column[~np.isnan(column)] for column in made.value.T]
    edges = [_edges(column) for column in _scales(made, known(made.value, made.hour))]
    return Encoding(
        value=np.array([quantiles(column) for column in measured], np.float32).reshape(-1, KNOTS),
        pieces=np.array(edges, np.float32),
    )


def pieces(x: Array, edges: Array) -> Array:
    """How far each value has come through each piece, (u, K - 1), 0 to 1; a missing one through none."""
    low, width = edges[:-1], np.diff(edges)
    out: Array = np.clip((np.nan_to_num(x, nan=float(edges[0]))[:, None] - low) / width, 0.0, 1.0)
    return out


def _scales(made: Hours, found: Known) -> list[Array]:
    """What is encoded piece by piece."""
    now = (~np.isnan(made.value)).sum(axis=1).astype(np.float32)
    fixed = [made.static[made.owner, at] for at in range(made.static.shape[1])]
    return [made.hour.astype(np.float32), found.count.sum(axis=1), now, *fixed]


def _edges(x: Array) -> Array:
    """Edges at quantiles, spread by the least amount that keeps them apart."""
    seen = x[~np.isnan(x)].astype(np.float64)
    at = np.quantile(seen, _SHARES) if len(seen) else np.zeros(len(_SHARES))
    spread = max(float(np.abs(at).max()), float(at[-1] - at[0]), 1.0) * 2e-5
    return (at + np.linspace(-0.5, 0.5, len(at)) * spread).astype(np.float32)
