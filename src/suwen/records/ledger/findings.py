"""What a verification finds, and how it reads tables of any size in bounded memory."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suwen.records.store.connection import Connection

MOST = 20
"""Problems of one table told one by one; the rest are counted."""
LOWEST = -(1 << 63)
"""Below every row number."""


class Findings:
    """Problems in the order they were found. None of them repeats what is stored."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._count: Counter[str] = Counter()

    def add(self, problem: str) -> None:
        """Remember a problem: the table, the row, what is wrong with it."""
        table = problem.split(" ", 1)[0].rstrip(":")
        self._count[table] += 1
        if self._count[table] <= MOST:
            self._told.append(problem)

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Make a problem of whatever stops the reading of a damaged table."""
        try:
            yield
        except sqlite3.Error as error:  # its messages name tables and states, never values
            self.add(f"{what}: cannot be read to the end: {error}")
        except Exception as error:  # a verifier of damaged data ends in a verdict, never in an error
            self.add(f"{what}: cannot be read to the end: {type(error).__name__}")

    def all(self) -> tuple[str, ...]:
        """Every problem told, then how many more each table has."""
        more = (f"{table}: {count - MOST} more" for table, count in self._count.items() if count > MOST)
        return (*self._told, *more)


def pages(db: Connection, sql: str, size: int) -> Iterator[tuple[Any, ...]]:
    """Rows of a query in the order of their key, a page at a time.

    Parameters
    ----------
    db
        Where to read.
    sql
        A query whose first column is the key, with ``key > ?``, ``ORDER BY key`` and ``LIMIT`` left to add.
    size
        Rows in one page.
    """
    after: Any = LOWEST
    while True:
        rows = db.rows(f"{sql} LIMIT {size:d}", (after,))
        yield from rows
        if len(rows) < size:
            return
        after = rows[-1][0]
