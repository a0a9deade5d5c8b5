"""How a learner reads stays: which variables, descriptors and columns; declared by a task, light to import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suwen.core.sample import Sample
from suwen.engines.hourly.features import Table, Terms, last_and_trend, rich, table
from suwen.engines.hourly.grid import hours

if TYPE_CHECKING:
    from suwen.engines.panel.task import PanelTask


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Stays to the columns of their hours.

    Attributes
    ----------
    static
        Descriptors that are read.
    full
        Whether to read more than last values and trends.
    vital
        Variables measured often enough for running means and ranges.
    terms
        Further columns from last values and descriptors.
    """

    static: tuple[str, ...] = ()
    full: bool = False
    vital: tuple[str, ...] = ()
    terms: Terms | None = None

    def table(self, task: PanelTask, samples: Sequence[Sample]) -> Table:
        """The columns of every hour of these stays; each from its stay's past alone."""
        made = hours(samples, self.static)
        if self.full:
            return table(made, rich(made, task.names, self.static, self.vital, self.terms))
        return table(made, last_and_trend(made, task.names, self.static))
