"""Pictures to try a task on."""

from __future__ import annotations

from pathlib import Path

import pytest

from suwen.formats.read import read_images
from suwen.lifecycle.demo import samples


def test_real_pictures_come_from_validation(data_dir: Path, home: Path) -> None:
    for task in ("imaging.pneumonia", "imaging.breast"):
        found = samples(task, data=data_dir)
        assert len(found) == 6
        assert len({one["label"] for one in found}) == 2
        assert not any(one["simulated"] for one in found)
        for one in found:
            (image,) = read_images(one["png"])
            assert image.pixels.shape == (28, 28)
            assert not image.simulated


def test_without_data_phantoms_are_marked(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUWEN_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    found = samples("imaging.pneumonia")
    assert len(found) == 6
    for one in found:
        assert one["simulated"]
        assert one["label"] is None
        assert read_images(one["png"])[0].simulated
    assert samples("imaging.breast") == []
