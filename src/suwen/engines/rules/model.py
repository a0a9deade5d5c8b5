"""A deployed score: the signed tables, filled in; numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json
from suwen.core.engine import Players, Raw, Units
from suwen.core.prediction import Abstention
from suwen.core.sample import Sample
from suwen.engines.rules.stream import Filled, RulesStream
from suwen.engines.rules.table import scores_of
from suwen.engines.rules.task import RulesTask
from suwen.formats.signals.observations import Observations

Floats = NDArray[np.float64]


class RulesModel:
    """Serves one bundle; see :class:`suwen.core.engine.ServedModel`.

    Parameters
    ----------
    task
        Names the variables.
    folder
        The verified bundle.
    manifest
        Its manifest.
    """

    def __init__(self, task: RulesTask, folder: Path, manifest: Mapping[str, Any]) -> None:
        found = read_json(folder / manifest["engine_manifest"]["weights"])
        self.task = task
        self.scores = scores_of(found)
        self.window_h = float(found["window_h"])
        self.replayer = self.stream()

    def stream(self) -> RulesStream:
        """A fresh streaming state; see :class:`suwen.engines.rules.stream.RulesStream`."""
        return RulesStream(self.scores, self.window_h, self.task.variables)

    def filled(self, sample: Sample) -> Filled:
        """Every score at every moment of a stay."""
        (seen,) = sample.inputs.values()
        assert isinstance(seen, Observations)  # noqa: S101 (the task's source reads nothing else)
        return self.replayer.replay(seen)

    def infer(self, samples: Sequence[Sample]) -> list[Raw]:
        """Fill the scores in; a stay without a single vital sign is abstained from."""
        return [self._raw(self.filled(sample)) for sample in samples]

    def gates(self, samples: Sequence[Sample]) -> list[Abstention | None]:
        """Why a stay would not be answered for, or ``None``."""
        return [raw.abstained for raw in self.infer(samples)]

    def _raw(self, found: Filled) -> Raw:
        if not any(part.value is not None for sheet in found.courses[0] for part in sheet.parts):
            return Raw(
                logits=None,
                members=None,
                abstained=Abstention(
                    code="no-observations", reason="none of the score's vital signs was observed"
                ),
            )
        last = found.last
        return Raw(
            logits=np.array([float(last[0].least)]),
            members=None,
            quality={
                "missing": float(len(last[0].missing)),
                "points_open": float(last[0].most - last[0].least),
            },
            detail=found,
        )

    def logits(self, samples: Sequence[Sample]) -> Floats:
        """Least total of the deciding score at the end of each stay, (n, 1); NaN where nothing was observed."""
        return self._totals(samples, 0)

    def units(self, samples: Sequence[Sample]) -> Units | None:
        """One answer per sample."""
        return None

    def baselines(self, samples: Sequence[Sample]) -> dict[str, Floats]:
        """Totals of the other scores, (n, 1), by name."""
        return {
            score.name.lower(): self._totals(samples, place)
            for place, score in enumerate(self.scores)
            if place
        }

    def _totals(self, samples: Sequence[Sample], place: int) -> Floats:
        found = [self.filled(sample) for sample in samples]
        totals = [[float(one.last[place].least) if one.hours else np.nan] for one in found]
        return np.array(totals, np.float64).reshape(len(samples), 1)

    def open_up(self, sample: Sample, explained: int) -> Players:
        """Lay one stay open: what the deciding score's least total is when a variable was not observed."""
        from suwen.engines.rules.opened import open_up

        return open_up(self, sample)
