"""Time to an event from a table: DeepSurv's HDF5 files, support2.csv, or any CSV with a time and an event."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, NotFound
from suwen.core.sample import Sample, Samples, Unusable
from suwen.core.target import Outcome
from suwen.formats.fingerprint import fingerprint
from suwen.formats.signals.asked import input_of
from suwen.formats.signals.columns import subgroups
from suwen.formats.signals.covariates import named
from suwen.formats.signals.row import Row
from suwen.formats.signals.survival_csv import FollowUp, read_follow_up
from suwen.formats.signals.survival_h5 import MAGIC, read_h5
from suwen.formats.signals.text import located, whole

if TYPE_CHECKING:
    from suwen.core.task import Task

ACCEPTED = "Name one file: a DeepSurv .h5, or a CSV with a column of times, one of events, and covariates"


@dataclass(frozen=True, kw_only=True)
class SurvivalTable:
    """Reads follow-up of patients; rows with equal covariates count as one patient, so that no split parts them.

    Attributes
    ----------
    time, event
        Columns of a CSV with the time to the event or to censoring, and 1 or 0 for the event; where they are not
        there, the columns of a known table (support2.csv) are taken.
    leaks
        Columns that are only known later, and left out.
    """

    time: str = "time"
    event: str = "event"
    leaks: tuple[str, ...] = ()

    def collect(self, task: Task, source: str) -> Samples:
        """Every row with its outcome; the groups of an HDF5 file are parts where it holds several.

        Raises
        ------
        NotFound
            No such source.
        BadInput
            ``is-a-folder`` for a folder of several files, ``no-labels``, and what the readers of HDF5 and CSV refuse.
        """
        path = _one_file(Path(source).expanduser())
        with located(path):
            tables = self._tables(path)
            if all(table.time is None for table in tables):
                raise BadInput(
                    f"there are no columns '{self.time}' and '{self.event}'", fix=ACCEPTED, code="no-labels"
                )
        samples: list[Sample] = []
        unusable: list[Unusable] = []
        for table in tables:
            for number in range(len(table.x)):
                name = f"{table.split or 'row'} {number + 1}"
                try:
                    samples.append(_sample(task, table, number, name, labelled=True))
                except BadInput as error:
                    unusable.append(Unusable(source=name, code=error.code, reason=error.what))
        known = all(table.subjects is not None for table in tables)
        keys = [(sample.inputs[input_of(task)].content_key(), sample.split) for sample in samples]
        found = _repeats(keys)
        return Samples(
            samples=tuple(samples),
            fingerprint=fingerprint(samples, [known] * len(samples)),
            unusable=tuple(unusable),
            subjects_known=known,
            notes=(*_notes(found), *(note for table in tables[:1] for note in table.notes)),
            integrity=found,
        )

    def read(self, task: Task, item: Path | bytes) -> Sequence[Sample]:
        """Rows for prediction; a time and an event among the columns are passed over."""
        path = item if isinstance(item, bytes) else _one_file(item)
        with located(path):
            stem = "row" if isinstance(path, bytes) else path.stem
            return [
                _sample(task, table, number, f"{stem} {number + 1}", labelled=False)
                for table in self._tables(path)
                for number in range(len(table.x))
            ]

    def _tables(self, item: Path | bytes) -> list[FollowUp]:
        if _start(item).startswith(MAGIC):
            groups = read_h5(item)
            names, study = named(np.concatenate([group.x for group in groups]))
            note = (
                (f"{study} of DeepSurv's files",) if study else ("columns without names, called x0, x1 ...",)
            )
            return [
                FollowUp(
                    x=group.x, names=names, time=group.time, event=group.event, split=group.split, notes=note
                )
                for group in groups
            ]
        return read_follow_up(whole(item), time=self.time, event=self.event, leaks=self.leaks)


def _one_file(path: Path) -> Path:
    """The file itself, or the only one of a folder."""
    if not path.exists():
        raise NotFound("there is no such data source", where=str(path), fix=ACCEPTED)
    if not path.is_dir():
        return path
    files = sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in {".h5", ".hdf5", ".csv"})
    if len(files) == 1:
        return files[0]
    names = ", ".join(file.name for file in files[:8])
    raise BadInput(
        f"the folder holds {len(files)} tables" + (f": {names}" if files else ""),
        where=str(path),
        fix=ACCEPTED,
        code="is-a-folder",
    )


def _start(item: Path | bytes) -> bytes:
    if isinstance(item, bytes):
        return item[: len(MAGIC)]
    with item.open("rb") as file:
        return file.read(len(MAGIC))


def _sample(task: Task, table: FollowUp, number: int, name: str, *, labelled: bool) -> Sample:
    values = np.ascontiguousarray(table.x[number])
    return Sample(
        subject_id=table.subjects[number] if table.subjects else _as_subject(values),
        inputs={input_of(task): Row(values=values, names=table.names)},
        target=_outcome(table, number) if labelled else None,
        source=name,
        split=(table.splits[number] if table.splits else table.split) if labelled else None,
        attributes=subgroups(table.names, values),
    )


def _as_subject(values: NDArray[np.float32]) -> str:
    """A name that rows with equal covariates share."""
    return "row-" + hashlib.sha256(values.tobytes()).hexdigest()[:20]


def _outcome(table: FollowUp, number: int) -> Outcome | None:
    if table.time is None or table.event is None:
        return None
    time, event = float(table.time[number]), float(table.event[number])
    if np.isnan(time) or np.isnan(event):
        return None
    if not np.isfinite(time) or time <= 0:
        raise BadInput(
            "the follow-up is not longer than 0", fix="Give the time to the event", code="no-follow-up"
        )
    if event not in {0.0, 1.0}:
        raise BadInput("the event is neither 0 nor 1", fix="Write 1 for the event", code="unknown-label")
    return Outcome(time=time, event=bool(event))


def _repeats(keys: Sequence[tuple[str, str | None]]) -> dict[str, Any]:
    """How many rows repeat the covariates of another, and of another part."""
    rows = Counter(key for key, _ in keys)
    train = {key for key, split in keys if split == "train"}
    return {
        "rows": len(keys),
        "distinct_rows": len(rows),
        "repeats_of_training_rows": {
            part: sum(key in train for key, split in keys if split == part)
            for part in ("validation", "test")
            if any(split == part for _, split in keys)
        },
    }


def _notes(found: dict[str, Any]) -> list[str]:
    lines = []
    if found["distinct_rows"] < found["rows"]:
        lines.append(
            f"{found['rows'] - found['distinct_rows']} of {found['rows']} rows repeat the covariates of another; equal "
            "rows count as one patient and stay together"
        )
    lines += [
        f"{count} {part} rows repeat a training row: figures with them are too good"
        for part, count in found["repeats_of_training_rows"].items()
        if count
    ]
    return lines
