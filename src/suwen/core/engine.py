"""What an engine must offer, so that the life cycle can drive any of them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from suwen.core.prediction import Abstention
from suwen.core.sample import Sample
from suwen.core.task import Task

Progress = Callable[[str], None]
"""Receives one line of progress; the command line prints it on stderr."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Labelled samples for learning, already split by subject.

    Attributes
    ----------
    train, validation
        Samples with a target. Validation alone stops training early and fixes every threshold.
    groups
        For each sample of ``train`` and then ``validation``: the subject (or near-duplicate cluster) it
        must not be parted from when an engine makes folds.
    """

    train: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Units:
    """What is scored: a sample where the endpoint is one answer, an hour of a stay, an origin of a forecast.

    Every model of a task scores the same units in the same order: all of the first sample in order of time,
    then all of the second.

    Attributes
    ----------
    owner
        Array (u,), int64, not falling: index of the sample each belongs to.
    hour
        Array (u,), float64: hours since the sample's start at which it is scored; 0 where there is one.
    target
        Array (u,) of class indices, -1 where unknown; (u, 2) of time and event (1 or 0); or (u, H) of future
        values, NaN where unknown.
    """

    owner: Any
    hour: Any
    target: Any

    def __len__(self) -> int:
        return len(self.owner)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What training leaves behind besides its files.

    Attributes
    ----------
    samples
        The samples behind ``logits``: the validation part, or all of train and validation when scores
        are out-of-fold.
    logits
        Array (u, ...) of scores before calibration, one row per unit; what a row holds is the endpoint's
        kind: logits (u, classes) of classes and alarms, values (u, horizons) of forecasts, log cumulative
        hazard (u, times) of survival.
    units
        What the rows are, where a sample has more than one or the target is no class.
    members
        One array like ``logits`` per ensemble member, where there are several.
    baselines
        Simple models, other learners and clinical scores on the same units, by name: probabilities
        (u, classes) for classes and alarms, else rows like ``logits``.
    history
        One mapping per epoch and member: what was learned when.
    engine_manifest
        What the engine needs to serve again: input size, normalisation, gates.
    cpu_seconds
        CPU time spent, by stage.
    """

    samples: tuple[Sample, ...]
    logits: Any
    baselines: Mapping[str, Any]
    history: Sequence[Mapping[str, float]]
    engine_manifest: Mapping[str, Any]
    units: Units | None = None
    members: Any = None
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Explainable:
    """One sample laid open for the explanation methods.

    Attributes
    ----------
    image
        Array (H, W), float32, 0 to 1: the input as the model saw it.
    probability
        Takes (n, H, W), returns (n,) probabilities of the explained class.
    own_maps
        Methods the model brings itself, by name: each takes (H, W) and returns (H, W).
    randomised
        Takes a seed; makes the same surface over a twin with random weights, for the sanity check.
    ground
        Array (H, W): what hidden parts show when the explanation is tested, an image without evidence for
        the explained class. ``None`` uses the blurred image.
    """

    image: Any
    probability: Callable[[Any], Any]
    own_maps: Mapping[str, Callable[[Any], Any]]
    randomised: Callable[[int], Explainable]
    ground: Any = None


