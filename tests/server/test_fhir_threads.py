"""The threads that answer ``/fhir``: as many as are needed, no more than are allowed, and nobody forgotten."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from suwen.server.threads import Threads


def test_more_calls_than_threads_are_all_done_in_turn():
    threads, names = Threads(3, "test"), set()

    def work(number: int) -> int:
        names.add(threading.current_thread().name)
        time.sleep(0.001)
        return number

    async def ask() -> list[int]:
        return await asyncio.gather(*(threads.run(work, number) for number in range(200)))

    assert asyncio.run(ask()) == list(range(200))
    assert names == {"test-1", "test-2", "test-3"}


def test_calls_one_after_another_stay_on_one_thread():
    threads = Threads(8, "test")

    async def ask() -> set[str]:
        return {await threads.run(lambda: threading.current_thread().name) for _ in range(50)}

    assert asyncio.run(ask()) == {"test-1"}


def test_what_a_call_raises_is_raised_to_whoever_asked():
    threads = Threads(1, "test")

    def fails(error: BaseException) -> None:
        raise error

    for error in (ValueError("x"), SystemExit(3)):
        with pytest.raises(type(error)):
            asyncio.run(threads.run(fails, error))
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(threads.run(fails, StopIteration()))
    assert asyncio.run(threads.run(abs, -1)) == 1


def test_nobody_waits_any_more():
    threads, began, go = Threads(1, "test"), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        go.wait(5)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await threads.run(work)

    asyncio.run(give_up())
    assert began.is_set()
    go.set()
    assert asyncio.run(threads.run(abs, -2)) == 2
