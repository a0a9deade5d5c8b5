"""A volume of labels or of an image, and where in the patient each of its voxels lies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from suwen.core.errors import BadInput
from suwen.formats.volume.grid import checked_affine, nearest_rotation, points, stored
from suwen.formats.volume.structures import find_value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Kind = Literal["labels", "image"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Volume:
    """Values on a rectangular grid in patient coordinates, checked when it is made.

    Three frames are used. *Index*: voxel centres at whole numbers, in the order of the file's own axes.
    *Grid*, in mm: index times spacing. *LPS*, in mm: DICOM patient coordinates (left, posterior, superior
    positive). Grid and LPS differ by a rigid move, mirrored where the volume is stored mirrored, so every
    length is the same in both. Patient data: never logged.

    Attributes
    ----------
    array
        (I, J, K). Labels: uint16, or uint32 where a value needs it, 0 is background. Images: float32.
        C-contiguous.
    affine_lps
        (4, 4) float64, from index to LPS mm.
    kind
        ``labels`` or ``image``.
    names
        Label value to the structure's name; may be empty.
    frame_of_reference
        DICOM Frame of Reference UID (0020,0052), where the file says one.
    source_format
        ``nifti``, ``nrrd``, ``dicom``, ``dicom-seg``, ``phantom`` or ``memory``.
    notes
        What was done or assumed on the way, in words.
    simulated
        Whether the volume shows nobody.

    Raises
    ------
    BadInput
        ``not-three-dimensional``, ``empty-image``, ``unknown-kind``, what
        :func:`~suwen.formats.volume.grid.checked_affine` and :func:`~suwen.formats.volume.grid.stored` refuse.
    """

    array: NDArray[Any]
    affine_lps: NDArray[np.float64]
    kind: Kind
    names: Mapping[int, str] = field(default_factory=dict)
    frame_of_reference: str | None = None
    source_format: str = "memory"
    notes: tuple[str, ...] = ()
    simulated: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("labels", "image"):
            raise BadInput(
                f"a volume cannot be of kind '{self.kind}'", fix="Say labels or image", code="unknown-kind"
            )
        array = np.asarray(self.array)
        if array.ndim != 3:
            raise BadInput(
                f"the volume has {array.ndim} dimensions",
                fix="Give one with three",
                code="not-three-dimensional",
            )
        if 0 in array.shape:
            raise BadInput("the volume has no voxels", fix="Export it again", code="empty-image")
        object.__setattr__(self, "affine_lps", checked_affine(self.affine_lps, array.shape))
        object.__setattr__(self, "array", stored(array, self.kind))
        names = {int(value): str(name) for value, name in self.names.items()}
        object.__setattr__(self, "names", MappingProxyType(names))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along the three axes."""
        i, j, k = self.array.shape
        return i, j, k

    @cached_property
    def spacing_mm(self) -> NDArray[np.float64]:
        """(3,), distance of neighbouring voxel centres along each axis, mm."""
        return np.asarray(np.linalg.norm(self.affine_lps[:3, :3], axis=0))

    @cached_property
    def directions(self) -> NDArray[np.float64]:
        """(3, 3), orthonormal columns: where each axis points in LPS."""
        return nearest_rotation(self.affine_lps[:3, :3] / self.spacing_mm)

    @property
    def handedness(self) -> Literal["right", "left"]:
        """``left`` where the index order mirrors the anatomy; every point still maps right."""
        return "right" if np.linalg.det(self.affine_lps[:3, :3]) > 0 else "left"

    @cached_property
    def _to_index(self) -> NDArray[np.float64]:
        return np.asarray(np.linalg.inv(self.affine_lps))

    def to_lps(self, index: ArrayLike) -> NDArray[np.float64]:
        """LPS mm (n, 3) of voxel indices (n, 3), which may be fractions and outside."""
        return points(index) @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3]

    def to_index(self, lps_mm: ArrayLike) -> NDArray[np.float64]:
        """Voxel indices (n, 3), fractions, of points (n, 3) in LPS mm."""
        return points(lps_mm) @ self._to_index[:3, :3].T + self._to_index[:3, 3]

    def to_grid_mm(self, lps_mm: ArrayLike) -> NDArray[np.float64]:
        """Grid mm (n, 3), index times spacing, of points (n, 3) in LPS mm."""
        return self.to_index(lps_mm) * self.spacing_mm

    def grid_to_lps(self, grid_mm: ArrayLike) -> NDArray[np.float64]:
        """LPS mm (n, 3) of points (n, 3) in grid mm."""
        return self.to_lps(points(grid_mm) / self.spacing_mm)

    def contains(self, lps_mm: ArrayLike) -> NDArray[np.bool_]:
        """Whether each of the points (n, 3) in LPS mm lies in a voxel of the volume; not where one is NaN."""
        index = self.to_index(lps_mm)
        return np.asarray(((index >= -0.5) & (index <= np.array(self.shape) - 0.5)).all(axis=1))

    def value_of(self, structure: str | int) -> int:
        """The label value that a name or a number means.

        Parameters
        ----------
        structure
            A number, a number in digits, or a name: as it is written, or without regard to case, spaces,
            hyphens and underscores.

        Raises
        ------
        NotFound
            ``unknown-structure``: neither named nor present, with the nearest name.
        BadInput
            ``ambiguous-structure``: several label values have the name; ``not-labels`` for an image.
        """
        self._check_labels()
        return find_value(structure, self.names, self.present())

    def name_of(self, value: int) -> str:
        """The structure's name, or ``label 7`` where it has none."""
        return self.names.get(int(value), f"label {int(value)}")

    def present(self) -> Mapping[int, int]:
        """Label value to its number of voxels, for every label that has any; without background.

        Raises
        ------
        BadInput
            ``not-labels`` for an image.
        """
        self._check_labels()
        return self._present

    @cached_property
    def _present(self) -> Mapping[int, int]:
        if self.array.dtype == np.uint16:  # plane by plane: counting makes a wide copy of what it counts
            counts = np.zeros(2**16, np.int64)
            for plane in self.array:
                counts += np.bincount(plane.ravel(), minlength=2**16)
            values = np.flatnonzero(counts)
            found = zip(values.tolist(), counts[values].tolist(), strict=True)
        else:
            many, often = np.unique(self.array, return_counts=True)
            found = zip(many.tolist(), often.tolist(), strict=True)
        return MappingProxyType({value: count for value, count in found if value})

    def _check_labels(self) -> None:
        if self.kind != "labels":
            raise BadInput("an image has no structures", fix="Give its segmentation", code="not-labels")

    def content_key(self) -> str:
        """SHA-256 (hex) over values, affine and shape: the same whatever format the volume is stored in.

        The affine counts to 1e-5 in its axes and 1e-3 mm in its origin, in single precision, as some formats
        keep no more.
        """
        return self._content_key

    @cached_property
    def _content_key(self) -> str:
        digest = hashlib.sha256(self._geometry())
        digest.update(self.kind.encode())
        labels = self.kind == "labels"
        for plane in self.array:  # plane by plane: no copy of the whole
            if labels:
                digest.update(np.ascontiguousarray(plane, "<u4").data)
            else:
                flat = plane.astype("<f4") + np.float32(0)  # one zero
                flat[np.isnan(flat)] = np.nan  # and one NaN
                digest.update(flat.data)
        return digest.hexdigest()

    def frame_key(self) -> str:
        """SHA-256 (hex) over affine, shape and frame of reference: what two volumes on one grid share."""
        return hashlib.sha256(self._geometry() + (self.frame_of_reference or "").encode()).hexdigest()

    def _geometry(self) -> bytes:
        single = self.affine_lps[:3].astype(np.float32).astype(np.float64)
        rounded = np.hstack([np.round(single[:, :3], 5), np.round(single[:, 3:], 3)]) + 0.0
        return np.array(self.shape, "<i8").tobytes() + rounded.astype("<f8").tobytes()
