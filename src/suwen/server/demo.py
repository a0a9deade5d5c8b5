"""``suwen demo --check``: the real server on a free port, the main job once, and what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suwen.core.errors import SuwenError
from suwen.lifecycle.demo import samples

TASK = "imaging.pneumonia"
PATIENCE_S = 60.0


def check_once(*, data: Path | None = None, progress: Callable[[str], None]) -> dict[str, Any]:
    """Start the server, send it every demonstration picture, explain one, and stop it.

    Returns
    -------
    dict
        ``results`` as the server gave them, and ``lines`` to print.

    Raises
    ------
    SuwenError
        When the server does not come up or does not answer as it should (code ``demo-failed``).
    """
    pictures = samples(TASK, data=data)
    command = [sys.executable, "-m", "suwen", "serve", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        address = _address(server)
        progress(f"the server answers at {address}")
        health = _get(f"{address}/health")
        document = _post(f"{address}/api/tasks/{TASK}/predict", pictures)
        explained = _post(f"{address}/api/tasks/{TASK}/explain", pictures[-1:])["results"][0]
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE_S)
    if health.get("status") != "ok" or len(document["results"]) != len(pictures):
        raise SuwenError("the server did not answer as it should", code="demo-failed")
    lines = [f"{document['model']} answered {len(pictures)} pictures:"]
    for picture, result in zip(pictures, document["results"], strict=True):
        told = f"no answer ({result['abstained']})"
        if result["probability"] is not None:
            low, high = result["interval"]
            told = (
                f"{result['positive']} {result['probability']:.3f} ({low:.3f} to {high:.3f})"
                f" -> {result['decision']}"
            )
        mark = " [SIMULATED]" if picture["simulated"] else ""
        lines.append(f"  {picture['name']}{mark}: {told}")
    if explained["explanation"]:
        why = explained["explanation"]
        lines.append(f"  explained by {why['method']}: faithfulness {why['faithfulness']:.2f}")
    lines.append(document["disclaimer"])
    return {"task": TASK, "results": document["results"], "lines": lines}


def _address(server: subprocess.Popen[str]) -> str:
    """The address that the server prints once it answers."""
    assert server.stdout is not None  # noqa: S101 (opened as a pipe above)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        line = server.stdout.readline()
        if "http://" in line:
            return line[line.index("http://") :].split()[0].rstrip("/.")
        if not line and server.poll() is not None:
            break
    raise SuwenError("the server did not start", fix="Run: suwen doctor", code="demo-failed")


def _get(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310 (our own loopback server)
        found: dict[str, Any] = json.load(answer)
    return found


def _post(url: str, pictures: list[dict[str, Any]]) -> dict[str, Any]:
    """Upload pictures as a browser would: multipart form data."""
    boundary = uuid.uuid4().hex
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{number}.png"\r\n'
        f"Content-Type: image/png\r\n\r\n".encode()
        + picture["png"]
        + b"\r\n"
        for number, picture in enumerate(pictures)
    )
    request = urllib.request.Request(  # noqa: S310 (our own loopback server)
        url,
        body + f"--{boundary}--\r\n".encode(),
        {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 (our own loopback server)
        found: dict[str, Any] = json.load(answer)
    return found
