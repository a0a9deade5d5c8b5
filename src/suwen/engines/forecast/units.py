"""What a forecast is made from and judged by: origins, and the readings that followed them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suwen.core.endpoint import Forecast
from suwen.core.engine import Units
from suwen.core.sample import Sample
from suwen.engines.forecast.trace import trace_of
from suwen.formats.signals.observations import Observations

Floats = NDArray[np.float64]


def forecast_units(samples: Sequence[Sample], endpoint: Forecast) -> Units:
    """Every origin of every trace, with the values read later.

    Parameters
    ----------
    samples
        Traces as :class:`~suwen.formats.signals.observations.Observations`.
    endpoint
        Which quantity, how far ahead.

    Returns
    -------
    Units
        ``hour`` (u,) of each origin; ``target`` (u, H): the reading nearest to each horizon, within five
        minutes, NaN where there is none. It is found by time: across a gap there is no target.
    """
    ahead = np.asarray(endpoint.horizons_min, np.float64) / 60
    owner, hour, target = [], [], []
    for number, sample in enumerate(samples):
        trace = trace_of(sample, endpoint.quantity)
        at = trace.hours[trace.origins()]
        owner.append(np.full(len(at), number, np.int64))
        hour.append(at)
        target.append(trace.at(at[:, None] + ahead))
    return Units(
        owner=np.concatenate([*owner, np.zeros(0, np.int64)]),
        hour=np.concatenate([*hour, np.zeros(0)]),
        target=np.concatenate([*target, np.zeros((0, len(ahead)))]),
    )


def anchors(sample: Sample, endpoint: Forecast) -> NDArray[np.bool_]:
    """Observations (n,) without which there is no forecast from the last origin: its reading and the one before.

    What explains a forecast by leaving observations out must leave these in, or it would explain another one.
    """
    trace = trace_of(sample, endpoint.quantity)
    seen = next(value for value in sample.inputs.values() if isinstance(value, Observations))
    needed = [trace.hours[at - back] for at in trace.origins()[-1:] for back in (0, 1)]
    own = seen.variable == seen.names.index(endpoint.quantity)
    return np.asarray(own & np.isin(seen.hours, needed))


def periods(sample: Sample, endpoint: Forecast) -> Floats:
    """Edges, in hours, of the periods in which an explanation tells a trace apart: the finer the later.

    The last two hours by half hours, the two before them by hours, the day until then, and all that was earlier.
    """
    trace = trace_of(sample, endpoint.quantity)
    end = float(trace.hours[trace.origins()[-1]]) if len(trace.origins()) else 0.0
    before = end - np.array([24.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.5])
    return np.concatenate([[0.0], before[before > 0], [max(end, 1e-6)]])


def last_values(samples: Sequence[Sample], endpoint: Forecast) -> Floats:
    """The reading at each origin, (u,), in the order of :func:`forecast_units`."""
    traces = [trace_of(sample, endpoint.quantity) for sample in samples]
    return np.concatenate([*(trace.values[trace.origins()] for trace in traces), np.zeros(0)])
