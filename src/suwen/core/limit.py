"""A number that a hospital fixes for a task: its default, its limits, its unit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from suwen.core.errors import UnknownSetting


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One setting of a task's own protocol.

    Attributes
    ----------
    name
        As in ``--set name=value``; it ends with its unit, where it has one.
    default
        Value where nobody sets it.
    least, most
        Range, both ends allowed.
    meaning
        What it is for, in a few words.
    """

    name: str
    default: float
    least: float
    most: float
    meaning: str

    def check(self, value: Any) -> float:
        """The value as a number.

        Raises
        ------
        UnknownSetting
            When it is no number or outside the range.
        """
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not self.least <= value <= self.most:
            raise UnknownSetting(
                f"the setting '{self.name}' cannot be {value!r}", fix=f"{self.least:g} to {self.most:g}"
            )
        return float(value)


def resolve_limits(limits: Iterable[Limit], values: Mapping[str, Any]) -> dict[str, float]:
    """Every limit's value: the given one where there is one, else its default.

    Raises
    ------
    UnknownSetting
        When a value is no number or outside its range.
    """
    return {one.name: one.check(values.get(one.name, one.default)) for one in limits}
