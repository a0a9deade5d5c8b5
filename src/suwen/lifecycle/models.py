"""The registry: every bundle ever deployed, and which one is in service.

``SUWEN_HOME/models/<task>/<version>/`` holds bundles, ``registry.jsonl`` one line per event, never
rewritten. The bundle in service is the last one promoted and not rolled back; before the first, the shipped
one.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from suwen.core.documents import dumps, now
from suwen.core.engine import ServedModel
from suwen.core.errors import Conflict, NotFound, SuwenError, Unreadable
from suwen.core.home import home
from suwen.core.task import Task
from suwen.lifecycle.bundle import MANIFEST, open_bundle
from suwen.lifecycle.discovery import engine_for
from suwen.lifecycle.settle import settle

SHIPPED = "shipped"


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A verified bundle, opened by its engine."""

    task: Task
    folder: Path
    manifest: dict[str, Any]
    served: ServedModel

    @property
    def name(self) -> str:
        """``<task>@<version>``, as provenance cites it."""
        return f"{self.task.name}@{self.manifest['version']}"


def folder_of(task: str) -> Path:
    """Where a task's bundles are kept."""
    return home() / "models" / task


def events(task: str) -> list[dict[str, Any]]:
    """What ever happened to a task's models, oldest first."""
    path = folder_of(task) / "registry.jsonl"
    if not path.exists():
        return []
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
    except ValueError as error:
        raise Unreadable("the model registry is damaged", where=str(path), fix=str(error)) from None


def record(task: str, event: str, version: str) -> None:
    """Append one event, synced."""
    path = folder_of(task) / "registry.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as out:
        out.write(dumps({"at": now(), "event": event, "version": version}, indent=None) + "\n")
        out.flush()
        os.fsync(out.fileno())


def promoted(task: str) -> list[str]:
    """Versions in order of promotion, the last one in service; a rollback takes the last one off.

    Two processes may write the same event at the same time; the second one changes nothing.
    """
    stack: list[str] = []
    for event in events(task):
        on_top = stack[-1:] == [event["version"]]
        if event["event"] == "promoted" and not on_top:
            stack.append(event["version"])
        elif event["event"] == "rolled-back" and on_top:
            stack.pop()
    return stack


def shipped(task: str) -> Path | None:
    """The bundle that ships with the package for this task, if one does."""
    with as_file(files("suwen.shipped")) as folder:
        path = Path(folder) / task
    return path if (path / MANIFEST).exists() else None


def current(task: str) -> tuple[str, Path]:
    """Version name and folder of the bundle in service.

    Raises
    ------
    NotFound
        When the task has no model yet (code ``no-model``).
    """
    stack = promoted(task)
    if stack:
        return stack[-1], folder_of(task) / stack[-1]
    own = shipped(task)
    if own is None:
        raise NotFound(
            f"no model is deployed for '{task}'",
            fix=f"Run: suwen train {task} --from SOURCE --run DIR, then suwen deploy DIR",
            code="no-model",
        )
    return SHIPPED, own


def store(task: str, bundle: Path, version: str) -> Path:
    """Copy a sealed bundle into the registry, whole or not at all; a damaged copy is replaced."""
    target = folder_of(task) / version
    if _intact(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{version}.") as beside:
        whole = Path(beside) / "whole"
        shutil.copytree(bundle, whole)
        whole.chmod(0o755)
        try:
            if target.exists():
                target.rename(Path(beside) / "damaged")
            whole.rename(target)
        except OSError:  # another process deployed the same bundle in this moment
            if not _intact(target):
                raise
    return target


def _intact(folder: Path) -> bool:
    """Whether a folder holds a bundle that verifies."""
    try:
        open_bundle(folder)
    except SuwenError:
        return False
    return True


def roll_back(task: str) -> str:
    """Take the model in service off; the one before it serves again.

    Raises
    ------
    Conflict
        When there is nothing to go back to.
    """
    stack = promoted(task)
    if not stack or (len(stack) == 1 and shipped(task) is None):
        raise Conflict(
            f"'{task}' has no earlier model to go back to",
            fix="Deploy another run first",
            code="no-earlier-model",
        )
    record(task, "rolled-back", stack[-1])
    return current(task)[0]


def load(task: Task, folder: Path | None = None) -> Loaded:
    """Verify and open the bundle in service (or the one in ``folder``).

    The opened model is kept until its manifest changes; it is verified anew whenever it is read from disk.
    """
    where = folder or current(task.name)[1]
    if not (where / MANIFEST).exists():
        raise NotFound("the registered model is gone from disk", where=str(where), fix="Deploy it again")
    stamp = tuple(
        (path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(where.iterdir())
    )
    return _load(task.name, where, stamp)


@lru_cache(maxsize=8)
def _load(name: str, where: Path, stamp: tuple[Any, ...]) -> Loaded:
    from suwen.lifecycle.discovery import find

    task = find(name)
    manifest = open_bundle(where)
    if manifest["task"] != name:
        raise Conflict(f"this model was trained for '{manifest['task']}', not '{name}'")
    try:
        task = settle(task, manifest["classes"])
        served = engine_for(task).load(task, where, manifest)
    except (FileNotFoundError, KeyError) as error:
        raise Conflict(
            f"this model was made by suwen {manifest.get('code_version')} and lacks what this version needs",
            where=where.name,
            fix="Train and deploy it again",
            code="old-bundle",
        ) from error
    return Loaded(task=task, folder=where, manifest=manifest, served=served)


def in_service(task: str) -> dict[str, Any] | None:
    """The model in service and its report, without opening it; ``None`` before the first."""
    try:
        source, folder = current(task)
    except NotFound:
        return None
    manifest = open_bundle(folder)
    return {
        "model": f"{task}@{manifest['version']}",
        "source": source,
        "created_at": manifest["created_at"],
        "precision": manifest["engine_manifest"].get("precision"),
        "weights_sha256": manifest["weights_sha256"],
        "data_fingerprint": manifest["data_fingerprint"],
        "report": manifest["report"],
        "warnings": manifest["warnings"],
    }
