"""A run: the folder in which one training happens, and which a killed training finds again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suwen import __version__
from suwen.core.documents import now, read_json, write_json
from suwen.core.errors import Conflict, NotFound

RUN = "run.json"


def begin(
    folder: Path, *, task: str, seed: int, settings: Mapping[str, Any], fingerprint: str, sweep: int
) -> dict[str, Any]:
    """Start a run, or take up the same run where it was interrupted.

    Raises
    ------
    Conflict
        When the folder holds a finished run, another run, or something else.
    """
    wanted = {
        "task": task,
        "seed": seed,
        "settings": dict(settings),
        "data_fingerprint": fingerprint,
        "sweep": sweep,
        "code_version": __version__,
    }
    path = folder / RUN
    if path.exists():
        document: dict[str, Any] = read_json(path)
        if document["status"] == "finished":
            raise Conflict("this run is finished", where=str(folder), fix="Name another folder with --run")
        changed = sorted(key for key, value in wanted.items() if document.get(key) != value)
        if changed:
            raise Conflict(
                f"this folder holds an interrupted run with another {', '.join(changed)}",
                where=str(folder),
                fix="Repeat the command as it was to resume, or name another folder with --run",
            )
        return document
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict("this folder is not a run and not empty", where=str(folder), fix="Name another folder")
    document = {**wanted, "status": "running", "started_at": now()}
    write_json(path, document)
    return document


def abandon(folder: Path) -> None:
    """Take away what a refused training wrote; an interrupted one is kept, to be resumed."""
    shutil.rmtree(folder)


def finish(folder: Path, document: Mapping[str, Any], **facts: Any) -> None:
    """Mark a run finished."""
    write_json(folder / RUN, {**document, **facts, "status": "finished", "finished_at": now()})


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run."""
    return (folder / RUN).is_file()


def finished(folder: Path) -> dict[str, Any]:
    """The document of a finished run.

    Raises
    ------
    NotFound
        When the folder holds no run.
    Conflict
        When its training was not finished.
    """
    if not is_run(folder):
        raise NotFound("there is no run in this folder", where=str(folder), fix="Train one: suwen train")
    document: dict[str, Any] = read_json(folder / RUN)
    if document["status"] != "finished":
        raise Conflict(
            "the training in this folder was interrupted",
            where=str(folder),
            fix="Repeat the train command; it resumes from the last epoch",
        )
    return document
