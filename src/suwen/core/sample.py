"""One subject's inputs and target, and a collection of them that can be split by subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

SPLITS = ("train", "validation", "test")
"""Names of the parts of a dataset, everywhere."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One observation of one subject.

    Attributes
    ----------
    subject_id
        Whom it belongs to; samples of one subject never part across splits.
    inputs
        Field name to value, as the task's ``inputs`` describe them.
    target
        The endpoint's class name (or value); ``None`` means *unknown*, never negative.
    observed_at
        When it was observed, where known.
    source
        Where it came from, for the audit. May identify a subject: never logged.
    split
        The part the data set itself assigns, if it does.
    attributes
        Further columns of the labels table: subgroups for the report, suspects for the shortcut probe.
    """

    subject_id: str
    inputs: Mapping[str, Any]
    target: Any | None = None
    observed_at: datetime | None = None
    source: str = ""
    split: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """A record that could not be read, kept so that the audit can name it."""

    source: str
    code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Samples:
    """What a source yields: samples, a fingerprint, and the records that could not be read.

    Attributes
    ----------
    samples
        The readable records, in the source's order.
    fingerprint
        SHA-256 (hex) of content and labels, independent of file names and of the machine.
    unusable
        Records that could not be read.
    subjects_known
        Whether ``subject_id`` names real subjects; otherwise every record counts as its own.
    notes
        Sentences about the source that belong in the audit and the model card.
    integrity
        What a look at the records as a whole found, in JSON's own types: histograms, counts by reason.
    """

    samples: tuple[Sample, ...]
    fingerprint: str
    unusable: tuple[Unusable, ...] = ()
    subjects_known: bool = True
    notes: tuple[str, ...] = ()
    integrity: Mapping[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def __len__(self) -> int:
        return len(self.samples)

    def where(self, keep: Callable[[Sample], bool]) -> tuple[Sample, ...]:
        """The samples for which ``keep`` is true, in order."""
        return tuple(sample for sample in self.samples if keep(sample))
