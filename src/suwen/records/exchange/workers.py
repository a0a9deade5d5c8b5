"""Processes that prepare pieces of an import while this one writes.

They need a moment to start. Until they are up, and for good where there is little to do, pieces are prepared
in this process.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import TYPE_CHECKING

from suwen.core import collector
from suwen.core.errors import Conflict

if TYPE_CHECKING:
    from suwen.records.exchange.preparing import Prepared, Tools
    from suwen.records.exchange.sources import Piece

MOST = 3
"""Processes by default; beyond that the one writer cannot keep up with them."""
WORTH_BYTES = 256 << 10
"""Less than this to import is done before a process is up."""
MUCH_BYTES = 16 << 20
"""From here on one more process pays, although the writer then has no core to itself."""

_tools: dict[bytes, Tools] = {}


def default_workers(size: int) -> int:
    """How many processes to start for so many bytes of files: none for a few."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 0 if size < WORTH_BYTES or cores == 1 else min(cores - (size < MUCH_BYTES), MOST)


class Workers:
    """A place to have pieces prepared.

    Parameters
    ----------
    count
        Processes to start now; with 0 everything is done here.
    """

    def __init__(self, count: int) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._up: list[Future[None]] = []
        if count > 0:
            # Not forked: this process has threads and open databases.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin)
            self._up = [self._pool.submit(_warm_up) for _ in range(count)]

    def submit(self, index_key: bytes, piece: Piece) -> Future[Prepared]:
        """Have a piece prepared: elsewhere once somebody is there, else here and now."""
        if self._pool is not None and any(one.done() and not one.exception() for one in self._up):
            try:
                return self._pool.submit(work, index_key, piece)
            except BrokenProcessPool:
                raise _lost() from None
        done: Future[Prepared] = Future()
        done.set_result(work(index_key, piece))
        return done

    def close(self) -> None:
        """Let the processes go."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def outcome(future: Future[Prepared]) -> Prepared:
    """What came of a piece.

    Raises
    ------
    Conflict
        When the process was killed, as a machine does that runs out of memory (code ``worker-lost``).
    """
    try:
        return future.result()
    except BrokenProcessPool:
        raise _lost() from None


def work(index_key: bytes, piece: Piece) -> Prepared:
    """Prepare one piece, with the tools of this process."""
    from suwen.records.exchange.preparing import Tools, prepare

    if index_key not in _tools:
        _tools.clear()
        _tools[index_key] = Tools(index_key)
    return prepare(_tools[index_key], piece)


def _begin() -> None:
    """Leave it to the parent to be interrupted, and do not outlive it: a killed one cannot say goodbye."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _warm_up() -> None:
    """Load what preparing needs, before there is anything to prepare."""
    from suwen.records.exchange.preparing import warm_up

    warm_up()
    collector.for_large_documents()


def _lost() -> Conflict:
    return Conflict(
        "a process of the import was killed",
        fix="Run the same command again, it goes on from here; with --workers 0 it needs less memory",
        code="worker-lost",
    )
