"""Where a page of a search ended, so that the next one goes on there whatever was written meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SortValue = str | float | None
"""What one sort key finds in a resource; ``None`` where it finds nothing."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last match of a page.

    Attributes
    ----------
    rid
        Its number.
    values
        Its values of the sort keys. They may identify a patient: to be sealed before they leave.
    total
        How many matches the first page counted.
    """

    rid: int
    values: tuple[SortValue, ...] = ()
    total: int | None = field(default=None, compare=False)

    def state(self) -> list[Any]:
        """As JSON can hold it; infinite numbers too."""
        values = [
            f"={value}" if isinstance(value, str) else None if value is None else repr(float(value))
            for value in self.values
        ]
        return [self.rid, self.total, *values]

    @classmethod
    def from_state(cls, state: Sequence[Any]) -> Cursor:
        """Undo :meth:`state`."""
        rid, total, *values = state
        return cls(
            rid,
            tuple(
                None if value is None else value[1:] if value.startswith("=") else float(value)
                for value in values
            ),
            total,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search.

    Attributes
    ----------
    rids
        Matches, in their order.
    included
        Resources that ``_include`` and ``_revinclude`` add.
    total
        All matches there are, where they were counted.
    next
        Where the next page starts; ``None`` on the last one.
    """

    rids: list[int]
    included: list[int]
    total: int | None
    next: Cursor | None
