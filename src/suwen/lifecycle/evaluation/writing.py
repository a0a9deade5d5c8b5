"""The report as a folder: a self-contained page, a PNG per plot, and the JSON they were made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from suwen.core.documents import write_bytes, write_json
from suwen.core.errors import MissingExtra
from suwen.core.report import Report
from suwen.core.task import Task
from suwen.lifecycle.evaluation.document import document
from suwen.lifecycle.evaluation.html import page
from suwen.lifecycle.evaluation.plots import draw


def write_report(folder: Path, report: Report, task: Task, provenance: Mapping[str, object]) -> list[Path]:
    """Write the report into a folder, each file whole or not at all.

    Everything is rendered before anything is written, and ``report.json`` comes last: where it is, the
    other files are. Without matplotlib the plots are left out, and the page says so.

    Parameters
    ----------
    folder
        Made where it does not exist.
    report, task
        What to write, and about what.
    provenance
        Model, weights, data and code behind it: name to value.

    Returns
    -------
    list of Path
        ``report.json``, ``report.html`` and the PNG files.
    """
    try:
        plots, note = draw(report), ""
    except MissingExtra as missing:
        plots, note = {}, str(missing)
    text = page(report, task, provenance, plots, note=note)
    pictures = []
    for name, png in plots.items():
        pictures.append(folder / f"{name}.png")
        write_bytes(pictures[-1], png)
    write_bytes(folder / "report.html", text.encode())
    write_json(folder / "report.json", document(report, curves=True))
    return [folder / "report.json", folder / "report.html", *pictures]
