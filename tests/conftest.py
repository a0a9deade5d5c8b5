"""Fixtures every test may use."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from specimens import Source, specimen_of
from suwen.lifecycle.discovery import find

ROOT = Path(__file__).resolve().parents[1]


def _absent(reason: str) -> None:
    """Fail in CI, where everything must be there; elsewhere skip and say what is missing."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"{reason} (required when CI=true)")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def absent() -> Callable[[str], None]:
    """What to call when a test's program or data is not there: fails in CI, skips elsewhere."""
    return _absent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The shared real data: ``SUWEN_DATA``, or ``../shared/data`` beside the repository."""
    folder = Path(os.environ.get("SUWEN_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        _absent(f"the shared test data is not at {folder}; set SUWEN_DATA to where it is")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh suwen home: keys, registry and runs of this test alone."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SUWEN_HOME", str(folder))
    return folder


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One small finished training, and the home whose key signed it."""

    task: str
    source: Path
    items: tuple[Path, ...]
    run: Path
    home: Path
    document: dict[str, Any]


@pytest.fixture(scope="session")
def quick() -> dict[str, Any]:
    """Settings with which an image task's training takes seconds; other tasks': ``specimen_of(name).quick``."""
    return dict(specimen_of("imaging.pneumonia").quick)


@pytest.fixture(scope="session")
def source_of(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Source]:
    """A small labelled source of real data for a task, and what was written into it."""

    @cache
    def make(name: str) -> Source:
        folder = tmp_path_factory.mktemp("source")
        try:
            return specimen_of(name).write(find(name), data_dir, folder)
        except FileNotFoundError as missing:
            _absent(f"the data of {name} are not in {data_dir}: {missing.filename}")
            raise

    return make


@pytest.fixture(scope="session")
def pictures_of(source_of: Callable[[str], Source]) -> Callable[[str], Path]:
    """A small labelled folder of real pictures for a task: two of each subject, a few without a label."""
    return lambda name: source_of(name).path


@pytest.fixture(scope="session")
def trained(
    source_of: Callable[[str], Source], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Trained]:
    """One small training per task and session, made when it is first asked for."""

    @cache
    def make(name: str) -> Trained:
        from suwen.lifecycle.train import train

        folder = tmp_path_factory.mktemp("trained")
        source = source_of(name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SUWEN_HOME", str(folder / "home"))
            document = train(name, str(source.path), folder / "run", overrides=specimen_of(name).quick)
        return Trained(
            task=name,
            source=source.path,
            items=source.items,
            run=folder / "run",
            home=folder / "home",
            document=document,
        )

    return make


@pytest.fixture
def workshop(home: Path, tmp_path: Path, trained: Callable[[str], Trained]) -> Callable[..., Trained]:
    """A copy of a task's training in this test's own home, to deploy and to spoil."""

    def copy(name: str = "imaging.pneumonia") -> Trained:
        original = trained(name)
        run = tmp_path / "run"
        shutil.copytree(original.run, run)
        shutil.copytree(original.home, home, dirs_exist_ok=True)
        return replace(original, run=run, home=home)

    return copy


@pytest.fixture
def deployed(workshop: Callable[..., Trained], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trained]:
    """The same, with its model in service, whatever figure so short a training reached."""

    def make(name: str = "imaging.pneumonia") -> Trained:
        from suwen.lifecycle.deploy import deploy

        made = workshop(name)
        with monkeypatch.context() as patch:
            for metric in list(find(name).floor):
                patch.delitem(find(name).floor, metric)
            deploy(made.run)
        return made

    return make


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; fails when there is more or less than one."""
        return json.loads(self.out)


@pytest.fixture
def suwen(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """The command line, in this process: words in, exit status and both streams out."""

    def run(*words: object) -> Said:
        from suwen.cli.main import main

        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["suwen", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as left:
            code = int(left.code or 0)
        streams = capfd.readouterr()
        return Said(code=code, out=streams.out, err=streams.err)

    return run


@pytest.fixture(scope="session")
def listing() -> Callable[..., dict[str, bytes]]:
    """Every file below some folders with its content, to see that nothing was left behind or changed."""

    def look(*folders: Path) -> dict[str, bytes]:
        return {
            str(path): path.read_bytes() if path.is_file() else b""
            for folder in folders
            for path in sorted(folder.rglob("*"))
        }

    return look


@dataclass(frozen=True)
class Postgres:
    """A running server of this test session alone."""

    port: int

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """Address of a new, empty database."""
        import psycopg

        name = f"r{uuid.uuid4().hex[:12]}"
        with psycopg.connect(
            f"postgresql://postgres@127.0.0.1:{self.port}/postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


def _programs() -> Path | None:
    """Folder of initdb and postgres: Debian keeps them off PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return versions[-1].parent if versions else None


@pytest.fixture(scope="session")
def postgres(absent: Callable[[str], None]) -> Iterator[Postgres]:
    """A PostgreSQL server started for these tests and stopped after them."""
    programs = _programs()
    if programs is None:
        absent("PostgreSQL's server is not installed; on Debian: apt-get install postgresql")
    assert programs is not None
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    # pytest's own folders are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="suwen-pg-"))
    shutil.chown(folder, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    as_user = {"user": user} if os.geteuid() == 0 else {}
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"],
        check=True,
        capture_output=True,
        cwd=folder,
        **as_user,
    )
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                programs / "postgres",
                "-D",
                data,
                "-p",
                str(port),
                "-k",
                folder,
                "-c",
                "listen_addresses=127.0.0.1",
            ],
            stdout=log,
            stderr=log,
            cwd=folder,
            **as_user,
        )
    try:
        for _ in range(100):
            ready = subprocess.run(
                [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)],
                capture_output=True,
                check=False,
            )
            if ready.returncode == 0:
                break
            time.sleep(0.1)
        else:
            pytest.fail("the PostgreSQL server does not start")
        yield Postgres(port)
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
