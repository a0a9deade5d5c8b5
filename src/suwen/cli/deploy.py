"""Verbs of the registry: ``deploy`` and ``models``."""

from __future__ import annotations

from typing import Annotated

import typer

from suwen.cli.options import Json, TaskName
from suwen.cli.output import emit, line
from suwen.core.errors import BadInput


def deploy(
    target: Annotated[
        str, typer.Argument(help="Folder of a run; with --rollback a task.", metavar="RUN|TASK")
    ],
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Take the task's model off; the one before serves again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Promote a run's model into service, signed; refused where its report misses the floor."""
    from pathlib import Path

    from suwen.lifecycle import deploy as registry
    from suwen.lifecycle.run import is_run

    if rollback:
        if is_run(Path(target)):
            raise BadInput(
                "--rollback takes a task, not a run",
                fix="For example: suwen deploy imaging.pneumonia --rollback",
            )
        document = registry.rollback(target)
    else:
        document = registry.deploy(Path(target))
    if as_json:
        emit(document)
    elif rollback:
        line(f"{document['task']}: {document['in_service']} is in service")
    else:
        line(f"{document['model']} is in service ({document['precision']})")


def models(task: TaskName, as_json: Json = False) -> None:
    """List every bundle ever deployed for a task."""
    from suwen.lifecycle.deploy import bundles

    document = bundles(task)
    if as_json:
        emit(document)
        return
    deployed = document["deployed"]
    line(f"in service: {deployed['model']} ({deployed['source']})" if deployed else "no model in service")
    for event in document["bundles"]:
        line(f"  {event['at']}  {event['event']:12} {event['version']}")


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    for verb in (deploy, models):
        app.command()(verb)
