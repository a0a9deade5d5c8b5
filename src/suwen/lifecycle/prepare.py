"""``suwen prepare``: the parts of a source as an engine would learn from them, to look at before training."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suwen.core.documents import write_bytes, write_json
from suwen.core.engine import Progress
from suwen.core.errors import Conflict
from suwen.lifecycle.collect import read, silent
from suwen.lifecycle.discovery import engine_for, find
from suwen.lifecycle.partition import partition, subject_key
from suwen.lifecycle.settings import resolve


def prepare(
    task_name: str,
    source: str,
    out: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Audit and split a source, and write who is in which part.

    ``out/splits.csv`` has one row per usable record (record number, hashed subject, class, part) and
    ``out/prepare.json`` the document this returns. Training with the same seed and settings makes the
    same parts.

    Raises
    ------
    LeakageFound
        As training would.
    Conflict
        When ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise Conflict("the output is a file, not a folder", where=str(out), fix="Name another folder")
    task = find(task_name)
    engine = engine_for(task)
    settings = resolve(task, engine, overrides or {})
    samples, found = read(task, engine, source, probe=False, seed=seed, progress=progress)
    parted = partition(task, engine, samples, found, settings, seed)
    rows = io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    table.writerow(["record", "subject", "label", "split"])
    for number, sample in enumerate(parted.samples):
        task.prepare(sample)
        table.writerow([number, subject_key(sample.subject_id), sample.target or "", sample.split or ""])
    write_bytes(out / "splits.csv", rows.getvalue().encode())
    document = {
        "task": task.name,
        "fingerprint": samples.fingerprint,
        "counts": parted.counts(),
        "warnings": list(parted.warnings),
        "settings": settings,
        "table": str(out / "splits.csv"),
    }
    write_json(out / "prepare.json", document)
    return document
