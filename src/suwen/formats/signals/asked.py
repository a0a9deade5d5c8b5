"""What a reader asks of a task: its variables, the name of its input; and what subgroups are called."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from suwen.core.variables import Variable

if TYPE_CHECKING:
    from suwen.core.task import Task

BANDS = ((50, "<50"), (65, "50-64"), (80, "65-79"))
"""Upper bounds of the age bands of a report, in years."""


def variables_of(task: Task) -> tuple[Variable, ...]:
    """Variables of the task, in order; none where its kind of task has none."""
    return tuple(getattr(task, "variables", ()))


def input_of(task: Task) -> str:
    """Key of the task's one input in a sample."""
    return task.inputs[0].name


def age_band(years: float) -> str:
    """Age band for subgroups; empty where the age is unknown."""
    if math.isnan(years):
        return ""
    return next((name for bound, name in BANDS if years < bound), "80+")


def sex(number: float) -> str:
    """Sex for subgroups, from the 0 (female) and 1 (male) of PhysioNet's challenges; empty where unknown."""
    return {0.0: "female", 1.0: "male"}.get(number, "")
