"""Why the model answered so: one explanation of one prediction, tested before it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suwen.core.engine import Players
from suwen.core.errors import UnknownSetting, nearest
from suwen.core.prediction import Explanation, Output, Prediction, Scores
from suwen.core.sample import Sample
from suwen.core.task import Task

if TYPE_CHECKING:
    from suwen.lifecycle.models import Loaded

DEFAULT = "default"
"""Asks for the first of a task's methods."""


def methods(task: Task) -> tuple[str, ...]:
    """Methods that explain a task, the first of them where none is named."""
    if any(field.kind == "image" for field in task.inputs):
        from suwen.explain.methods import METHODS

        return METHODS
    from suwen.explain.players import METHODS as OVER_PLAYERS

    return OVER_PLAYERS


def explain_sample(
    loaded: Loaded, sample: Sample, prediction: Prediction, method: str = DEFAULT
) -> Explanation | None:
    """Explain the class decided on, or the headline of another kind of answer; ``None`` after an abstention.

    Parameters
    ----------
    method
        One of :func:`methods`, or :data:`DEFAULT`.

    Raises
    ------
    UnknownSetting
        For an unknown method, naming the nearest.
    MissingExtra
        For a method without its package.
    """
    from suwen.explain.methods import explain
    from suwen.explain.players import explain_players

    known = methods(loaded.task)
    chosen = known[0] if method == DEFAULT else method
    if prediction.output is None:
        if chosen not in known:
            raise _unknown(chosen, known)
        return None
    opened = loaded.served.open_up(sample, explained(loaded.task, prediction.output))
    if isinstance(opened, Players):
        return explain_players(opened, chosen)
    if chosen not in known:
        raise _unknown(chosen, known)
    return explain(opened, chosen)


def explained(task: Task, output: Output) -> int:
    """Index of the class that is explained: the decided one of an image, of a risk the positive one."""
    if not isinstance(output, Scores):
        return task.endpoint.classes.index(task.endpoint.positive)
    if any(field.kind == "image" for field in task.inputs) or len(output.probabilities) > 2:
        return task.endpoint.classes.index(output.decision)
    return task.endpoint.classes.index(output.positive)


def _unknown(method: str, known: tuple[str, ...]) -> UnknownSetting:
    return UnknownSetting(
        f"there is no explanation method '{method}'", where="method", fix=nearest(method, known)
    )
