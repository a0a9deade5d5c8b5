"""Beats of an ECG and their classes: ECG5000's text files, or WFDB records such as MIT-BIH's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.core.errors import BadInput, SuwenError
from suwen.core.sample import Sample, Samples, Unusable
from suwen.formats.fingerprint import fingerprint
from suwen.formats.signals.asked import input_of
from suwen.formats.signals.beat_sources import Beat, find, record_beats, text_beats
from suwen.formats.signals.text import located

if TYPE_CHECKING:
    from suwen.core.task import Task

SAME_PATIENT = {"202": "201"}
"""Records of MIT-BIH that are of one man (Moody and Mark, IEEE Engineering in Medicine and Biology 20:45, 2001)."""


@dataclass(frozen=True, kw_only=True)
class EcgBeats:
    """Reads beats as rows of 140 values, mean 0 and standard deviation 1; classes are those of AAMI EC57.

    Attributes
    ----------
    lead
        Lead of a record; ``None`` takes II or its modified form, else the first.
    """

    lead: str | None = None

    def collect(self, task: Task, source: str) -> Samples:
        """Every beat with its class, N, S, V, F or Q, which the endpoint resolves.

        Parameters
        ----------
        source
            A text file, a ``.hea``, or a folder or archive of either.

        Raises
        ------
        NotFound, BadInput, Unreadable
            As :func:`suwen.formats.signals.beat_sources.find`; what is wrong with the only file; ``no-labels``.
            A record that cannot be read beside others, and a beat that cannot be used, are in ``unusable``.
        """
        path = Path(source).expanduser()
        beats, unusable, passed_over = self._beats(path)
        samples: list[Sample] = []
        known: list[bool] = []
        for beat in beats:
            if isinstance(beat.found, BadInput):
                unusable.append(Unusable(source=beat.source, code=beat.found.code, reason=beat.found.what))
                continue
            target = task.endpoint.resolve(beat.label)  # type: ignore[union-attr]
            samples.append(_sample(task, beat, target, beat.split))
            known.append(bool(beat.subject))
        if samples and all(sample.target is None for sample in samples):
            raise BadInput(
                "no beat has a class", where=source, fix="Give annotations or labels", code="no-labels"
            )
        parts = {sample.split for sample in samples}
        if len(parts) == 1:  # one part alone is no split
            samples = [replace(sample, split=None) for sample in samples]
        return Samples(
            samples=tuple(samples),
            fingerprint=fingerprint(samples, known),
            unusable=tuple(unusable),
            subjects_known=any(known),
            notes=tuple(_notes(samples, known, passed_over)),
            integrity={
                "beats": len(samples),
                "classes": dict(sorted(Counter(beat.label or "unknown" for beat in beats).items())),
                "records": len(
                    {sample.subject_id for sample, named in zip(samples, known, strict=True) if named}
                ),
                "unusable": dict(Counter(bad.code for bad in unusable)),
            },
        )

    def read(self, task: Task, item: Path | bytes) -> Sequence[Sample]:
        """Beats for prediction: where a record is annotated, else where R peaks are found; labels passed over.

        Beats that the ends of a record cut are left out.

        Raises
        ------
        NotFound, BadInput, Unreadable
            As :meth:`collect`, and what is wrong with a beat of a text file.
        """
        found = []
        texts, records, _ = find(item)
        for member in texts:
            with located(member.name if isinstance(item, bytes) else str(item)):
                found += [(beat, True) for beat in text_beats(member.data, member.name)]
        for stem, header, files, notes in records:
            with located(stem):
                found += [(beat, False) for beat in record_beats(stem, header, files, notes, self.lead)]
        for beat, strict in found:
            if isinstance(beat.found, BadInput) and strict:
                with located(item):
                    raise beat.found
        usable = [
            _sample(task, beat, None, None) for beat, _ in found if not isinstance(beat.found, BadInput)
        ]
        if not usable:
            raise BadInput("no beat of the record can be used", fix="Check the lead", code="no-beats")
        return usable

    def _beats(self, path: Path) -> tuple[list[Beat], list[Unusable], int]:
        texts, records, passed_over = find(path)
        beats: list[Beat] = []
        unusable: list[Unusable] = []
        for member in texts:
            with located(member.name):
                beats += text_beats(member.data, member.name)
        for stem, header, files, notes in records:
            try:
                with located(stem):
                    beats += record_beats(stem, header, files, notes, self.lead)
            except SuwenError as error:
                if len(records) == 1:
                    raise
                unusable.append(Unusable(source=stem, code=error.code, reason=error.what))
        return beats, unusable, passed_over


def _sample(task: Task, beat: Beat, target: str | None, split: str | None) -> Sample:
    return Sample(
        subject_id=SAME_PATIENT.get(beat.subject, beat.subject) or beat.source,
        inputs={input_of(task): beat.found},
        target=target,
        source=beat.source,
        split=split,
        attributes={"lead": beat.lead} if beat.lead else {},
    )


def _notes(samples: Sequence[Sample], known: Sequence[bool], passed_over: int) -> list[str]:
    said = []
    if not any(known):
        said.append(
            "beats of a text file name no patient and count as their own; those of ECG5000 are all of one single "
            "person, so that figures say nothing about another"
        )
    elif len({sample.subject_id for sample in samples}) == 1:
        said.append("all beats are of one record: figures say nothing about another patient")
    if passed_over:
        said.append(
            f"{passed_over} WFDB records in folders further down were not read: their beats are cut otherwise; name "
            "the folder to use them"
        )
    return said
