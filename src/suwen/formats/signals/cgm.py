"""Continuous glucose as the Shanghai data sets lay it out: one CSV per period, ``<patient>_<period>_<date>.csv``.

Zhao et al., Scientific Data 10:35, 2023. A patient may have several periods, so a split goes by patient, not by file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from suwen.core.errors import NotFound, SuwenError
from suwen.core.sample import Sample, Samples, Unusable
from suwen.core.target import FutureValues
from suwen.formats.fingerprint import fingerprint
from suwen.formats.signals import integrity
from suwen.formats.signals.archive import Member, is_container, members
from suwen.formats.signals.asked import input_of, variables_of
from suwen.formats.signals.cgm_period import QUANTITY, is_period, parse
from suwen.formats.signals.cleaning import Reasons, Rules
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.observations_table import read_table
from suwen.formats.signals.text import located, whole

if TYPE_CHECKING:
    from suwen.core.task import Task

LAYOUT = "Give a folder with T1DM/ and T2DM/, or with CSV files <patient>_<period>_<date>.csv"
TYPES = {"T1DM": "type 1", "T2DM": "type 2"}
"""Folder to the attribute ``diabetes_type``."""
GAP_H = 20 / 60
"""A longer time between two readings is a gap: sensors of the data set read every 15 minutes."""


@dataclass(frozen=True, kw_only=True)
class Cgm:
    """Reads periods of continuous glucose; the trace itself is the target."""

    def collect(self, task: Task, source: str) -> Samples:
        """Every period, its patient and type of diabetes.

        Raises
        ------
        NotFound, BadInput, Unreadable
            No such source; ``empty-folder``; a ``truncated`` archive. A period that cannot be read is in
            ``unusable``, by the codes of :func:`suwen.formats.signals.cgm_period.parse`.
        """
        path = Path(source).expanduser()
        if not path.exists():
            raise NotFound("there is no such data source", where=source, fix=LAYOUT)
        rules = Rules(variables=variables_of(task))
        samples: list[Sample] = []
        unusable: list[Unusable] = []
        reasons = Reasons()
        single = not is_container(path)
        for member in (
            (Member(name=path.name, data=whole(path)),) if single else members(path, suffixes=(".csv",))
        ):
            try:
                with located(member.name):
                    seen, counted = parse(member.data, rules)
            except SuwenError as error:
                if single:
                    raise
                unusable.append(Unusable(source=member.name, code=error.code, reason=error.what))
                continue
            samples.append(
                Sample(
                    subject_id=member.stem.partition("_")[0],
                    inputs={input_of(task): seen},
                    target=FutureValues(),
                    source=member.name,
                    attributes={"diabetes_type": _type(path / member.name)},
                )
            )
            reasons.update(counted)
        samples.sort(key=lambda sample: sample.source)
        traces = [sample.inputs[input_of(task)] for sample in samples]
        said, found = integrity.audit(traces, reasons)
        gaps, lacking_h = _gaps(traces)
        patients = len({sample.subject_id for sample in samples})
        return Samples(
            samples=tuple(samples),
            fingerprint=fingerprint(samples, [True] * len(samples)),
            unusable=tuple(unusable),
            notes=(
                f"{len(samples)} periods of {patients} patients; periods of one patient stay together",
                f"{gaps} gaps between readings, {lacking_h:.1f} hours together, left open",
                *said,
            ),
            integrity={
                **found,
                "patients": patients,
                "gaps": gaps,
                "gap_hours": round(lacking_h, 2),
                "periods_by_type": dict(Counter(s.attributes["diabetes_type"] for s in samples)),
            },
        )

    def read(self, task: Task, item: Path | bytes) -> Sequence[Sample]:
        """Periods for prediction: a CSV, a folder or archive of them, or a long table of observations.

        Raises
        ------
        BadInput, Unreadable
            What is wrong with a period, as :func:`suwen.formats.signals.cgm_period.parse` and
            :func:`suwen.formats.signals.observations_table.read_table` say it.
        """
        if is_container(item):
            found: list[Sample] = []
            for member in members(item, suffixes=(".csv", ".json")):
                with located(member.name):
                    found += _read(task, member.data, member.stem, _type(member.name))
            return found
        with located(item):
            if isinstance(item, bytes):
                return _read(task, item, "input", "")
            return _read(task, whole(item), item.stem, _type(item))


def _read(task: Task, data: bytes, name: str, kind: str) -> list[Sample]:
    rules = Rules(variables=variables_of(task))
    if not is_period(data):
        return read_table(task, data, rules=rules, name=name)
    seen, _ = parse(data, rules)
    return [
        Sample(
            subject_id=name.partition("_")[0],
            inputs={input_of(task): seen},
            source=name,
            attributes={"diabetes_type": kind},
        )
    ]


def _type(path: Path | str) -> str:
    """Type of diabetes by the folder; empty where no folder says it."""
    parts = reversed(PurePosixPath(str(path)).parts[:-1])
    return next((TYPES[part.upper()] for part in parts if part.upper() in TYPES), "")


def _gaps(traces: Sequence[Observations]) -> tuple[int, float]:
    """Number of gaps between readings, and the hours that lack."""
    steps = [np.diff(trace.of(QUANTITY)[0]) for trace in traces]
    wide = np.concatenate([step[step > GAP_H] for step in steps]) if steps else np.zeros(0)
    return len(wide), float((wide - 0.25).sum())
