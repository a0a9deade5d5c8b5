"""``suwen records import``: files into the record, each piece in a transaction of its own.

Pieces are prepared in other processes, in any order, and written here in the order of the files. Several are
handed to the writer at once, so that its commits share the wait for the disk.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.core.errors import SuwenError, Unreadable
from suwen.records.exchange import journal
from suwen.records.exchange.preparing import document_of, rejection
from suwen.records.exchange.sources import Form, Piece, Source, find, form_of, pieces
from suwen.records.exchange.workers import Workers, default_workers, outcome
from suwen.records.interactions.messages import Request
from suwen.records.interactions.transaction import Plan
from suwen.records.ledger.events import Event
from suwen.records.store.failures import Unavailable

if TYPE_CHECKING:
    from suwen.records.exchange.preparing import Prepared, Rejection
    from suwen.records.record import Record
    from suwen.records.store.writer import Transaction

MOST_ERRORS = 100
"""Rejections told one by one; all of them are counted."""
AHEAD = 12
"""Pieces being prepared at a time."""
WRITING = 8
"""Pieces handed to the writer at a time."""
_LATER = "no-match"
"""Code of a condition whose target may be in a file still to come."""

Progress = Callable[[int, int, int], None]
"""Told of bytes read, bytes in all, and resources imported."""


@dataclass(slots=True)
class Import:
    """What became of an import.

    Attributes
    ----------
    imported, rejected, skipped
        Resources written, not written, and found to have been written by an earlier import.
    seconds
        From start to end.
    errors
        The first rejections: file, line, code and a sentence that quotes nothing.
    files
        Files in which something was looked for.
    """

    imported: int = 0
    rejected: int = 0
    skipped: int = 0
    seconds: float = 0.0
    errors: list[dict[str, Any]] = field(default_factory=list)
    files: int = 0

    @property
    def nothing_read(self) -> bool:
        """Whether there was something to read, and none of it could be."""
        return bool(self.rejected) and not self.imported and not self.skipped

    def document(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "imported": self.imported,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "seconds": round(self.seconds, 3),
            "files": self.files,
            "errors": self.errors,
        }


@dataclass(slots=True)
class _Task:
    """A piece on its way; ``looked_at`` when it is written already and only its rejections are told again."""

    source: Source
    piece: Piece
    name: str
    prepared: Future[Prepared]
    looked_at: bool = False


@dataclass(slots=True)
class _Written:
    """A piece with the writer; its answer is the number of resources, or ``None`` for one already there."""

    task: _Task
    prepared: Prepared
    answer: Future[int | None]


def import_files(
    record: Record,
    paths: Iterable[Path],
    *,
    actor: str,
    workers: Workers | None = None,
    repeat: bool = False,
    progress: Progress | None = None,
    on_error: Callable[[dict[str, Any]], None] | None = None,
) -> Import:
    """Import files and folders: FHIR R4 bundles, single resources and NDJSON, packed with gzip or not.

    Parameters
    ----------
    record
        Where they go.
    paths
        Files, and folders whose files are all looked at.
    actor
        Who is answerable, for the ledger.
    workers
        Who prepares; by default as many processes as are worth starting.
    repeat
        Whether to import what an earlier import has already written.
    progress, on_error
        Called as it goes on.

    Returns
    -------
    Import
        Whatever was wrong with the files is in it and raises nothing.

    Raises
    ------
    NotFound
        For a path that is not there, before anything is imported.
    Unavailable
        When the store cannot take more (disk full, locked); what was acknowledged is in it, and the same
        import goes on from there.
    """
    started = time.perf_counter()
    sources = find(paths)
    total = sum(source.size for source in sources)
    with Workers(default_workers(total)) if workers is None else nullcontext(workers) as helpers:
        run = _Run(record, helpers, actor, repeat)
        run.progress, run.on_error, run.total = progress, on_error, total
        run.through(sources)
    run.result.seconds = time.perf_counter() - started
    return run.result


class _Run:
    """One import under way."""

    def __init__(self, record: Record, workers: Workers, actor: str, repeat: bool) -> None:
        self.record, self.workers, self.actor, self.repeat = record, workers, actor, repeat
        self.progress: Progress | None = None
        self.on_error: Callable[[dict[str, Any]], None] | None = None
        self.total = self.read = 0
        self.result = Import()
        self._tasks: deque[_Task] = deque()
        self._writing: deque[_Written] = deque()
        self._later: list[Source] = []
        self._final = False
        with record.database.reading() as db:
            self._index_key = record.vault.index_key(db)

    def through(self, sources: list[Source]) -> None:
        """Import all; what waits for another file once more, as long as that gets anything further in."""
        self.result.files = len(sources)
        waiting = sources
        while waiting:
            before = self.result.imported
            for source in waiting:
                self._file(source)
            self._finish(0)
            self._final = self.result.imported == before
            waiting, self._later = self._later, []
        self.record.logged([Event("import", self.record.now(), self.actor, count=self.result.imported)])

    def _file(self, source: Source) -> None:
        start = self.read
        try:
            form = form_of(source)
            if form is Form.FOREIGN and source.promises_fhir:
                raise Unreadable("this is no FHIR JSON", code="no-fhir")
            for piece in pieces(source, form):
                self._take(source, piece)
                self.read = start + piece.position
        except SuwenError as error:
            self._reject(source, rejection(1, error))
        self.read = start + source.size

    def _take(self, source: Source, piece: Piece) -> None:
        name = journal.name_of(self.record.blind, piece)
        done = None if self.repeat else self._done(name)
        if done is not None:
            self.result.skipped += done.count
        if done is None or done.partly:
            prepared = self.workers.submit(self._index_key, piece)
            self._tasks.append(_Task(source, piece, name, prepared, done is not None))
        self._hand_over(AHEAD)
        self._tell()

    def _done(self, name: str) -> journal.Done | None:
        with self.record.database.reading() as db:
            return journal.look_up(db, name)

    def _hand_over(self, leave: int) -> None:
        """Give prepared pieces to the writer, in their order, until so many are left."""
        while len(self._tasks) > leave:
            task = self._tasks.popleft()
            prepared = outcome(task.prepared)
            if prepared.needs_record:
                self._transact(task, prepared)
            elif prepared.rounds and not task.looked_at:
                self._write(task, prepared, partial(self._apply, prepared))
            else:
                self._tell_rejected(task, prepared)

    def _transact(self, task: _Task, prepared: Prepared) -> None:
        """A transaction in which the record decides."""
        request = Request(method="POST", path="", actor=self.actor)
        try:
            plan = Plan(self.record, request, document_of(task.piece))
            prepared.entries = plan.size
            plan.prepare()
        except SuwenError as error:
            self._reject(task.source, rejection(1, error, prepared.entries))
            return

        def work(tx: Transaction) -> int:
            plan.carry_out(tx)
            return len(plan.writes) + len(plan.patches) + len(plan.deletes)

        self._write(task, prepared, work)

    def _apply(self, prepared: Prepared, tx: Transaction) -> int:
        for changes in prepared.rounds:
            self.record.changes.apply(tx, changes, actor=self.actor)
        return prepared.count

    def _write(self, task: _Task, prepared: Prepared, work: Callable[[Transaction], int]) -> None:
        """Have the writer do a piece and enter it into the journal, unless it is there."""

        def once(tx: Transaction) -> int | None:
            if not self.repeat and journal.look_up(tx.db, task.name):
                return None
            count = work(tx)
            journal.enter(tx.db, task.name, journal.Done(count, bool(prepared.rejected)))
            return count

        self._writing.append(_Written(task, prepared, self.record.writer.submit(once)))
        self._finish(WRITING)

    def _finish(self, leave: int) -> None:
        """Wait for the writer until so many pieces are left with it."""
        if not leave:
            self._hand_over(0)
        while len(self._writing) > leave:
            written = self._writing.popleft()
            source, prepared = written.task.source, written.prepared
            try:
                count = written.answer.result()
            except Unavailable:
                raise
            except SuwenError as error:
                if error.code == _LATER and not self._final:
                    self._later.append(source)
                else:
                    self._reject(source, rejection(written.task.piece.line, error, prepared.entries))
                continue
            if count is None:
                self.result.skipped += prepared.count
            else:
                self.result.imported += count
            self._tell_rejected(written.task, prepared)
        self._tell()

    def _tell_rejected(self, task: _Task, prepared: Prepared) -> None:
        for one in prepared.rejected:
            self._reject(task.source, one)

    def _reject(self, source: Source, rejected: Rejection) -> None:
        self.result.rejected += rejected.count
        error = {
            "file": str(source.path), "line": rejected.line, "code": rejected.code, "what": rejected.what
        }  # fmt: skip
        if len(self.result.errors) < MOST_ERRORS:
            self.result.errors.append(error)
        if self.on_error:
            self.on_error(error)

    def _tell(self) -> None:
        if self.progress:
            self.progress(self.read, self.total, self.result.imported)
