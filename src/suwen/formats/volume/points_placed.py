"""Points as a file has them, before frame and unit are applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Points as a file has them.

    Attributes
    ----------
    names
        One per point; empty for a point without one.
    places
        Three numbers for each.
    frame, unit
        What the file states; ``None`` where it does not.
    notes
        What was left out.
    """

    names: Sequence[str]
    places: Sequence[Sequence[float]]
    frame: str | None
    unit: str | None
    notes: tuple[str, ...] = ()
