"""Builders of volumes and of their files, good and bad."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

CT = "1.2.840.10008.5.1.4.1.1.2"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"


@pytest.fixture(scope="session")
def anatomy(data_dir: Path) -> Path:
    """The folder of real volumes."""
    return data_dir / "surgery" / "anatomy"


@pytest.fixture
def cube() -> NDArray[np.int16]:
    """Labels (10, 12, 14) in which no flip and no turn looks the same."""
    array = np.zeros((10, 12, 14), np.int16)
    array[1, 2, 3], array[8, 2, 3], array[1, 10, 3], array[1, 2, 12] = 1, 2, 3, 4
    return array


@pytest.fixture
def nifti() -> Callable[..., bytes]:
    """A NIfTI file of an array; keyword arguments are header fields set at the end."""

    def build(
        array: NDArray[Any], ras: Any = None, *, version: int = 1, packed: bool = False, unit: str | None = "mm",
        sform: int = 1, qform: int = 1, dtype: Any = None, **fields: Any,
    ) -> bytes:  # fmt: skip
        header = (nibabel.Nifti1Header if version == 1 else nibabel.Nifti2Header)()
        affine = np.diag([2.0, 2.0, 2.0, 1.0]) if ras is None else np.asarray(ras, float)
        header.set_data_dtype(dtype or array.dtype)
        header.set_data_shape(array.shape)
        if np.isfinite(affine).all() and array.ndim >= 3:
            header.set_qform(affine, qform)
        header.set_sform(affine, sform)
        if unit:
            header.set_xyzt_units(unit)
        size = len(header.binaryblock)
        header["vox_offset"] = size + 4
        header["magic"] = b"n+1" if version == 1 else b"n+2"
        for name, value in fields.items():
            header[name] = value
        whole = header.binaryblock + b"\0\0\0\0" + array.astype(dtype or array.dtype).tobytes(order="F")
        return gzip.compress(whole, 1) if packed else whole

    return build


@pytest.fixture
def nrrd() -> Callable[..., bytes]:
    """An NRRD file of an array; keyword arguments replace fields, ``None`` removes them, ``more`` is added."""

    def build(
        array: NDArray[Any], *, body: bytes | None = None, more: str = "", **fields: str | None
    ) -> bytes:
        names = {"i2": "short", "u2": "ushort", "u1": "uchar", "f4": "float", "f8": "double", "i4": "int"}
        said: dict[str, str | None] = {
            "type": names[array.dtype.str[1:]],
            "dimension": str(array.ndim),
            "space": "left-posterior-superior",
            "sizes": " ".join(map(str, array.shape)),
            "space_directions": "(2,0,0) (0,2,0) (0,0,2)",
            "kinds": "domain domain domain",
            "endian": "little",
            "encoding": "raw",
            "space_units": '"mm" "mm" "mm"',
            "space_origin": "(0,0,0)",
        }
        said |= fields
        lines = [f"{key.replace('_', ' ')}: {value}" for key, value in said.items() if value is not None]
        head = "\n".join(["NRRD0004", "# a comment", *lines]) + "\n" + more + "\n"
        return head.encode() + (array.tobytes(order="F") if body is None else body)

    return build


@pytest.fixture
def series() -> Callable[..., list[bytes]]:
    """CT slices of an array (I, J, K) in HU, as objects; ``change`` may alter each before it is written."""

    def build(
        array: NDArray[Any], *, row: Any = (1, 0, 0), column: Any = (0, 1, 0), origin: Any = (-5.0, -6.0, 7.0),
        spacing: Any = (0.5, 0.75, 2.0), change: Callable[[int, Dataset], None] | None = None,
    ) -> list[bytes]:  # fmt: skip
        normal = np.cross(row, column)
        made = []
        for plane in range(array.shape[2]):
            data = _object(CT, f"1.2.3.{plane + 1}")
            data.SeriesInstanceUID, data.FrameOfReferenceUID = "1.2.3", "1.2.9"
            data.Modality, data.PatientID, data.InstanceNumber = "CT", "SECRET-4711", 99 - plane
            data.ImagePositionPatient = [round(x, 6) for x in np.array(origin) + normal * spacing[2] * plane]
            data.ImageOrientationPatient = [*map(float, row), *map(float, column)]
            data.PixelSpacing = [spacing[1], spacing[0]]
            data.RescaleSlope, data.RescaleIntercept = 1, -1024
            _pixels(data, (array[:, :, plane].T + 1024).astype(np.uint16))
            if change is not None:
                change(plane, data)
            made.append(written(data))
        return made

    return build


@pytest.fixture
def enhanced() -> Callable[..., bytes]:
    """A multi-frame object of frames (F, rows, columns), each with its position and perhaps its segment."""

    def build(
        frames: NDArray[Any], positions: Any, *, segments: list[int] | None = None, names: dict[int, str] | None = None,
        sop_class: str = "1.2.840.10008.5.1.4.1.1.2.1", gap: float | None = 2.0, bits: int = 16, compress: str = "",
        change: Callable[[Dataset], None] | None = None,
    ) -> bytes:  # fmt: skip
        data = _object(sop_class, "1.2.4")
        data.FrameOfReferenceUID, data.NumberOfFrames = "1.2.9", len(frames)
        measures, plane, shared = Dataset(), Dataset(), Dataset()
        measures.PixelSpacing = [0.75, 0.5]
        if gap is not None:
            measures.SpacingBetweenSlices = gap
        plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [plane]
        if segments is None and sop_class != LABEL_MAP:
            rescale = Dataset()
            rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = 2, -1000, "HU"
            shared.PixelValueTransformationSequence = [rescale]
        data.SharedFunctionalGroupsSequence = [shared]
        own = []
        for at, position in enumerate(positions):
            item, place = Dataset(), Dataset()
            place.ImagePositionPatient = [float(x) for x in position]
            item.PlanePositionSequence = [place]
            if segments is not None:
                identity = Dataset()
                identity.ReferencedSegmentNumber = segments[at]
                item.SegmentIdentificationSequence = [identity]
            own.append(item)
        data.PerFrameFunctionalGroupsSequence = own
        if names is not None:
            data.SegmentationType = "BINARY" if bits == 1 else "LABELMAP"
            data.SegmentSequence = []
            for number, name in names.items():
                segment = Dataset()
                segment.SegmentNumber, segment.SegmentLabel = number, name
                data.SegmentSequence.append(segment)
        _pixels(data, frames, bits=bits)
        if change is not None:
            change(data)
        if compress:
            data.compress(compress, generate_instance_uid=False)
        return written(data)

    return build


def _object(sop_class: str, uid: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.UID(sop_class)
    meta.MediaStorageSOPInstanceUID = pydicom.uid.UID(uid)
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = sop_class, uid
    return data


def _pixels(data: Dataset, values: NDArray[Any], bits: int = 16) -> None:
    data.Rows, data.Columns = values.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = bits
    data.HighBit, data.PixelRepresentation = bits - 1, 0
    if bits == 1:
        raw = np.packbits(values.ravel() > 0, bitorder="little").tobytes()
    else:
        raw = values.astype(f"<u{bits // 8}").tobytes()
    data.PixelData = raw + b"\0" * (len(raw) % 2)
    data["PixelData"].VR = "OB" if bits <= 8 else "OW"


def written(data: Dataset) -> bytes:
    """The object as a file holds it."""
    out = io.BytesIO()
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Write objects into a folder, named so that the order of names is not theirs."""

    def write(objects: list[bytes], **others: bytes) -> Path:
        place = tmp_path / "series"
        place.mkdir()
        for at, content in enumerate(objects):
            (place / f"{(at * 7) % (len(objects) + 1):03d}-{at}").write_bytes(content)
        for name, content in others.items():
            (place / name.replace("_", ".")).write_bytes(content)
        return place

    return write
