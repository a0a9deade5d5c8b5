"""A PostgreSQL server for the length of a block, where Debian's is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def programs() -> Path | None:
    """Folder of its programs, of the newest version; Debian keeps them off PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = found or [Path(where).resolve() for where in [shutil.which("initdb")] if where]
    return found[-1].parent if found else None


class Postgres:
    """A running server."""

    def __init__(self, port: int, version: str) -> None:
        self.port, self.version = port, version

    def fresh(self, name: str) -> str:
        """Address of a new, empty database."""
        import psycopg

        with psycopg.connect(
            f"postgresql://postgres@127.0.0.1:{self.port}/postgres", autocommit=True
        ) as server:
            server.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"


@contextmanager
def postgres() -> Iterator[Postgres | None]:
    """A server with its default settings, on a free port; ``None`` where it is not installed."""
    folder = programs()
    if folder is None:
        yield None
        return
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    other: dict[str, Any] = {"user": user} if os.geteuid() == 0 else {}
    with (
        tempfile.TemporaryDirectory(prefix="suwen-pg-", ignore_cleanup_errors=True) as name,
        socket.socket() as free,
    ):
        place = Path(name)
        shutil.chown(place, user)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        data = place / "data"
        subprocess.run(
            [str(folder / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"],
            check=True, capture_output=True, cwd=place, **other,
        )  # fmt: skip
        with (place / "log").open("wb") as log:
            words = ["-D", str(data), "-p", str(port), "-k", str(place), "-c", "listen_addresses=127.0.0.1"]
            server = subprocess.Popen(
                [str(folder / "postgres"), *words], stdout=log, stderr=log, cwd=place, **other
            )
        try:
            _wait(folder, port)
            told = subprocess.run(
                [folder / "postgres", "--version"], capture_output=True, text=True, check=True
            )
            yield Postgres(port, told.stdout.strip())
        finally:
            server.terminate()
            server.wait(30)


def _wait(folder: Path, port: int) -> None:
    for _ in range(150):
        ready = subprocess.run(
            [folder / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], capture_output=True, check=False
        )
        if ready.returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError("the PostgreSQL server does not start")
