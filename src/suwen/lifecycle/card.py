"""The model card: Task + Report + Provenance, rendered and never hand-written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suwen.core.report import Estimate, Report
from suwen.core.task import DISCLAIMER, Task


def _figure(estimate: Estimate) -> str:
    if estimate.value != estimate.value:
        return "undefined"
    return f"{estimate.value:.3f} ({estimate.lo:.3f} to {estimate.hi:.3f})"


def _table(report: Report) -> list[str]:
    names = list(report.baselines)
    lines = [
        "| metric | model (95% interval) |" + "".join(f" {name} |" for name in names),
        "|---|---|" + "---|" * len(names),
    ]
    for metric, estimate in report.metrics.items():
        if metric == "n":
            continue
        cells = [_figure(report.baselines[n][metric]) if metric in report.baselines[n] else "" for n in names]
        lines.append(f"| {metric} | {_figure(estimate)} |" + "".join(f" {cell} |" for cell in cells))
    return lines


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
        f"**Answers** the probability of *{task.endpoint.positive}* "
        f"(classes: {', '.join(task.endpoint.classes)}).",
        "",
        "**Inputs.** " + "; ".join(f"{field.name}: {field.description}" for field in task.inputs) + ".",
        "",
        "## Warnings",
        "",
        *([f"- {warning}" for warning in manifest["warnings"]] or ["None."]),
        "",
        f"## Performance on the {report.split} part",
        "",
        f"{report.n} samples of {report.n_subjects} subjects, {report.n_positive} of them "
        f"{task.endpoint.positive}. Floor: "
        + (", ".join(f"{name} {least}" for name, least in report.floor.items()) or "none")
        + f"; {'passed' if report.passed else 'NOT passed'}.",
        "",
        *_table(report),
        "",
        *[f"- {name}: {_figure(value)}" for name, value in report.differences.items()],
        "",
        "## How it decides",
        "",
        f"- Operating point {manifest['operating_point']['threshold']:.4f}, by the rule "
        f"`{manifest['operating_point']['rule']}` on validation.",
        f"- Temperature {manifest['calibration']['temperature']:.3f}, fitted on validation.",
        f"- {100 * (1 - manifest['conformal']['alpha']):.0f}% conformal sets; held-out coverage "
        f"{100 * manifest['conformal']['held_out_coverage']:.1f}%.",
        "- Inputs of another modality or body part, poor ones, or ones unlike the training data are refused.",
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
