"""Where beats come from: rows of a text file as ECG5000 has them, or WFDB records with their annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from suwen.core.errors import BadInput, NotFound, SuwenError
from suwen.formats.signals.archive import Member, is_container, members
from suwen.formats.signals.beats import AAMI, ECG5000, FLAT_MV, LENGTH, beat_row, r_peaks, window
from suwen.formats.signals.row import Row
from suwen.formats.signals.text import decoded, lines, number, whole
from suwen.formats.signals.wfdb import Record, read_beats, read_record, signal_files

ACCEPTED = (
    f"Give a text file with a label and {LENGTH} values per line (ECG5000), or WFDB records (.hea, .dat, .atr), "
    "as a folder or archive"
)
TEXTS = (".txt", ".csv", ".tsv")
_SUFFIXES = (".hea", ".dat", ".atr", *TEXTS)
_MILLIVOLTS = {"mV": 1.0, "uV": 0.001, "V": 1000.0}
_MISSING = frozenset({"nan", "?", ""})


@dataclass(frozen=True, kw_only=True)
class Beat:
    """One beat, or why it cannot be used.

    Attributes
    ----------
    found
        Its values, or what is wrong with it.
    label
        Class of AAMI EC57; ``None`` where it is unknown.
    subject
        Record it is from; empty where the source names none.
    source
        Where in the source it is.
    lead
        Lead it was taken from, where known.
    split
        Part that the file's name says, where it does.
    """

    found: Row | BadInput
    label: str | None
    subject: str
    source: str
    lead: str = ""
    split: str | None = None


def text_beats(data: bytes, name: str) -> Iterator[Beat]:
    """Beats of a text file: values separated by commas, tabs or spaces, a label before them or none.

    Raises
    ------
    Unreadable
        ``empty-file`` or ``not-text``.
    BadInput
        ``bad-row`` for a line that has not 140 values, with or without a label; ``unknown-label``.
    """
    stem = PurePosixPath(name).stem
    part = stem.rpartition("_")[2].lower()
    for at, line in enumerate(lines(decoded(data)), start=1):
        cells = line.replace(",", " ").replace(";", " ").split()
        if len(cells) not in {LENGTH, LENGTH + 1}:
            raise BadInput(f"line {at} has {len(cells)} values", fix=ACCEPTED, code="bad-row")
        label = cells[0] if len(cells) == LENGTH + 1 else None
        found: Row | BadInput
        try:
            values = np.array([_value(cell) for cell in cells[-LENGTH:]], np.float64)
            found = beat_row(values)
        except BadInput as error:
            found = error
        yield Beat(
            found=found,
            label=_label(label),
            subject="",
            source=f"{stem} {at}",
            split=part if part in {"train", "test"} else None,
        )


def _value(cell: str) -> float:
    return float("nan") if cell.lower() in _MISSING else number(cell, "value")


def _label(text: str | None) -> str | None:
    if text is None or text.lower() in _MISSING:
        return None
    value = number(text, "label")
    name = str(int(value)) if value == int(value) else text
    if name not in ECG5000:
        raise BadInput("a label is not one of 1 to 5", where="label", fix=ACCEPTED, code="unknown-label")
    return ECG5000[name]


def record_beats(
    stem: str, header: bytes, files: Mapping[str, bytes], annotations: bytes | None, lead: str | None
) -> Iterator[Beat]:
    """Beats of a WFDB record: where its annotations are, or, without any, where R peaks are found.

    Raises
    ------
    Unreadable, BadInput
        As :func:`suwen.formats.signals.wfdb.read_record`; ``unknown-lead``; ``wrong-unit``; ``no-beats``.
    """
    record = read_record(header, files)
    at = _lead(record, lead)
    if record.units[at] not in _MILLIVOLTS:
        raise BadInput(
            f"an ECG cannot be given in '{record.units[at][:20]}'",
            fix=f"Known units: {', '.join(_MILLIVOLTS)}",
            code="wrong-unit",
        )
    signal = record.signals[:, at] * np.float32(_MILLIVOLTS[record.units[at]])
    symbols: tuple[str, ...] = ()
    if annotations is None:
        places = r_peaks(signal, record.fs_hz)
    else:
        places, symbols = read_beats(annotations)
        if len(places) and (int(places[-1]) >= len(signal) or int(places.min()) < 0):
            raise BadInput(
                "annotations lie outside the record", fix="Give the .atr of this record", code="bad-time"
            )
    if not len(places):
        raise BadInput(
            "no beat was found in the record", fix="Check the lead and the electrode", code="no-beats"
        )
    for number_, place in enumerate(places.tolist()):
        found: Row | BadInput
        seen = window(signal, place, record.fs_hz)
        try:
            if seen is None:
                raise BadInput(
                    "the beat is cut by the end of the record", fix="Leave it out", code="cut-beat"
                )
            found = beat_row(seen, least=FLAT_MV)
        except BadInput as error:
            found = error
        yield Beat(
            found=found,
            label=AAMI[symbols[number_]] if symbols else None,
            subject=stem,
            source=f"{stem} at {place / record.fs_hz:.2f} s",
            lead=record.leads[at],
        )


def _lead(record: Record, wanted: str | None) -> int:
    """Index of the lead: the one that is asked for, else II or its modified form, else the first."""
    names = [name.upper() for name in record.leads]
    if wanted is not None:
        if wanted.upper() not in names:
            raise BadInput(
                f"the record has no lead '{wanted}'",
                fix=f"It has {', '.join(record.leads)}",
                code="unknown-lead",
            )
        return names.index(wanted.upper())
    return next((names.index(name) for name in ("MLII", "II") if name in names), 0)


def find(
    item: Path | bytes,
) -> tuple[list[Member], list[tuple[str, bytes, dict[str, bytes], bytes | None]], int]:
    """Text files; records as stem, header, signal files and annotations; and records passed over.

    Text files that lie in a folder itself go before records further down, whose windows are cut otherwise.

    Raises
    ------
    NotFound, BadInput, Unreadable
        No such path; what :func:`suwen.formats.signals.archive.members` refuses; ``mixed-layouts``.
    """
    if not is_container(item):
        return _single(item)
    inside = list(members(item, suffixes=_SUFFIXES))
    texts = [member for member in inside if member.name.lower().endswith(TEXTS)]
    records = _records(inside)
    if texts and records:
        top = [member for member in texts if "/" not in member.name]
        if not top or any(
            "/" not in member.name for member in inside if member.name.lower().endswith(".hea")
        ):
            raise BadInput(
                "text files and records lie side by side", fix="Name one of them", code="mixed-layouts"
            )
        return top, [], len(records)
    if not texts and not records:
        raise BadInput("there is neither a text file nor a header", fix=ACCEPTED, code="empty-folder")
    return texts, records, 0


def _single(
    item: Path | bytes,
) -> tuple[list[Member], list[tuple[str, bytes, dict[str, bytes], bytes | None]], int]:
    if isinstance(item, bytes):
        return [Member(name="input", data=whole(item))], [], 0
    if item.suffix.lower() in {".dat", ".atr"}:
        item = item.with_suffix(".hea")
    if not item.exists():
        raise NotFound("there is no such ECG", where=str(item), fix=ACCEPTED)
    if item.suffix.lower() != ".hea":
        return [Member(name=item.name, data=whole(item))], [], 0
    header = whole(item)
    beside = {name: item.with_name(name) for name in signal_files(header)}
    files = {name: whole(path) for name, path in beside.items() if path.is_file()}
    notes = item.with_suffix(".atr")
    return [], [(item.stem, header, files, whole(notes) if notes.is_file() else None)], 0


def _records(inside: list[Member]) -> list[tuple[str, bytes, dict[str, bytes], bytes | None]]:
    content = {member.name: member.data for member in inside}
    found = []
    for member in inside:
        if not member.name.lower().endswith(".hea"):
            continue
        folder = PurePosixPath(member.name).parent
        try:
            names = signal_files(member.data)
        except SuwenError:
            names = ()  # said when the record itself is read
        files = {name: content[str(folder / name)] for name in names if str(folder / name) in content}
        notes = content.get(str(folder / f"{member.stem}.atr"))
        found.append((member.stem, member.data, files, notes))
    return found
