"""What was computed for one question, and what an independent check said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Solution:
    """A computed answer.

    Attributes
    ----------
    kind
        What it is: ``path``, ``trajectory``, ``registration``, ``motion``.
    found
        Whether there is an answer; ``False`` is an answer too, and ``said`` tells why there is none.
    holds
        Whether the independent check holds; what does not hold is never put forward.
    said
        The answer in one line, with units.
    figures
        Measured figures, named with their unit; absent where one does not apply.
    units
        UCUM unit of each figure that has one; a figure without is a plain number.
    document
        The answer itself in JSON's own types.
    """

    kind: str
    found: bool
    holds: bool
    said: str
    figures: Mapping[str, float]
    units: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
