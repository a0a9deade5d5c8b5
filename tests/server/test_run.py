"""The running server: small, without torch, on this machine alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from suwen.core.errors import Conflict, Refused
from suwen.server.run import is_loopback, run

HEAVY = ("torch", "monai", "lightning", "sklearn", "skimage", "scipy", "matplotlib", "mlflow", "onnx", "lime")


@contextmanager
def serving(home, *arguments):
    """A real server on a free port: its address and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "suwen", "serve", "--port", str(port), *arguments]
    process = subprocess.Popen(
        command,
        env=os.environ | {"SUWEN_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert "http://" in line, process.stderr.read()
        yield line[line.index("http://") :].split()[0], process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_the_server_stays_small(home, model, film):
    with serving(home) as (address, process):
        for _ in range(3):
            for verb in ("predict", "explain"):
                url = f"{address}/api/tasks/{model}/{verb}"
                assert httpx.post(url, files={"files": film}, timeout=60).json()["results"]
        assert "process_resident_memory_bytes" in httpx.get(f"{address}/metrics").text
        about = Path("/proc") / str(process.pid)
        status = (about / "status").read_text().splitlines()
        (peak,) = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]
        assert "libtorch" not in (about / "maps").read_text()
    assert peak / 1024 <= 300, f"{peak / 1024:.0f} MB"


def test_nothing_heavy_is_imported_to_serve(home, model, film, tmp_path):
    picture = tmp_path / "film.png"
    picture.write_bytes(film)
    program = f"""
import sys
from pathlib import Path
from suwen.server.app import create_app
app = create_app()
from suwen.lifecycle.explain import explain_document
explain_document("imaging.pneumonia", [Path({str(picture)!r})])
found = [name for name in {HEAVY!r} if name in sys.modules]
assert not found, found
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_application_is_made_quickly(home):
    program = "import time; from suwen.server.app import create_app; create_app(); print(time.process_time())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) <= 2.5


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "ward.example", ""])  # noqa: S104
def test_other_machines_are_refused(host):
    with pytest.raises(Refused, match="no sign-in") as caught:
        run(host, 0)
    assert caught.value.code == "remote-address"


def test_what_counts_as_this_machine():
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "10.0.0.1", "localhost.evil.example"))  # noqa: S104


def test_a_port_in_use(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Conflict) as caught:
            run("127.0.0.1", port)
    assert caught.value.code == "port-in-use"
    assert f"--port {port + 1}" in caught.value.fix