@dataclass(frozen=True, kw_only=True)
class Players:
    """One sample laid open as parts that can be taken away: what was observed of a variable in a period.

    Attributes
    ----------
    variables, periods
        Of each player: the variable's name, and the period, (from, to) in hours, or ``None`` where it has none.
    shown
        What was observed there, in words, for the page.
    answer
        Takes (m, players) booleans, who is present; returns (m, K) outputs.
    outputs
        What each of the K outputs is: ``log-odds of died``, ``30 min``, a time of a survival curve.
    unit
        Unit of every output.
    headline
        Which output is explained first.
    said
        Array (K,): what the model answers for the untouched sample, which base and values must add up to.
    own
        Methods the model brings itself, by name: exact contributions of its trees, (players,) of the headline.
    edited
        Takes edits of variables' latest values (name to value) and returns the headline's risk, 0 to 1 or in
        its own unit, higher is worse; for counterfactual questions. ``None`` where there is no such question.
    latest
        Latest observed value of each variable, for the same.
    """

    variables: tuple[str, ...]
    periods: tuple[tuple[float, float] | None, ...]
    shown: tuple[str, ...]
    answer: Callable[[Any], Any]
    outputs: tuple[str, ...]
    unit: str
    headline: int
    said: Any = None
    own: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    edited: Callable[[Sequence[Mapping[str, float]]], Any] | None = None
    latest: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Raw:
    """What an engine says of one sample, before calibration and decision.

    Attributes
    ----------
    logits
        Array (classes,), or one row per unit of the sample; ``None`` when the input gates refused it.
    members
        The ensemble's own answers, one like ``logits`` per member.
    units
        The sample's units, where it has more than one or its target is no class.
    last
        Last observed value of the quantity at each unit, (u,), for forecasts.
    abstained
        Why the gates refused it, if they did.
    quality
        Figures of the gates, e.g. ``ood_score`` and ``ood_threshold``.
    detail
        What an engine's own kind of answer needs besides.
    """

    logits: Any
    members: Any
    units: Units | None = None
    last: Any = None
    abstained: Abstention | None = None
    quality: Mapping[str, float] = field(default_factory=dict)
    detail: Any = None


class ServedModel(Protocol):
    """A bundle, opened: answers behind its gates, scores for evaluation, opens itself to explanation."""

    def infer(self, samples: Sequence[Sample]) -> Sequence[Raw]:
        """One answer per sample, in order; a sample the gates refuse has no logits."""
        ...

    def gates(self, samples: Sequence[Sample]) -> Sequence[Abstention | None]:
        """Why each sample would be refused, or ``None``."""
        ...

    def logits(self, samples: Sequence[Sample]) -> Any:
        """Scores of every unit before calibration, gates not applied; rows as in :class:`Fitted`."""
        ...

    def units(self, samples: Sequence[Sample]) -> Units | None:
        """What those rows are; ``None`` where each sample is one and its target a class."""
        ...

    def baselines(self, samples: Sequence[Sample]) -> Mapping[str, Any]:
        """Simple models and clinical scores on the same units, by name; rows as in :class:`Fitted`."""
        ...

    def open_up(self, sample: Sample, explained: int) -> Explainable | Players:
        """Lay one sample open for explanation of the class (or other output) with index ``explained``."""
        ...


class Engine(Protocol):
    """How one family of models learns and runs; ``suwen.engines.<name>.engine`` is one."""

    name: str

    def setting_names(self) -> tuple[str, ...]:
        """Keys of the settings that are this engine's own."""
        ...

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check values and fill in the defaults; a value out of range is an UnknownSetting."""
        ...

    def check_ready(self) -> None:
        """Raise MissingExtra where a package that learning needs is not installed; imports nothing."""
        ...

    def views(self, sample: Sample) -> Mapping[str, Any]:
        """Trivial vectors of a sample for the data audit (``thumbnail``, ``border`` ...)."""
        ...

    def content_key(self, sample: Sample) -> str:
        """Hash that two samples share when their content is the same."""
        ...

    def fit(
        self,
        task: Task,
        parts: Parts,
        settings: Mapping[str, Any],
        run: Path,
        *,
        seed: int,
        progress: Progress,
    ) -> Fitted:
        """Train into ``run``, resuming what is already there, and export ``run/model``."""
        ...

    def sweep(
        self,
        task: Task,
        parts: Parts,
        settings: Mapping[str, Any],
        run: Path,
        *,
        trials: int,
        seed: int,
        progress: Progress,
    ) -> dict[str, Any]:
        """Search the settings on validation alone; returns the best, to be trained in full."""
        ...

    def load(self, task: Task, folder: Path, manifest: Mapping[str, Any]) -> ServedModel:
        """Open a verified bundle."""
        ...
