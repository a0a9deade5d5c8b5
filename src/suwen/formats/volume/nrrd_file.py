"""NRRD with its values attached: a frame only where ``space``, ``space directions`` and ``space origin`` state one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput, MissingExtra, Unreadable
from suwen.formats.volume.nrrd_values import dtype_of, values_of
from suwen.formats.volume.source import MAX_HEADER_BYTES, sized, three, voxels
from suwen.formats.volume.volume import Kind, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

TO_LPS = {
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip
"""Signs that turn a named space into LPS."""

MM_PER_UNIT = {
    "mm": 1.0, "millimeter": 1.0, "millimeters": 1.0, "millimetre": 1.0, "millimetres": 1.0,
    "cm": 10.0, "m": 1000.0, "meter": 1000.0, "metre": 1000.0, "meters": 1000.0, "metres": 1000.0,
    "um": 0.001, "µm": 0.001, "micron": 0.001, "microns": 0.001,
}  # fmt: skip

FRAME_KEY, SIMULATED_KEY = "frame_of_reference_uid", "simulated"
"""Key/value pairs in which this package keeps what the format has no field for."""

_SEGMENT = re.compile(r"Segment(\d+)_(Name|LabelValue|Layer)")


def is_nrrd(head: bytes) -> bool:
    """Whether the bytes start as an NRRD header of version 1 to 5."""
    return re.match(rb"NRRD000[1-5]\r?\n", head) is not None


def read_nrrd(data: bytes, kind: Kind) -> Volume:
    """Decode one volume.

    Parameters
    ----------
    data
        The whole file; raw, gzip, bzip2 and text encodings are read.
    kind
        ``labels`` or ``image``.

    Raises
    ------
    BadInput
        ``missing-frame`` (no space, or one that is not of a patient), ``missing-orientation`` (no space
        directions), ``missing-origin``, ``missing-units``, ``no-spacing``, ``not-finite``,
        ``detached-header``, ``not-numbers``, ``several-volumes``, ``not-three-dimensional``, ``too-large``,
        ``implausible-size``, ``ambiguous-structure``, and what
        :class:`~suwen.formats.volume.volume.Volume` refuses.
    Unreadable
        ``truncated``, ``undecodable``, ``undecodable-header``, ``no-codec``, ``size-mismatch``.
    MissingExtra
        pynrrd is not installed.
    """
    header, at = _header(data)
    sizes, axes = _sizes(header)
    sides = three(tuple(sizes[axis] for axis in axes))
    affine, stated = _frame(header, axes)
    dtype = dtype_of(header)
    values = values_of(data[at:], header, dtype, voxels(sides)).reshape(sides, order="F")
    names = segment_names(header) if kind == "labels" else {}
    frame = str(header.get(FRAME_KEY, "")).strip()
    volume = Volume(
        array=values,
        affine_lps=affine,
        kind=kind,
        names=names,
        frame_of_reference=frame or None,
        source_format="nrrd",
        notes=(() if stated else ("no unit stated: mm, as the size leaves no other",))
        + ((f"names from the file: {len(names)}",) if names else ()),
        simulated=str(header.get(SIMULATED_KEY, "")).strip() == "true",
    )
    return sized(volume, unit_stated=stated)


def segment_names(header: Mapping[str, Any]) -> dict[int, str]:
    """Label value to name from 3D Slicer's segmentation metadata (``Segment0_Name`` ...).

    Parameters
    ----------
    header
        Fields and key/value pairs.

    Raises
    ------
    BadInput
        ``ambiguous-structure`` where two segments have one label value.
    """
    segments: dict[str, dict[str, str]] = {}
    for key, value in header.items():
        found = _SEGMENT.fullmatch(key)
        if found:
            segments.setdefault(found[1], {})[found[2]] = str(value).strip()
    names: dict[int, str] = {}
    for segment in segments.values():
        value, name = segment.get("LabelValue", ""), segment.get("Name", "")
        if not value.isdecimal() or not name:
            continue
        if int(value) in names:
            raise BadInput(
                f"two segments of the file have the label value {int(value)}",
                fix="Export a segmentation whose segments do not overlap",
                code="ambiguous-structure",
            )
        names[int(value)] = name
    return names


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """Fields, and where the values start."""
    end = re.search(rb"\r?\n\r?\n", data[:MAX_HEADER_BYTES])
    text = data[: end.start()] if end else data[:MAX_HEADER_BYTES]
    fields = text.decode("utf-8", "replace").splitlines()
    if any(re.match(r"data ?file *:", line, re.IGNORECASE) for line in fields):
        raise BadInput(
            "the header stands alone: its values are in another file",
            fix="Save it as one .nrrd file",
            code="detached-header",
        )
    if end is None:
        raise Unreadable("the header does not end", fix="Send the whole file", code="truncated")
    try:
        from nrrd import read_header
    except ImportError:
        raise MissingExtra("pynrrd", "surgery", "Reading NRRD") from None
    try:
        return dict(read_header(fields)), end.end()
    except Exception:  # the library raises many types on a broken header
        raise Unreadable(
            "the header cannot be understood", fix="Export the volume again", code="undecodable-header"
        ) from None


def _sizes(header: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    """Length of every axis, and which axes are those of the volume."""
    try:
        sizes = [int(size) for size in header["sizes"]]
        if int(header["dimension"]) != len(sizes):
            raise ValueError
    except (KeyError, ValueError, TypeError):
        raise Unreadable(
            "the header states no sizes for its dimensions", fix="Export it again", code="undecodable-header"
        ) from None
    kinds = [str(kind).lower() for kind in header.get("kinds", [])]
    axes = list(range(len(sizes)))
    if len(kinds) == len(sizes):
        for axis, kind in enumerate(kinds):
            if kind in ("domain", "space", "???", "none"):
                continue
            if sizes[axis] > 1:
                raise BadInput(
                    f"an axis of the file is of kind '{kind[:40]}' and has {sizes[axis]} entries",
                    fix="Save one number per voxel, and segments in one layer",
                    code="several-volumes",
                )
            axes.remove(axis)
    while len(axes) > 3 and sizes[axes[-1]] == 1:
        axes.pop()
    return sizes, axes


def _frame(header: Mapping[str, Any], axes: list[int]) -> tuple[NDArray[np.float64], bool]:
    """Affine to LPS mm, and whether the unit is stated."""
    space = str(header.get("space", "")).strip().lower()
    if space not in TO_LPS:
        raise BadInput(
            f"the space '{space[:40]}' is not that of a patient" if space else "the header states no space",
            fix="State left-posterior-superior, right-anterior-superior or left-anterior-superior",
            code="missing-frame",
        )
    signs = np.array(TO_LPS[space], np.float64)
    if header.get("space directions") is None:
        raise BadInput(
            "the header states no space directions: the orientation is not known",
            fix="Export the volume with its orientation; spacings alone say nothing about it",
            code="missing-orientation",
        )
    if header.get("space origin") is None:
        raise BadInput(
            "the header states no space origin: the position is not known",
            fix="Export the volume with its position",
            code="missing-origin",
        )
    directions = _rows(header["space directions"], axes)
    origin = np.asarray(header["space origin"], np.float64)
    if directions is None or origin.shape != (3,):
        raise BadInput(
            "space directions and origin do not give three numbers for each of three axes",
            fix="Export the volume with its orientation",
            code="missing-orientation",
        )
    scale, stated = _unit(header)
    affine = np.eye(4)
    affine[:3, :3] = (directions * signs).T * scale
    affine[:3, 3] = origin * signs * scale
    return affine, stated


def _rows(given: Any, axes: list[int]) -> NDArray[np.float64] | None:
    """One direction (3,) per axis of the volume; a direction ``none`` is NaN here, and refused later."""
    rows = [None if row is None else np.asarray(row, np.float64) for row in given]
    if len(rows) <= max(axes):
        return None
    chosen = [rows[axis] for axis in axes]
    if any(row is None or row.shape != (3,) or np.isnan(row).all() for row in chosen):
        return None
    return np.asarray(chosen)


def _unit(header: Mapping[str, Any]) -> tuple[float, bool]:
    units = {str(unit).strip().lower() for unit in header.get("space units", [])} - {"", "???", "none"}
    if not units:
        return 1.0, False
    if len(units) > 1 or not units <= set(MM_PER_UNIT):
        raise BadInput(
            "the space units are not one known unit of length", fix="State mm", code="missing-units"
        )
    return MM_PER_UNIT[units.pop()], True
