"""A case as a JSON document: which files it names, and what each of its fields may be."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput, NotFound, Unreadable, nearest
from suwen.formats.surgical.case import KINDS, Instrument, Place, Point

if TYPE_CHECKING:
    from suwen.formats.volume.volume import Volume

FILES = ("labels", "body", "image", "names")
FIELDS = (
    *FILES,
    *("name", "subject", "frame", "unit", "entry", "target", "also", "critical", "weights", "bone"),
    *("instrument", "registration_tre_mm", "simulated"),
)
FRAMES = {"LPS": (1.0, 1.0, 1.0), "RAS": (-1.0, -1.0, 1.0)}
UNITS = {"mm": 1.0, "cm": 10.0, "m": 1000.0}


def parsed(data: bytes, *, fix: str) -> dict[str, Any]:
    """The JSON object that some bytes are.

    Raises
    ------
    Unreadable
        ``empty-file``, ``bad-json``.
    """
    if not data:
        raise Unreadable("the file is empty", fix=fix, code="empty-file")
    try:
        document = json.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Unreadable("this is no JSON object", fix=fix, code="bad-json")
    return document


def checked(document: Any) -> dict[str, Any]:
    """The document, once every key of it is known.

    Raises
    ------
    BadInput
        ``bad-case`` for what is no case, ``unknown-field`` naming the nearest field.
    """
    if not isinstance(document, dict):
        raise BadInput("the case is not a JSON object", fix="See docs/surgery.md", code="bad-case")
    for key in document:
        if key not in FIELDS:
            raise BadInput(f"a case has no field '{key}'", fix=nearest(key, FIELDS), code="unknown-field")
    for key, code in (("labels", "missing-labels"), ("target", "missing-target")):
        if document.get(key) in (None, "", [], {}):
            raise BadInput(f"the case names no {key}", fix=f"Add the field '{key}'", code=code)
    if "critical" not in document:
        raise BadInput(
            "the case does not say what is critical, so that nothing could be certified",
            fix="Name the structures to keep clear of",
            code="missing-critical",
        )
    return document


def places_of(document: Mapping[str, Any], key: str, labels: Volume) -> tuple[Place, ...]:
    """Several places; none where the field is not there."""
    given = document.get(key)
    if given is None:
        return ()
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise BadInput(f"'{key}' is no list of places", where=key, fix="[[x, y, z], ...]", code="bad-case")
    return tuple(place_of({**document, key: one}, key, labels) for one in given)


def place_of(document: Mapping[str, Any], key: str, labels: Volume) -> Place:
    """A point in stated coordinates, or a structure by name.

    Raises
    ------
    BadInput
        ``missing-frame``, ``bad-point``, ``outside-image``.
    NotFound
        ``unknown-structure``.
    """
    given = document[key]
    if isinstance(given, Mapping):
        given = given.get("structure")
    if isinstance(given, str) or (isinstance(given, int) and not isinstance(given, bool)):
        (structure,) = structures([given], labels, single=True)
        return Place(structure=structure)
    point = point_of(given, key, document)
    if not bool(labels.contains(np.array([point]))[0]):
        low, high = _extent(labels)
        raise BadInput(
            f"the {key} lies outside the image",
            where=key,
            fix=f"The image spans {low} to {high} in LPS mm; check frame and unit",
            code="outside-image",
        )
    return Place(lps_mm=point)


def point_of(given: Any, key: str, document: Mapping[str, Any]) -> Point:
    """Three finite numbers in the frame and unit that the document states, as LPS mm."""
    frame, unit = document.get("frame"), document.get("unit", "mm")
    numbers = (
        isinstance(given, Sequence)
        and not isinstance(given, str)
        and len(given) == 3
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in given)
    )
    if not numbers or not all(math.isfinite(one) for one in given):
        raise BadInput(
            f"the {key} is no point of three finite numbers",
            where=key,
            fix="Write [x, y, z], or the name of a structure",
            code="bad-point",
        )
    if frame not in FRAMES:
        raise BadInput(
            f"the {key} is given by coordinates, and their frame is not stated",
            where="frame",
            fix="Say frame=LPS (DICOM, ITK) or frame=RAS (NIfTI, 3D Slicer)",
            code="missing-frame",
        )
    if unit not in UNITS:
        raise BadInput(f"the unit '{unit}' is not known", where="unit", fix="mm, cm or m", code="wrong-unit")
    x, y, z = (float(value) * sign * UNITS[unit] for value, sign in zip(given, FRAMES[frame], strict=True))
    return (x, y, z)


def structures(given: Any, labels: Volume, *, single: bool = False) -> dict[int, str]:
    """Label values and names that names, numbers and patterns such as ``*ventricle*`` stand for.

    Raises
    ------
    NotFound
        ``unknown-structure`` where one of them stands for nothing in this image.
    BadInput
        ``bad-case`` where a list was expected; ``empty-structure`` where the image holds none of it.
    """
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise BadInput("structures are not given as a list", fix='["ventricle", 16]', code="bad-case")
    present = labels.present()
    found: dict[int, str] = {}
    for one in given:
        if isinstance(one, str) and any(sign in one for sign in "*?["):
            pattern = _plain(one)
            some = {value: name for value, name in labels.names.items() if fnmatchcase(_plain(name), pattern)}
            some = {value: name for value, name in some.items() if value in present}
            if not some:
                raise NotFound(
                    f"no structure of this image is called like '{one}'",
                    where="critical",
                    fix=nearest(one, [labels.names[value] for value in present if value in labels.names]),
                    code="unknown-structure",
                )
            found |= some
            continue
        value = labels.value_of(one)
        if value not in present:
            raise BadInput(
                f"the image holds nothing of the structure '{one}'",
                fix="Check the segmentation, or leave the structure out",
                code="empty-structure",
            )
        found[value] = labels.names.get(value, f"label {value}")
    if single and len(found) != 1:
        raise BadInput("one structure was expected", fix="Name exactly one", code="ambiguous-structure")
    return found


def weights_of(given: Any, labels: Volume) -> dict[int, float]:
    """Extra cost per mm inside structures: name, number or pattern to a number of 0 or more."""
    if given in (None, {}):
        return {}
    if not isinstance(given, Mapping):
        raise BadInput("weights are no table of structure to number", where="weights", code="bad-case")
    found: dict[int, float] = {}
    for name, weight in given.items():
        real = isinstance(weight, int | float) and not isinstance(weight, bool) and math.isfinite(weight)
        if not real or not 0 <= weight <= 1000:
            raise BadInput(
                f"the weight of '{name}' cannot be {weight!r}",
                where="weights",
                fix="0 to 1000: extra cost per mm, as a multiple of the length",
                code="bad-weight",
            )
        key = int(name) if str(name).lstrip("-").isdigit() else str(name)
        found |= dict.fromkeys(structures([key], labels), float(weight))
    return found


def instrument_of(given: Any) -> Instrument:
    """The instrument; what is not said of it keeps its default.

    Raises
    ------
    BadInput
        ``bad-instrument``.
    """
    if given is None:
        return Instrument()
    known = {"radius_mm", "kind", "turning_radius_mm"}
    if not isinstance(given, Mapping) or set(given) - known:
        raise BadInput(
            "the instrument is not described as expected",
            where="instrument",
            fix=f"Fields: {', '.join(sorted(known))}",
            code="bad-instrument",
        )
    made = Instrument(**given)
    sizes = [(made.radius_mm, 0.0, 10.0)]
    if made.turning_radius_mm is not None:
        sizes.append((made.turning_radius_mm, 5.0, 1000.0))
    fits = all(
        isinstance(size, int | float) and not isinstance(size, bool) and least <= size <= most
        for size, least, most in sizes
    )
    if (
        not fits
        or made.kind not in KINDS
        or (made.kind == "steerable") != (made.turning_radius_mm is not None)
    ):
        raise BadInput(
            "no such instrument can be planned for",
            where="instrument",
            fix=f"radius_mm 0 to 10; kind {', '.join(KINDS)}; a steerable one has turning_radius_mm, 5 to 1000",
            code="bad-instrument",
        )
    return made


def tre_of(given: Any) -> float | None:
    """The measured registration error, mm, 0 to 20."""
    if given is None:
        return None
    if not isinstance(given, int | float) or isinstance(given, bool) or not 0 <= given <= 20:
        raise BadInput(
            f"registration_tre_mm cannot be {given!r}",
            where="registration_tre_mm",
            fix="0 to 20 mm, root mean square at the target",
            code="bad-registration",
        )
    return float(given)


def _plain(name: str) -> str:
    return name.lower().replace("_", " ").strip()


def _extent(labels: Volume) -> tuple[str, str]:
    ends = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    corners = labels.to_lps(ends * (np.array(labels.array.shape) - 1))
    low, high = corners.min(0), corners.max(0)
    return tuple("(" + ", ".join(f"{one:.0f}" for one in end) + ")" for end in (low, high))  # type: ignore[return-value]
