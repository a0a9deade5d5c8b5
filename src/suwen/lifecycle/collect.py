"""``suwen collect``: what is in the data, and what is wrong with it."""

from __future__ import annotations

from typing import Any

from suwen.core.engine import Engine, Progress
from suwen.core.sample import Samples
from suwen.core.task import Task
from suwen.lifecycle.audit import Audit, audit, summary_lines
from suwen.lifecycle.cohorts import gather
from suwen.lifecycle.discovery import engine_for, find


def silent(_: str) -> None:
    """Progress that nobody listens to."""


def read(
    task: Task, engine: Engine, source: str, *, probe: bool, seed: int, progress: Progress
) -> tuple[Samples, Audit]:
    """Read a source and audit it; every verb that learns starts here."""
    progress("reading the source")
    samples = gather(task, source)
    found = audit(
        samples,
        views=engine.views,
        content_key=engine.content_key,
        endpoint=task.endpoint,
        probe=probe and task.endpoint.kind != "computed",  # nothing is learned that could take a shortcut
        seed=seed,
        progress=progress,
    )
    return samples, found


def collect(
    task_name: str, source: str, *, probe: bool = True, seed: int = 0, progress: Progress = silent
) -> dict[str, Any]:
    """Audit a source for a task, changing nothing.

    Parameters
    ----------
    task_name
        Whose labels and inputs the source should hold.
    source
        Path of a file or folder, its format recognised by its content; or ``record:NAME``.
    probe
        Whether small linear models look for shortcuts in trivial inputs.
    seed
        Of the probe's folds.
    progress
        Told what is being done.

    Returns
    -------
    dict
        The document of ``suwen collect --json``: counts, duplicates, conflicts, leakage, shortcuts and
        warnings.
    """
    task = find(task_name)
    _, found = read(task, engine_for(task), source, probe=probe, seed=seed, progress=progress)
    return {"task": task.name, **found.document(), "summary": summary_lines(found)}
