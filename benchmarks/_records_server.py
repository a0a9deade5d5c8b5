"""The real server and the real command line, as programs of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SUWEN = [sys.executable, "-m", "suwen"]


class Server:
    """``suwen serve`` on a free port.

    Parameters
    ----------
    store
        Folder of the record.
    db
        Address of its database, if that is PostgreSQL.
    command
        Another server to run, which prints its address likewise.
    """

    def __init__(self, store: Path, *, db: str | None = None, command: Sequence[str] = ()) -> None:
        words = [*SUWEN, "serve", "--port", "0", "--store", str(store)]
        self.command = list(command) or [*words, *(["--db", db] if db else [])]
        self.log = store.with_name(f"{store.name}.log")
        self.process: subprocess.Popen[str] | None = None
        self.port = 0

    def start(self) -> None:
        """Start it, and wait until it says where it answers."""
        with self.log.open("ab") as errors:
            self.process = subprocess.Popen(
                self.command, stdout=subprocess.PIPE, stderr=errors, text=True, env=os.environ
            )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        if "http://" not in said:
            self.process.wait(30)
            raise RuntimeError(f"the server did not start: {self.log.read_text(errors='replace')[-2000:]}")
        self.port = int(said[said.index("http://") :].split()[0].rpartition(":")[2])

    def kill(self) -> None:
        """End it with ``kill -9``, if it still runs: no handler of its own runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def stop(self) -> None:
        """End it in order, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                self.kill()

    def cpu_seconds(self) -> float:
        """CPU seconds it has used so far; 0 where there is no ``/proc``."""
        assert self.process is not None
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return 0.0
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(store: Path, *, db: str | None = None, command: Sequence[str] = ()) -> Iterator[Server]:
    """A server for the length of a block."""
    server = Server(store, db=db, command=command)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def suwen(*words: str | Path, env: Mapping[str, str] | None = None) -> tuple[dict[str, Any], float]:
    """Run a command of ``suwen`` with ``--json``: its document, and the wall seconds of the whole process.

    Raises
    ------
    RuntimeError
        When it ends with an error.
    """
    began = time.perf_counter()
    done = subprocess.run(
        [*SUWEN, *map(str, words), "--json"], capture_output=True, text=True, check=False, env=env
    )
    took = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"suwen {' '.join(map(str, words[:2]))}: {done.stderr[-2000:]}")
    return json.loads(done.stdout), took
