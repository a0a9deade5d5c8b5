"""PhysioNet/CinC Challenge 2012: 48 hours of an intensive care stay, one text file each, and who died in hospital.

Format: Silva et al., Computing in Cardiology 39:245, 2012. The outcomes file also holds length of stay and survival;
they are outcomes themselves and never read. SAPS-I and SOFA in it are scores at the bedside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.core.errors import BadInput, SuwenError
from suwen.core.sample import Sample, Samples, Unusable
from suwen.formats.fingerprint import fingerprint
from suwen.formats.signals import integrity
from suwen.formats.signals.archive import is_container, members
from suwen.formats.signals.asked import age_band, input_of, sex, variables_of
from suwen.formats.signals.cinc2012_sets import Scores, find, is_outcomes, notes
from suwen.formats.signals.cinc2012_stay import ABSENT, DESCRIPTORS, HEADER, HOURS, SLIPS, parse
from suwen.formats.signals.cleaning import Reasons, Rules
from suwen.formats.signals.observations import Observations
from suwen.formats.signals.observations_table import read_table
from suwen.formats.signals.text import located, whole

if TYPE_CHECKING:
    from suwen.core.task import Task
    from suwen.core.variables import Variable

UNITS = {1.0: "coronary care", 2.0: "cardiac surgery", 3.0: "medical", 4.0: "surgical"}
"""ICUType of the challenge, as a report names it."""


@dataclass(frozen=True, kw_only=True)
class Cinc2012:
    """Reads the challenge for a task whose variables are named as its parameters are; others are passed over."""

    @property
    def descriptors(self) -> tuple[Variable, ...]:
        """What does not change during a stay."""
        return DESCRIPTORS

    def collect(self, task: Task, source: str) -> Samples:
        """Every stay of every set, with its outcome.

        Parameters
        ----------
        task
            Its ``variables`` say what is kept, its endpoint what 0 and 1 mean.
        source
            A folder with ``set-*`` folders or archives and ``Outcomes-*.txt``; or one such set, its outcomes in it
            or beside it.

        Raises
        ------
        NotFound, BadInput, Unreadable
            No such source; ``no-labels``; an outcomes file that cannot be read; a ``truncated`` archive. A stay
            that cannot be read is in ``unusable``, by the codes of :meth:`read`.
        """
        rules = _rules(task)
        parts = find(Path(source).expanduser())
        samples: list[Sample] = []
        unusable: list[Unusable] = []
        reasons, seen, tables = Reasons(), set[str](), []
        for part in parts:
            outcomes = part.outcomes()
            tables.append(outcomes)
            for written in {scores.death for scores in outcomes.values()}:
                task.endpoint.resolve(written)  # type: ignore[union-attr]  # an unknown label stops here
            for member in part.stays():
                try:
                    sample, counted = _stay(task, rules, member.data, member.stem, outcomes)
                except SuwenError as error:
                    unusable.append(Unusable(source=member.name, code=error.code, reason=error.what))
                    seen.add(member.stem)
                    continue
                seen.add(sample.subject_id)
                samples.append(sample)
                reasons.update(counted)
        samples.sort(key=lambda sample: sample.subject_id)
        said, found = integrity.audit(
            [sample.inputs[input_of(task)] for sample in samples], reasons, window_h=HOURS
        )
        return Samples(
            samples=tuple(samples),
            fingerprint=fingerprint(samples, [True] * len(samples)),
            unusable=tuple(unusable),
            notes=(*notes(parts, tables, seen), *said),
            integrity=found,
        )

    def read(self, task: Task, item: Path | bytes) -> Sequence[Sample]:
        """Stays for prediction: one text file, a folder or archive of them, or a long table of observations.

        Raises
        ------
        BadInput, Unreadable
            What is wrong with a stay, as :func:`suwen.formats.signals.cinc2012_stay.parse` and
            :func:`suwen.formats.signals.observations_table.read_table` say it.
        """
        rules = _rules(task)
        if is_container(item):
            found = []
            for member in members(item, suffixes=(".txt",)):
                if not is_outcomes(member.name):
                    with located(member.name):
                        found.append(_stay(task, rules, member.data, member.stem, {})[0])
            if not found:
                raise BadInput(
                    "there are no stays in it",
                    fix="Name the set itself: set-a or set-a.tar.xz",
                    code="empty-folder",
                )
            return found
        with located(item):
            data = whole(item)
            name = "input" if isinstance(item, bytes) else item.stem
            if data.lstrip(b"\xef\xbb\xbf \r\n").startswith(HEADER.encode()):
                return [_stay(task, rules, data, name, {})[0]]
            table = read_table(task, data, rules=rules, descriptors=DESCRIPTORS, length_h=HOURS, name=name)
            return [
                replace(sample, attributes=_attributes(sample.inputs[input_of(task)])) for sample in table
            ]


def _rules(task: Task) -> Rules:
    return Rules(variables=variables_of(task), slips=SLIPS, absent=ABSENT)


def _stay(
    task: Task, rules: Rules, data: bytes, stem: str, outcomes: Mapping[str, Scores]
) -> tuple[Sample, Reasons]:
    record, seen, reasons = parse(data, rules)
    record = record or stem
    known = outcomes.get(record)
    if known:
        scores = {
            name: math.nan if value == ABSENT else value
            for name, value in (("saps_i", known.saps_i), ("sofa", known.sofa))
        }
        seen = replace(seen, static={**seen.static, **scores})
    sample = Sample(
        subject_id=record,
        inputs={input_of(task): seen},
        target=task.endpoint.resolve(known.death) if known else None,  # type: ignore[union-attr]
        source=stem,
        attributes=_attributes(seen),
    )
    return sample, reasons


def _attributes(seen: Observations) -> dict[str, str]:
    """Subgroups of a report."""
    static = seen.static
    return {
        "sex": sex(static["Gender"]),
        "age_band": age_band(static["Age"]),
        "unit": UNITS.get(static["ICUType"], ""),
    }
