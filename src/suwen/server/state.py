"""What one application knows: where data lies, which tasks it serves, its figures and its jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from starlette.requests import Request

from suwen.core.errors import NotFound, nearest
from suwen.core.task import Task
from suwen.lifecycle import discovery
from suwen.lifecycle import tasks as catalogue
from suwen.server.jobs import Jobs
from suwen.server.metrics import Metrics

if TYPE_CHECKING:
    from suwen.records.record import Record

P = ParamSpec("P")
T = TypeVar("T")

MODEL_THREADS = 2
"""Requests scored at one time; the others wait with their uploads on disk, so memory stays bounded."""


def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MODEL_THREADS, thread_name_prefix="suwen-model")


@dataclass(kw_only=True)
class State:
    """State of one application; ``app.state.suwen``.

    Attributes
    ----------
    data
        Folder under which every SOURCE lies; ``None`` closes the routes that learn.
    only
        Names of the tasks served.
    metrics, jobs
        Of this application.
    workers
        The threads that run models.
    samples
        Pictures offered to try, by task.
    record
        The patient record served under ``/fhir``, if any.
    followers
        What keeps patients' risks up to date, by task.
    """

    data: Path | None
    only: frozenset[str]
    jobs: Jobs
    metrics: Metrics = field(default_factory=Metrics)
    workers: ThreadPoolExecutor = field(default_factory=_pool)
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    record: Record | None = None
    followers: dict[str, Any] = field(default_factory=dict)

    def task(self, name: str) -> Task:
        """The task of that name, if it is served here.

        Raises
        ------
        NotFound
            Naming the nearest task that is.
        """
        if name not in self.only:
            raise NotFound(f"there is no task '{name}'", fix=nearest(name, self.only), code="unknown-task")
        return discovery.find(name)

    def tasks(self) -> list[dict[str, Any]]:
        """The document of ``suwen tasks``, of the tasks served here."""
        return [task for task in catalogue.tasks() if task["name"] in self.only]

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call that computes on the model threads, so that the event loop stays free."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.workers, partial(call, *args, **kwargs))


def served(only: Sequence[str]) -> frozenset[str]:
    """Names of the tasks that ``only`` selects: of a whole system, or one by one; all when empty.

    Raises
    ------
    NotFound
        For a name that is neither a system nor a task.
    """
    every = discovery.all_tasks()
    systems = {task.system for task in every.values()}
    for word in only:
        if word not in systems and word not in every:
            raise NotFound(
                f"there is no system or task '{word}'",
                fix=nearest(word, {*systems, *every}),
                code="unknown-task",
            )
    return frozenset(n for n, task in every.items() if not only or n in only or task.system in only)


def state(request: Request) -> State:
    """The state of the application that got this request."""
    return cast("State", request.app.state.suwen)
