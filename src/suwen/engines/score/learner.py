"""A published clinical score as a learner: shown as published, or its points turned into probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json, write_json
from suwen.core.engine import Progress, Units
from suwen.core.errors import BadInput, SuwenError, Unreadable
from suwen.core.sample import Sample
from suwen.engines.panel.learner import Score
from suwen.engines.score.univariate import fit_points

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FILE = "score.json"
SMALLEST = 1e-6
"""Published probabilities are kept this far from 0 and 1 where their log-odds are taken."""


@dataclass(frozen=True, eq=False)
class Scored:
    """The score of each sample, (n,); NaN where its inputs do not allow one."""

    values: Floats

    def __len__(self) -> int:
        return len(self.values)

    def take(self, samples: Ints) -> Scored:
        """The scores of these samples, in the given order."""
        return Scored(self.values[samples])


@dataclass(frozen=True, kw_only=True)
class ScoreLearner:
    """A published rule beside the learned models; it never becomes part of an ensemble.

    Attributes
    ----------
    name
        Of the score.
    score
        Of one sample; NaN where an input is missing. The median of the training samples stands for it then,
        so that the score is compared on the same samples as its rivals.
    published
        Whether the score is a probability of the positive class already and is shown as it was published,
        whether or not it is calibrated here. Otherwise its points become probabilities by a logistic
        regression on them alone, which changes no ranking of two classes.
    """

    name: str
    score: Score
    published: bool = False
    family: str = "score"
    packages: tuple[str, ...] = ()

    def design(self, task: PanelTask, samples: Sequence[Sample]) -> Scored:
        """The score of each sample."""
        return Scored(np.array([self.score(sample) for sample in samples], np.float64))

    def fit(
        self,
        task: PanelTask,
        design: Scored,
        units: Units,
        folder: Path,
        *,
        settings: Mapping[str, Any],
        context: Mapping[str, Any],
        seed: int,
        progress: Progress,
    ) -> None:
        """Learn the median, and for points the regression.

        Raises
        ------
        BadInput
            ``not-a-probability`` where a published probability is none; ``too-many-classes`` where there
            are more than two to share it among.
        """
        known = units.target >= 0
        values, labels = design.values[known], units.target[known]
        there = values[np.isfinite(values)]
        facts: dict[str, Any] = {"published": self.published, "missing": int(len(values) - len(there))}
        facts["median"] = float(np.median(there)) if len(there) else 0.0
        if self.published:
            if len(there) and not (there.min() >= 0 and there.max() <= 1):
                raise BadInput(f"'{self.name}' is not a probability everywhere", code="not-a-probability")
            if len(context["classes"]) != 2:
                raise BadInput(
                    f"'{self.name}' is the probability of one of two classes", code="too-many-classes"
                )
            classes = list(context["classes"])
            # A median is needed where the score has no value; without any, the share of the class stands in.
            positive = getattr(task.endpoint, "positive", "") if task is not None else ""
            facts["positive"] = classes.index(positive) if positive in classes else 1
            if not len(there):
                facts["median"] = float((labels == facts["positive"]).mean())
        else:
            filled = np.where(np.isfinite(values), values, facts["median"])
            mean, scale = float(filled.mean()), float(filled.std()) or 1.0
            beta = fit_points((filled - mean) / scale, labels, len(context["classes"]))
            facts["coefficients"] = [
                list(row) for row in np.stack([beta[0] - beta[1] * mean / scale, beta[1] / scale])
            ]
        write_json(folder / FILE, facts)
        progress(f"{self.name}: {facts['missing']} of {len(values)} without a score")

    def open(self, task: PanelTask, folder: Path, prefix: str, context: Mapping[str, Any]) -> ScoreMember:
        """Open what :meth:`fit` wrote."""
        try:
            facts = read_json(folder / f"{prefix}{FILE}")
            return ScoreMember(
                median=float(facts["median"]),
                positive=int(facts["positive"]) if facts["published"] else None,
                coefficients=np.array(facts.get("coefficients", []), np.float64),
            )
        except (SuwenError, KeyError, TypeError, ValueError) as error:
            raise Unreadable("a score's figures cannot be opened", where=f"{prefix}{FILE}") from error


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreMember:
    """A score opened for serving.

    Attributes
    ----------
    median
        Stands for a missing score.
    positive
        Class a published probability is of; ``None`` for points.
    coefficients
        Array (2, K): intercept and slope of each class's logit, for points.
    """

    median: float
    positive: int | None
    coefficients: Floats

    def scores(self, design: Scored) -> Floats:
        """Logits (n, K)."""
        values = np.where(np.isfinite(design.values), design.values, self.median)
        if self.positive is None:
            out: Floats = self.coefficients[0] + values[:, None] * self.coefficients[1]
            return out
        p = np.clip(values, SMALLEST, 1 - SMALLEST)
        logits = np.zeros((len(p), 2))
        logits[:, self.positive] = np.log(p) - np.log1p(-p)
        return logits
