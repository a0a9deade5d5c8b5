"""Threads for calls that wait, at a fraction of an executor's price per call.

``run_in_executor`` costs a lock, a semaphore and two futures for each call. And whoever worked last works next:
few requests at a time stay on few threads, whose memory is still in the processor's cache.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
_Task = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]
_Mailbox = queue.SimpleQueue[_Task]


class Threads:
    """Threads that are started when they are first needed.

    Parameters
    ----------
    count
        How many calls may be under way at one time; the others wait their turn.
    name
        What the threads are called.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count, self._name, self._started = count, name, 0
        self._lock = threading.Lock()
        self._idle: list[_Mailbox] = []
        self._waiting: deque[_Task] = deque()

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        """Have a call done by one of the threads; what it raises is raised here."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        task = (loop, answer, call, args)
        with self._lock:
            if self._idle:
                self._idle.pop().put(task)
            elif self._started < self._count:
                self._start().put(task)
            else:
                self._waiting.append(task)
        return await answer

    def _start(self) -> _Mailbox:
        mailbox: _Mailbox = queue.SimpleQueue()
        self._started += 1
        # Daemons: what must not be cut off, a commit, belongs to the record's own thread, which is joined.
        threading.Thread(
            target=self._work, args=(mailbox,), name=f"{self._name}-{self._started}", daemon=True
        ).start()
        return mailbox

    def _work(self, mailbox: _Mailbox) -> None:
        while True:
            self._do(mailbox.get(), mailbox)

    def _do(self, task: _Task, mailbox: _Mailbox) -> None:
        loop, answer, call, args = task
        result, error = None, None
        try:
            result = call(*args)
        except BaseException as raised:  # whoever waits must be told, whatever it is
            # A future takes every exception but this one.
            error = RuntimeError("StopIteration") if isinstance(raised, StopIteration) else raised
        with self._lock:
            if self._waiting:
                mailbox.put(self._waiting.popleft())
            else:
                self._idle.append(mailbox)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, answer, result, error)


def _settle(answer: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if answer.cancelled():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
