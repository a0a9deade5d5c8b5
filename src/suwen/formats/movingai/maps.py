"""Maps: ``.map`` of 2-D terrain and ``.3dmap`` of blocked voxels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, Unreadable
from suwen.formats.read import naming, read_bytes

PASSABLE, BLOCKED = "GS.", "@OT"
"""Ground, swamp and floor; out of bounds and trees. Water, ``W``, is reached from water alone and refused here."""
MOST_VOXELS = 2_000_000_000


def read_map(path: Path) -> NDArray[np.bool_]:
    """Walls of a map.

    Returns
    -------
    ndarray
        bool: (width, height, 1) of a ``.map``, x first; (X, Y, Z) of a ``.3dmap``.

    Raises
    ------
    NotFound, BadInput
        As reading any file; ``water`` for terrain that is crossed from its own kind alone.
    Unreadable
        ``bad-map``.
    """
    with naming(path):
        text = _text(read_bytes(path))
        head = text[:64].split()
        if head[:1] == ["voxel"]:
            return _voxels(text)
        if head[:1] == ["type"]:
            return _terrain(text)
        raise _bad("the file begins as no map does")


def _terrain(text: str) -> NDArray[np.bool_]:
    lines = text.split("\n")
    fields = dict(line.split(maxsplit=1) for line in lines[:4] if len(line.split()) == 2)
    try:
        at = [line.strip() for line in lines[:6]].index("map") + 1
        width, height = int(fields["width"]), int(fields["height"])
    except (KeyError, ValueError):
        raise _bad("its header does not say type, height, width, map") from None
    rows = [line.rstrip("\r") for line in lines[at : at + height]]
    if min(width, height) < 1 or len(rows) != height or any(len(row) != width for row in rows):
        raise _bad(f"it has not {height} rows of {width} letters")
    letters = np.array([list(row) for row in rows]).T
    if "W" in letters:
        raise BadInput("the map has water", fix="Give a map of ground, floor, swamp and walls", code="water")
    blocked = np.isin(letters, list(BLOCKED))
    if not (blocked | np.isin(letters, list(PASSABLE))).all():
        raise _bad("it has letters that no terrain has")
    return np.ascontiguousarray(blocked[:, :, None])


def _voxels(text: str) -> NDArray[np.bool_]:
    head, _, rest = text.partition("\n")
    try:
        shape = tuple(int(word) for word in head.split()[1:])
        numbers = np.array(rest.split(), np.int64).reshape(-1, 3)
    except (ValueError, OverflowError):
        raise _bad("it is no list of three whole numbers a line") from None
    if len(shape) != 3 or min(shape) < 1 or math.prod(shape) > MOST_VOXELS:
        raise _bad("its size is none")
    if len(numbers) and ((numbers < 0) | (numbers >= np.array(shape))).any():
        raise _bad("a blocked voxel lies outside it")
    walls = np.zeros(shape, np.bool_)
    walls[tuple(numbers.T)] = True
    return walls


def _text(data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise _bad("it is not text") from None


def _bad(what: str) -> Unreadable:
    return Unreadable(
        f"this is no map of the Moving AI formats: {what}", fix="Give .map or .3dmap", code="bad-map"
    )
