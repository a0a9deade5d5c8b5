"""NIfTI-1 and NIfTI-2 in one file, packed or not: values, and a frame only where the header states one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from suwen.core.errors import BadInput, MissingExtra, Unreadable
from suwen.formats.volume.embedded import Said, said_in
from suwen.formats.volume.grid import FLIP_XY
from suwen.formats.volume.nifti_frame import frame_of
from suwen.formats.volume.source import MAX_HEADER_BYTES, Unpacked, sized, three, voxels
from suwen.formats.volume.volume import Kind, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADS = {348: (b"n+1\0", b"ni1\0", 344), 540: (b"n+2\0", b"ni2\0", 4)}


def is_nifti(head: bytes) -> bool:
    """Whether unpacked bytes start as a NIfTI or ANALYZE 7.5 header."""
    return len(head) >= 348 and _size(head) in _HEADS


def _size(head: bytes) -> int:
    sizes = {int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big")} & set(_HEADS)
    return sizes.pop() if sizes else 0


def read_nifti(data: bytes, kind: Kind) -> Volume:
    """Decode one volume.

    The frame is ``sform`` where it is set, else ``qform``; ``pixdim`` alone says nothing about orientation.
    Units are converted to mm; where none is stated, a volume is taken in mm only if its size leaves no other
    unit (:data:`~suwen.formats.volume.source.SURELY_MM`), and a note says so.

    Parameters
    ----------
    data
        The whole file, gzip-packed or not.
    kind
        ``labels`` or ``image``.

    Raises
    ------
    BadInput
        ``missing-orientation``, ``missing-units``, ``orientation-disagrees``, ``no-spacing``, ``not-finite``,
        ``detached-header``, ``not-numbers``, ``several-volumes``, ``not-three-dimensional``, ``too-large``,
        ``implausible-size``, and what :class:`~suwen.formats.volume.volume.Volume` refuses.
    Unreadable
        ``truncated``, ``undecodable``, ``undecodable-header``, ``size-mismatch``.
    MissingExtra
        nibabel is not installed.
    """
    file = Unpacked(data)
    start = file.read(348)
    size = _size(start)
    start += file.read(size - 348)
    header = _header(start, size)
    shape = _shape(header)
    sides = three(shape)
    dtype = _dtype(header)
    offset = _offset(header, size)
    extensions = file.read(offset - size)
    affine, stated, notes = frame_of(header, sides)
    raw = file.read(voxels(shape) * dtype.itemsize)
    file.close()
    values, scaled = _scaled(header, np.frombuffer(raw, dtype).reshape(sides, order="F"))
    said = said_in(extensions)
    volume = Volume(
        array=values,
        affine_lps=FLIP_XY @ affine,
        kind=kind,
        names=said.names,
        frame_of_reference=said.frame_of_reference,
        source_format="nifti",
        notes=(*notes, *scaled, *_kept(said)),
        simulated=said.simulated,
    )
    return sized(volume, unit_stated=stated)


def _kept(said: Said) -> tuple[str, ...]:
    return (f"names from the file: {len(said.names)}",) if said.names else ()


def _header(block: bytes, size: int) -> Any:
    one_file, two_files, at = _HEADS[size]
    magic = block[at : at + 4]
    if magic == two_files:
        raise BadInput(
            "the header stands alone: its values are in another file",
            fix="Save it as one .nii or .nii.gz file",
            code="detached-header",
        )
    if magic != one_file:
        raise BadInput(
            "this is an ANALYZE 7.5 header, which says nothing about orientation",
            fix="Save the volume as NIfTI from the software that made it",
            code="missing-orientation",
        )
    try:
        from nibabel.nifti1 import Nifti1Header
        from nibabel.nifti2 import Nifti2Header
    except ImportError:
        raise MissingExtra("nibabel", "surgery", "Reading NIfTI") from None
    with _decoding():
        return (Nifti1Header if size == 348 else Nifti2Header)(block, check=False)


@contextlib.contextmanager
def _decoding() -> Iterator[None]:
    """Turn whatever the library raises on a broken header into our refusal."""
    try:
        yield
    except Exception:
        raise Unreadable(
            "the header cannot be understood", fix="Export the volume again", code="undecodable-header"
        ) from None


def _shape(header: Any) -> tuple[int, ...]:
    dim = [int(side) for side in header["dim"]]
    if not 1 <= dim[0] <= 7:
        raise Unreadable(
            "the header states no number of dimensions", fix="Export it again", code="undecodable-header"
        )
    shape = tuple(dim[1 : dim[0] + 1])
    while len(shape) > 3 and shape[-1] == 1:  # what is 1 at the end is no dimension
        shape = shape[:-1]
    return shape


def _dtype(header: Any) -> np.dtype[Any]:
    with _decoding():
        dtype: np.dtype[Any] = np.dtype(header.get_data_dtype())
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise BadInput(
            "the voxels hold no plain numbers (colour, complex or 128 bits)",
            fix="Save one number of at most 64 bits per voxel",
            code="not-numbers",
        )
    return dtype


def _offset(header: Any, size: int) -> int:
    offset = float(header["vox_offset"])
    if not (np.isfinite(offset) and size + 4 <= offset <= MAX_HEADER_BYTES and offset == int(offset)):
        raise Unreadable(
            "the header does not say where the values start", fix="Export it again", code="undecodable-header"
        )
    return int(offset)


def _scaled(header: Any, stored: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    slope, inter = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not np.isfinite(slope):  # NIfTI: a slope of 0 is none; NaN is how nibabel writes it
        return stored, ()
    if not np.isfinite(inter):
        raise BadInput("the intercept of the values is NaN", fix="Export it again", code="not-finite")
    if (slope, inter) == (1.0, 0.0):
        return stored, ()
    values = stored.astype(np.float64) * slope + inter
    return values, (f"rescaled: slope {slope:g}, intercept {inter:g}",)
