"""A task whose classes are those of the data, once the data are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from suwen.core.sample import Sample
from suwen.core.task import Endpoint, Task


def settle(task: Task, classes: Sequence[str]) -> Task:
    """The task with these classes where its endpoint leaves them open; any other task unchanged.

    Parameters
    ----------
    task
        Any task.
    classes
        Names in score order; the first is the positive class.
    """
    endpoint = task.endpoint
    if not isinstance(endpoint, Endpoint) or not endpoint.is_open or not classes:
        return task
    named = dict.fromkeys(classes, ())
    return replace(task, endpoint=replace(endpoint, labels=named, positive=classes[0]))


def settle_on(task: Task, samples: Iterable[Sample]) -> Task:
    """The task with the classes that these samples name, sorted."""
    return settle(task, sorted({str(s.target) for s in samples if s.target is not None}))
