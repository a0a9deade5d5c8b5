"""Records to test on: in SQLite always, and in a real PostgreSQL server of Debian's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from suwen.records.record import Record


@pytest.fixture(params=["sqlite", "postgresql"])
def record(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Record]:
    """An empty record, on each of the databases."""
    url = request.getfixturevalue("postgres").fresh() if request.param == "postgresql" else None
    with Record.open(tmp_path / "store", url) as found:
        yield found


@pytest.fixture
def sqlite_record(tmp_path: Path) -> Iterator[Record]:
    """An empty record in SQLite, for what has nothing to do with the database."""
    with Record.open(tmp_path / "store") as found:
        yield found
