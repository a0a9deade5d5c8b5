"""What a clinical task is: its intended use, inputs, endpoint, engine and floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from suwen.core.endpoint import (
    ABSENT_LABELS,
    Alarm,
    AnyEndpoint,
    Code,
    Computed,
    Endpoint,
    Forecast,
    Points,
    TimeToEvent,
)
from suwen.core.limit import Limit

if TYPE_CHECKING:
    from pathlib import Path

    from suwen.core.sample import Sample, Samples

__all__ = [
    "ABSENT_LABELS",
    "DISCLAIMER",
    "Alarm",
    "AnyEndpoint",
    "Code",
    "Computed",
    "Endpoint",
    "Field",
    "Forecast",
    "Limit",
    "Points",
    "Task",
    "TimeToEvent",
]

DISCLAIMER = "Research and decision support. Not a diagnosis; a clinician decides."


@dataclass(frozen=True, kw_only=True)
class Field:
    """One input of a task.

    Attributes
    ----------
    name
        Key in ``Sample.inputs``.
    kind
        ``image``, ``text``, ``table``, ``series`` ...
    description
        What a clinician would call it, with unit and range where it has one.
    accepts
        For images: DICOM modalities (0008,0060) that may be given.
    body_parts
        For images: DICOM body parts (0018,0015) that may be given; empty accepts any.
    """

    name: str
    kind: str
    description: str
    accepts: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Task:
    """One clinical task; a file ``systems/<room>/<name>.py`` holds one as ``task``.

    Attributes
    ----------
    name
        ``<room>.<file>``.
    title, intended_use, not_for
        For people; they open the model card.
    inputs, endpoint
        What goes in and what comes out.
    engine
        Name of the engine that learns and runs it: ``suwen.engines.<engine>``.
    metrics
        Metrics that the report leads with.
    floor
        Metric to the least value with which a model may be promoted.
    settings
        This task's changes to the engine's defaults.
    credits
        Data fingerprint to source and licence, for published data sets; a card cites the one it learned from.
    reviewed_leakage
        Known defects of published files that a person has reviewed: ``"<fingerprint A>+<fingerprint B>"``
        of two splits, to a sentence. There, and only there, the training copies of leaked images are
        dropped instead of stopping.
    protocol
        What a hospital fixes for this task by itself, with its limits; settings like those of the engine.
    """

    name: str
    title: str
    intended_use: str
    not_for: str
    inputs: tuple[Field, ...]
    endpoint: AnyEndpoint
    engine: str
    metrics: tuple[str, ...] = ("auroc", "auprc", "accuracy", "sensitivity", "specificity", "brier", "ece")
    floor: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    credits: Mapping[str, str] = field(default_factory=dict)
    reviewed_leakage: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    protocol: tuple[Limit, ...] = ()

    @property
    def system(self) -> str:
        """The room the task lives in."""
        return self.name.partition(".")[0]

    def collect(self, source: str) -> Samples:
        """Read a source into samples; overridden by the engine's kind of task."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to collect")

    def read(self, item: Path | bytes) -> Sequence[Sample]:
        """Read an input for prediction: one sample, or several from an archive; overridden likewise."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to read an input")

    def prepare(self, sample: Sample) -> Sample:
        """Bring one sample into the form the engine learns from. Deterministic, per sample."""
        return sample
