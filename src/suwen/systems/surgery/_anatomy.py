"""A case on its grid: what may be passed, what must be kept clear of, where entry and target are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput
from suwen.formats.surgical.case import Case, Place

Voxel = tuple[int, int, int]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Anatomy:
    """A case in grid millimetres.

    Attributes
    ----------
    case
        As it was asked.
    spacing_mm
        (3,).
    critical
        Label to name of what must keep its margin; the target's own structure is not among them.
    closed
        Array (I, J, K), bool: outside the body, where no instrument goes on its way. ``None`` where the body
        is not known.
    target
        Voxel of the target.
    target_mm
        (3,), grid mm: the point itself, or the chosen voxel's centre.
    entry, entry_mm
        The same of the entry; ``None`` where it is to be chosen.
    notes
        What was chosen and why, in sentences.
    """

    case: Case
    spacing_mm: Floats
    critical: Mapping[int, str]
    closed: NDArray[np.bool_] | None
    target: Voxel
    target_mm: Floats
    entry: Voxel | None
    entry_mm: Floats | None
    notes: tuple[str, ...]

    @property
    def labels(self) -> NDArray[Any]:
        """The label volume."""
        return self.case.labels.array

    def to_lps(self, grid_mm: Any) -> Floats:
        """Points (n, 3) in LPS mm."""
        return self.case.labels.grid_to_lps(grid_mm)


def anatomy_of(case: Case) -> Anatomy:
    """Place a case on its grid.

    Raises
    ------
    BadInput
        ``missing-critical``, ``same-place``, ``target-outside-body``, ``entry-outside-body``, ``missing-entry``.
    """
    labels = case.labels
    own = case.target.structure
    critical = {value: name for value, name in case.critical.items() if value != own}
    notes = []
    if own is not None and own in case.critical:
        notes.append(f"{labels.name_of(own)} is the target, and so not among the critical structures")
    if not critical:
        raise BadInput(
            "no structure is critical, so that nothing could be certified",
            where="critical",
            fix="Name the structures to keep clear of",
            code="missing-critical",
        )
    closed = None if case.body is None else ~case.body & (labels.array == 0)
    target_mm, said = _point(case, case.target, critical, "target")
    notes += said
    target = _voxel(target_mm, labels.spacing_mm)
    _inside(closed, target, "target")
    entry_mm = entry = None
    if case.entry is not None:
        entry_mm, said = _point(case, case.entry, critical, "entry")
        notes += said
        entry = _voxel(entry_mm, labels.spacing_mm)
        _inside(closed, entry, "entry")
        if entry == target:
            raise BadInput(
                "entry and target are in the same voxel",
                where="entry",
                fix="Check the points and their unit: they are read as mm unless another is stated",
                code="same-place",
            )
    elif case.body is None:
        raise BadInput(
            "no entry is given, and no body on whose surface one could be chosen",
            where="entry",
            fix="Give an entry, or the body",
            code="missing-entry",
        )
    return Anatomy(
        case=case,
        spacing_mm=labels.spacing_mm,
        critical=critical,
        closed=closed,
        target=target,
        target_mm=target_mm,
        entry=entry,
        entry_mm=entry_mm,
        notes=tuple(notes),
    )


def surface_of(case: Case) -> NDArray[np.bool_]:
    """Voxels of the body that touch the air by a face, (I, J, K); where the image cuts the body is no surface.

    Air is what is not body and can be reached from the image's border, so that a sinus is none.
    """
    from scipy.ndimage import label

    body = np.asarray(case.body, np.bool_) | (case.labels.array != 0)
    regions, count = label(~body)
    outside = np.zeros(count + 1, bool)
    for axis in range(3):
        for at in (0, -1):
            outside[np.unique(regions.take(at, axis))] = True
    outside[0] = False
    air = outside[regions]
    near = np.zeros_like(body)
    for axis in range(3):
        ahead = [slice(None)] * 3
        behind = [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        near[tuple(ahead)] |= air[tuple(behind)]
        near[tuple(behind)] |= air[tuple(ahead)]
    return np.asarray(body & near)


def _point(case: Case, place: Place, critical: Mapping[int, str], what: str) -> tuple[Floats, list[str]]:
    """The point itself, or the voxel of the structure that is clearest of everything critical."""
    if place.lps_mm is not None:
        return case.labels.to_grid_mm([place.lps_mm])[0], []
    structure = place.structure
    assert structure is not None  # noqa: S101  (a place is one or the other)
    at, clear = clearest(case, structure, critical)
    name = case.labels.name_of(structure)
    return at * case.labels.spacing_mm, [
        f"the {what} is the voxel of {name} that is clearest of critical structures: {clear:.2f} mm"
    ]


def clearest(case: Case, structure: int, critical: Mapping[int, str]) -> tuple[NDArray[np.int64], float]:
    """The voxel of a structure farthest from everything critical, and that distance, mm, centre to box.

    Ties go to the voxel nearest the structure's middle, so that the answer does not depend on storage.
    """
    from suwen.engines.clearance.fields import box_squares

    array, spacing = case.labels.array, case.labels.spacing_mm
    own = np.argwhere(array == structure)
    reach = 30.0
    low = np.maximum(own.min(0) - np.ceil(reach / spacing).astype(int), 0)
    high = np.minimum(own.max(0) + np.ceil(reach / spacing).astype(int) + 1, array.shape)
    part = array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    squares = box_squares(np.isin(part, list(critical)), spacing, reach)
    clear = np.minimum(np.sqrt(squares[tuple((own - low).T)]), reach)
    off = np.linalg.norm((own - own.mean(0)) * spacing, axis=1)
    place = np.round(
        case.labels.to_lps(own), 3
    )  # not the index: mirrored storage must not choose another voxel
    best = np.lexsort((*place.T, np.round(off, 6), -np.round(clear, 4)))[0]
    return own[best], float(clear[best])


def _voxel(point_mm: Floats, spacing_mm: Floats) -> Voxel:
    i, j, k = (int(index) for index in np.floor(point_mm / spacing_mm + 0.5))
    return i, j, k


def _inside(closed: NDArray[np.bool_] | None, voxel: Voxel, what: str) -> None:
    if closed is not None and closed[voxel]:
        codes = {"entry": "entry-outside-body", "target": "target-outside-body"}
        raise BadInput(
            f"the {what} lies in the air, outside the body",
            where=what,
            fix="Check frame and unit; an entry is a voxel of the skin",
            code=codes[what],
        )
