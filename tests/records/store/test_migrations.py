"""Tables grow by migrations, on both databases, and a store of an older version keeps what it holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from suwen.core.errors import Conflict
from suwen.records.interactions.messages import Request
from suwen.records.record import Record
from suwen.records.store import migrations
from suwen.records.store.database import Database
from suwen.records.store.failures import Unavailable
from suwen.records.store.schema import metadata

PATIENT = {"resourceType": "Patient", "id": "old", "name": [{"family": "Early"}]}


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes addresses of new, empty databases."""

    def make() -> str:
        if request.param == "postgresql":
            url: str = request.getfixturevalue("postgres").fresh()
            return url
        return Database.at(tmp_path).url

    return make


@pytest.mark.parametrize("step_by_step", [False, True])
def test_a_new_store_has_the_tables_of_the_schema(fresh: Callable[[], str], step_by_step: bool) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine

    database = Database(fresh())
    if step_by_step:
        migrations.upgrade(database, to="0001")
    assert migrations.upgrade(database)
    assert not migrations.upgrade(database)
    assert migrations.revision(database) == migrations.HEAD
    engine = create_engine(database.url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    database.close()


def test_both_ways_to_the_newest_tables_lay_them_out_alike(tmp_path: Path) -> None:
    laid = []
    for name, first in (("steps", "0001"), ("fresh", migrations.HEAD)):
        (tmp_path / name).mkdir()
        database = Database.at(tmp_path / name)
        migrations.upgrade(database, to=first)
        migrations.upgrade(database)
        with database.reading() as db:
            tables = db.rows("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' ORDER BY name")
            columns = [
                (table, *db.rows('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (table,)))
                for table, _ in tables
                if not table.startswith("sqlite")
            ]
            trees = db.rows(
                "SELECT tbl_name, count(*) FROM sqlite_master WHERE rootpage > 0 GROUP BY tbl_name ORDER BY 1"
            )
        laid.append((tables, columns, trees))
        database.close()
    assert laid[0] == laid[1]


def test_an_older_store_is_upgraded_and_keeps_its_patients(fresh: Callable[[], str], tmp_path: Path) -> None:
    url = fresh()
    old = Database(url)
    migrations.upgrade(old, to="0001")
    put = Request(method="PUT", path="Patient/old", resource=dict(PATIENT))
    with Record(old, tmp_path / "store", _provider(tmp_path / "store")) as record:
        assert record.perform(put).status == 201
        with pytest.raises(Unavailable), record.database.reading() as db:
            db.rows("SELECT * FROM imported")
    with Record.open(tmp_path / "store", url) as record:
        assert migrations.revision(record.database) == migrations.HEAD
        read = record.perform(Request(method="GET", path="Patient/old"))
        assert b"Early" in read.body
        with record.database.reading() as db:
            assert db.rows("SELECT * FROM imported") == []


def test_a_newer_store_is_left_alone(fresh: Callable[[], str]) -> None:
    database = Database(fresh())
    migrations.upgrade(database)
    with database.writing() as db:
        db.run("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Conflict) as refused:
        migrations.upgrade(database)
    assert refused.value.code == "newer-store"
    database.close()


def _provider(folder: Path):  # type: ignore[no-untyped-def]
    from suwen.records.keys.keyring import open_provider

    return open_provider(folder)
