"""PhysioNet/CinC Challenge 2019: intensive care stays hour by hour, and from when on sepsis should be told.

Format: Reyna et al., Critical Care Medicine 48:210, 2020. One ``.psv`` per patient with 34 vital signs and laboratory
values, 6 descriptors and, in training data, ``SepsisLabel``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from suwen.core.errors import BadInput, NotFound, SuwenError
from suwen.core.sample import Sample, Samples, Unusable
from suwen.core.target import HourlyLabels
from suwen.formats.fingerprint import fingerprint
from suwen.formats.signals import integrity
from suwen.formats.signals.archive import Member, is_container, members
from suwen.formats.signals.asked import age_band, input_of, sex, variables_of
from suwen.formats.signals.cinc2019_stay import DESCRIPTORS, LABEL, SLIPS, parse
from suwen.formats.signals.cleaning import Reasons, Rules
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.observations_table import read_table
from suwen.formats.signals.text import located, whole

if TYPE_CHECKING:
    from suwen.core.task import Task
    from suwen.core.variables import Variable

LAYOUT = "Give a folder of .psv files, or with archives or folders of them (training_setA, training_setB)"
_ARCHIVES = (".tar", ".tar.xz", ".tar.gz", ".tar.bz2", ".tgz", ".zip")


@dataclass(frozen=True, kw_only=True)
class Cinc2019:
    """Reads the challenge for a task whose variables are named as its columns are; others are passed over."""

    @property
    def descriptors(self) -> tuple[Variable, ...]:
        """What does not change during a stay."""
        return DESCRIPTORS

    def collect(self, task: Task, source: str) -> Samples:
        """Every stay, with one label per hour.

        Parameters
        ----------
        task
            Its ``variables`` say what is kept; its endpoint's positive class is what label 1 means.
        source
            A folder of ``.psv``; an archive of them; or a folder of such folders and archives.

        Raises
        ------
        NotFound, BadInput, Unreadable
            No such source; ``no-labels`` where no stay has labels; a ``truncated`` archive. A stay that cannot be
            read is in ``unusable``, by the codes of :meth:`read`.
        """
        rules = _rules(task)
        samples: list[Sample] = []
        unusable: list[Unusable] = []
        reasons = Reasons()
        for member, hospital in _files(Path(source).expanduser()):
            try:
                sample, counted = _stay(task, rules, member.data, member.stem, hospital)
            except SuwenError as error:
                unusable.append(Unusable(source=member.name, code=error.code, reason=error.what))
                continue
            samples.append(sample)
            reasons.update(counted)
        if samples and all(sample.target is None for sample in samples):
            raise BadInput(f"no stay has a column {LABEL}", where=source, fix=LAYOUT, code="no-labels")
        samples.sort(key=lambda sample: sample.subject_id)
        said, found = integrity.audit([sample.inputs[input_of(task)] for sample in samples], reasons)
        hours = sum(len(s.target.values) for s in samples if s.target is not None)
        hospitals = sorted({sample.attributes["hospital"] for sample in samples} - {""})
        where = f" of {' and '.join(f'hospital {name}' for name in hospitals)}" if hospitals else ""
        return Samples(
            samples=tuple(samples),
            fingerprint=fingerprint(samples, [True] * len(samples)),
            unusable=tuple(unusable),
            notes=(f"PhysioNet/CinC 2019: {len(samples)} stays{where}, {hours} labelled hours", *said),
            integrity={**found, "labelled_hours": hours},
        )

    def read(self, task: Task, item: Path | bytes) -> Sequence[Sample]:
        """Stays for prediction, their labels passed over: a ``.psv``, a folder or archive, or a long table.

        Raises
        ------
        BadInput, Unreadable
            What is wrong with a stay, as :func:`suwen.formats.signals.cinc2019_stay.parse` and
            :func:`suwen.formats.signals.observations_table.read_table` say it.
        """
        rules = _rules(task)
        if is_container(item):
            found = []
            for member in members(item, suffixes=(".psv",)):
                with located(member.name):
                    found.append(_stay(task, rules, member.data, member.stem, _hospital(member.name))[0])
            return [replace(sample, target=None) for sample in found]
        with located(item):
            data = whole(item)
            name = "input" if isinstance(item, bytes) else item.stem
            first = data.lstrip(b"\xef\xbb\xbf \r\n").partition(b"\n")[0]
            if b"|" in first and b"variable" not in first:
                sample, _ = _stay(
                    task, rules, data, name, "" if isinstance(item, bytes) else _hospital(str(item))
                )
                return [replace(sample, target=None)]
            table = read_table(task, data, rules=rules, descriptors=DESCRIPTORS, name=name)
            return [replace(s, attributes=_attributes(s.inputs[input_of(task)], "")) for s in table]


def _rules(task: Task) -> Rules:
    return Rules(variables=variables_of(task), slips=SLIPS)


def _files(source: Path) -> Iterator[tuple[Member, str]]:
    """Every stay and the hospital it comes from."""
    if not source.exists():
        raise NotFound("there is no such data source", where=str(source), fix=LAYOUT)
    archives = []
    if source.is_dir():
        archives = [p for p in sorted(source.iterdir()) if p.is_file() and p.name.lower().endswith(_ARCHIVES)]
        unpacked = {p.name.lower() for p in source.iterdir() if p.is_dir()}
        archives = [p for p in archives if p.name.lower().split(".")[0] not in unpacked]
    if not archives or any(source.glob("**/*.psv")):
        for member in members(source, suffixes=(".psv",)):
            yield member, _hospital(f"{source}/{member.name}")
    for path in archives:
        for member in members(path, suffixes=(".psv",)):
            yield member, _hospital(f"{path.name}/{member.name}")


def _hospital(path: str) -> str:
    """``A`` or ``B`` from a folder or archive ``training_setA``; empty where nothing says it."""
    for part in reversed(PurePosixPath(path).parts):
        stem = part.partition(".")[0]
        if stem.lower().startswith("training_set") and len(stem) > len("training_set"):
            return stem[len("training_set") :].strip("_").upper()
    return ""


def _stay(task: Task, rules: Rules, data: bytes, stem: str, hospital: str) -> tuple[Sample, Reasons]:
    seen, labels, reasons = parse(data, rules)
    positive = task.endpoint.positive
    negative = next(name for name in task.endpoint.classes if name != positive)
    sample = Sample(
        subject_id=stem,
        inputs={input_of(task): seen},
        target=None if labels is None else HourlyLabels(values=labels, names=(negative, positive)),
        source=stem,
        attributes=_attributes(seen, hospital),
    )
    return sample, reasons


def _attributes(seen: Observations, hospital: str) -> dict[str, str]:
    """Subgroups of a report."""
    static = seen.static
    unit = "medical" if static["Unit1"] == 1 else "surgical" if static["Unit2"] == 1 else ""
    return {
        "sex": sex(static["Gender"]),
        "age_band": age_band(static["Age"]),
        "unit": unit,
        "hospital": hospital,
    }
