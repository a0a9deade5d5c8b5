"""The one writer: it gathers what many callers want into one commit, with the log's entries and signed head.

A caller's work runs inside the group's transaction, under a savepoint: if it fails, it alone is undone.
Nobody is answered before the commit that holds the work and its ledger entries is on disk.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from suwen.core.errors import Conflict
from suwen.records.ledger import log
from suwen.records.ledger.events import Event, encode
from suwen.records.store.connection import Connection
from suwen.records.store.database import Database

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from suwen.records.ledger.merkle import Frontier

T = TypeVar("T")

GROUP = 128
"""Most works in one commit."""
SYNC_S = 1.0
"""Reads logged without waiting for the disk are on it after this long, when more reads follow."""


@dataclass(slots=True)
class Transaction:
    """What a work is given: the connection, the time of the commit, and where to log.

    Attributes
    ----------
    db
        Connection inside the group's transaction.
    now
        Microseconds since 1970 UTC in whole milliseconds, later than every earlier commit's.
    seq
        Last position taken in ``version``.
    events
        What this work has to say to the ledger.
    """

    db: Connection
    now: int
    seq: int
    events: list[Event] = field(default_factory=list)

    def next_seq(self) -> int:
        """Take the next position among all writes."""
        self.seq += 1
        return self.seq


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Callable[[Transaction], T]
    durable: bool
    answer: Future[T] = field(default_factory=Future)


_Answers = list[tuple[_Job[Any], Any, BaseException | None]]


class Writer:
    """A thread that commits for everybody.

    Parameters
    ----------
    database
        Where to write; other processes may write to it too, one commit at a time.
    signer
        Signs the tree heads.
    origin
        Name of this log in its checkpoints.

    Attributes
    ----------
    turn
        Held while works are done, and to be held by whoever computes at length in another thread: SQLite lets
        go of the interpreter at every row, and would wait a time slice for it at every row.
    """

    def __init__(self, database: Database, signer: Ed25519PrivateKey, origin: str) -> None:
        self.database, self.signer, self.origin = database, signer, origin
        self.turn = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._frontier: Frontier | None = None
        self._now = 0
        self._synced = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="record-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Transaction], T], *, durable: bool = True) -> Future[T]:
        """Have a work done in the next commit; its result comes once that is on disk.

        Parameters
        ----------
        work
            Called in the writer's thread. What it raises comes out of the future, and leaves nothing behind.
        durable
            Whether the commit must outlast a power cut; a log of reads need only outlast a killed process.
        """
        if self._closed:
            raise Conflict("this record is closed", fix="Open it again", code="store-closed")
        job = _Job(work, durable)
        self._jobs.put(job)
        return job.answer

    def do(self, work: Callable[[Transaction], T], *, durable: bool = True) -> T:
        """Have a work done and wait for it."""
        return self.submit(work, durable=durable).result()

    def log(self, *events: Event) -> Future[None]:
        """Write events that accompany no write."""

        def work(tx: Transaction) -> None:
            tx.events += events

        return self.submit(work, durable=False)

    def close(self) -> None:
        """Finish what is under way, then stop."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        running = True
        while running:
            group = [self._jobs.get()]
            with suppress(queue.Empty):
                while len(group) < GROUP:
                    group.append(self._jobs.get_nowait())
            running = None not in group
            jobs = [job for job in group if job is not None]
            if jobs:
                self._commit(jobs)

    def _commit(self, jobs: list[_Job[Any]]) -> None:
        durable = any(job.durable for job in jobs) or time.monotonic() - self._synced > SYNC_S
        answers: _Answers = []
        try:
            with self.database.writing(durable=durable) as db, self.turn:
                frontier = self._carry_out(db, jobs, answers)
        except BaseException as error:
            self._frontier = None
            _fail(jobs, answers, error)
            return
        self._frontier = frontier
        if durable:
            self._synced = time.monotonic()
        for job, result, refusal in answers:
            if refusal is None:
                job.answer.set_result(result)
            else:
                job.answer.set_exception(refusal)

    def _carry_out(self, db: Connection, jobs: list[_Job[Any]], answers: _Answers) -> Frontier:
        """Do the works of a group and log them; all but the commit."""
        frontier = self._refresh(db)
        seq = int((db.row("SELECT max(seq) FROM version") or (0,))[0] or 0)
        events: list[Event] = []
        for job in jobs:
            tx = Transaction(db=db, now=self._now, seq=seq)
            result, refusal = _attempt(job.work, tx, alone=len(jobs) == 1)
            if refusal is None:
                seq = tx.seq
                events += tx.events
            answers.append((job, result, refusal))
        if events:
            before = frontier.size
            frontier = log.append(db, frontier, [encode(event) for event in events])
            log.seal(db, frontier, self.signer, self.origin, previous=before)
        return frontier

    def _refresh(self, db: Connection) -> Frontier:
        """The log's end: ours, unless another process has written since. Also sets the time."""
        newest = db.row("SELECT max(size) FROM head")
        size = int(newest[0] or 0) if newest else 0
        if self._frontier is None or self._frontier.size != size:
            self._frontier = log.load(db)
            last = db.row("SELECT max(updated) FROM version")
            self._now = max(self._now, int(last[0] or 0) if last else 0)
        self._now = max(time.time_ns() // 1_000_000 * 1000, self._now + 1000)
        return self._frontier


def _attempt(
    work: Callable[[Transaction], T], tx: Transaction, *, alone: bool
) -> tuple[T | None, BaseException | None]:
    """Do one work of a group; a lone one that fails takes the whole transaction with it."""
    if alone:
        return work(tx), None
    tx.db.run("SAVEPOINT work")
    try:
        result = work(tx)
    except Exception as error:
        tx.db.run("ROLLBACK TO SAVEPOINT work")
        tx.db.run("RELEASE SAVEPOINT work")
        return None, error
    tx.db.run("RELEASE SAVEPOINT work")
    return result, None


def _fail(jobs: list[_Job[Any]], answers: _Answers, error: BaseException) -> None:
    """Nothing of this group was committed: say so to each, with its own reason where it has one."""
    own = {id(job): its for job, _, its in answers if its is not None}
    for job in jobs:
        job.answer.set_exception(own.get(id(job), error))
