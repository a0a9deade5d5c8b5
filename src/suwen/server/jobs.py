"""Long verbs as jobs: ``python -m suwen VERB ... --json`` in a process of its own, so no torch enters here.

``SUWEN_HOME/jobs/<id>/`` holds ``job.json``, the process's stdout and stderr, and a lock that the waiting
server, and then the process itself, holds for as long as it lives. Whether a job still runs is therefore
known after the server was restarted, and no reused process number can deceive it. A running job outlives
the server. POSIX only, as these locks are.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import BoundedSemaphore, Lock, Thread
from typing import IO, Any
from uuid import uuid4

import orjson

from suwen.core.documents import now, read_json, write_json
from suwen.core.errors import Conflict, NotFound
from suwen.core.home import home

MAX_WAITING = 16
"""Jobs of one server that may run or wait at one time."""
BESIDE_TRAINING = 2
"""Jobs other than training that run at one time."""
PROGRESS_LINES = 40
_TAIL_BYTES = 64 * 1024
_GRACE_S = 5.0
_POLL_S = 0.1
_ID = re.compile(r"[0-9a-f]{16}")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Jobs:
    """The jobs of one suwen home: one training at a time, two of the other verbs beside it."""

    def __init__(self) -> None:
        self._beside = BoundedSemaphore(BESIDE_TRAINING)
        self._waiting = 0
        self._lock = Lock()

    @property
    def folder(self) -> Path:
        """Where the jobs are kept."""
        return home() / "jobs"

    def submit(self, verb: str, task: str, arguments: Sequence[str]) -> dict[str, Any]:
        """Queue ``suwen VERB ARGUMENTS --json`` and return the job's document.

        Raises
        ------
        Conflict
            When too many jobs run or wait already.
        """
        with self._lock:
            if self._waiting >= MAX_WAITING:
                raise Conflict(
                    f"{MAX_WAITING} jobs are running or waiting already",
                    fix="Wait for one to end, or cancel one: DELETE /api/jobs/ID",
                    code="too-many-jobs",
                )
            job = uuid4().hex[:16]
            place = self.folder / job
            place.mkdir(parents=True, mode=0o700)
            alive = (place / "lock").open("wb")
            _try_lock(alive)
            document = {"job": job, "verb": verb, "task": task, "state": "queued", "created_at": now()}
            write_json(place / "job.json", document)
            self._waiting += 1
        command = [sys.executable, "-m", "suwen", verb, *arguments, "--json"]
        Thread(target=self._perform, args=(place, alive, command, verb), daemon=True).start()
        return self.status(job)

    def _perform(self, place: Path, alive: IO[bytes], command: Sequence[str], verb: str) -> None:
        """Wait for the turn, run the process to its end, and note how it ended."""
        try:
            with contextlib.ExitStack() as held:
                held.enter_context(alive)
                inherited = [alive.fileno()]
                if verb == "train":
                    gate = held.enter_context((place.parent / "training.lock").open("wb"))
                    while not _try_lock(gate):  # held by a training, perhaps of an earlier server
                        if _cancelled(place):
                            return
                        time.sleep(_POLL_S)
                    inherited.append(gate.fileno())
                else:
                    held.enter_context(self._beside)
                out = held.enter_context((place / "stdout").open("wb"))
                err = held.enter_context((place / "stderr").open("wb"))
                with self._lock:
                    if _cancelled(place):
                        return
                    process = subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=out,
                        stderr=err,
                        pass_fds=inherited,
                        start_new_session=True,
                    )
                    _note(place, state="running", pid=process.pid, started_at=now())
                rc = process.wait()
                with self._lock:
                    _note(place, rc=rc, finished_at=now())
        finally:
            with self._lock:
                self._waiting -= 1

    def status(self, job: str) -> dict[str, Any]:
        """What is known of a job: status, last lines of progress, result or error.

        Raises
        ------
        NotFound
            When there is no such job.
        """
        place = self._place(job)
        alive = _is_held(place / "lock")
        document = read_json(place / "job.json")  # after the lock: an ended process has noted its end
        result, error = None, None
        status = document["state"]
        if not alive or "rc" in document:
            result, error = _outcome(place, document)
            status = "failed" if error else "done"
        return {
            **{key: document.get(key) for key in ("job", "verb", "task")},
            "status": status,
            "status_url": f"/api/jobs/{job}",
            **{key: document.get(key) for key in ("created_at", "started_at", "finished_at")},
            "progress": _progress(place / "stderr"),
            "result": result,
            "error": error,
        }

    def all(self) -> list[dict[str, Any]]:
        """Every job, newest first, without progress and results."""
        names = [path.name for path in self.folder.glob("*") if _ID.fullmatch(path.name)]
        brief = [
            {key: value for key, value in self.status(name).items() if key not in {"progress", "result"}}
            for name in names
        ]
        return sorted(brief, key=lambda job: job["created_at"], reverse=True)

    def cancel(self, job: str) -> dict[str, Any]:
        """Stop a job that waits or runs.

        Raises
        ------
        NotFound
            When there is no such job.
        Conflict
            When it has ended already.
        """
        place = self._place(job)
        with self._lock:
            if self.status(job)["status"] not in {"queued", "running"}:
                raise Conflict("this job has ended already", fix="Its result is at GET /api/jobs/ID")
            _note(place, cancelled=True)
            pid = read_json(place / "job.json").get("pid")
        if pid:  # the lock is held, so this group is still the job's
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, number)
                if _released(place / "lock", _GRACE_S):
                    break
        else:
            _released(place / "lock", _GRACE_S)
        return self.status(job)

    def _place(self, job: str) -> Path:
        place = self.folder / job
        if not _ID.fullmatch(job) or not (place / "job.json").is_file():
            raise NotFound("there is no such job", fix="List them: GET /api/jobs", code="unknown-job")
        return place


def _note(place: Path, **facts: Any) -> None:
    """Add facts to a job's document."""
    write_json(place / "job.json", read_json(place / "job.json") | facts)


