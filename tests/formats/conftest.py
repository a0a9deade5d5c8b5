"""Builders of small files that the tests of the formats room read."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from suwen.core.task import Endpoint


@pytest.fixture
def ramp() -> NDArray[np.uint8]:
    """An 8-bit picture (24, 32) that holds every tone from 0 to 255."""
    return np.linspace(0, 255, 24 * 32).round().astype(np.uint8).reshape(24, 32)


@pytest.fixture
def endpoint() -> Endpoint:
    """Normal against pneumonia, spelled as the shared data sets spell them."""
    return Endpoint(
        labels={"normal": ("0", "no_finding"), "pneumonia": ("1",)},
        positive="pneumonia",
        code=("http://snomed.info/sct", "233604007", "Pneumonia"),
    )


@pytest.fixture
def dicom_bytes() -> Callable[..., bytes]:
    """Build a DX object around an array; keyword arguments become elements."""

    def build(
        pixels: NDArray[Any], *, syntax: str = ExplicitVRLittleEndian, compress: str = "", **elements: Any
    ) -> bytes:
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
        meta.MediaStorageSOPClassUID = pydicom.uid.UID("1.2.840.10008.5.1.4.1.1.1.1")
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["suwen test"])
        data = FileDataset("", {}, file_meta=meta, preamble=b"\x00" * 128)
        data.SOPClassUID = meta.MediaStorageSOPClassUID
        data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        data.Modality, data.BodyPartExamined, data.ViewPosition = "DX", "CHEST", "PA"
        data.PatientID, data.PatientName = "SECRET-4711", "Doe^Jane"
        data.Rows, data.Columns = pixels.shape[:2]
        data.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
        data.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
        if pixels.ndim == 3:
            data.PlanarConfiguration = 0
        if pixels.dtype.kind == "f":
            data.FloatPixelData = pixels.tobytes()
            data.BitsAllocated = 32
        else:
            bits = pixels.dtype.itemsize * 8
            data.BitsAllocated = data.BitsStored = bits
            data.HighBit = bits - 1
            data.PixelRepresentation = int(pixels.dtype.kind == "i")
            order = "<" if meta.TransferSyntaxUID.is_little_endian else ">"
            raw = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
            data.PixelData = raw + b"\x00" * (len(raw) % 2)
            data["PixelData"].VR = "OB" if bits == 8 else "OW"
        for keyword, value in elements.items():
            if value is None:
                delattr(data, keyword)
            else:
                setattr(data, keyword, value)
        if compress:
            data.compress(compress, generate_instance_uid=False)
        out = io.BytesIO()
        pydicom.dcmwrite(out, data, enforce_file_format=True)
        return out.getvalue()

    return build


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """Write a Pillow image or an array to bytes."""

    def write(picture: Image.Image | NDArray[Any], kind: str = "PNG", **options: Any) -> bytes:
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        out = io.BytesIO()
        image.save(out, format=kind, **options)
        return out.getvalue()

    return write


@pytest.fixture
def npz() -> Callable[..., bytes]:
    """Write arrays to an archive."""

    def write(**arrays: NDArray[Any]) -> bytes:
        out = io.BytesIO()
        np.savez_compressed(out, **arrays)
        return out.getvalue()

    return write
