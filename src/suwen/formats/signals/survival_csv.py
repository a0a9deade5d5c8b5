"""Follow-up in a CSV or JSON table: one row per patient, with a time, an event and covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.formats.labels import SPLIT_NAMES
from suwen.formats.signals.columns import columns_of
from suwen.formats.signals.records import read_records
from suwen.formats.signals.text import ABSENT, optional_number

SUBJECTS = ("subject_id", "patient_id", "patient", "subject", "id", "sno")
"""Columns that name the patient."""
_WORDS = {"true": "1", "yes": "1", "false": "0", "no": "0"}


@dataclass(frozen=True, kw_only=True)
class Known:
    """A published table: its columns of time and event, and what in it is only known later."""

    title: str
    signature: frozenset[str]
    time: str
    event: str
    leaks: tuple[str, ...]


KNOWN = (
    # Knaus et al., Annals of Internal Medicine 122:191, 1995. Physiology is that of day 3; scores and estimates made
    # from it and from the outcome (sps, surv2m, surv6m), the doctors' own estimates (prg2m, prg6m), costs, length of
    # stay, intensity of treatment up to day 25, later decisions and later function are not covariates.
    Known(
        title="SUPPORT (support2.csv)",
        signature=frozenset({"d.time", "death", "hospdead", "slos", "sps"}),
        time="d.time",
        event="death",
        leaks=(
            "hospdead", "slos", "charges", "totcst", "totmcst", "avtisst", "sps", "surv2m", "surv6m", "prg2m", "prg6m",
            "dnr", "dnrday", "sfdm2",
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class FollowUp:
    """A table of patients.

    Attributes
    ----------
    x, names
        Covariates (n, d), float32, NaN where missing.
    time, event
        Arrays (n,), NaN where unknown; ``None`` where the table has none.
    subjects, splits
        One per row where the table has such a column.
    split
        The part that all rows are in, where the file says so.
    notes
        What was left out.
    """

    x: NDArray[np.float32]
    names: tuple[str, ...]
    time: NDArray[np.float64] | None
    event: NDArray[np.float64] | None
    subjects: tuple[str, ...] | None = None
    splits: tuple[str | None, ...] | None = None
    split: str | None = None
    notes: tuple[str, ...] = ()


def read_follow_up(data: bytes, *, time: str, event: str, leaks: Sequence[str]) -> list[FollowUp]:
    """One table.

    Raises
    ------
    BadInput
        ``missing-column`` for a time without events or without covariates, ``not-a-number``, ``unknown-label``,
        ``unknown-split``, ``bad-row``, ``duplicate-column``.
    Unreadable
        ``empty-file``, ``not-text``, ``bad-csv``, ``bad-json``.
    """
    records = list(read_records(data))
    if not records:
        raise BadInput("the table has no rows", fix="Give at least one", code="empty-table")
    header = list(dict.fromkeys(name for record in records for name in record))
    table = {name: [record.get(name) for record in records] for name in header}
    known = next((k for k in KNOWN if time not in table and k.signature <= table.keys()), None)
    if known:
        time, event, leaks = known.time, known.event, known.leaks
    if (time in table) != (event in table):
        lacking = event if time in table else time
        raise BadInput(
            f"there is no column '{lacking}'", fix="Give both time and event", code="missing-column"
        )
    subject = next((name for name in SUBJECTS if name in table), None)
    apart = {time, event, subject, "split", "", *leaks}
    columns = columns_of({name: cells for name, cells in table.items() if name not in apart})
    if not columns.names:
        raise BadInput(
            "the table has no covariates", fix="Give columns beside time and event", code="missing-column"
        )
    left_out = [name for name in header if name in leaks]
    notes = [known.title] if known else []
    if left_out:
        notes.append(f"left out, since they are known only later: {', '.join(left_out)}")
    if columns.left_out:
        notes.append(
            f"left out, since their words are too many to be categories: {', '.join(columns.left_out)}"
        )
    return [
        FollowUp(
            x=columns.x,
            names=columns.names,
            time=_numbers(table, time),
            event=_events(table, event),
            subjects=_subjects(table[subject]) if subject else None,
            splits=tuple(_split(cell) for cell in table["split"]) if "split" in table else None,
            notes=tuple(notes),
        )
    ]


def _numbers(table: Mapping[str, Sequence[object]], name: str) -> NDArray[np.float64] | None:
    if name not in table:
        return None
    return np.array([optional_number(_text(cell), name) for cell in table[name]], np.float64)


def _events(table: Mapping[str, Sequence[object]], name: str) -> NDArray[np.float64] | None:
    if name not in table:
        return None
    words = [_WORDS.get(_text(cell).lower(), _text(cell)) for cell in table[name]]
    if any(word.lower() not in ABSENT and word not in {"0", "1", "0.0", "1.0"} for word in words):
        raise BadInput(
            "an event is neither 0 nor 1",
            where=name,
            fix="Write 1 for the event, 0 for censored",
            code="unknown-label",
        )
    return np.array([optional_number(word, name) for word in words], np.float64)


def _subjects(cells: Sequence[object]) -> tuple[str, ...]:
    return tuple(_text(cell) or f"row-{number}" for number, cell in enumerate(cells, start=1))


def _split(cell: object) -> str | None:
    text = _text(cell).lower()
    if text and text not in SPLIT_NAMES:
        raise BadInput(
            "a part is not train, validation or test", where="split", fix="Rename it", code="unknown-split"
        )
    return SPLIT_NAMES.get(text)


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()
