"""Stays of a hospital's own, as long tables of observations: the source for tasks without a published data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.core.errors import NotFound, SuwenError
from suwen.core.sample import Sample, Samples, Unusable
from suwen.core.variables import Variable
from suwen.formats.fingerprint import fingerprint
from suwen.formats.signals import integrity
from suwen.formats.signals.archive import Member, is_container, members
from suwen.formats.signals.asked import input_of, variables_of
from suwen.formats.signals.cleaning import Reasons, Rules
from suwen.formats.signals.observations_table import COLUMNS, Stay, read_stays
from suwen.formats.signals.text import located, whole

if TYPE_CHECKING:
    from suwen.core.task import Task

SUFFIXES = (".csv", ".tsv", ".json", ".txt")


@dataclass(frozen=True, kw_only=True)
class ObservationsTable:
    """Reads long tables (:mod:`suwen.formats.signals.observations_table`): one, or a folder or archive of them.

    Attributes
    ----------
    descriptors
        What does not change during a stay; lines that name one go to the static part.
    length_h
        Hours that a stay covers at most; ``None`` ends it with its last observation.
    """

    descriptors: tuple[Variable, ...] = ()
    length_h: float | None = None

    def collect(self, task: Task, source: str) -> Samples:
        """Stays with the label of their column ``label``, or none; a bad file of several is ``unusable``.

        Raises
        ------
        NotFound, BadInput, Unreadable
            No such source; or what is wrong with the only table.
        """
        path = Path(source).expanduser()
        if not path.exists():
            raise NotFound("there is no such data source", where=source, fix=COLUMNS)
        several = is_container(path)
        unusable: list[Unusable] = []
        samples: list[Sample] = []
        known: list[bool] = []
        reasons = Reasons()
        for member in members(path, suffixes=SUFFIXES) if several else (_alone(path),):
            try:
                stays = self._stays(task, member.data)
            except SuwenError as error:
                if not several:
                    error.where = error.where or source
                    raise
                unusable.append(Unusable(source=member.name, code=error.code, reason=error.what))
                continue
            for stay in stays:
                samples.append(_sample(task, stay, member.stem, labelled=True))
                known.append(bool(stay.subject))
                reasons.update(stay.reasons)
        notes, found = integrity.audit(
            [s.inputs[input_of(task)] for s in samples], reasons, window_h=self.length_h
        )
        return Samples(
            samples=tuple(samples),
            fingerprint=fingerprint(samples, known),
            unusable=tuple(unusable),
            subjects_known=any(known),
            notes=notes,
            integrity=found,
        )

    def read(self, task: Task, item: Path | bytes) -> Sequence[Sample]:
        """Stays for prediction.

        Raises
        ------
        NotFound, BadInput, Unreadable
            As :func:`suwen.formats.signals.observations_table.read_stays`.
        """
        if is_container(item):
            found = []
            for member in members(item, suffixes=SUFFIXES):
                with located(member.name):
                    found += [_sample(task, stay, member.stem) for stay in self._stays(task, member.data)]
            return found
        with located(item):
            name = "input" if isinstance(item, bytes) else item.stem
            return [_sample(task, stay, name) for stay in self._stays(task, whole(item))]

    def _stays(self, task: Task, data: bytes) -> list[Stay]:
        rules = Rules(variables=variables_of(task))
        return read_stays(data, rules=rules, descriptors=self.descriptors, length_h=self.length_h)


def _alone(path: Path) -> Member:
    return Member(name=path.name, data=whole(path))


def _sample(task: Task, stay: Stay, name: str, *, labelled: bool = False) -> Sample:
    target = task.endpoint.resolve(stay.label) if labelled and stay.label else None  # type: ignore[union-attr]
    return Sample(
        subject_id=stay.subject or name,
        inputs={input_of(task): stay.observations},
        target=target,
        source=name,
    )
