"""Read a volume: its content says what it is, never its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from suwen.core.errors import BadInput, Unreadable
from suwen.formats.dicom_object import is_dicom
from suwen.formats.read import naming
from suwen.formats.volume.nifti import is_nifti, read_nifti
from suwen.formats.volume.nrrd_file import is_nrrd, read_nrrd
from suwen.formats.volume.source import GZIP, Unpacked, content

if TYPE_CHECKING:
    from suwen.formats.volume.volume import Kind, Volume

ACCEPTED = (
    "Give NIfTI (.nii, .nii.gz), NRRD, a DICOM segmentation or enhanced object, or a folder of DICOM slices"
)


def read_volume(item: Path | bytes, *, kind: Kind, names: Path | bytes | None = None) -> Volume:
    """Read labels or an image with its place in the patient, or refuse; nothing of geometry is guessed.

    Parameters
    ----------
    item
        A file, its content, or a folder that holds the slices of one DICOM series.
    kind
        ``labels`` or ``image``: the file does not say which it is.
    names
        A table of the structures' names, used instead of names in the file; see
        :func:`suwen.formats.volume.names.read_names`.

    Raises
    ------
    NotFound, BadInput, Unreadable, MissingExtra
        As the readers of the formats do; see docs/errors.md. ``unknown-format`` for anything else.
    """
    if isinstance(item, bytes):
        volume = _decoded(content(item), kind)
    else:
        with naming(item):
            volume = _folder(item, kind) if item.is_dir() else _decoded(content(item), kind)
    if names is not None:
        from suwen.formats.volume.names import read_names

        volume = replace(volume, names=read_names(names))
        bare = 0 if kind == "image" else len(set(volume.present()) - set(volume.names))
        if bare:
            volume = replace(volume, notes=(*volume.notes, f"labels without a name: {bare}"))
    if kind == "image":
        gaps = int(volume.array.size - np.isfinite(volume.array).sum())
        if gaps:
            volume = replace(volume, notes=(*volume.notes, f"voxels without a finite value: {gaps}"))
    return volume


def _folder(path: Path, kind: Kind) -> Volume:
    from suwen.formats.volume.dicom_series import read_series

    return read_series(path, kind)


def _decoded(data: bytes, kind: Kind) -> Volume:
    if data[128:132] == b"DICM":
        return _dicom(data, kind)
    if is_nrrd(data[:16]):
        return read_nrrd(data, kind)
    head = data[:348]
    if data.startswith(GZIP):
        head = Unpacked(data).read(348, least=0)
    if is_nifti(head):
        return read_nifti(data, kind)
    if is_dicom(data):
        return _dicom(data, kind)
    raise Unreadable("this is no volume in a known format", fix=ACCEPTED, code="unknown-format")


def _dicom(data: bytes, kind: Kind) -> Volume:
    from suwen.formats.volume.dicom_frames import read_enhanced

    if not data:
        raise BadInput("the object is empty", fix=ACCEPTED, code="empty-file")
    return read_enhanced(data, kind)
