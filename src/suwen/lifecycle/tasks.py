"""``suwen tasks``: what there is to ask, and which model answers."""

from __future__ import annotations

from typing import Any

from suwen.core.errors import SuwenError
from suwen.core.task import Task
from suwen.lifecycle.discovery import all_tasks
from suwen.lifecycle.models import in_service


def tasks() -> list[dict[str, Any]]:
    """The document behind ``suwen tasks``: every task, its model in service and that model's report."""
    listed = []
    for task in all_tasks().values():
        deployed, problem = None, None
        try:
            deployed = in_service(task.name)
        except SuwenError as error:  # one altered model must not hide the other tasks
            problem = f"{error} [{error.code}]"
        listed.append(describe(task) | {"deployed": deployed, "problem": problem})
    return listed


def describe(task: Task) -> dict[str, Any]:
    """What a task says of itself."""
    return {
        "name": task.name,
        "system": task.system,
        "title": task.title,
        "intended_use": task.intended_use,
        "not_for": task.not_for,
        "inputs": list(task.inputs),
        "endpoint": {"classes": task.endpoint.classes, "positive": task.endpoint.positive},
        "engine": task.engine,
        "metrics": task.metrics,
        "floor": task.floor,
    }
