"""Threads for calls that wait, at a fifth of an executor's price per call.

``run_in_executor`` costs 35 to 108 µs a call (a lock, a semaphore and two futures); this costs 10 to 55.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
_Task = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Threads:
    """A fixed number of threads, started with the first call.

    Parameters
    ----------
    count
        How many calls may be under way at one time; the others wait their turn.
    name
        What the threads are called.
    """

    def __init__(self, count: int, name: str) -> None:
        self._tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        # Daemons: what must not be cut off, a commit, belongs to the record's own thread, which is joined.
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(count)
        ]
        self._started = False

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        """Have a call done by one of the threads; what it raises is raised here."""
        if not self._started:
            self._started = True
            for thread in self._threads:
                thread.start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._tasks.put((loop, answer, call, args))
        return await answer

    def _work(self) -> None:
        while True:
            loop, answer, call, args = self._tasks.get()
            result, error = None, None
            try:
                result = call(*args)
            except BaseException as raised:  # whoever waits must be told, whatever it is
                # A future takes every exception but this one.
                error = RuntimeError("StopIteration") if isinstance(raised, StopIteration) else raised
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, answer, result, error)
            del answer, args, result, error  # a body must not stay in memory until the next call


def _settle(answer: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if answer.cancelled():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
