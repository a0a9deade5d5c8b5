"""``kill -9`` under load: what was acknowledged is there, nothing is there by half, the ledger verifies.

The server is killed a few times here; ``benchmarks/records.py`` does the same a hundred times.
"""

from __future__ import annotations

import importlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from suwen.records.ledger.verify import verify_store
from suwen.records.record import Record

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
KILLS = 5
RESOURCES = 2500
PATIENCE_S = 15.0


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of the benchmark."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    names = ("data", "kills")
    return SimpleNamespace(**{name: importlib.import_module(f"_records_{name}") for name in names})


@pytest.mark.slow
def test_a_server_killed_while_it_writes(harness: Any, tmp_path: Path) -> None:
    tally = harness.kills.kill_rounds(tmp_path, KILLS, seed=5, longest_s=0.3)
    assert tally.problems == []
    assert tally.lost == tally.half == 0
    assert tally.kills == tally.ledgers_in_order == KILLS
    assert tally.transactions_acknowledged > KILLS


@pytest.mark.slow
def test_a_server_killed_while_it_writes_to_postgresql(
    harness: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres").fresh()
    tally = harness.kills.kill_rounds(tmp_path, 2, seed=6, db=url, longest_s=0.3)
    assert tally.problems == []
    assert tally.lost == tally.half == 0
    assert tally.kills == tally.ledgers_in_order == 2


def _pieces_done(store: Path) -> int:
    """Pieces of the import that are in the store, as another process sees them."""
    if not (store / "record.db").exists():
        return 0
    with closing(sqlite3.connect(f"file:{store / 'record.db'}?mode=ro", uri=True)) as raw:
        try:
            return int(raw.execute("SELECT count(*) FROM imported").fetchone()[0])
        except sqlite3.OperationalError:  # not made yet
            return 0


def _until(what: str, condition: Any) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.01)


def _group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_an_import_killed_and_run_again_imports_everything_once(
    harness: Any, tmp_path: Path, data_dir: Path
) -> None:
    """Killed after one more piece, then after two; no process of it stays behind."""
    bundles = list(harness.data.multiplied(harness.data.source(data_dir)[0], RESOURCES))
    files, store = tmp_path / "files", tmp_path / "store"
    total = harness.data.write(bundles, files)
    words = [sys.executable, "-m", "suwen", "records", "import", str(files), "--store", str(store), "--json"]
    draw = random.Random(3)
    for more in (1, 2):
        wanted = _pieces_done(store) + more
        running = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            _until("progress", lambda wanted=wanted: _pieces_done(store) >= wanted)
            time.sleep(draw.uniform(0, 0.05))
            running.send_signal(signal.SIGKILL)
            running.wait()
            _until("the end of its helpers", lambda group=running.pid: not _group_alive(group))
        finally:
            if _group_alive(running.pid):
                os.killpg(running.pid, signal.SIGKILL)
    before = _pieces_done(store)
    assert 3 <= before < len(bundles)
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert _pieces_done(store) == len(bundles), done.stderr
    with Record.open(store) as record, record.database.reading() as db:
        assert db.row("SELECT count(*), count(DISTINCT seq), max(version) FROM resource") == (total, total, 1)
        assert db.row("SELECT count(*) FROM version") == (total,)
        assert verify_store(db, [record.signer.public_key()]).ok
