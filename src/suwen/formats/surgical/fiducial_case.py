"""Paired fiducials to register, and the target whose error is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suwen.core.documents import dumps
from suwen.core.errors import BadInput
from suwen.formats.read import naming, read_bytes
from suwen.formats.surgical.case import Point
from suwen.formats.surgical.document import parsed, point_of

FIELDS = (
    *("frame", "unit", "fixed", "moving", "moving_unit", "fle_mm", "target", "target_in_moving", "exclude"),
    *("subject", "name"),
)
Named = tuple[tuple[str, Point], ...]
FIX = "Give fixed, moving, target"


@dataclass(frozen=True, kw_only=True)
class FiducialCase:
    """Fiducials in the image and as a tracker sees them.

    Attributes
    ----------
    fixed
        Name and place in the image, LPS mm.
    moving
        Name and place in the tracker's own frame, mm.
    fle_mm
        Localisation error of both sides together, RMS distance; ``None`` where it is not known.
    target_lps_mm
        Where the error is asked for.
    target_moving_mm
        The same place in the tracker's frame, where it was measured: then the error is measured too.
    exclude
        Names that are left out.
    subject_id
        Whom it is about.
    """

    fixed: Named
    moving: Named
    fle_mm: float | None
    target_lps_mm: Point
    target_moving_mm: Point | None
    exclude: tuple[str, ...]
    subject_id: str = ""

    @property
    def stratum(self) -> str:
        """See :class:`suwen.formats.surgical.source.Question`."""
        return "registration"

    @property
    def reference(self) -> Mapping[str, float]:
        """Nothing is known beforehand; a measured target is part of the question."""
        return {}

    @property
    def simulated(self) -> bool:
        """Whether it is of a phantom: the file does not say."""
        return False

    def content_key(self) -> str:
        """SHA-256 (hex) of everything but whom it is about."""
        asked = [
            *(self.fixed, self.moving, self.fle_mm, self.target_lps_mm, self.target_moving_mm, self.exclude)
        ]
        return hashlib.sha256(dumps(asked, indent=None).encode()).hexdigest()


def read_fiducials(item: Path | bytes | Mapping[str, Any]) -> FiducialCase:
    """Read paired fiducials from a JSON document.

    ``fixed`` and ``moving`` are mappings of name to point, or names of point files beside the document (3D
    Slicer's ``.fcsv`` or ``.mrk.json``, or tables that state frame and unit).

    Raises
    ------
    Unreadable
        ``bad-json``.
    BadInput
        ``unknown-field``, ``missing-target``, ``bad-fiducials``, and what points are refused for.
    """
    if isinstance(item, Path):
        if item.is_dir():
            raise BadInput(
                "the path is a folder", where=str(item), fix="Name a file in it", code="is-a-folder"
            )
        with naming(item):
            return _case(parsed(read_bytes(item), fix=FIX), item.parent)
    return _case(item if isinstance(item, Mapping) else parsed(item, fix=FIX), None)


def _case(document: Mapping[str, Any], folder: Path | None) -> FiducialCase:
    for key in document:
        if key not in FIELDS:
            raise BadInput(
                f"fiducials have no field '{key}'", fix=f"Fields: {', '.join(FIELDS)}", code="unknown-field"
            )
    if document.get("target") is None:
        raise BadInput(
            "no target is given, and the error of a registration is one at a target",
            fix="Add the field 'target'",
            code="missing-target",
        )
    tracker = {"frame": "LPS", "unit": document.get("moving_unit", document.get("unit", "mm"))}
    truth = document.get("target_in_moving")
    return FiducialCase(
        fixed=_side(document, "fixed", document, folder),
        moving=_side(document, "moving", tracker, folder),
        fle_mm=_fle(document.get("fle_mm")),
        target_lps_mm=point_of(document["target"], "target", document),
        target_moving_mm=None if truth is None else point_of(truth, "target_in_moving", tracker),
        exclude=tuple(str(name) for name in document.get("exclude", ())),
        subject_id=str(document.get("subject") or ""),
    )


def _side(document: Mapping[str, Any], key: str, stated: Mapping[str, Any], folder: Path | None) -> Named:
    """One side's fiducials. A tracker's frame is its own: its axes are taken as they are."""
    given = document.get(key)
    if isinstance(given, str) and folder is not None:
        from suwen.formats.volume.points import read_points

        found = read_points(folder / given)
        return tuple(
            (name, (float(x), float(y), float(z)))
            for name, (x, y, z) in zip(found.names, found.lps_mm.tolist(), strict=True)
        )
    if isinstance(given, list):
        given = {str(number): point for number, point in enumerate(given, start=1)}
    if not isinstance(given, Mapping) or not given:
        raise BadInput(
            f"'{key}' holds no fiducials",
            where=key,
            fix='Give {"name": [x, y, z], ...} or a file of points',
            code="bad-fiducials",
        )
    return tuple((str(name), point_of(point, f"{key} {name}", stated)) for name, point in given.items())


def _fle(given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= 20:
        raise BadInput(f"fle_mm cannot be {given!r}", fix="Above 0, up to 20 mm, RMS", code="bad-fle")
    return float(given)
