"""Verbs of daily use: ``predict`` and ``explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from suwen.cli.options import Db, Json, Method, Patient, Since, SomeInputs, Store, TaskName
from suwen.cli.output import emit, line, progress, who
from suwen.lifecycle.reason import DEFAULT


def predict(
    task: TaskName,
    inputs: SomeInputs = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why, with a faithfulness figure.")] = False,
    method: Method = DEFAULT,
    patient: Patient = None,
    since: Since = None,
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Calibrated probability with interval, decision or abstention, for every input or for a patient of the record."""
    from suwen.lifecycle.predict import predict_document

    why = method if explain else None
    if inputs:
        document = predict_document(task, inputs, explain=why, patient=patient)
        document = _kept(document, patient, store, db)
    else:
        document = _of_record(task, patient, store, db, since=since, explain=why)
    if as_json:
        emit(document)
        return
    for result in document["results"]:
        line(sentence(result))
        why = result["explanation"]
        if why:
            line(f"    {why['method']}: " + verdict(why))
        for alarm in result.get("alarms", ()):
            line(f"    ALARM at hour {alarm['hour']:.4g}: " + "; ".join(alarm["reasons"]))
    line(document["disclaimer"])


def explain(
    task: TaskName,
    out: Annotated[Path, typer.Option("--out", help="Folder for the page or pictures, and explain.json.")],
    inputs: SomeInputs = None,
    method: Method = DEFAULT,
    patient: Patient = None,
    since: Since = None,
    store: Store = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Explain each answer: a heat map beside an image, a page for a patient; faithfulness printed with it."""
    from suwen.lifecycle.explain import explain_document

    if inputs:
        document = explain_document(task, inputs, method=method, patient=patient, out=out)
        document = _kept(document, patient, store, db)
    else:
        document = _of_record(task, patient, store, db, since=since, explain=method, out=out)
    if as_json:
        emit(document)
        return
    for result in document["results"]:
        line(sentence(result))
        if result["explanation"]:
            shown = result.get("page") or result.get("overlay") or out / "explain.json"
            line(f"    {shown}: " + verdict(result["explanation"]))
    line(document["disclaimer"])


def _of_record(
    task: str,
    patient: str | None,
    store: Path | None,
    db: str | None,
    *,
    since: str | None,
    explain: str | None,
    out: Path | None = None,
) -> dict[str, Any]:
    """The document of a patient whose observations are in the record; with ``out``, a page of it too."""
    from suwen.core.documents import write_json
    from suwen.core.errors import BadInput
    from suwen.lifecycle import patient_look
    from suwen.lifecycle.write_back import record_of

    if patient is None:
        raise BadInput(
            "there is nothing to read",
            fix="Name an input file, or a patient of the record with --patient",
            code="no-input",
        )
    start = patient_look.moment(since)
    with patient_look.required(record_of(store, db)) as record:
        document = patient_look.predict_patient(
            task, record, patient, actor=who(), since=start, explain=explain
        )
        if out is not None:
            page = patient_look.look(task, record, patient, actor=who(), since=start, method=explain)
            for result in document["results"]:
                result["page"] = str(patient_look.write_page(page, out))
            write_json(out / "explain.json", document)
    progress(f"{len(document['stored'])} resources stored in the record")
    return document


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
