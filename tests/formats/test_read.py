"""Reading by content: names never decide, and every odd path is refused with a sentence."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suwen.core.errors import BadInput, NotFound, SuwenError
from suwen.formats.read import MAX_FILE_BYTES, ImageFile, read_image, read_images

Build = Callable[..., bytes]


def code_of(item: Path | bytes) -> str:
    with pytest.raises(SuwenError) as caught:
        read_images(item)
    assert caught.value.fix
    if isinstance(item, Path):
        assert caught.value.where == str(item)
    return caught.value.code


def test_content_decides_and_not_the_name(
    tmp_path: Path, ramp: Any, encode: Build, dicom_bytes: Build, npz: Build
) -> None:
    contents = {"png": encode(ramp), "dicom": dicom_bytes(ramp), "npz": npz(image=ramp)}
    keys = set()
    for kind, data in contents.items():
        path = tmp_path / f"{kind}.txt"
        path.write_bytes(data)
        image = read_image(path)
        assert image.source_format == kind
        assert read_image(data).content_key() == image.content_key()
        keys.add(image.content_key())
    assert len(keys) == 1
    assert read_image(encode(ramp, "JPEG", quality=95)).source_format == "jpeg"


def test_an_archive_yields_several_images(ramp: Any, npz: Build) -> None:
    data = npz(images=np.stack([ramp] * 3))
    assert len(read_images(data)) == 3
    with pytest.raises(BadInput, match="3 images") as caught:
        read_image(data)
    assert caught.value.code == "several-images"


def test_bad_paths(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_images(tmp_path / "none.png")
    with pytest.raises(NotFound):
        read_images(Path("a\x00b"))
    assert code_of(tmp_path) == "is-a-folder"
    (tmp_path / "empty.png").touch()
    assert code_of(tmp_path / "empty.png") == "empty-file"
    os.mkfifo(tmp_path / "pipe")
    assert code_of(tmp_path / "pipe") == "not-a-file"
    assert code_of(b"") == "empty-file"


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.dcm"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    start = time.perf_counter()
    assert code_of(path) == "too-large"
    assert time.perf_counter() - start < 0.2
    assert MAX_FILE_BYTES < 200 * 2**20


HTML = b"<!DOCTYPE html><html><body>404 Not Found</body></html>"


def test_web_pages_and_others(tmp_path: Path, ramp: Any, encode: Build) -> None:
    page = tmp_path / "scan.dcm"
    page.write_bytes(HTML)
    assert code_of(page) == "not-dicom"
    assert code_of(HTML) == "unknown-format"
    assert code_of(b"%PDF-1.7 ...") == "unknown-format"
    assert code_of(b"NRRD0004\n") == "unknown-format"
    assert code_of(gzip.compress(b"x" * 1000)) == "compressed"
    assert code_of(bytes(range(256)) * 10) == "unknown-format"
    assert code_of(encode(ramp, "BMP")) == "unknown-format"
    noise = tmp_path / "noise.dcm"
    noise.write_bytes(bytes(range(7, 256)) * 10)
    assert code_of(noise) == "not-dicom"


def test_a_preamble_that_imitates_a_picture_is_still_dicom(ramp: Any, dicom_bytes: Build) -> None:
    data = b"II*\x00" + dicom_bytes(ramp)[4:]
    assert read_image(data).source_format == "dicom"
    data = b"\x89PNG\r\n\x1a\n" + data[8:]
    assert read_image(data).source_format == "dicom"


def test_image_file_reads_when_asked(tmp_path: Path, ramp: Any, encode: Build) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(ramp))
    file = ImageFile(path=path, file_bytes=path.stat().st_size, key=read_image(path).content_key())
    assert file.load().content_key() == file.content_key()
