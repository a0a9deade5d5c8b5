"""A stay laid open for explanation: the deciding score, asked about what is left of its latest observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.engine import Players
from suwen.core.sample import Sample
from suwen.engines.rules.fill import Known, fill
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.units import with_unit

if TYPE_CHECKING:
    from suwen.engines.rules.model import RulesModel

Floats = NDArray[np.float64]


def open_up(model: RulesModel, sample: Sample) -> Players:
    """The variables of a stay as players; present, a variable is as observed last, absent not at all.

    The output is the least total that what is present allows, so that an absent variable adds no points and
    is not taken for normal: :class:`~suwen.core.tally.Sheet` says what it could add.
    """
    (seen,) = sample.inputs.values()
    known = latest(seen)
    at = max(seen.length_h, float(seen.hours[-1]) if len(seen) else 0.0)
    score, units = model.scores[0], {one.name: one.unit for one in model.task.variables}

    def total(left: Known) -> float:
        sheet = fill(score, left, at, window_h=model.window_h, variables=model.replayer.variables)
        return float(sheet.least)

    def answer(present: Any) -> Floats:
        names = list(known)
        rows = np.asarray(present, bool)
        return np.array(
            [[total({n: known[n] for n, here in zip(names, row, strict=True) if here})] for row in rows]
        ).reshape(len(rows), 1)

    def edited(changes: Sequence[Mapping[str, float]]) -> Floats:
        return np.array(
            [total({**known, **{name: (at, value) for name, value in change.items()}}) for change in changes]
        )

    return Players(
        variables=tuple(known),
        periods=tuple(None for _ in known),
        shown=tuple(with_unit(value, units[name]) for name, (_, value) in known.items()),
        answer=answer,
        outputs=(f"{score.name} points",),
        unit="points",
        headline=0,
        edited=edited,
        latest={name: value for name, (_, value) in known.items()},
    )


def latest(seen: Observations) -> dict[str, tuple[float, float]]:
    """Hour and value of each variable's latest observation."""
    return {
        seen.names[int(index)]: (float(hour), float(value))
        for hour, index, value in zip(seen.hours, seen.variable, seen.values, strict=True)
    }
