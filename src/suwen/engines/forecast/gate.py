"""When no forecast is made: too little was read, or the last reading stands alone or is old."""

from __future__ import annotations

from dataclasses import dataclass

from suwen.core.prediction import Abstention
from suwen.core.sample import Sample
from suwen.engines.forecast.trace import NEIGHBOUR_H, trace_of
from suwen.formats.signals.observations import Observations


@dataclass(frozen=True, kw_only=True)
class History:
    """The gate of a forecast; give one as ``PanelTask.gate``.

    Attributes
    ----------
    quantity
        The variable that is forecast.
    least
        Readings that must be known.
    """

    quantity: str
    least: int = 4

    def __call__(self, sample: Sample) -> Abstention | None:
        """Why there is no forecast from the end of this trace, or ``None``.

        Codes: ``too-short``, ``stale`` (something else was observed, or time passed, more than 20 minutes
        after the last reading), ``gap`` (no other reading within the 20 minutes before the last).
        """
        trace = trace_of(sample, self.quantity)
        if len(trace.hours) < self.least:
            return Abstention(
                code="too-short",
                reason=f"{len(trace.hours)} readings of {self.quantity} are too few for a forecast: at least "
                f"{self.least} are needed",
            )
        seen = next(value for value in sample.inputs.values() if isinstance(value, Observations))
        late_h = max(seen.length_h, float(seen.hours[-1])) - trace.hours[-1]
        if late_h > NEIGHBOUR_H:
            return Abstention(
                code="stale",
                reason=f"the last reading of {self.quantity} is {60 * late_h:.0f} minutes old, "
                "too old to forecast from",
            )
        if trace.origins()[-1:].tolist() != [len(trace.hours) - 1]:
            gap_min = 60 * (trace.hours[-1] - trace.hours[-2])
            return Abstention(
                code="gap",
                reason=f"{gap_min:.0f} minutes without a reading came just before the last one: "
                "its trend is unknown",
            )
        return None
