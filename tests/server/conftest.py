"""A client of the application in this process, and pictures to send it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image

from suwen.formats.phantom import chest_phantom, png_bytes
from suwen.lifecycle import models
from suwen.server.app import create_app

BASE = "http://127.0.0.1:8000"
TASK = "imaging.pneumonia"


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