def _cancelled(place: Path) -> bool:
    return bool(read_json(place / "job.json").get("cancelled"))


def _try_lock(handle: IO[bytes]) -> bool:
    """Take a file's lock; it is kept by every process that inherits the handle, until the last is gone."""
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_held(path: Path) -> bool:
    with path.open("ab") as handle:
        return not _try_lock(handle)


def _released(path: Path, seconds: float) -> bool:
    """Whether a lock is let go within this time."""
    end = time.monotonic() + seconds
    while _is_held(path):
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_S)
    return True


def _outcome(place: Path, document: dict[str, Any]) -> tuple[Any, dict[str, Any] | None]:
    """Result and error of a job that has ended, from what its process printed."""
    if document.get("cancelled"):
        return None, _error("cancelled", "the job was cancelled", "Start it again")
    if document["state"] == "queued":
        return None, _error("never-began", "the server stopped before the job began", "Start it again")
    try:
        printed = orjson.loads((place / "stdout").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None, _error(
            "process-gone",
            "the job's process ended before it gave a result",
            "Start it again with the same run; training resumes from its last epoch",
        )
    if isinstance(printed, dict) and "error" in printed:
        return None, printed["error"]
    return printed, None


def _error(code: str, what: str, fix: str) -> dict[str, Any]:
    return {"code": code, "what": what, "where": None, "fix": fix}


def _progress(path: Path) -> list[str]:
    """The last lines of a job's progress, as a terminal would show them."""
    try:
        with path.open("rb") as handle:
            size = handle.seek(0, os.SEEK_END)
            handle.seek(max(0, size - _TAIL_BYTES))
            text = handle.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    lines = [
        _ANSI.sub("", line.rpartition("\r")[2]).rstrip() for line in text.replace("\r\n", "\n").split("\n")
    ]
    return [line for line in lines if line][-PROGRESS_LINES:]
