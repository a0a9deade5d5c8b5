"""A deployed panel: the winner's fold members, averaged; its rivals for comparison; no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json
from suwen.core.endpoint import Forecast
from suwen.core.engine import Players, Raw, Units
from suwen.core.prediction import Abstention
from suwen.core.sample import Sample
from suwen.engines.panel.fit import PANEL, as_baseline, units_of
from suwen.engines.panel.learner import Learner, Member
from suwen.engines.panel.task import PanelTask
from suwen.engines.panel.units import rows

if TYPE_CHECKING:
    from suwen.engines.panel.stream import PanelStream

Floats = NDArray[np.float64]
CHUNK = 2000
"""Samples scored at once, so that designs of long stays stay small in memory."""


class PanelModel:
    """Serves one bundle; see :class:`suwen.core.engine.ServedModel`.

    Parameters
    ----------
    task
        The task it answers, its classes settled.
    folder
        The verified bundle.
    manifest
        Its manifest.
    """

    def __init__(self, task: PanelTask, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.task, self.folder, self.manifest = task, folder, manifest
        facts = read_json(folder / PANEL)
        self.parts: dict[str, float] = facts["weights"]
        self.added = np.asarray(facts["added"], np.float64)
        self.winner: str = facts["winner"]
        self.names: list[str] = facts["learners"]
        self.folds = int(facts["folds"])
        self.context = dict(facts["context"])
        if "grid" in self.context:
            self.context["grid"] = np.asarray(self.context["grid"], np.float64)
        self.learners: dict[str, Learner] = {one.name: one for one in task.learners if one.name in self.names}
        self.members = cache(self._open)
        for name in self.parts:
            self.members(name)

    def _open(self, name: str) -> tuple[Member, ...]:
        return tuple(
            self.learners[name].open(self.task, self.folder, f"{name}.{number}.", self.context)
            for number in range(self.folds)
        )

    def of(self, name: str, samples: Sequence[Sample]) -> Floats:
        """Scores (folds, u, K) of one learner's members."""
        learner = self.learners[name]
        parts = []
        for start in range(0, len(samples), CHUNK):
            design = learner.design(self.task, samples[start : start + CHUNK])
            parts.append(np.stack([member.scores(design) for member in self.members(name)]))
        out: Floats = np.concatenate(parts, axis=1)
        return out

    def members_scores(self, samples: Sequence[Sample]) -> Floats:
        """Scores (folds, u, K) of what is deployed, fold by fold."""
        parts = [weight * self.of(name, samples) for name, weight in self.parts.items()]
        out: Floats = np.sum(parts, axis=0) + self.added
        return out

    def gates(self, samples: Sequence[Sample]) -> list[Abstention | None]:
        """Why each sample would be refused, or ``None``."""
        return [self.task.gate(sample) for sample in samples]

    def units(self, samples: Sequence[Sample]) -> Units | None:
        """What the rows of the scores are; ``None`` for plain classes."""
        return None if self.task.endpoint.kind == "classes" else units_of(self.task, samples)

    def logits(self, samples: Sequence[Sample]) -> Floats:
        """Scores of every unit, gates not applied."""
        out: Floats = self.members_scores(samples).mean(0)
        return out

    def latest(self, samples: Sequence[Sample]) -> Floats:
        """Forecasts (m, H) from the last origin of each trace alone: as :meth:`logits` has them, sooner."""
        scores = [
            weight * np.mean([one.scores(design) for one in self.members(name)], axis=0)
            for name, weight in self.parts.items()
            for design in [self.learners[name].latest(self.task, samples)]  # type: ignore[attr-defined]  # forecasting learners have it
        ]
        out: Floats = np.sum(scores, axis=0) + self.added
        return out

    def infer(self, samples: Sequence[Sample]) -> list[Raw]:
        """One answer per sample; a sample the gates refuse has no scores."""
        refused = self.gates(samples)
        open_ = [i for i, why in enumerate(refused) if why is None]
        answers = [Raw(logits=None, members=None, abstained=why) for why in refused]
        if not open_:
            return answers
        chosen = [samples[i] for i in open_]
        scores = self.members_scores(chosen)
        units = units_of(self.task, chosen)
        last = None
        if isinstance(self.task.endpoint, Forecast):
            from suwen.engines.forecast.units import last_values

            last = last_values(chosen, self.task.endpoint)
        single = self.task.endpoint.kind == "classes"
        for number, i in enumerate(open_):
            at = rows(units, np.array([number]))
            mine = scores[:, at]
            answers[i] = Raw(
                logits=mine.mean(0)[0] if single else mine.mean(0),
                members=mine[:, 0] if single else mine,
                units=None
                if single
                else Units(owner=np.zeros(len(at), np.int64), hour=units.hour[at], target=units.target[at]),
                last=None if last is None else last[at],
            )
        return answers

    def baselines(self, samples: Sequence[Sample]) -> dict[str, Floats]:
        """Every rival of the deployed model on the same units; an ensemble that lost is not carried along."""
        rivals = [name for name in self.names if name != self.winner]
        return {name: as_baseline(self.task, self.of(name, samples).mean(0)) for name in rivals}

    def open_up(self, sample: Sample, explained: int) -> Players:
        """Lay one sample open for explanation of the output with index ``explained``."""
        from suwen.engines.panel.opened import open_up

        return open_up(self, sample, explained)

    def stream(self) -> PanelStream:
        """Follow patients as observations arrive: the same answers as in batch, one step each."""
        from suwen.engines.panel.stream import PanelStream

        return PanelStream(self)
