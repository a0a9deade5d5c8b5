"""The model card: Task + Report + Provenance, rendered and never hand-written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suwen.core.report import Estimate, Report
from suwen.core.task import DISCLAIMER, Task
from suwen.lifecycle.evaluation.standings import decisive, figure_digits, rivals, standings
from suwen.lifecycle.evaluation.wording import answers, positives

_MOST_BESIDE = 3
_LEADING = 5


def _figure(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    if estimate.value != estimate.value:
        return "undefined"
    digits = figure_digits(estimate.value)
    if estimate.lo != estimate.lo:
        return f"{estimate.value:.{digits}f}"
    return f"{estimate.value:.{digits}f} ({estimate.lo:.{digits}f} to {estimate.hi:.{digits}f})"


def _rows(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)] + [""]


def _contest(task: Task, report: Report, winner: str) -> list[str]:
    """Everyone, ranked; empty where one or none competes with the model."""
    if len(report.baselines) < 2:
        return []
    first = decisive(report, task)
    shown = [name for name in dict.fromkeys((first, *task.metrics)) if name and name in report.metrics][
        :_LEADING
    ]
    rows = [
        [
            f"**{one.name}** (deployed)" if one.deployed else one.name,
            *(_figure(one.figures.get(name)) for name in shown),
        ]
        for one in standings(report, first, winner)
    ]
    return [f"Who competed, ranked by {first}:", "", *_rows(["contestant", *shown], rows)]


def _figures(report: Report, names: list[str]) -> list[str]:
    rows = [
        [metric, _figure(estimate), *(_figure(report.baselines[name].get(metric)) for name in names)]
        for metric, estimate in report.metrics.items()
        if metric != "n"
    ]
    return _rows(["metric", "model (95% interval)", *names], rows)


def _performance(task: Task, report: Report, winner: str) -> list[str]:
    if not report.n:
        return ["## Performance", "", "Not judged on any data yet.", ""]
    first = decisive(report, task)
    few = len(report.baselines) <= _MOST_BESIDE
    names = list(report.baselines) if few else rivals(report, first, 1)
    ends = tuple(f"_minus_{name}" for name in names)
    counted = positives(report, task)
    return [
        f"## Performance on the {report.split} part",
        "",
        f"{report.n} samples of {report.n_subjects} subjects{f', {counted}' if counted else ''}. Floor: "
        + (", ".join(f"{name} {least}" for name, least in report.floor.items()) or "none")
        + f"; {'passed' if report.passed else 'NOT passed'}.",
        "",
        *_contest(task, report, winner),
        *_figures(report, names),
        *[f"- {name}: {_figure(value)}" for name, value in report.differences.items() if name.endswith(ends)],
        "",
    ]


def _decides(manifest: Mapping[str, Any]) -> list[str]:
    """How scores become an answer, as far as this kind of endpoint decides anything."""
    point, calibration = manifest.get("operating_point") or {}, manifest.get("calibration") or {}
    conformal, facts = manifest.get("conformal") or {}, manifest["engine_manifest"]
    if calibration.get("method") == "none" and point.get("threshold") is None:
        numbers = [f"- `{name}` {value:g}" for name, value in facts.get("settings", {}).items()]
        return ["- The answer is computed, and counts where an independent check holds.", *numbers]
    if calibration.get("method") == "none":
        return [f"- Threshold {point['threshold']:g}, as {point['rule']}: nothing is learned or calibrated."]
    held = facts.get("out_of_fold")
    where = "out-of-fold" if held else "on validation"
    said = []
    if facts.get("winner"):
        parts = ", ".join(f"{name} {weight:.2f}" for name, weight in facts.get("parts", {}).items())
        said.append(f"- Deployed: {facts['winner']}{f' ({parts})' if parts else ''}, the measured winner.")
    if isinstance(point.get("threshold"), int | float):
        said.append(f"- Operating point {point['threshold']:.4f}, by the rule `{point['rule']}` {where}.")
    if isinstance(point.get("low"), int | float):
        said.append(
            f"- Alarms below {point['low']:.1f} and above {point['high']:.1f}, by the rule `{point['rule']}` {where}."
        )
    if isinstance(calibration.get("temperature"), int | float):
        said.append(f"- Temperature {calibration['temperature']:.3f}, fitted {where}.")
    if isinstance(conformal.get("alpha"), int | float):
        kept = conformal.get("held_out_coverage")
        known = f"; held-out coverage {100 * kept:.1f}%" if isinstance(kept, int | float) else ""
        kind = "sets" if point and "horizons" not in conformal else "intervals"
        said.append(f"- {100 * (1 - conformal['alpha']):.0f}% conformal {kind}{known}.")
    said.append(
        "- Inputs of another modality or body part, poor ones, or ones unlike the training data are refused."
        if manifest.get("engine") == "image"
        else "- Inputs that the task cannot be answered for are refused, and the reason is given."
    )
    return said


def render(task: Task, report: Report, manifest: Mapping[str, Any]) -> str:
    """Markdown of one model's card.

    Parameters
    ----------
    task
        Says what it is for and not for.
    report
        The report it was promoted by.
    manifest
        Says where it came from.
    """
    facts = manifest["engine_manifest"]
    lines = [
        f"# {task.title}",
        "",
        f"`{task.name}@{manifest['version']}`",
        "",
        f"> {DISCLAIMER}",
        "",
        f"**Intended use.** {task.intended_use}",
        "",
        f"**Not for.** {task.not_for}",
        "",
        f"**Answers** {answers(task)}.",
        "",
        "**Inputs.** " + "; ".join(f"{field.name}: {field.description}" for field in task.inputs) + ".",
        "",
        "## Warnings",
        "",
        *([f"- {warning}" for warning in manifest["warnings"]] or ["None."]),
        "",
        *_performance(task, report, str(facts.get("winner") or "")),
        "## How it decides",
        "",
        *_decides(manifest),
        "",
        "## Provenance",
        "",
        f"- Trained {manifest['created_at']} with suwen {manifest['code_version']}, seed {manifest['seed']}.",
        f"- Data fingerprint `{manifest['data_fingerprint']}`.",
        f"- Weights SHA-256 `{manifest['weights_sha256']}`, served as {facts.get('precision', 'fp32')}.",
        *([f"- Data: {manifest['credit']}"] if manifest["credit"] else []),
        "",
    ]
    return "\n".join(lines)
