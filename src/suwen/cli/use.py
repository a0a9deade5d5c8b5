"""Verbs of daily use: ``predict`` and ``explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from suwen.cli.options import Db, Inputs, Json, Method, Patient, Store, TaskName
from suwen.cli.output import emit, line, progress, who
from suwen.lifecycle.reason import DEFAULT


def predict(
    task: TaskName,
    inputs: Inputs,
    explain: Annotated[bool, typer.Option("--explain", help="Say why, with a faithfulness figure.")] = False,
    method: Method = DEFAULT,
    patient: Patient = None,
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Calibrated probability with interval, decision or abstention, for every input."""
    from suwen.lifecycle.predict import predict_document

    document = predict_document(task, inputs, explain=method if explain else None, patient=patient)
    document = _kept(document, patient, store, db)
    if as_json:
        emit(document)
        return
    for result in document["results"]:
        line(sentence(result))
        why = result["explanation"]
        if why:
            line(f"    {why['method']}: " + verdict(why))
    line(document["disclaimer"])


def explain(
    task: TaskName,
    inputs: Inputs,
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures and explain.json.")],
    method: Method = DEFAULT,
    patient: Patient = None,
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Explain each answer: heat map beside the image, faithfulness and sanity check printed with it."""
    from suwen.lifecycle.explain import explain_document

    document = explain_document(task, inputs, method=method, patient=patient, out=out)
    document = _kept(document, patient, store, db)
    if as_json:
        emit(document)
        return
    for result in document["results"]:
        line(sentence(result))
        if result["explanation"]:
            line(f"    {result.get('overlay', out / 'explain.json')}: " + verdict(result["explanation"]))
    line(document["disclaimer"])


def _kept(
    document: dict[str, Any], patient: str | None, store: Path | None, db: str | None
) -> dict[str, Any]:
    """The document, once its results are in the patient's record; says so where there is no record."""
    from suwen.lifecycle.write_back import stored

    document = stored(document, patient=patient, store=store, url=db, actor=who())
    if patient is not None:
        count = len(document["stored"] or ())
        progress(
            f"{count} resources stored in the record"
            if document["stored"] is not None
            else "not stored: there is no record here yet (name one with --store)"
        )
    return document


def sentence(result: dict[str, Any]) -> str:
    """One result in one line."""
    name = result["input"] + (" [SIMULATED]" if result["simulated"] else "")
    if result["abstained"]:
        return f"{name}: no answer ({result['abstained']}): {result['reason']}"
    return f"{name}: {result['said']}"


def verdict(why: dict[str, Any]) -> str:
    """Whether an explanation may be relied on, in words, with the figure that decides it."""
    if why["faithfulness"] is not None:
        figure = f"faithfulness {why['faithfulness']:.2f}"
    else:
        figure = f"base and contributions miss the answer by {why['checks']['additivity_gap']:.1e}"
    return figure + (", check passed" if why["passed"] else ", NOT RELIABLE: it failed its check")


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    for verb in (predict, explain):
        app.command()(verb)
