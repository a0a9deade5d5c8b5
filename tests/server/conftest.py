"""A client of the application in this process, and pictures to send it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image

from suwen.formats.phantom import chest_phantom, png_bytes
from suwen.lifecycle import models
from suwen.records.record import Record
from suwen.server.app import create_app

BASE = "http://127.0.0.1:8000"
TASK = "imaging.pneumonia"
FHIR_JSON = "application/fhir+json"


class Client:
    """Requests to an application without a network."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(self.app), base_url=BASE, timeout=60
            ) as client:
                return await client.request(method, url, **kwargs)

        return asyncio.run(send())

    def get(self, url: str, **kwargs: Any) -> httpx.Response:
        return self.request("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> httpx.Response:
        return self.request("POST", url, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> httpx.Response:
        return self.request("DELETE", url, **kwargs)


@pytest.fixture
def client(home: Path) -> Client:
    """The application without a data folder."""
    return Client(create_app())


@pytest.fixture
def model() -> str:
    """The task that a model ships for."""
    assert models.shipped(TASK), "the shipped model is missing: make models"
    return TASK


@pytest.fixture(scope="session")
def film() -> bytes:
    """A simulated chest film, PNG."""
    return png_bytes(chest_phantom(1, size=256))


@pytest.fixture(scope="session")
def noise() -> bytes:
    """A picture of nothing, PNG."""
    return _png(np.random.default_rng(0).integers(0, 256, (128, 128), np.uint8))


@pytest.fixture
def class_folders(tmp_path: Path) -> Path:
    """A data folder with a source of simulated films in class folders, and a link that leads out of it."""
    data = tmp_path / "data"
    for number in range(12):
        name = ("normal", "pneumonia")[number % 2]
        folder = data / "films" / name
        folder.mkdir(parents=True, exist_ok=True)
        film = chest_phantom(number, size=64, opacity=bool(number % 2))
        (folder / f"{number}.png").write_bytes(png_bytes(film))
    outside = tmp_path / "outside"
    outside.mkdir()
    (data / "leads-out").symlink_to(outside)
    return data


@pytest.fixture
def learner(home: Path, class_folders: Path) -> Client:
    """The application with a data folder."""
    return Client(create_app(data=class_folders))


@pytest.fixture
def make_client(home: Path) -> Callable[..., Client]:
    """Applications with arguments of the test's own."""
    return lambda **kwargs: Client(create_app(**kwargs))


@pytest.fixture
def problem() -> Callable[[httpx.Response], dict[str, Any]]:
    """Check that an answer is an OperationOutcome, and give its issue with its code as ``our``."""
    return check_problem


def check_problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/fhir+json", response.text
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    (issue,) = body["issue"]
    assert issue["severity"] == "error"
    assert issue["details"]["text"].endswith(".")
    (coding,) = issue["details"]["coding"]
    assert coding["system"] == "https://suwen.dev/errors"
    assert "Traceback" not in response.text
    return issue | {"our": coding["code"]}


def _png(pixels: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


class Fhir:
    """Requests to ``/fhir`` of one application, all on one event loop, as a server would see them."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=BASE, timeout=60, headers={"accept": FHIR_JSON}
        )

    def ask(self, method: str, path: str, body: Any = None, /, **headers: str) -> httpx.Response:
        """Send a request; ``if_match=...`` becomes the header, a body is JSON unless it is bytes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body
        if body is not None and not hasattr(body, "__aiter__") and not isinstance(body, bytes):
            content = json.dumps(body).encode()
        if body is not None:
            named.setdefault("content-type", FHIR_JSON)
        url = path if path.startswith("http") else f"/fhir/{path}"
        return self._runner.run(self._client.request(method, url, content=content, headers=named))

    def get(self, path: str, /, **headers: str) -> httpx.Response:
        return self.ask("GET", path, **headers)

    def put(self, resource: dict[str, Any], /, **headers: str) -> httpx.Response:
        return self.ask("PUT", f"{resource['resourceType']}/{resource['id']}", resource, **headers)

    def post(self, resource: dict[str, Any], /, **headers: str) -> httpx.Response:
        return self.ask("POST", resource["resourceType"], resource, **headers)

    def bundle(self, kind: str, *entries: dict[str, Any], **headers: str) -> httpx.Response:
        """A batch or transaction of these entries."""
        return self.ask(
            "POST", "", {"resourceType": "Bundle", "type": kind, "entry": list(entries)}, **headers
        )

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    """An empty record in SQLite."""
    with Record.open(tmp_path / "store") as found:
        yield found


@pytest.fixture(scope="session")
def fhir_client() -> type[Fhir]:
    """A client for an application of the test's own."""
    return Fhir


@pytest.fixture
def fhir(home: Path, record: Record) -> Iterator[Fhir]:
    """The application with an empty record."""
    client = Fhir(create_app(record=record))
    yield client
    client.close()
