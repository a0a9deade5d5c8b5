"""A patient of the record, looked at: predicted, explained and kept, or shown as a page; no file in between."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.core.documents import plain, write_bytes, write_json
from suwen.core.errors import BadInput, Conflict, NotFound, Refused
from suwen.core.sample import Sample
from suwen.core.task import DISCLAIMER, Task
from suwen.formats.fhir_parts import check_id
from suwen.lifecycle import models
from suwen.lifecycle.discovery import find
from suwen.lifecycle.live import OVER_TIME
from suwen.lifecycle.live_record import Followed, Follower
from suwen.lifecycle.models import Loaded
from suwen.lifecycle.patient_data import PatientData, admitted, data_of
from suwen.lifecycle.patient_page import render
from suwen.lifecycle.patient_page_document import patient_document
from suwen.lifecycle.predict import result
from suwen.lifecycle.reason import explain_sample

if TYPE_CHECKING:
    from suwen.records.record import Record

PAGE, DOCUMENT = "patient.html", "patient.json"
SOURCE = "record"
"""What a result calls its input where it was read from the record."""


def moment(text: str | None) -> datetime | None:
    """A date or time of the caller's, with a zone.

    Raises
    ------
    BadInput
        ``bad-time`` for what is none.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            "this is no date or time", fix="Write it as 2024-05-01T08:00:00+02:00", code="bad-time"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def predict_patient(
    task_name: str,
    record: Record,
    patient: str,
    *,
    actor: str,
    since: datetime | None = None,
    explain: str | None = None,
    follower: Follower | None = None,
) -> dict[str, Any]:
    """The document of ``suwen predict --json`` for a patient of the record; the result is kept there.

    Parameters
    ----------
    task_name
        Whose model in service answers.
    record, patient
        Where the observations are, and whose.
    actor
        Who asks, for the ledger.
    since
        Hour 0; by default when the latest stay began, else the first observation.
    explain
        Method of explanation; ``None`` explains nothing.
    follower
        Goes on where it left off; a fresh one by default.

    Returns
    -------
    dict
        As :func:`suwen.lifecycle.predict.predict_document`, each result with ``alarms`` (those heard now) and
        ``replayed``; no results where nothing is new to ``follower``.

    Raises
    ------
    NotFound
        ``unknown-patient``, ``no-model``, ``unknown-task``.
    Refused
        ``no-stream`` for a task that is no risk over time.
    """
    check_id(patient)
    task = find(task_name)
    loaded = models.load(task)
    found = (follower or Follower(loaded, record, actor=actor)).follow(patient, since=since)
    document: dict[str, Any] = {
        "task": task.name,
        "model": loaded.name,
        "disclaimer": DISCLAIMER,
        "results": [] if found is None else [_result(loaded, found, explain)],
        "stored": [] if found is None else list(found.stored),
    }
    return document


def _result(loaded: Loaded, found: Followed, explain: str | None) -> dict[str, Any]:
    why = None
    if explain:
        why = explain_sample(loaded, sample_of(loaded.task, found.data), found.prediction, explain)
    told = result(found.prediction, loaded.task, name=SOURCE, patient=found.patient, explanation=why)
    heard = [{"hour": one.hour, "risk": one.risk, "reasons": list(one.reasons)} for one in found.alarms]
    return told | {"fhir": plain(found.fhir), "alarms": heard, "replayed": found.replayed}


def look(
    task_name: str,
    record: Record,
    patient: str,
    *,
    actor: str,
    since: datetime | None = None,
    method: str | None = None,
) -> dict[str, Any]:
    """A patient's document, read from the record; nothing is stored but who looked.

    Parameters
    ----------
    task_name, record, patient, actor, since
        As for :func:`predict_patient`.
    method
        Of the explanation; the task's own by default.

    Raises
    ------
    NotFound
        ``unknown-patient``, ``no-model``, ``unknown-task``.
    Refused
        ``not-from-record`` for a task whose input is no series of observations.
    """
    check_id(patient)
    task = find(task_name)
    variables = _variables(task)
    loaded = models.load(task)
    start = since or admitted(record, patient, actor=actor)
    data = data_of(
        record,
        patient,
        variables,
        actor=actor,
        since=start,
        descriptors=getattr(loaded.task, "descriptors", ()),
    )
    return patient_document(
        loaded,
        sample_of(loaded.task, data),
        patient=patient,
        sex=data.sex,
        age_years=data.age_years,
        references=data.references,
        method=method,
    )


def sample_of(task: Task, data: PatientData) -> Sample:
    """A patient of the record as the task's input."""
    return Sample(subject_id=data.patient, inputs={task.inputs[0].name: data.observations})


def _variables(task: Task) -> Any:
    variables = getattr(task, "variables", ())
    if (
        not variables
        or task.endpoint.kind not in {"classes", "alarm", "points", "forecast"}
        or len(task.inputs) != 1
        or task.inputs[0].kind not in OVER_TIME
    ):
        raise Refused(
            f"'{task.name}' does not read observations of the record",
            fix="Give it its input as a file",
            code="not-from-record",
        )
    return variables


def write_page(document: dict[str, Any], out: Path) -> Path:
    """Write ``patient.json`` and ``patient.html`` into a folder; returns the page.

    Raises
    ------
    Conflict
        When ``out`` is a file.
    """
    if out.exists() and not out.is_dir():
        raise Conflict("the output is a file, not a folder", where=str(out), fix="Name a folder with --out")
    write_json(out / DOCUMENT, document)
    write_bytes(out / PAGE, render(document).encode())
    return out / PAGE


def required(record: Record | None) -> Record:
    """The record, which must be there.

    Raises
    ------
    NotFound
        ``no-record``.
    """
    if record is None:
        raise NotFound(
            "there is no patient record here",
            fix="Name its folder with --store, or give an input file",
            code="no-record",
        )
    return record
