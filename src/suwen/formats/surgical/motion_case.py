"""What an arm is to follow: a plan as ``suwen plan`` wrote it, or a bare path with its entry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suwen.core.documents import dumps
from suwen.core.errors import BadInput, Refused
from suwen.formats.read import naming, read_bytes
from suwen.formats.surgical.case import Instrument, Point
from suwen.formats.surgical.document import instrument_of, parsed, point_of

BARE = ("frame", "unit", "path", "entry", "instrument", "subject", "name")
"""Fields of a bare path."""
PLANS = "suwen-plan/"
SHORTEST, LONGEST = 2, 100_000
FIX = "Give a plan, or a path"


@dataclass(frozen=True, kw_only=True)
class MotionCase:
    """A path to follow.

    Attributes
    ----------
    path_lps_mm
        Corners, LPS mm, from the entry to the target.
    entry_lps_mm
        Remote centre of motion.
    instrument
        What goes in.
    subject_id, simulated
        Whom it is about; whether of a phantom.
    """

    path_lps_mm: tuple[Point, ...]
    entry_lps_mm: Point
    instrument: Instrument
    subject_id: str = ""
    simulated: bool = False

    @property
    def stratum(self) -> str:
        """See :class:`suwen.formats.surgical.source.Question`."""
        return "motion"

    @property
    def reference(self) -> Mapping[str, float]:
        """Nothing is known beforehand."""
        return {}

    def content_key(self) -> str:
        """SHA-256 (hex) of path, entry and instrument."""
        asked = [self.path_lps_mm, self.entry_lps_mm, self.instrument]
        return hashlib.sha256(dumps(asked, indent=None).encode()).hexdigest()


def read_motion(item: Path | bytes | Mapping[str, Any]) -> MotionCase:
    """Read a plan, or a bare path.

    Raises
    ------
    Unreadable
        ``bad-json``.
    Refused
        ``not-certified`` for a plan that has no certified path.
    BadInput
        ``bad-path``, ``unknown-field``, and what points and instruments are refused for.
    """
    if isinstance(item, Path):
        if item.is_dir():
            raise BadInput(
                "the path is a folder", where=str(item), fix="Name a plan in it", code="is-a-folder"
            )
        with naming(item):
            return read_motion(read_bytes(item))
    document = item if isinstance(item, Mapping) else parsed(item, fix=FIX)
    if str(document.get("format", "")).startswith(PLANS):
        return _of_plan(document)
    for key in document:
        if key not in BARE:
            raise BadInput(
                f"a path has no field '{key}'", fix=f"Its fields: {', '.join(BARE)}", code="unknown-field"
            )
    given = document.get("path")
    if not isinstance(given, list) or not SHORTEST <= len(given) <= LONGEST:
        raise BadInput(
            "the path is no list of at least two points",
            where="path",
            fix="[[x, y, z], ...]",
            code="bad-path",
        )
    return MotionCase(
        path_lps_mm=tuple(point_of(one, "path", document) for one in given),
        entry_lps_mm=point_of(document.get("entry", given[0]), "entry", document),
        instrument=instrument_of(document.get("instrument")),
        subject_id=str(document.get("subject") or ""),
    )


def _of_plan(document: Mapping[str, Any]) -> MotionCase:
    path, certificate = document.get("path_lps_mm"), document.get("certificate") or {}
    if not path or not certificate.get("holds"):
        raise Refused("the plan has no certified path", fix="Plan again", code="not-certified")
    stated = {"frame": "LPS"}
    return MotionCase(
        path_lps_mm=tuple(point_of(one, "path", stated) for one in path),
        entry_lps_mm=point_of(document.get("entry_lps_mm"), "entry", stated),
        instrument=instrument_of(document.get("instrument")),
        simulated=bool(document.get("simulated", False)),
    )
