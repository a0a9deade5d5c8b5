"""``suwen deploy``: promote a run's model, signed, where its report reaches the floor; roll back."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from suwen.core.documents import write_bytes
from suwen.core.errors import FloorMissed
from suwen.core.report import Report
from suwen.lifecycle import models
from suwen.lifecycle import run as runs
from suwen.lifecycle.bundle import CARD, open_bundle, seal, version_of
from suwen.lifecycle.card import render
from suwen.lifecycle.discovery import find
from suwen.lifecycle.evaluation.document import read_report
from suwen.lifecycle.evaluation.report import reaches
from suwen.lifecycle.train import summary


def candidate(run: Path, folder: Path) -> dict[str, Any]:
    """Copy a run's model into ``folder`` with its card, sealed anew; returns the manifest.

    The report it stands on is that of the test part where one was made, else of validation.

    Raises
    ------
    FloorMissed
        When a floored metric is below the task's floor.
    """
    document = runs.finished(run)
    task = find(document["task"])
    manifest = open_bundle(run / "model")
    report = decisive_report(run)
    if not reaches(report.metrics, task.floor):
        missed = ", ".join(
            f"{name} {report.metrics[name].value:.3f} where {least} is asked"
            for name, least in task.floor.items()
            if name not in report.metrics or not reaches(report.metrics, {name: least})
        )
        raise FloorMissed(
            f"the {report.split} report misses the floor of '{task.name}': {missed}",
            where=str(run),
            fix="Train a better model, or lower the floor in the task, for a stated reason",
        )
    for name in manifest["files"]:
        if name != CARD:
            shutil.copy2(run / "model" / name, folder / name)
    warnings = list(dict.fromkeys([*manifest["warnings"], *report.warnings]))
    manifest |= {"report": summary(report), "warnings": warnings}
    manifest["version"] = version_of(manifest)
    write_bytes(folder / CARD, render(task, report, manifest).encode())
    return seal(folder, manifest)


def decisive_report(run: Path) -> Report:
    """The report of the test part if one was made, else of validation."""
    test = run / "reports" / "test" / "report.json"
    return read_report(test if test.exists() else run / "reports" / "validation" / "report.json")


def deploy(run: Path) -> dict[str, Any]:
    """Promote a run's model into service.

    Parameters
    ----------
    run
        Folder of a finished run.

    Returns
    -------
    dict
        The document of ``suwen deploy --json``.

    Raises
    ------
    FloorMissed
        When the report does not reach the task's floor.
    Untrusted
        When the run's model was altered since training.
    """
    with tempfile.TemporaryDirectory() as folder:
        manifest = candidate(run, Path(folder))
        place = models.store(manifest["task"], Path(folder), manifest["version"])
    models.load(find(manifest["task"]), place)
    if models.promoted(manifest["task"])[-1:] != [manifest["version"]]:
        models.record(manifest["task"], "promoted", manifest["version"])
    return {
        "task": manifest["task"],
        "model": f"{manifest['task']}@{manifest['version']}",
        "precision": manifest["engine_manifest"].get("precision"),
        "quantisation": manifest["engine_manifest"].get("quantisation"),
        "report": manifest["report"],
        "folder": str(place),
        "in_service": models.promoted(manifest["task"])[-1:] == [manifest["version"]],
        "bundles": models.events(manifest["task"]),
    }


def rollback(task_name: str) -> dict[str, Any]:
    """Take the model in service off; the one before it serves again.

    Raises
    ------
    Conflict
        When there is none before it.
    """
    task = find(task_name)
    version = models.roll_back(task.name)
    return {"task": task.name, "in_service": version, "bundles": models.events(task.name)}


def bundles(task_name: str) -> dict[str, Any]:
    """Every bundle ever deployed for a task, and which one is in service."""
    task = find(task_name)
    return {
        "task": task.name,
        "deployed": models.in_service(task.name),
        "bundles": models.events(task.name),
    }
