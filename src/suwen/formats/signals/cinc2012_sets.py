"""Where the sets of PhysioNet/CinC 2012 lie, and their outcomes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from suwen.core.errors import BadInput, NotFound
from suwen.formats.signals.archive import Member, members
from suwen.formats.signals.text import decoded, lines, optional_number

LAYOUT = "Give a folder with set-a.tar.xz (or set-a/) and Outcomes-a.txt, or one such set with its outcomes beside it"
OUTCOME = "In-hospital_death"

_SET = re.compile(r"set-(\w+?)(\.tar(\.(xz|gz|bz2))?|\.tgz|\.zip)?", re.IGNORECASE)
_OUTCOMES = re.compile(r"outcomes(-\w+)?\.txt", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One line of an outcomes file, without what is only known later.

    Attributes
    ----------
    death
        The outcome as written.
    saps_i, sofa
        Scores at the bedside; -1, as written, where they are missing.
    """

    death: str
    saps_i: float
    sofa: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """One set.

    Attributes
    ----------
    name
        ``set-a``.
    path
        Its folder or archive.
    outcomes_path
        Its outcomes, where there are any.
    """

    name: str
    path: Path
    outcomes_path: Path | None

    def stays(self) -> Iterator[Member]:
        """Its text files, outcomes left out."""
        return (member for member in members(self.path, suffixes=(".txt",)) if not is_outcomes(member.name))

    def outcomes(self) -> dict[str, Scores]:
        """RecordID to outcome and scores; empty where the set comes without."""
        return read_outcomes(self.outcomes_path) if self.outcomes_path else {}


def is_outcomes(name: str) -> bool:
    """Whether a file of this name holds outcomes rather than a stay."""
    return bool(_OUTCOMES.fullmatch(PurePosixPath(name).name))


def find(source: Path) -> tuple[Part, ...]:
    """The sets of a source, by name; a folder goes before an archive of the same set.

    Raises
    ------
    NotFound
        No such path.
    BadInput
        ``no-labels`` where no set has outcomes.
    """
    if not source.exists():
        raise NotFound("there is no such data source", where=str(source), fix=LAYOUT)
    inside = sorted(source.iterdir()) if source.is_dir() else []
    places: dict[str, Path] = {}
    for path in inside:
        match = _SET.fullmatch(path.name)
        if match and path.is_dir() == (match[2] is None):
            name = f"set-{match[1].lower()}"
            if name not in places or path.is_dir():
                places[name] = path
    if not places:
        match = _SET.fullmatch(source.name)
        places[f"set-{match[1].lower()}" if match else source.name] = source
    parts = tuple(
        Part(name=name, path=path, outcomes_path=_outcomes_of(name, path, source))
        for name, path in sorted(places.items())
    )
    if not any(part.outcomes_path for part in parts):
        raise BadInput(
            "there are no outcomes beside the stays", where=str(source), fix=LAYOUT, code="no-labels"
        )
    return parts


def _outcomes_of(name: str, path: Path, source: Path) -> Path | None:
    letter = name.removeprefix("set-")
    folders = [path, path.parent] if path.is_dir() else [path.parent]
    if source.is_dir() and source not in folders:
        folders.append(source)
    for folder in folders:
        named = {p.name.lower(): p for p in sorted(folder.iterdir()) if is_outcomes(p.name) and p.is_file()}
        found = named.get(f"outcomes-{letter}.txt") or named.get("outcomes.txt")
        if found:
            return found
        if len(named) == 1 and not _SET.fullmatch(name):
            return next(iter(named.values()))
    return None


def read_outcomes(path: Path) -> dict[str, Scores]:
    """RecordID to outcome and scores.

    Raises
    ------
    BadInput
        ``no-labels`` without the columns RecordID and In-hospital_death, ``bad-row``, ``not-a-number``,
        ``conflicting-labels``.
    """
    where = path.name
    rows = [[cell.strip() for cell in line.split(",")] for line in lines(decoded(path.read_bytes()))]
    header = rows[0]
    if "RecordID" not in header or OUTCOME not in header:
        raise BadInput(f"there is no column RecordID or {OUTCOME}", where=where, fix=LAYOUT, code="no-labels")
    found: dict[str, Scores] = {}
    for row in rows[1:]:
        if len(row) != len(header):
            raise BadInput(
                "a line has not one value per column", where=where, fix="Fetch the file again", code="bad-row"
            )
        cells = dict(zip(header, row, strict=True))
        scores = Scores(
            death=cells[OUTCOME],
            saps_i=optional_number(cells.get("SAPS-I"), where),
            sofa=optional_number(cells.get("SOFA"), where),
        )
        if found.setdefault(cells["RecordID"], scores).death != scores.death:
            raise BadInput(
                "one stay has two outcomes", where=where, fix="Keep the right line", code="conflicting-labels"
            )
    return found


def notes(parts: Sequence[Part], outcomes: Sequence[Mapping[str, Scores]], seen: set[str]) -> tuple[str, ...]:
    """Sentences on which sets were read, and on outcomes without a stay."""
    said = [
        f"PhysioNet/CinC 2012: {', '.join(part.name for part in parts)}; length of stay and survival not read"
    ]
    without = [part.name for part in parts if not part.outcomes_path]
    if without:
        said.append(f"{', '.join(without)} has no outcomes: its stays are unlabelled")
    lone = sum(record not in seen for table in outcomes for record in table)
    if lone:
        said.append(f"{lone} outcomes name a stay that is not there")
    return tuple(said)
