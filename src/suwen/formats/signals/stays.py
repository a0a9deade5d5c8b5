"""Stays as long tables of observations: the source of a task that has no data set of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.core.errors import BadInput, NotFound, SuwenError
from suwen.core.sample import Sample, Samples, Unusable
from suwen.formats.fingerprint import fingerprint
from suwen.formats.read import MAX_FILE_BYTES
from suwen.formats.signals.archive import is_container, members
from suwen.formats.signals.asked import input_of, variables_of
from suwen.formats.signals.cleaning import Rules
from suwen.formats.signals.observations_table import Stay, read_stays

if TYPE_CHECKING:
    from suwen.core.task import Task

TABLES = (".csv", ".json", ".tsv", ".txt")


@dataclass(frozen=True, kw_only=True)
class Stays:
    """Reads long tables of observations, CSV or JSON, one file or many; see ``observations_table``."""

    def collect(self, task: Task, source: str) -> Samples:
        """Every stay with its label, which stands in the column ``label``.

        Parameters
        ----------
        task
            Its ``variables`` say what is kept, its endpoint what a label means.
        source
            A table, or a folder or archive of them.

        Raises
        ------
        NotFound
            No such source.
        BadInput
            ``unknown-label``, and what the archive refuses; a table that cannot be read is among the unusable.
        """
        path = Path(source).expanduser()
        if not path.exists():
            raise NotFound("there is no such data source", where=str(path), fix="Give a table or a folder")
        samples: list[Sample] = []
        named: list[bool] = []
        unusable: list[Unusable] = []
        for name, data in _files(path):
            try:
                stays = read_stays(data, rules=_rules(task))
            except SuwenError as error:
                unusable.append(Unusable(source=name, code=error.code, reason=error.what))
                continue
            for number, stay in enumerate(stays, start=1):
                samples.append(_sample(task, stay, f"{name}[{number}]" if len(stays) > 1 else name))
                named.append(bool(stay.subject))
        return Samples(
            samples=tuple(samples),
            fingerprint=fingerprint(samples, named),
            unusable=tuple(unusable),
            subjects_known=any(named),
            notes=(f"long tables of observations, {len(samples)} stays",),
        )

    def read(self, task: Task, item: Path | bytes) -> Sequence[Sample]:
        """Stays for prediction, without labels.

        Raises
        ------
        BadInput, Unreadable
            What is wrong with the table.
        """
        try:
            if isinstance(item, Path) and not is_container(item):
                return _read(task, _content(item), item.stem)
            if isinstance(item, bytes) and not is_container(item):
                return _read(task, item, "input")
            return [
                one
                for member in members(item, suffixes=TABLES)
                for one in _read(task, member.data, member.stem)
            ]
        except SuwenError as error:
            error.where = error.where or (None if isinstance(item, bytes) else str(item))
            raise


def _read(task: Task, data: bytes, name: str) -> list[Sample]:
    found = [
        Sample(subject_id=stay.subject or name, inputs={input_of(task): stay.observations}, source=name)
        for stay in read_stays(data, rules=_rules(task))
    ]
    if not found:
        raise BadInput(
            "the table holds no observations",
            fix="Give at least one line below the header",
            code="empty-stay",
        )
    return found


def _sample(task: Task, stay: Stay, name: str) -> Sample:
    try:
        target = task.endpoint.resolve(stay.label)  # type: ignore[union-attr]  # of classes, as the task says
    except SuwenError as error:
        error.where = name
        raise
    return Sample(
        subject_id=stay.subject or name,
        inputs={input_of(task): stay.observations},
        target=target,
        source=name,
    )


def _rules(task: Task) -> Rules:
    return Rules(variables=variables_of(task))


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if is_container(path):
        for member in members(path, suffixes=TABLES):
            yield member.name, member.data
    else:
        yield path.name, _content(path)


def _content(path: Path) -> bytes:
    if not path.exists():
        raise NotFound("there is no such file", where=str(path), fix="Check the path")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise BadInput(
            f"the file is larger than {MAX_FILE_BYTES // 2**20} MB", where=str(path), code="too-large"
        )
    return path.read_bytes()
