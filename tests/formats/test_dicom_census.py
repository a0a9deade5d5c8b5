"""Every published DICOM file gives a picture or a reason, quickly, and nothing else."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from suwen.core.errors import SuwenError
from suwen.formats.read import read_images

REASONS = {
    "no-pixels",
    "derived-object",
    "multi-frame",
    "unknown-format",
    "undecodable-pixels",
    "no-codec",
    "image-too-small",
    "truncated",
    "not-dicom",
    "compressed",
}


def test_every_file_gives_a_picture_or_a_reason(data_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    census: Counter[str] = Counter()
    slowest = 0.0
    for path in sorted((data_dir / "imaging" / "dicom").rglob("*")):
        if not path.is_file():
            continue
        start = time.perf_counter()
        try:
            (image,) = read_images(path)
        except SuwenError as error:
            assert error.code in REASONS, path.name
            assert error.fix, path.name
            census[error.code] += 1
        else:
            assert image.pixels.size, path.name
            census["picture"] += 1
        slowest = max(slowest, time.perf_counter() - start)
    assert census["picture"] >= 260
    assert census["undecodable-pixels"] <= 3
    assert census["no-codec"] <= 2
    assert slowest < 5
    assert capfd.readouterr() == ("", "")
