"""Verbs that look: ``tasks``, ``doctor``, ``fetch``, ``schema``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from suwen.cli.options import Json
from suwen.cli.output import emit, figure, line, progress


def tasks(as_json: Json = False) -> None:
    """List every task: intended use, inputs, floor, and the model in service with its report."""
    from suwen.lifecycle.tasks import tasks as every

    found = every()
    if as_json:
        emit({"tasks": found})
        return
    for task in found:
        line(f"{task['name']}  {task['title']}")
        deployed = task["deployed"]
        if task["problem"]:
            line(f"    NOT SERVED: {task['problem']}")
        elif deployed is None:
            line("    no model in service")
        else:
            line(f"    {deployed['model']} ({deployed['source']}), {_judged(task)}")


def _judged(task: dict[str, Any]) -> str:
    """The figure that a report leads with; what was never judged says so."""
    from suwen.lifecycle.evaluation.glossary import line_of

    report = task["deployed"]["report"]
    leading = next((name for name in task["metrics"] if name in report["metrics"]), None)
    if leading is None:
        return "not judged on any data yet"
    named = line_of(leading)
    return f"{report['split']} {named.title if named else leading} {figure(report['metrics'][leading])}"


def doctor(as_json: Json = False) -> None:
    """Check this installation: packages, codecs, keys, models, disk."""
    from suwen.lifecycle.doctor import doctor as examine

    document = examine()
    if as_json:
        emit(document)
    else:
        for check in document["checks"]:
            line(f"{'ok  ' if check['ok'] else 'FAIL'}  {check['name']}: {check['detail']}")
            if not check["ok"] and check.get("fix"):
                line(f"      {check['fix']}")
    if not document["ok"]:
        raise typer.Exit(1)


def fetch(
    dataset: Annotated[str, typer.Argument(help="Name of a public data set, e.g. pneumoniamnist.")],
    out: Annotated[Path | None, typer.Option("--out", help="Folder to put it in.")] = None,
    as_json: Json = False,
) -> None:
    """Download a public data set: licence shown, checksum checked. The one verb that downloads."""
    from suwen.lifecycle.fetch import fetch as download

    document = download(dataset, out=out, progress=progress)
    if as_json:
        emit(document)
    else:
        line(str(document["path"]))


def schema(
    verb: Annotated[str, typer.Argument(help="Verb whose --json document to describe.")],
) -> None:
    """Print the published JSON schema of a verb's --json document."""
    from suwen.core.schemas import schema_of

    emit(schema_of(verb))


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    for verb in (tasks, doctor, fetch, schema):
        app.command()(verb)
