"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def absent(reason: str) -> None:
    """Fail in CI, where everything must be there; elsewhere skip and say what is missing."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"{reason} (required when CI=true)")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The shared real data: ``SUWEN_DATA``, or ``../shared/data`` beside the repository."""
    folder = Path(os.environ.get("SUWEN_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        absent(f"the shared test data is not at {folder}; set SUWEN_DATA to where it is")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh suwen home: keys, registry and runs of this test alone."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SUWEN_HOME", str(folder))
    return folder
