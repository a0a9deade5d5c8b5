"""Scenarios: queries with their published optimal cost, each a question of its own."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import NotFound, Unreadable
from suwen.formats.movingai.maps import read_map
from suwen.formats.read import naming, read_bytes

Voxel = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class GridMap:
    """A map, read once for all of its queries.

    Attributes
    ----------
    name
        Of its file.
    walls
        Array (X, Y, Z), bool.
    """

    name: str
    walls: NDArray[np.bool_]

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) of size and walls."""
        head = repr(self.walls.shape).encode()
        return hashlib.sha256(head + np.packbits(self.walls).tobytes()).hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class GridQuestion:
    """One query.

    Attributes
    ----------
    grid
        Its map.
    start, goal
        Voxels.
    optimal
        Published cost without cutting corners, in voxels; ``None`` where none is published.
    """

    grid: GridMap
    start: Voxel
    goal: Voxel
    optimal: float | None

    @property
    def subject_id(self) -> str:
        """See :class:`suwen.formats.surgical.source.Question`."""
        return ""

    @property
    def stratum(self) -> str:
        """See :class:`suwen.formats.surgical.source.Question`."""
        return "grid"

    @property
    def simulated(self) -> bool:
        """See :class:`suwen.formats.surgical.source.Question`."""
        return False

    @property
    def reference(self) -> Mapping[str, float]:
        """What is known of the answer."""
        return {} if self.optimal is None else {"cost": self.optimal}

    def content_key(self) -> str:
        """SHA-256 (hex) of map and query."""
        return hashlib.sha256(f"{self.grid.key}|{self.start}|{self.goal}".encode()).hexdigest()


def is_scenario(path: Path) -> bool:
    """Whether a path is named as a scenario is."""
    return path.name.endswith((".scen", ".3dscen"))


def read_scenario(path: Path) -> list[GridQuestion]:
    """Every query of a scenario; its map lies beside it, under the name it gives.

    Raises
    ------
    NotFound
        ``no-map``.
    Unreadable
        ``bad-scenario``, and what the map's reader refuses.
    """
    with naming(path):
        try:
            lines = read_bytes(path).decode("ascii").splitlines()
        except UnicodeDecodeError:
            raise _bad("it is not text") from None
        if not lines or not lines[0].lower().startswith("version"):
            raise _bad("its first line does not say 'version'")
        three = len(lines) > 1 and len(lines[1].split()) == 1
        rows = [line.split() for line in lines[2 if three else 1 :] if line.strip()]
        if not rows:
            raise _bad("it holds no query")
        named = lines[1].strip() if three else rows[0][1] if len(rows[0]) > 1 else ""
        grid = _grid(path, named)
        return [_question(grid, row, three, named) for row in rows]


def _grid(path: Path, named: str) -> GridMap:
    """The map: the named file beside the scenario, whatever folder the name gives; else the scenario's own name."""
    stem = path.name.rpartition(".")[0]
    for name in (named.replace("\\", "/").rpartition("/")[2], stem):
        file = path.parent / name
        if name and _is_file(file):
            return GridMap(name=name, walls=read_map(file))
    raise NotFound(
        "the scenario's map is not beside it",
        where=str(path),
        fix=f"Put {named or stem} into the folder",
        code="no-map",
    )


def _is_file(path: Path) -> bool:
    """Whether there is such a file; what cannot be the name of one, because it is too long, is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _question(grid: GridMap, row: list[str], three: bool, named: str) -> GridQuestion:
    try:
        if three:
            whole, cost = [int(word) for word in row[:6]], float(row[6])
            start, goal = whole[:3], whole[3:]
        else:
            width, height = int(row[2]), int(row[3])
            if row[1] != named or (width, height) != grid.walls.shape[:2]:
                raise _bad("it speaks of another map than the one beside it")
            whole, cost = [int(word) for word in row[4:8]], float(row[8])
            start, goal = [*whole[:2], 0], [*whole[2:], 0]
    except (ValueError, IndexError):
        raise _bad("a line is no query") from None
    for voxel in (start, goal):
        if any(not 0 <= at < size for at, size in zip(voxel, grid.walls.shape, strict=True)):
            raise _bad("a query leaves the map")
    known = math.isfinite(cost) and cost >= 0
    return GridQuestion(grid=grid, start=_voxel(start), goal=_voxel(goal), optimal=cost if known else None)


def _voxel(values: Any) -> Voxel:
    i, j, k = values
    return i, j, k


def _bad(what: str) -> Unreadable:
    return Unreadable(
        f"this is no scenario of the Moving AI formats: {what}",
        fix="Give .map.scen or .3dmap.3dscen beside its map",
        code="bad-scenario",
    )
