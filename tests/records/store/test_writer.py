"""The one writer: grouped, undone singly, and never answering before the disk has it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from suwen.core.errors import BadInput, Conflict
from suwen.records.interactions.messages import Request
from suwen.records.ledger import log
from suwen.records.ledger.events import Event
from suwen.records.record import Record
from suwen.records.store.writer import Transaction


def _put(record: Record, ident: str, **rest: object) -> int:
    resource = {"resourceType": "Patient", "id": ident, **rest}
    return record.perform(Request(method="PUT", path=f"Patient/{ident}", resource=resource)).status


def test_many_callers_share_commits(record: Record) -> None:
    with record.database.reading() as db:
        before = db.row("SELECT count(*) FROM head")
    gate = threading.Event()

    def hold(tx: Transaction) -> None:
        gate.wait(10)

    held = record.writer.submit(hold)
    with ThreadPoolExecutor(40) as pool:
        answers = [pool.submit(_put, record, f"p{i}") for i in range(40)]
        while record.writer._jobs.qsize() < 40:
            threading.Event().wait(0.01)
        gate.set()
        assert [answer.result() for answer in answers] == [201] * 40
    held.result()
    with record.database.reading() as db:
        after = db.row("SELECT count(*) FROM head")
        assert db.row("SELECT count(*) FROM resource") == (40,)
    assert before is not None
    assert after is not None
    assert after[0] - before[0] < 5


def test_a_failing_work_undoes_itself_alone(record: Record) -> None:
    gate = threading.Event()
    held = record.writer.submit(lambda tx: gate.wait(10))

    def fail(tx: Transaction) -> None:
        tx.db.run("INSERT INTO setting (name, value) VALUES ('half', ?)", (b"x",))
        tx.events.append(Event(action="login", at_us=tx.now, actor="nobody"))
        raise BadInput("on purpose")

    def succeed(tx: Transaction) -> None:
        tx.db.run("INSERT INTO setting (name, value) VALUES ('whole', ?)", (b"x",))

    failing, succeeding = record.writer.submit(fail), record.writer.submit(succeed)
    gate.set()
    with pytest.raises(BadInput, match="on purpose"):
        failing.result(10)
    succeeding.result(10)
    held.result(10)
    with record.database.reading() as db:
        assert [row[0] for row in db.rows("SELECT name FROM setting WHERE name IN ('half', 'whole')")] == [
            "whole"
        ]
        assert db.rows("SELECT position FROM leaf WHERE position >= 0") == [
            (i,) for i in range(log.load(db).size)
        ]


def test_times_only_go_forward(record: Record) -> None:
    for turn in range(20):
        _put(record, "p", birthDate=f"19{turn + 10}-01-01")
    with record.database.reading() as db:
        times = [row[0] for row in db.rows("SELECT updated FROM version ORDER BY seq")]
    assert times == sorted(set(times))
    assert all(at % 1000 == 0 for at in times)


def test_two_processes_may_write_to_one_store(record: Record) -> None:
    with Record.open(record.folder, record.database.url if record.database.postgres else None) as other:
        for turn in range(6):
            _put(record if turn % 2 else other, f"p{turn}")
    with record.database.reading() as db:
        frontier = log.load(db)
        assert db.row("SELECT count(*) FROM resource") == (6,)
        assert db.row("SELECT count(*) FROM leaf") == (frontier.size,)


def test_a_closed_record_says_so(sqlite_record: Record) -> None:
    sqlite_record.close()
    with pytest.raises(Conflict) as refused:
        _put(sqlite_record, "late")
    assert refused.value.code == "store-closed"
