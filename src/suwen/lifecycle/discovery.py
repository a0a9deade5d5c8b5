"""Find tasks by file name and by entry point; the life cycle never names a room."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points

from suwen.core.engine import Engine
from suwen.core.errors import Conflict, NotFound, nearest
from suwen.core.task import Task

ENTRY_POINTS = "suwen.tasks"
"""Outside packages register ``name = "package.module:task"`` under this group."""
ROOMS = "suwen.systems"


def _shipped() -> Iterator[tuple[str, str]]:
    """Names and modules of the tasks that live in the house: ``systems/<room>/<task>.py``."""
    rooms = importlib.import_module(ROOMS)
    for room in pkgutil.iter_modules(rooms.__path__):
        if not room.ispkg:
            continue
        package = importlib.import_module(f"{ROOMS}.{room.name}")
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                yield f"{room.name}.{module.name}", f"{ROOMS}.{room.name}.{module.name}"


def _load(name: str, module: str, attribute: str = "task") -> Task:
    task = getattr(importlib.import_module(module), attribute, None)
    if not isinstance(task, Task):
        raise Conflict(f"{module} holds no Task named '{attribute}'", where=name)
    if task.name != name:
        raise Conflict(
            f"the task in {module} calls itself '{task.name}'", fix=f"Name it '{name}', as its file says"
        )
    return task


@cache
def _index() -> dict[str, tuple[str, str]]:
    """Task name to (module, attribute); nothing but the rooms' packages is imported for it."""
    found = {name: (module, "task") for name, module in _shipped()}
    for point in entry_points(group=ENTRY_POINTS):
        if point.name in found:
            raise Conflict(
                f"the entry point '{point.name}' takes a name that exists",
                where=str(point.dist and point.dist.name),
            )
        module, _, attribute = point.value.partition(":")
        found[point.name] = (module, attribute or "task")
    return dict(sorted(found.items()))


def all_tasks() -> dict[str, Task]:
    """Every task, by name."""
    return {name: _load(name, *place) for name, place in _index().items()}


def find(name: str) -> Task:
    """The task of that name.

    Raises
    ------
    NotFound
        Naming the nearest task there is (code ``unknown-task``).
    """
    place = _index().get(name)
    if place is None:
        raise NotFound(f"there is no task '{name}'", fix=nearest(name, _index()), code="unknown-task")
    return _load(name, *place)


def engine_for(task: Task) -> Engine:
    """The engine a task names: ``suwen.engines.<engine>.engine``."""
    engine: Engine = importlib.import_module(f"suwen.engines.{task.engine}").engine
    return engine
