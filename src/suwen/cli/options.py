"""Arguments and options that several verbs share, named and explained once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

TaskName = Annotated[str, typer.Argument(help="Task, as `suwen tasks` lists it.", metavar="TASK")]
Source = Annotated[
    str,
    typer.Option("--from", help="Labelled data: a file or folder its task reads, or record:NAME."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; logs on stderr.")]
Seed = Annotated[int, typer.Option("--seed", help="Fixes splits, weights and augmentation.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting, key=value; may be repeated.", metavar="KEY=VALUE"),
]
SomeInputs = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Files that the task reads; none, with --patient: the record's observations.",
        metavar="[INPUT...]",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        help="Hour 0 of a patient read from the record: a date or time; by default the latest stay's start.",
    ),
]
Method = Annotated[
    str, typer.Option("--method", help="How to explain: cam, occlusion, lime; shapley, shap, lime.")
]
Patient = Annotated[
    str | None,
    typer.Option("--patient", help="Patient id the result is about; it is stored in that patient's record."),
]
Store = Annotated[
    Path | None, typer.Option("--store", help="Folder of the record; by default SUWEN_HOME/record.")
]
Db = Annotated[
    str | None,
    typer.Option("--db", help="Database of the record instead of the folder's: postgresql+psycopg://..."),
]


def use_record(store: Path | None, db: str | None) -> None:
    """Let everything below, child processes too, mean this record where none is named."""
    from suwen.records.record import DB_VARIABLE, STORE_VARIABLE

    for name, value in ((STORE_VARIABLE, store), (DB_VARIABLE, db)):
        if value is not None:
            os.environ[name] = str(value)
