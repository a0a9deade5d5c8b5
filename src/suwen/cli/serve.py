"""Verbs that run the platform: ``serve`` and ``demo``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer

from suwen.cli.options import Json
from suwen.cli.output import emit, line, progress

Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="Folder with data sets that the learning routes may read.")
]


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8000,
    data: Data = None,
    only: Annotated[str, typer.Option("--only", help="Systems or tasks to serve, separated by commas.")] = "",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen beyond this machine although there is no sign-in.")
    ] = False,
    store: Annotated[
        Path | None, typer.Option("--store", help="Folder of the patient record to serve at /fhir.")
    ] = None,
    db: Annotated[
        str | None,
        typer.Option(
            "--db", help="Its database, when that is PostgreSQL: postgresql+psycopg://USER@HOST/NAME."
        ),
    ] = None,
    watch: Annotated[
        str,
        typer.Option("--watch", help="Tasks whose risk follows every patient of the record, by commas."),
    ] = "",
) -> None:
    """Serve the page, the HTTP interface and a record; unauthenticated, hence on this machine alone."""
    _server("run").run(
        host,
        port,
        data=data,
        only=tuple(word for word in only.split(",") if word),
        store=store,
        db=db,
        watch=tuple(word for word in watch.split(",") if word),
        allow_remote=allow_remote,
    )


def demo(
    port: Port = 8000,
    data: Data = None,
    check: Annotated[bool, typer.Option("--check", help="Run the main job once and exit.")] = False,
    as_json: Json = False,
) -> None:
    """Start the platform with the shipped model and print its address; --check proves it and exits."""
    if not check:
        _server("run").run("127.0.0.1", port, data=data)
        return
    document = _server("demo").check_once(data=data, progress=progress)
    if as_json:
        emit(document)
    else:
        for text in document["lines"]:
            line(text)


def _server(module: str) -> Any:
    """A module of the server; the two front ends never import each other."""
    return importlib.import_module(f"suwen.server.{module}")


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    for verb in (serve, demo):
        app.command()(verb)
