"""The running server with a record: what it says, what it logs, and how it stops."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from suwen.core.errors import Refused
from suwen.records.ledger import log
from suwen.records.record import Record
from suwen.server.run import NO_SIGN_IN, run

CANARY = "ZHANGSAN"


class Server:
    """``suwen serve`` in a process of its own."""

    def __init__(self, home: Path, *words: str) -> None:
        self.errors = home.parent / "stderr"
        with self.errors.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "suwen", "serve", "--port", "0", *words],
                env=os.environ | {"SUWEN_HOME": str(home)},
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http://" in line, self.errors.read_text()
        self.address = line[line.index("http://") :].split()[0].removeprefix("http://")

    def ask(self, method, path, body=None, connection=None, **headers):
        """Status, headers and content of one answer."""
        own = connection or http.client.HTTPConnection(self.address, timeout=30)
        named = {"content-type": "application/fhir+json"} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        own.request(method, f"/fhir/{path}", json.dumps(body) if isinstance(body, dict) else body, named)
        answer = own.getresponse()
        content = answer.read()
        if connection is None:
            own.close()
        return answer.status, answer.headers, content

    def stop(self, sign=signal.SIGINT):
        self.process.send_signal(sign)
        self.process.communicate(timeout=20)


@contextmanager
def serving(home, *words):
    server = Server(home, *words)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def test_it_says_that_there_is_no_sign_in_and_logs_nothing_of_a_patient(tmp_path, home):
    store = tmp_path / "store"
    with serving(home, "--store", str(store)) as server:
        named = {"resourceType": "Patient", "id": CANARY, "name": [{"family": CANARY}]}
        connection = http.client.HTTPConnection(server.address, timeout=30)
        assert server.ask("PUT", f"Patient/{CANARY}", named, connection)[0] == 201
        assert server.ask("GET", f"Patient/{CANARY}", None, connection)[0] == 200
        assert server.ask("HEAD", f"Patient/{CANARY}", None, connection)[2] == b""
        status, headers, content = server.ask("GET", f"Patient?name={CANARY}", None, connection)
        assert (status, json.loads(content)["total"]) == (200, 1)
        assert headers["content-type"] == "application/fhir+json"
        for body in (f'{{"{CANARY}":', json.dumps(named | {"birthDate": CANARY})):
            assert server.ask("PUT", f"Patient/{CANARY}", body, connection)[0] in {400, 422}
        assert server.ask("GET", f"Patient/{CANARY}%ff?{CANARY}={CANARY}", None, connection)[0] == 400
        health = http.client.HTTPConnection(server.address, timeout=30)
        health.request("GET", "/health")
        found = json.loads(health.getresponse().read())["record"]
        assert found["status"] == "ok"
        assert found["tree_size"] > 0
        connection.close()
        health.close()
    lines = [json.loads(line) for line in server.errors.read_text().splitlines()]
    assert lines[0]["message"] == NO_SIGN_IN
    assert [line["route"] for line in lines[1:3]] == ["/fhir/{type}/{id}"] * 2
    assert CANARY not in server.errors.read_text()
    written = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert len(written) > 10_000


def test_fifty_megabytes_are_refused_and_leave_nothing(tmp_path, home):
    with serving(home, "--store", str(tmp_path / "store")) as server:
        body = b'{"resourceType":"Patient","id":"p","name":[{"family":"' + b"x" * 50 * 2**20 + b'"}]}'
        status, headers, content = server.ask("PUT", "Patient/p", body)
        assert (status, headers["content-type"]) == (413, "application/fhir+json")
        assert json.loads(content)["resourceType"] == "OperationOutcome"
        chunks = iter([body[at : at + 2**20] for at in range(0, len(body), 2**20)])
        connection = http.client.HTTPConnection(server.address, timeout=30)
        connection.request(
            "PUT", "/fhir/Patient/p", chunks, {"content-type": "application/fhir+json"}, encode_chunked=True
        )
        assert connection.getresponse().status == 413
        connection.close()
        assert server.ask("GET", "Patient/p")[0] == 404
        status_of = Path("/proc", str(server.process.pid), "status").read_text().splitlines()
        (peak,) = [int(line.split()[1]) for line in status_of if line.startswith("VmHWM")]
    assert peak / 1024 < 400, f"{peak / 1024:.0f} MB"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_what_is_under_way_is_finished_before_it_stops(tmp_path, home, sign):
    store = tmp_path / "store"
    acknowledged: list[str] = []
    with serving(home, "--store", str(store)) as server:

        def write(worker: int) -> None:
            with closing(http.client.HTTPConnection(server.address, timeout=30)) as connection:
                for number in range(10_000):
                    ident = f"w{worker}-{number}"
                    patient = {"resourceType": "Patient", "id": ident}
                    try:
                        status, _, _ = server.ask("PUT", f"Patient/{ident}", patient, connection)
                    except (OSError, http.client.HTTPException):
                        return
                    if status == 201:
                        acknowledged.append(ident)

        workers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
        for worker in workers:
            worker.start()
        while len(acknowledged) < 40:
            threading.Event().wait(0.01)
        server.stop(sign)
        for worker in workers:
            worker.join(30)
    assert "internal" not in server.errors.read_text()
    with Record.open(store, create=False) as record, record.database.reading() as db:
        stored = {row[0] for row in db.rows("SELECT id FROM resource")}
        size = log.latest(db).size
    assert set(acknowledged) <= stored
    assert len(stored) <= len(acknowledged) + 4
    assert size >= len(stored)


def test_a_garbled_request_line_is_refused(tmp_path, home):
    with serving(home, "--store", str(tmp_path / "store")) as server:
        host, port = server.address.split(":")
        for start in (
            b"GET /fhir/Patient/\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\x16\x03\x01\x02\x00\r\n\r\n",
        ):
            with socket.create_connection((host, int(port)), timeout=10) as raw:
                raw.sendall(start)
                assert raw.recv(100).startswith(b"HTTP/1.1 400")
        assert server.ask("GET", "metadata")[0] == 200
    assert "Traceback" not in server.errors.read_text()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7"])  # noqa: S104
def test_a_record_is_never_served_beyond_this_machine(tmp_path, home, host):
    with pytest.raises(Refused) as caught:
        run(host, 0, store=tmp_path / "store", allow_remote=True)
    assert caught.value.code == "remote-record"
    assert not (tmp_path / "store").exists()
