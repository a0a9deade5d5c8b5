"""Points in JSON: 3D Slicer's .mrk.json, and a plain document that states its frame and unit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from suwen.core.errors import BadInput
from suwen.formats.volume.points_placed import Placed

_SLICER_FRAMES = {"0": "RAS", "1": "LPS", "2": "IJK"}


def placed_in_json(text: str) -> Placed:
    """Points of a document, with the frame and the unit that it states.

    Raises
    ------
    BadInput
        ``bad-points`` for a document that is neither kind, or a place that is not three numbers.
    """
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise _bad("the file is no JSON document") from None
    if not isinstance(document, dict):
        raise _bad("the document is no set of points")
    if "markups" in document:
        return _slicer(document["markups"])
    points = document.get("points")
    frame, unit = document.get("frame"), document.get("unit")
    if isinstance(points, Mapping):
        named = list(points.items())
    elif isinstance(points, list) and all(isinstance(one, Mapping) for one in points):
        named = [(one.get("name") or "", one.get("position")) for one in points]
    else:
        raise _bad("the document has no points")
    return Placed(
        names=[str(name) for name, _ in named],
        places=[_place(place, at) for at, (_, place) in enumerate(named, start=1)],
        frame=None if frame is None else str(frame),
        unit=None if unit is None else str(unit),
    )


def _slicer(markups: Any) -> Placed:
    if not isinstance(markups, list) or len(markups) != 1 or not isinstance(markups[0], Mapping):
        raise _bad("the file does not hold exactly one set of markups")
    markup = markups[0]
    given = markup.get("coordinateSystem")
    frame = None if given is None else _SLICER_FRAMES.get(str(given), str(given))
    unit = markup.get("coordinateUnits", "mm")  # the schema's default
    if isinstance(unit, list):
        unit = unit[0] if len({str(one) for one in unit}) == 1 else "several"
    controls = markup.get("controlPoints", [])
    if not isinstance(controls, list) or not all(isinstance(one, Mapping) for one in controls):
        raise _bad("the control points are no list of points")
    defined = [one for one in controls if one.get("positionStatus", "defined") == "defined"]
    left = len(controls) - len(defined)
    return Placed(
        names=[str(one.get("label") or "") for one in defined],
        places=[_place(one.get("position"), at) for at, one in enumerate(defined, start=1)],
        frame=frame,
        unit=str(unit),
        notes=(f"points without a place, left out: {left}",) if left else (),
    )


def _place(given: Any, at: int) -> list[float]:
    if (
        not isinstance(given, list)
        or len(given) != 3
        or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in given)
    ):
        raise _bad(f"point {at} is not three numbers")
    try:
        return [float(one) for one in given]
    except OverflowError:
        raise _bad(f"point {at} is not three numbers") from None


def _bad(what: str) -> BadInput:
    return BadInput(
        what,
        fix='Give {"frame": "LPS", "unit": "mm", "points": {"nasion": [1.0, 2.0, 3.0]}}, or a Slicer .mrk.json',
        code="bad-points",
    )
