"""Files of fiducial points: named places in LPS mm, where the file or the reader says which frame and unit it uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from suwen.core.errors import BadInput
from suwen.formats.read import naming
from suwen.formats.signals.text import decoded
from suwen.formats.volume.grid import check_numbers
from suwen.formats.volume.points_json import placed_in_json
from suwen.formats.volume.points_text import placed_in_table
from suwen.formats.volume.source import content

if TYPE_CHECKING:
    from numpy.typing import NDArray

TO_LPS = {"LPS": (1.0, 1.0, 1.0), "RAS": (-1.0, -1.0, 1.0), "LAS": (1.0, -1.0, 1.0)}
MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001}

REACH_MM = 10_000.0
"""No point of a patient on a table is farther than this from a scanner's origin."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """Named places in the patient.

    Attributes
    ----------
    names
        One per point, each once.
    lps_mm
        (n, 3) float64, DICOM patient coordinates.
    notes
        What was left out or converted.
    """

    names: tuple[str, ...]
    lps_mm: NDArray[np.float64]
    notes: tuple[str, ...] = ()

    def paired(self, others: Points) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.float64]]:
        """Names that both have, in this order, and the places (n, 3) in each.

        Raises
        ------
        BadInput
            ``no-pairs`` where no name is shared.
        """
        shared = [name for name in self.names if name in set(others.names)]
        if not shared:
            raise BadInput(
                "the two sets of points share no name",
                fix="Name the points alike in both files",
                code="no-pairs",
            )
        here = [self.names.index(name) for name in shared]
        there = [others.names.index(name) for name in shared]
        return tuple(shared), self.lps_mm[here], others.lps_mm[there]


def read_points(item: Path | bytes, *, frame: str | None = None, unit: str | None = None) -> Points:
    """Read named points, or refuse; neither frame nor unit is guessed.

    Read are 3D Slicer's ``.fcsv`` and ``.mrk.json`` (whose unit is mm unless they say another), and CSV,
    TSV or JSON that state both: columns ``x_lps_mm``, ``y_lps_mm``, ``z_lps_mm``; or a line ``# frame = RAS,
    unit = mm``; or in JSON the fields ``frame`` and ``unit`` beside ``points``.

    Parameters
    ----------
    item
        A file, or its content; its content says what it is.
    frame
        ``LPS``, ``RAS`` or ``LAS``, where the file does not say; it must agree where it does.
    unit
        ``mm``, ``cm``, ``m`` or ``um``, likewise.

    Raises
    ------
    NotFound
        No such file.
    BadInput
        ``missing-frame``, ``missing-units``, ``frame-disagrees``, ``duplicate-name``, ``no-points``,
        ``bad-points``, ``not-a-number``, ``not-finite`` or ``implausible-size``.
    Unreadable
        ``empty-file`` or ``not-text``.
    """
    if isinstance(item, bytes):
        return _points(content(item), frame, unit)
    with naming(item):
        return _points(content(item), frame, unit)


def _points(data: bytes, frame: str | None, unit: str | None) -> Points:
    text = decoded(data)
    given = (placed_in_json if text.lstrip().startswith(("{", "[")) else placed_in_table)(text)
    signs = TO_LPS[_settled(given.frame, frame, "frame", "missing-frame", tuple(TO_LPS))]
    scale = MM_PER_UNIT[_settled(given.unit, unit, "unit", "missing-units", tuple(MM_PER_UNIT))]
    names = tuple(name.strip() or f"point {at}" for at, name in enumerate(given.names, start=1))
    if not names:
        raise BadInput("the file holds no points", fix="Give at least one point", code="no-points")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(
            f"the name '{twice[0]}' stands for several points",
            fix="Name each point once",
            code="duplicate-name",
        )
    places = np.asarray(given.places, np.float64)
    check_numbers(places, "a point")
    lps = places * np.array(signs) * scale
    if np.abs(lps).max() > REACH_MM:
        raise BadInput(
            f"a point lies {np.abs(lps).max() / 1000:.3g} m from the origin",
            fix="Check the unit of the points",
            code="implausible-size",
        )
    return Points(names=names, lps_mm=lps + 0.0, notes=given.notes)


def _settled(stated: str | None, given: str | None, what: str, code: str, known: tuple[str, ...]) -> str:
    fold = {one.casefold(): one for one in known}
    for said in (stated, given):
        if said is not None and said.casefold() not in fold:
            raise BadInput(
                f"the {what} '{said[:40]}' is not known", fix=f"State one of {', '.join(known)}", code=code
            )
    if stated is not None and given is not None and stated.casefold() != given.casefold():
        disagrees = {"frame": "frame-disagrees", "unit": "missing-units"}
        raise BadInput(
            f"the file states the {what} {stated}, and {given} is asked for",
            fix=f"Leave out the {what}, or correct the file",
            code=disagrees[what],
        )
    chosen = stated if stated is not None else given
    if chosen is None:
        raise BadInput(
            f"the {what} of the points is not stated",
            fix=f"State one of {', '.join(known)} in the file or beside it",
            code=code,
        )
    return fold[chosen.casefold()]
