"""One line of the glossary: what a metric is called, which way is better, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower", "target", "none"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """How a report speaks of one metric.

    Attributes
    ----------
    title
        As people write it.
    direction
        Which way is better; ``target`` is best at :attr:`target`, ``none`` describes the sample.
    unit
        What one unit of the figure is, with its range.
    meaning
        One sentence for the report's reader.
    target
        The ideal value where direction is ``target``.
    """

    title: str
    direction: Direction
    unit: str
    meaning: str
    target: float | None = None
