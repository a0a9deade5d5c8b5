"""One database connection inside one transaction, with the few calls the record needs.

Statements are written once, in the SQL that SQLite and PostgreSQL share, with ``?`` for a parameter. Rows
come straight from the driver: SQLAlchemy's result layer costs more than the search itself for a page of ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any


class Connection:
    """A driver's connection in an open transaction.

    Parameters
    ----------
    raw
        A DBAPI connection: ``sqlite3`` or ``psycopg``.
    postgres
        Whether placeholders are ``%s``.
    """

    __slots__ = ("postgres", "raw")

    def __init__(self, raw: Any, *, postgres: bool) -> None:
        self.raw, self.postgres = raw, postgres

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        cursor = self.raw.cursor()
        try:
            cursor.execute(_percent(sql) if self.postgres else sql, parameters)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found
        finally:
            cursor.close()

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query."""
        cursor = self.raw.cursor()
        try:
            cursor.execute(_percent(sql) if self.postgres else sql, parameters)
            found: tuple[Any, ...] | None = cursor.fetchone()
            return found
        finally:
            cursor.close()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Execute a statement; how many rows it changed."""
        cursor = self.raw.cursor()
        try:
            cursor.execute(_percent(sql) if self.postgres else sql, parameters)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement for each of the rows."""
        cursor = self.raw.cursor()
        try:
            cursor.executemany(_percent(sql) if self.postgres else sql, rows)
        finally:
            cursor.close()


@lru_cache(maxsize=1024)
def _percent(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")
