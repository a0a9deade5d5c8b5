"""The report as one JSON document, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suwen.core.documents import plain, read_json
from suwen.core.errors import Unreadable
from suwen.core.report import Estimate, Report


def document(report: Report, *, curves: bool = False) -> dict[str, Any]:
    """Render the report as JSON's own types: what ``suwen evaluate --json`` prints.

    ``{"task", "split", "n", "n_subjects", "n_positive", "metrics": {name: {"value", "lo", "hi"}},
    "baselines": {baseline: {metric: {...}}}, "differences": {"<metric>_minus_<baseline>": {...}},
    "by_group": {"column=value": {metric: {...}}}, "floor", "passed", "warnings", "data_fingerprint",
    "created_at"}``, and ``"curves"`` in ``report.json``. An undefined figure is null.

    Parameters
    ----------
    report
        To render.
    curves
        Whether to add the points of the plots.
    """
    first = (
        "task",
        "split",
        "n",
        "n_subjects",
        "n_positive",
        "metrics",
        "baselines",
        "differences",
        "by_group",
        "floor",
        "passed",
        "warnings",
        "data_fingerprint",
        "created_at",
    )
    whole = plain(report)
    ordered = {key: whole[key] for key in first}
    return ordered | {"curves": whole["curves"]} if curves else ordered


def read_report(path: Path) -> Report:
    """Read a ``report.json`` back.

    Raises
    ------
    NotFound
        When there is no such file.
    Unreadable
        When it is not a report.
    """
    found = read_json(path)
    try:
        return Report(
            task=str(found["task"]),
            split=str(found["split"]),
            n=int(found["n"]),
            n_subjects=int(found["n_subjects"]),
            n_positive=int(found["n_positive"]),
            metrics=_estimates(found["metrics"]),
            by_group={name: _estimates(group) for name, group in found["by_group"].items()},
            baselines={name: _estimates(one) for name, one in found["baselines"].items()},
            differences=_estimates(found["differences"]),
            curves=dict(found.get("curves", {})),
            floor={name: float(least) for name, least in found["floor"].items()},
            passed=found["passed"] is True,
            warnings=tuple(str(warning) for warning in found["warnings"]),
            data_fingerprint=str(found["data_fingerprint"]),
            created_at=str(found["created_at"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(
            f"{path.name} is not an evaluation report",
            where=str(path),
            fix=f"Write it again with suwen evaluate ({type(error).__name__}: {error})",
        ) from None


def _estimates(found: Mapping[str, Mapping[str, float | None]]) -> dict[str, Estimate]:
    return {
        name: Estimate(value=_number(one["value"]), lo=_number(one["lo"]), hi=_number(one["hi"]))
        for name, one in found.items()
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
