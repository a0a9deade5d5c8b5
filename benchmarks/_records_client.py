"""A client process that keeps connections open and sends requests as fast as they are answered.

Run as a program it takes a file of requests (:func:`save`) and prints what came back as JSON. Written on bare
sockets: on a machine of two cores every cycle of the client is missing on the server's side.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

TIMEOUT_S = 120.0


class Connection:
    """One HTTP/1.1 connection, kept open."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; status and body of the answer.

        Raises
        ------
        OSError
            When the server goes away before the answer is whole.
        """
        self._socket.sendall(request)
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head = bytes(received[:end]).lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17 :].partition(b"\r\n")[0]) if at >= 0 else 0
        while len(received) < end + 4 + length:
            received += self._more()
        return int(head[9:12]), bytes(received[end + 4 :])

    def _more(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """A request as bytes; ``path`` with its query, encoded."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body:
        head += f"Content-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode("ascii") + body


def get(connection: Connection, path: str) -> Any:
    """The JSON at an address."""
    status, body = connection.exchange(request("GET", path))
    assert status == 200, (status, path, body[:300])
    return json.loads(body)


def save(file: Path, requests: Iterable[bytes]) -> None:
    """Write requests for :func:`drive`."""
    with file.open("wb") as out:
        for one in requests:
            out.write(len(one).to_bytes(8, "big") + one)


def drive(port: int, connections: int, file: Path) -> dict[str, Any]:
    """Send a file of requests from another process: wall seconds, answers by status, bytes received."""
    done = subprocess.run(
        [sys.executable, __file__, str(port), str(connections), str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the client failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run(port: int, connections: int, requests: Sequence[bytes]) -> dict[str, Any]:
    """Send all requests over some connections, each taking the next as soon as it is free."""
    following = iter(requests)
    guard, start = threading.Lock(), threading.Barrier(connections + 1)
    statuses: Counter[int] = Counter()
    times: list[float] = []
    received = 0

    def work() -> None:
        nonlocal received
        connection = Connection(port)
        start.wait()
        while True:
            with guard:
                one = next(following, None)
            if one is None:
                break
            began = time.perf_counter()
            status, body = connection.exchange(one)
            took = time.perf_counter() - began
            with guard:
                statuses[status] += 1
                times.append(took)
                received += len(body)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    times.sort()
    return {
        "seconds": seconds,
        "answers": len(times),
        "statuses": dict(statuses),
        "bytes": received,
        "median_ms": 1000 * times[len(times) // 2],
        "p99_ms": 1000 * times[int(len(times) * 0.99)],
    }


def _load(file: Path) -> list[bytes]:
    data, at, found = file.read_bytes(), 0, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 8], "big")
        found.append(data[at + 8 : at + 8 + size])
        at += 8 + size
    return found


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]), _load(Path(sys.argv[3])))))
