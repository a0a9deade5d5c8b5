"""Patients of the record watched by a running server: their risk follows what is stored, without being asked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from suwen.core.errors import SuwenError
from suwen.lifecycle import models
from suwen.lifecycle.discovery import find
from suwen.lifecycle.live_record import Follower
from suwen.records.record import Record

ACTOR = "suwen:watch"
EVERY_S = 5.0
"""Seconds between two looks at the record."""

log = logging.getLogger("suwen.server")


class Watch:
    """One thread per task, until it is stopped.

    Parameters
    ----------
    record
        An open record; closed by its owner after :meth:`stop`.
    tasks
        Names of tasks whose model in service follows every patient.

    Raises
    ------
    NotFound
        For an unknown task, or one without a model.
    Refused
        ``no-stream`` for a task that is no risk over time.
    """

    def __init__(self, record: Record, tasks: Sequence[str], *, every_s: float = EVERY_S) -> None:
        self._stop, self._every_s = threading.Event(), every_s
        followers = {name: Follower(models.load(find(name)), record, actor=ACTOR) for name in tasks}
        self._threads = [
            threading.Thread(target=self._run, args=(name, one), name=f"suwen-watch-{name}", daemon=True)
            for name, one in followers.items()
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, name: str, follower: Follower) -> None:
        while not self._stop.is_set():
            try:
                for _ in follower.run(self._stop, every_s=self._every_s):
                    if self._stop.is_set():
                        return
            except SuwenError as error:  # one unreadable patient must not end the watch over all others
                log.warning("watch of %s: %s", name, error.code)
                self._stop.wait(self._every_s)

    def stop(self) -> None:
        """End the watch; what is being stored is stored first."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)
