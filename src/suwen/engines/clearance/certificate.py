"""What a checked path comes with: how clear it is of each structure, where it is nearest, if that is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from suwen.core.documents import plain
from suwen.engines.clearance.grid import Floats, Ints


@dataclass(frozen=True, kw_only=True)
class StructureClearance:
    """How near the instrument comes to one structure.

    Attributes
    ----------
    label, name
        The structure.
    clearance_mm
        Least clearance of all samples: distance to the structure less the instrument's radius. Negative where
        the instrument is in it, though never below the negative radius.
    clearance_lower_bound_mm
        What the clearance of the whole continuous path is not below: its exact minimum, less 1e-9 mm for
        rounding.
    margin_mm
        What was asked for.
    at_grid_mm
        Point of the path's axis where it is nearest.
    arc_length_mm
        How far along the path that is.
    """

    label: int
    name: str
    clearance_mm: float
    clearance_lower_bound_mm: float
    margin_mm: float
    at_grid_mm: tuple[float, float, float]
    arc_length_mm: float

    @property
    def slack_mm(self) -> float:
        """What is left of the clearance beyond the margin; negative where the margin is not kept."""
        return self.clearance_lower_bound_mm - self.margin_mm

    @property
    def holds(self) -> bool:
        """Whether the margin is kept along the whole path, and nothing is touched even where the margin is 0."""
        return self.slack_mm >= -2e-9 and self.clearance_lower_bound_mm > 0


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A stretch of the path that is closer to a structure than its margin, in mm along the path."""

    label: int
    from_mm: float
    to_mm: float
    clearance_mm: float


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Clearance along the path, one entry per sample.

    Attributes
    ----------
    arc_length_mm
        Rising from 0 to the length of the path, shape (n,).
    label
        Structure that is nearest there, shape (n,).
    clearance_mm
        Distance to it less the instrument's radius, shape (n,).
    """

    arc_length_mm: Floats
    label: Ints
    clearance_mm: Floats

    def thinned(self, limit: int = 400) -> Curve:
        """At most about ``limit`` samples: evenly spaced ones, both ends, and the nearest of all."""
        count = len(self.arc_length_mm)
        kept = np.unique(
            np.append(np.linspace(0, count - 1, min(limit, count)).round(), np.argmin(self.clearance_mm))
        ).astype(np.int64)
        return Curve(
            arc_length_mm=self.arc_length_mm[kept],
            label=self.label[kept],
            clearance_mm=self.clearance_mm[kept],
        )


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """The checker's word on one path.

    Attributes
    ----------
    holds
        Whether every margin is kept along the whole continuous path, inside the image.
    reasons
        Why not, in sentences; empty where it holds.
    clearance_mm, clearance_lower_bound_mm
        The least of all structures: of the samples, and of the continuous path (see `StructureClearance`).
    nearest_label
        Structure that is.
    at_grid_mm, arc_length_mm
        Where.
    structures
        Each critical structure, that with the least slack first.
    violations
        Stretches closer than a margin.
    violation_mm
        Length of path in violation of at least one margin.
    outside_mm
        Length of path outside the image.
    curve
        Clearance along the path.
    length_mm, radius_mm, step_mm, samples
        Of the path, of the instrument, between samples at most, and their number.
    absent
        Critical labels that the image does not have, where the caller allowed that.
    """

    holds: bool
    reasons: tuple[str, ...]
    clearance_mm: float
    clearance_lower_bound_mm: float
    nearest_label: int
    at_grid_mm: tuple[float, float, float]
    arc_length_mm: float
    structures: tuple[StructureClearance, ...]
    violations: tuple[Violation, ...]
    violation_mm: float
    outside_mm: float
    curve: Curve
    length_mm: float
    radius_mm: float
    step_mm: float
    samples: int
    absent: tuple[int, ...]

    def as_dict(self, curve_limit: int = 400) -> dict[str, Any]:
        """The certificate as a JSON document, its curve thinned to about ``curve_limit`` samples."""
        document: dict[str, Any] = plain(self)
        document["curve"] = plain(self.curve.thinned(curve_limit))
        for entry, structure in zip(document["structures"], self.structures, strict=True):
            entry["slack_mm"], entry["holds"] = structure.slack_mm, structure.holds
        return document
