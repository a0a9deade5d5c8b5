"""A table with one row per person and the columns that a task's variables name: risk factors in, one label out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.core.errors import BadInput, NotFound, SuwenError
from suwen.core.sample import Sample, Samples, Unusable
from suwen.formats.fingerprint import fingerprint
from suwen.formats.labels import SPLIT_NAMES
from suwen.formats.signals.asked import age_band, input_of, sex, variables_of
from suwen.formats.signals.cleaning import Reasons
from suwen.formats.signals.integrity import sentences
from suwen.formats.signals.records import read_records
from suwen.formats.signals.row import Row
from suwen.formats.signals.table_rows import Column, columns_of, row_of
from suwen.formats.signals.text import located, whole

if TYPE_CHECKING:
    from suwen.core.task import Task

SUBJECTS = ("subject_id", "patient_id", "patient", "id")
"""Columns that name the person, where the source does not say which."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Reads a CSV or JSON table whose columns are named as the task's variables are; others are passed over.

    A unit may stand behind a column's name in brackets, ``totChol [mmol/L]``; the values are then converted.

    Attributes
    ----------
    labels
        Columns that may hold the label; the first that is there does.
    subject
        Column that names the person; ``None`` takes one of ``subject_id``, ``patient_id``, ``patient``, ``id``.
    optional
        Variables whose column may be missing altogether: they are then missing in every row.
    age, sex
        Variables that make the subgroups ``age_band`` and ``sex``; the latter 1 for male, 0 for female.
    synonyms
        Other names of columns: name in the table to variable.
    """

    labels: tuple[str, ...] = ("label",)
    subject: str | None = None
    optional: tuple[str, ...] = ()
    age: str | None = None
    sex: str | None = None
    synonyms: Mapping[str, str] = field(default_factory=dict)

    def collect(self, task: Task, source: str) -> Samples:
        """Every row with its label; a blank label is unknown.

        Raises
        ------
        NotFound
            No such source.
        BadInput
            ``is-a-folder``, ``no-labels``, ``unknown-label``, ``unknown-split``, and what :meth:`read` refuses of
            the table as a whole. A row with a wrong value is in ``unusable``.
        """
        path = _one_file(Path(source).expanduser())
        with located(path):
            records, columns = self._open(task, whole(path))
            label = next((name for name in self.labels if name in records[0]), None)
            if label is None:
                raise BadInput(
                    f"there is no column {' or '.join(self.labels)}", fix="Give the label", code="no-labels"
                )
            whose = self._subject(records[0])
            reasons = Reasons()
            samples: list[Sample] = []
            unusable: list[Unusable] = []
            known: list[bool] = []
            for number, record in enumerate(records, start=1):
                target = task.endpoint.resolve(_text(record.get(label)))  # type: ignore[union-attr]
                split = _split(record)
                try:
                    row = row_of(record, columns, variables_of(task), reasons)
                except SuwenError as error:
                    unusable.append(Unusable(source=f"row {number}", code=error.code, reason=error.what))
                    continue
                subject = _text(record.get(whose)) if whose else ""
                known.append(bool(subject))
                samples.append(self._sample(task, row, subject, f"row {number}", target, split))
        notes, found = _integrity(samples, reasons, task)
        return Samples(
            samples=tuple(samples),
            fingerprint=fingerprint(samples, known),
            unusable=tuple(unusable),
            subjects_known=any(known),
            notes=(*self._passed_over(records[0], columns, label, whose), *notes),
            integrity=found,
        )

    def read(self, task: Task, item: Path | bytes) -> Sequence[Sample]:
        """Rows for prediction; a label among the columns is passed over.

        Raises
        ------
        NotFound, Unreadable
            No such file, or not a table.
        BadInput
            ``missing-column`` (naming it, and the nearest there is), ``wrong-unit``, ``not-a-number``, ``bad-row``,
            ``duplicate-column``, ``empty-table``.
        """
        path = item if isinstance(item, bytes) else _one_file(item)
        with located(path):
            records, columns = self._open(task, whole(path))
            whose = self._subject(records[0])
            stem = "row" if isinstance(path, bytes) else path.stem
            found = []
            for number, record in enumerate(records, start=1):
                row = row_of(record, columns, variables_of(task), Reasons())
                subject = _text(record.get(whose)) if whose else ""
                found.append(self._sample(task, row, subject, f"{stem} {number}", None, None))
            return found

    def _open(self, task: Task, data: bytes) -> tuple[list[dict[str, Any]], list[Column]]:
        records = list(read_records(data))
        if not records:
            raise BadInput("the table has no rows", fix="Give at least one", code="empty-table")
        return records, columns_of(
            records[0], variables_of(task), synonyms=self.synonyms, optional=self.optional
        )

    def _subject(self, first: Mapping[str, Any]) -> str | None:
        names = (self.subject,) if self.subject else SUBJECTS
        return next((name for name in names if name in first), None)

    def _sample(
        self, task: Task, row: Row, subject: str, source: str, target: str | None, split: str | None
    ) -> Sample:
        given = dict(zip(row.names, row.values.tolist(), strict=True))
        attributes = {}
        if self.age:
            attributes["age_band"] = age_band(given.get(self.age, math.nan))
        if self.sex:
            attributes["sex"] = sex(given.get(self.sex, math.nan))
        return Sample(
            subject_id=subject or source,
            inputs={input_of(task): row},
            target=target,
            source=source,
            split=split,
            attributes=attributes,
        )

    def _passed_over(
        self, first: Mapping[str, Any], columns: Sequence[Column], label: str, whose: str | None
    ) -> list[str]:
        used = {column.given for column in columns} | {label, whose, "split", ""}
        rest = [name for name in first if name not in used]
        said = [] if whose else ["no column names the person: every row counts as its own"]
        return said + ([f"columns passed over: {', '.join(rest)}"] if rest else [])


def _integrity(samples: Sequence[Sample], reasons: Reasons, task: Task) -> tuple[list[str], dict[str, Any]]:
    copies = Counter(sample.inputs[input_of(task)].content_key() for sample in samples)
    repeated = sum(count - 1 for count in copies.values())
    said, found = sentences(reasons)
    if repeated:
        said = [f"{repeated} rows repeat another", *said]
    return said, {"rows": len(samples), "identical_rows": repeated, **found}


def _one_file(path: Path) -> Path:
    if not path.exists():
        raise NotFound("there is no such table", where=str(path), fix="Give a CSV or JSON file")
    if not path.is_dir():
        return path
    files = sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in {".csv", ".tsv", ".json"})
    if len(files) == 1:
        return files[0]
    raise BadInput(
        f"the folder holds {len(files)} tables", where=str(path), fix="Name one of them", code="is-a-folder"
    )


def _split(record: Mapping[str, Any]) -> str | None:
    text = _text(record.get("split")).lower()
    if text and text not in SPLIT_NAMES:
        raise BadInput(
            "a part is not train, validation or test", where="split", fix="Rename it", code="unknown-split"
        )
    return SPLIT_NAMES.get(text)


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()
