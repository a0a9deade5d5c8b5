"""One surgical question: from where to where in which anatomy, past what, with what."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from suwen.core.documents import dumps

if TYPE_CHECKING:
    from suwen.formats.volume.volume import Volume

Point = tuple[float, float, float]
KINDS = ("free", "rigid", "steerable")
"""What an instrument can follow: any line, a straight one, a line of limited curvature."""


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """What goes in.

    Attributes
    ----------
    radius_mm
        Of the shaft.
    kind
        One of :data:`KINDS`.
    turning_radius_mm
        Least radius of curvature it can follow, where it is steerable.
    """

    radius_mm: float = 0.65
    kind: str = "free"
    turning_radius_mm: float | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """A point, or a structure in which the best point is looked for.

    Attributes
    ----------
    lps_mm
        Patient coordinates, mm; ``None`` where only the structure is named.
    structure
        Label value; ``None`` where the point is given.
    """

    lps_mm: Point | None = None
    structure: int | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """Everything a planner is told.

    Attributes
    ----------
    labels
        The segmented anatomy.
    target
        Where to.
    also
        Further targets: of a trajectory each gets an electrode of its own, none in another's way.
    entry
        From where; ``None`` leaves the choice among all of the body's surface.
    critical
        Label value to name: what must keep its margin.
    weights
        Label value to extra cost per mm inside it, 0 or more, as multiples of the length.
    bone
        Label values whose surface the entry angle is measured to; empty uses the body's surface.
    body
        Array (I, J, K), bool, on the labels' grid: where tissue is. ``None`` where it is not known: then
        everything in the image is.
    image
        The picture behind the labels, for the page.
    instrument
        What goes in.
    registration_tre_mm
        Root mean square registration error at the target, where it was measured for this patient.
    subject_id, simulated
        Whom it is about; whether it is a phantom.
    name
        Of the case, as its author calls it.
    """

    labels: Volume
    target: Place
    also: tuple[Place, ...] = ()
    entry: Place | None = None
    critical: Mapping[int, str]
    weights: Mapping[int, float] = field(default_factory=dict)
    bone: tuple[int, ...] = ()
    body: Any = None
    image: Volume | None = None
    instrument: Instrument = field(default_factory=Instrument)
    registration_tre_mm: float | None = None
    subject_id: str = ""
    simulated: bool = False
    name: str = ""

    @property
    def stratum(self) -> str:
        """See :class:`suwen.formats.surgical.source.Question`."""
        return "anatomy"

    @property
    def reference(self) -> Mapping[str, float]:
        """Nothing is known beforehand: the answer is judged by its own check."""
        return {}

    @cached_property
    def question(self) -> dict[str, Any]:
        """What was asked, without the arrays: JSON's own types."""
        return {
            "image": self.labels.content_key(),
            "body": None if self.body is None else hashlib.sha256(self.body.tobytes()).hexdigest(),
            "entry": self.entry,
            "target": self.target,
            "also": self.also,
            "critical": {str(key): self.critical[key] for key in sorted(self.critical)},
            "weights": {str(key): self.weights[key] for key in sorted(self.weights)},
            "bone": sorted(self.bone),
            "instrument": self.instrument,
            "registration_tre_mm": self.registration_tre_mm,
        }

    def content_key(self) -> str:
        """SHA-256 (hex) of the anatomy and of what was asked; not of names, files or people."""
        return hashlib.sha256(dumps(self.question, indent=None).encode()).hexdigest()
