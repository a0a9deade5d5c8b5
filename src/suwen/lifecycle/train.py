"""``suwen train``: from a source to a calibrated, evaluated candidate, resumable at every epoch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suwen import __version__
from suwen.core.documents import now, plain, write_json
from suwen.core.engine import Engine, Fitted, Progress
from suwen.core.errors import SuwenError
from suwen.core.report import Report
from suwen.core.task import Task
from suwen.lifecycle import run as runs
from suwen.lifecycle.bundle import seal, sha256, version_of
from suwen.lifecycle.collect import read, silent
from suwen.lifecycle.discovery import engine_for, find
from suwen.lifecycle.evaluation.document import document as report_document
from suwen.lifecycle.judges import Judged, judge_of
from suwen.lifecycle.partition import partition, remember
from suwen.lifecycle.reports import write
from suwen.lifecycle.robustness import reference_of
from suwen.lifecycle.settings import resolve
from suwen.lifecycle.settle import settle_on
from suwen.lifecycle.tracking import log_run


def train(
    task_name: str,
    source: str,
    run: Path,
    *,
    seed: int = 0,
    overrides: Mapping[str, Any] | None = None,
    sweep: int = 0,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Audit, split, train, calibrate and judge on validation; leave a candidate in ``run``.

    Repeating the command after an interruption goes on from the last epoch and ends with the same weights.

    Parameters
    ----------
    task_name, source
        What to learn, from where.
    run
        Folder of the run: new, empty, or the same run interrupted.
    seed
        Fixes the split, the initial weights, the order and the augmentation.
    overrides
        ``--set`` values.
    sweep
        Number of settings to try first, on validation alone; 0 tries none.
    progress
        Told of every step.

    Returns
    -------
    dict
        The document of ``suwen train --json``.

    Raises
    ------
    LeakageFound
        When the source's parts share subjects or images and nobody accepted it.
    UnknownSetting, BadInput, Conflict, MissingExtra
        As their names say.
    """
    began = time.process_time()
    task = find(task_name)
    engine = engine_for(task)
    engine.check_ready()
    settings = resolve(task, engine, overrides or {})
    judge = judge_of(task)
    judge.rule(settings["operating_point"])
    samples, found = read(
        task, engine, source, probe=settings["shortcut_probe"], seed=seed, progress=progress
    )
    task = settle_on(task, samples)
    parted = partition(task, engine, samples, found, settings, seed)
    parts = parted.parts()
    judge.check(task, parts.train)
    taken_up = runs.is_run(run)
    document = runs.begin(
        run, task=task.name, seed=seed, settings=settings, fingerprint=samples.fingerprint, sweep=sweep
    )
    own = {key: settings[key] for key in (*engine.setting_names(), *(one.name for one in task.protocol))}
    try:
        write_json(run / "audit.json", found.document())
        remember(engine, parted, run / "splits.json")
        if sweep:
            own = engine.sweep(task, parts, own, run, trials=sweep, seed=seed, progress=progress)
        fitted = engine.fit(task, parts, own, run, seed=seed, progress=progress)
        manifest = _manifest(task, engine, fitted, settings, seed, samples.fingerprint, parted.warnings)
    except SuwenError:
        if not taken_up:  # repeating a refused command is refused again: there is nothing to resume
            runs.abandon(run)
        raise
    report = validation_report(task, fitted, manifest, samples.fingerprint, seed)
    manifest |= {"report": summary(report), "warnings": [*manifest["warnings"], *report.warnings]}
    manifest["weights_sha256"] = sha256(run / "model" / manifest["engine_manifest"]["weights"])
    manifest["version"] = version_of(manifest)
    seal(run / "model", manifest)
    write(run / "reports" / "validation", report, task, manifest)
    facts = {"cpu_seconds": round(time.process_time() - began, 1), "counts": parted.counts()}
    log_run(run, task, manifest, fitted, report, enabled=settings["mlflow"])
    runs.finish(run, document, **facts)
    return {
        "task": task.name,
        "run": str(run),
        "seed": seed,
        "settings": fitted.engine_manifest.get("settings", own),
        "data_fingerprint": samples.fingerprint,
        "model": f"{task.name}@{manifest['version']}",
        "validation": report_document(report),
        "calibration": plain(manifest["calibration"]),
        "operating_point": manifest["operating_point"],
        "conformal": manifest["conformal"],
        "warnings": manifest["warnings"],
        **facts,
    }


def _manifest(
    task: Task,
    engine: Engine,
    fitted: Fitted,
    settings: Mapping[str, Any],
    seed: int,
    fingerprint: str,
    warnings: tuple[str, ...],
) -> dict[str, Any]:
    """Everything a bundle says of itself before it is sealed."""
    return {
        "task": task.name,
        "title": task.title,
        "engine": engine.name,
        "created_at": now(),
        "code_version": __version__,
        "seed": seed,
        "data_fingerprint": fingerprint,
        "classes": task.endpoint.classes,
        "positive": task.endpoint.positive,
        **plain(judge_of(task).decision(task, fitted, settings, seed)),
        "engine_manifest": plain(fitted.engine_manifest),
        "cpu_seconds": fitted.cpu_seconds,
        "reference_bins": reference_of(fitted.samples),
        "credit": task.credits.get(fingerprint, ""),
        "warnings": list(warnings),
    }


def validation_report(
    task: Task, fitted: Fitted, manifest: Mapping[str, Any], fingerprint: str, seed: int
) -> Report:
    """The candidate on its own validation part (or out-of-fold), baseline beside it."""
    return judge_of(task).report(
        task,
        manifest,
        Judged(
            samples=fitted.samples,
            scores=fitted.logits,
            units=fitted.units,
            baselines=fitted.baselines,
            split="validation",
            data_fingerprint=fingerprint,
            seed=seed,
        ),
    )


def summary(report: Report) -> dict[str, Any]:
    """The report as the manifest and ``suwen tasks`` carry it."""
    return {
        "split": report.split,
        "n": report.n,
        "passed": report.passed,
        "metrics": plain(report.metrics),
        "baselines": plain(report.baselines),
    }
