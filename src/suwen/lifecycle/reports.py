"""Write an evaluation to a folder: JSON, self-contained HTML, PNG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suwen.core.report import Report
from suwen.core.task import Task
from suwen.lifecycle.evaluation.writing import write_report


def write(folder: Path, report: Report, task: Task, manifest: Mapping[str, Any]) -> list[Path]:
    """Write ``report.json``, ``report.html`` and the plots; plots are left out without matplotlib."""
    provenance = {
        "model": f"{task.name}@{manifest['version']}",
        "winner": manifest["engine_manifest"].get("winner"),
        "weights_sha256": manifest["weights_sha256"],
        "data_fingerprint": manifest["data_fingerprint"],
        "code_version": manifest["code_version"],
        "created_at": manifest["created_at"],
        "credit": manifest["credit"],
    }
    return write_report(folder, report, task, provenance)
