"""Traces as forecasting learners see them: one row per origin, in the order of the units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.endpoint import Forecast
from suwen.core.engine import Units
from suwen.core.errors import BadInput
from suwen.core.sample import Sample
from suwen.engines.forecast.features import features
from suwen.engines.forecast.trace import trace_of
from suwen.engines.forecast.window import doses, window

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NOTHING = (np.zeros(0), np.zeros(0))
"""Hours and amounts of an event that never happened."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Origins:
    """Rows of all origins of some traces.

    Attributes
    ----------
    owner
        Array (u,), not falling: which sample each belongs to.
    arrays
        Name to array (u, ...): ``last`` and ``before`` (the reading at and before the origin), ``gap_h``
        between them; ``x`` (u, d) of features; ``seen`` (u, 16) and ``given`` (u, 16, events) of the window.
    names
        Of the d columns of ``x``.
    """

    owner: Ints
    arrays: Mapping[str, Floats]
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.owner)

    def take(self, samples: Ints) -> Origins:
        """The origins of these samples, sample by sample in the given order, renumbered from 0."""
        starts = np.searchsorted(self.owner, samples, side="left")
        ends = np.searchsorted(self.owner, samples, side="right")
        parts = [np.arange(a, b) for a, b in zip(starts, ends, strict=True)]
        at = np.concatenate([*parts, np.zeros(0, np.int64)])
        return Origins(
            owner=np.repeat(np.arange(len(samples)), ends - starts),
            arrays={name: array[at] for name, array in self.arrays.items()},
            names=self.names,
        )


def endpoint_of(task: PanelTask) -> Forecast:
    """The endpoint, known to be a forecast.

    Raises
    ------
    BadInput
        When the task predicts something else.
    """
    if not isinstance(task.endpoint, Forecast):
        raise BadInput(f"'{task.name}' forecasts nothing: its endpoint is of the kind '{task.endpoint.kind}'")
    return task.endpoint


def ends(task: PanelTask, samples: Sequence[Sample], *, latest: bool = False) -> Origins:
    """The last two readings at every origin: all that persistence and a straight line need."""
    endpoint = endpoint_of(task)
    owner, parts = [], []
    for number, sample in enumerate(samples):
        trace = trace_of(sample, endpoint.quantity)
        at = trace.origins()[-1:] if latest else trace.origins()
        owner.append(np.full(len(at), number, np.int64))
        parts.append(
            {
                "last": trace.values[at],
                "before": trace.values[at - 1],
                "gap_h": trace.hours[at] - trace.hours[at - 1],
            }
        )
    return _joined(owner, parts)


def described(
    task: PanelTask,
    samples: Sequence[Sample],
    events: Sequence[str],
    levels: Sequence[str],
    *,
    windows: bool = False,
    latest: bool = False,
) -> Origins:
    """Features of origins, and the windows behind them.

    Parameters
    ----------
    task, samples
        Whose endpoint, and whose traces.
    events, levels
        See :func:`suwen.engines.forecast.features.features`.
    windows
        Whether ``seen`` and ``given`` are wanted too.
    latest
        Only the last origin of each trace, for a stream or an explanation: the same row as among all.
    """
    endpoint = endpoint_of(task)
    ahead_h = [minutes / 60 for minutes in endpoint.horizons_min]
    owner, parts = [], []
    names: tuple[str, ...] = ()
    for number, sample in enumerate(samples):
        trace = trace_of(sample, endpoint.quantity)
        index = trace.origins()[-1:] if latest else trace.origins()
        x, names = features(trace, index, ahead_h, events=events, levels=levels)
        part = {"last": trace.values[index], "x": x}
        if windows:
            at = trace.hours[index]
            given = [doses(*trace.events.get(name, NOTHING), at) for name in events]
            part["seen"] = window(trace, at)
            part["given"] = np.stack(given, -1) if given else np.zeros((*part["seen"].shape, 0))
        owner.append(np.full(len(index), number, np.int64))
        parts.append(part)
    return _joined(owner, parts, names)


def changes(design: Origins, units: Units) -> Floats:
    """What is to be learned: the change from the last reading to each horizon, (u, H), NaN where unknown.

    Raises
    ------
    BadInput
        ``no-future`` when a horizon is never followed by a reading.
    """
    change: Floats = units.target - design.arrays["last"][:, None]
    if np.isnan(change).all(0).any():
        raise BadInput(
            "no reading is followed by another at one of the horizons",
            fix="Give longer traces, or horizons that fit the sensor's interval",
            code="no-future",
        )
    return change


def _joined(owner: list[Ints], parts: list[dict[str, Any]], names: tuple[str, ...] = ()) -> Origins:
    if not parts:
        raise BadInput("there is no trace to forecast from", code="no-samples")
    return Origins(
        owner=np.concatenate(owner),
        arrays={key: np.concatenate([part[key] for part in parts]) for key in parts[0]},
        names=names,
    )
