"""Sources of learning: a path, or ``record:NAME``, a view kept in the patient record."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from suwen.core.errors import BadInput, SuwenError, Unreadable
from suwen.core.sample import Sample, Samples, Unusable
from suwen.core.task import Endpoint, Task
from suwen.formats.fingerprint import fingerprint

if TYPE_CHECKING:
    from suwen.records.record import Record

PREFIX = "record:"
SUBJECT, LABEL, SPLIT = "subject_id", "label", "split"
"""Columns of a cohort beside one for each input of the task; any other is an attribute."""
ACTOR = "suwen:learning"
UNNAMED = "unnamed "
"""Starts the subject of a row that names none: it counts as its own."""


def gather(task: Task, source: str) -> Samples:
    """Read a source for a task.

    Parameters
    ----------
    task
        Whose inputs and labels are looked for.
    source
        A path, which the task reads itself; or ``record:NAME``.

    Raises
    ------
    BadInput
        When the view lacks a column that the task needs (code ``cohort-columns``).
    NotFound
        When there is no such record or view.
    """
    if not source.startswith(PREFIX):
        return task.collect(source)
    from suwen.records.cohort import rows
    from suwen.records.record import Record

    with Record.open(create=False) as record:
        return _samples(task, record, list(rows(record, source.removeprefix(PREFIX), actor=ACTOR)))


def _samples(task: Task, record: Record, rows: list[dict[str, Any]]) -> Samples:
    inputs = [one.name for one in task.inputs]
    wanted = [SUBJECT, LABEL, *inputs]
    missing = [name for name in wanted if not rows or name not in rows[0]]
    if missing:
        raise BadInput(
            "the view has no rows" if not rows else f"the view has no column {', '.join(missing)}",
            fix=f"Give it the columns {', '.join(wanted)}; an input column holds Binary/ID",
            code="cohort-columns",
        )
    found: list[Sample] = []
    unusable: list[Unusable] = []
    for number, row in enumerate(rows, 1):
        try:
            found.append(_sample(task, record, inputs, row, f"row {number}"))
        except SuwenError as error:
            unusable.append(Unusable(source=f"row {number}", code=error.code, reason=error.what))
    known = [not sample.subject_id.startswith(UNNAMED) for sample in found]
    return Samples(
        samples=tuple(found),
        fingerprint=fingerprint(found, known),
        unusable=tuple(unusable),
        subjects_known=any(known),
        notes=(f"a view of the patient record, {len(rows)} rows",),
    )


def _sample(task: Task, record: Record, inputs: list[str], row: Mapping[str, Any], where: str) -> Sample:
    """One row; the label is resolved first, so that a wrong spelling does not wait for a file.

    Raises
    ------
    BadInput
        When the task learns from no label, but from what happens later (code ``cohort-endpoint``).
    """
    label = row[LABEL]
    if not isinstance(task.endpoint, Endpoint) or task.endpoint.kind != "classes":
        raise BadInput(
            f"{task.name} does not learn from one label per row",
            fix="Export its data to files, and give their folder as the source",
            code="cohort-endpoint",
        )
    target = task.endpoint.resolve(None if label is None else str(label))
    read = [_read(task, record, name, row[name]) for name in inputs]
    whom = row[SUBJECT]
    rest = {name: str(value) for name, value in row.items() if value is not None}
    for name in (SUBJECT, LABEL, SPLIT, *inputs):
        rest.pop(name, None)
    return replace(
        read[0],
        inputs={name: one.inputs[name] for name, one in zip(inputs, read, strict=True)},
        subject_id=f"{UNNAMED}{where}" if whom is None else str(whom),
        target=target,
        source=where,
        split=row.get(SPLIT),
        attributes=rest,
    )


def _read(task: Task, record: Record, name: str, reference: Any) -> Sample:
    """What an input column points at, as the task reads such a file."""
    from suwen.records.fhir import wire
    from suwen.records.interactions.messages import Request

    kind, _, ident = str(reference or "").partition("/")
    if kind != "Binary" or not ident:
        raise BadInput(f"the column {name} names no Binary", fix="Fill it with Binary/ID", code="no-binary")
    answer = record.perform(Request(method="GET", path=f"Binary/{ident}", actor=ACTOR))
    try:
        data = base64.b64decode(wire.read(answer.body).get("data") or "", validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("the Binary is not base64", fix="Store it again") from None
    samples = task.read(data)
    if len(samples) != 1:
        raise BadInput("one file was expected, not several", fix="Store them singly", code="several-images")
    return samples[0]
