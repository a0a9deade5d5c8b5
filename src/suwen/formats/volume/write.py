"""Volumes back to files that others read: NRRD and NIfTI, each in its own frame, values and place as they were."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from suwen.core.documents import write_bytes
from suwen.core.errors import BadInput, MissingExtra
from suwen.formats.volume.embedded import MARK
from suwen.formats.volume.grid import FLIP_XY
from suwen.formats.volume.nrrd_file import FRAME_KEY, SIMULATED_KEY
from suwen.formats.volume.nrrd_values import TYPES
from suwen.formats.volume.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCANNER = 1
"""``sform_code`` and ``qform_code``: coordinates of the scanner, which are the patient's."""

COMMENT = 6
"""``ecode`` of a NIfTI extension that holds plain text."""

GZIP_LEVEL = 4
"""Labels pack well at any level; higher ones take several times as long for a few percent."""


def write_nrrd(volume: Volume, path: Path) -> None:
    """Write an NRRD file (LPS, mm, gzip); see :func:`nrrd_bytes`."""
    write_bytes(path, nrrd_bytes(volume))


def write_nifti(volume: Volume, path: Path, *, version: Literal[1, 2] = 1) -> None:
    """Write a NIfTI file (RAS, mm), packed where the name ends in ``.gz``; see :func:`nifti_bytes`."""
    write_bytes(path, nifti_bytes(volume, version=version, packed=path.name.lower().endswith(".gz")))


def nrrd_bytes(volume: Volume) -> bytes:
    """The volume as an NRRD file; its affine is kept to the last bit.

    Names are written as 3D Slicer's segmentation metadata, so that a name ``.seg.nrrd`` opens as segments.
    """
    stored = volume.array.astype(volume.array.dtype.newbyteorder("<"), copy=False)
    code = stored.dtype.kind + str(stored.dtype.itemsize)
    directions = " ".join(_vector(volume.affine_lps[:3, axis]) for axis in range(3))
    fields = [
        "NRRD0005",
        f"type: {next(name for name, known in TYPES.items() if known == code)}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, volume.shape))}",
        f"space directions: {directions}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        'space units: "mm" "mm" "mm"',
        f"space origin: {_vector(volume.affine_lps[:3, 3])}",
    ]
    if volume.frame_of_reference:
        fields.append(f"{FRAME_KEY}:={_line(volume.frame_of_reference)}")
    if volume.simulated:
        fields.append(f"{SIMULATED_KEY}:=true")
    for number, (value, name) in enumerate(sorted(volume.names.items())):
        fields += [
            f"Segment{number}_ID:=Segment_{value}",
            f"Segment{number}_Name:={_line(name)}",
            f"Segment{number}_LabelValue:={value}",
            f"Segment{number}_Layer:=0",
        ]
    head = ("\n".join(fields) + "\n\n").encode("utf-8")
    return head + gzip.compress(stored.tobytes(order="F"), GZIP_LEVEL, mtime=0)


def nifti_bytes(volume: Volume, *, version: Literal[1, 2] = 1, packed: bool = True) -> bytes:
    """The volume as one NIfTI file, ``sform`` and ``qform`` alike.

    Parameters
    ----------
    volume
        Labels or image.
    version
        NIfTI-1 keeps the affine in single precision (1e-5 mm in a head); NIfTI-2 keeps every bit of it.
    packed
        Whether the whole is gzip-packed.

    Raises
    ------
    BadInput
        ``too-large`` for a side beyond 32,767 voxels in NIfTI-1.
    MissingExtra
        nibabel is not installed.
    """
    try:
        from nibabel.nifti1 import Nifti1Header
        from nibabel.nifti2 import Nifti2Header
    except ImportError:
        raise MissingExtra("nibabel", "surgery", "Writing NIfTI") from None
    if version == 1 and max(volume.shape) > np.iinfo(np.int16).max:
        raise BadInput("a side of the volume is too long for NIfTI-1", fix="Write NIfTI-2", code="too-large")
    header = Nifti1Header(endianness="<") if version == 1 else Nifti2Header(endianness="<")
    stored = volume.array.astype(volume.array.dtype.newbyteorder("<"), copy=False)
    ras = FLIP_XY @ volume.affine_lps
    header.set_data_dtype(stored.dtype)
    header.set_data_shape(volume.shape)
    header.set_qform(ras, SCANNER)
    header.set_sform(ras, SCANNER)
    header.set_xyzt_units("mm")
    header["magic"] = b"n+1" if version == 1 else b"n+2"
    comment = _comment(volume)
    header["vox_offset"] = len(header.binaryblock) + len(comment)
    whole = header.binaryblock + comment + stored.tobytes(order="F")
    return gzip.compress(whole, GZIP_LEVEL, mtime=0) if packed else whole


def _comment(volume: Volume) -> bytes:
    """What NIfTI has no field for, as an extension of plain text."""
    said = {
        "names": {str(value): name for value, name in sorted(volume.names.items())},
        "frame_of_reference": volume.frame_of_reference,
        "simulated": volume.simulated,
    }
    text = json.dumps({MARK: said}, ensure_ascii=True, separators=(",", ":")).encode()
    size = -(-(8 + len(text)) // 16) * 16  # a multiple of 16, as the standard asks
    sizes = size.to_bytes(4, "little") + COMMENT.to_bytes(4, "little")
    return b"\x01\0\0\0" + sizes + text.ljust(size - 8, b"\0")


def _vector(values: NDArray[np.float64]) -> str:
    return "(" + ",".join(repr(float(value)) for value in values) + ")"


def _line(text: str) -> str:
    return " ".join(text.split())
