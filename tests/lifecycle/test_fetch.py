"""The download path, against a real HTTP server on loopback."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from suwen.core.errors import BadInput, Conflict, NotFound, SuwenError, Untrusted
from suwen.lifecycle import fetch as module
from suwen.lifecycle.fetch import DATASETS, Published, fetch

CONTENT = bytes(range(256)) * 2000


class _Publisher(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        if self.path.startswith("/elsewhere"):
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/small.npz")
            self.end_headers()
            return
        short = 1000 if self.path.startswith("/cut") else 0
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) - short])

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture(scope="module")
def publisher() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Publisher)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Published:
    """One data set whose content we know, in place of the published ones."""
    published = Published(
        url="https://publisher.invalid/small.npz?download=1",
        md5=hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(),
        licence="CC BY 4.0",
        credit="Nobody et al.",
    )
    monkeypatch.setattr(module, "DATASETS", {"small": published})
    return published


def _from(publisher: str, path: str = "/small.npz"):
    return lambda url: urlopen(publisher + path, timeout=5)  # noqa: S310 (loopback)


def _nothing_left(folder: Path) -> bool:
    return not folder.exists() or list(folder.iterdir()) == []


def test_a_download_is_verified_and_kept_and_the_licence_comes_first(
    small: Published, publisher: str, home: Path
) -> None:
    lines: list[str] = []
    document = fetch("small", progress=lines.append, open_url=_from(publisher))
    path = home / "data" / "small.npz"
    assert path.read_bytes() == CONTENT
    assert (document["path"], document["bytes"], document["downloaded"]) == (path, len(CONTENT), True)
    assert document["licence"] == "CC BY 4.0"
    assert document["credit"] == "Nobody et al."
    assert "CC BY 4.0" in lines[0]
    assert any("MiB" in line for line in lines[1:])
    assert [p.name for p in path.parent.iterdir()] == ["small.npz"]


def test_a_second_fetch_opens_nothing(small: Published, publisher: str, tmp_path: Path) -> None:
    fetch("small", out=tmp_path, open_url=_from(publisher))

    def never(url: str):
        raise AssertionError("it was there already")

    assert fetch("small", out=tmp_path, open_url=never)["downloaded"] is False


def test_another_file_in_its_place_is_left_alone(small: Published, publisher: str, tmp_path: Path) -> None:
    (tmp_path / "small.npz").write_bytes(b"mine")
    with pytest.raises(Conflict) as caught:
        fetch("small", out=tmp_path, open_url=_from(publisher))
    assert caught.value.code == "different-file"
    assert (tmp_path / "small.npz").read_bytes() == b"mine"


def test_a_wrong_checksum_is_untrusted_and_nothing_is_kept(
    publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Published(url="https://publisher.invalid/small.npz", md5="0" * 32, licence="L", credit="C")
    monkeypatch.setattr(module, "DATASETS", {"small": wrong})
    with pytest.raises(Untrusted) as caught:
        fetch("small", out=tmp_path, open_url=_from(publisher))
    assert caught.value.code == "checksum"
    assert _nothing_left(tmp_path)


@pytest.mark.parametrize(("path", "code"), [("/missing", "download-failed"), ("/cut", "checksum")])
def test_an_answer_that_is_not_the_file_leaves_nothing(
    small: Published, publisher: str, tmp_path: Path, path: str, code: str
) -> None:
    with pytest.raises(SuwenError) as caught:
        fetch("small", out=tmp_path, open_url=_from(publisher, path))
    assert caught.value.code == code
    assert _nothing_left(tmp_path)


def test_without_a_network_the_error_says_where_to_put_the_file(small: Published, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        fetch("small", out=tmp_path, open_url=_from("http://127.0.0.1:1"))
    assert caught.value.code == "no-network"
    assert small.url in str(caught.value)
    assert str(tmp_path / "small.npz") in str(caught.value)
    assert _nothing_left(tmp_path)


def test_a_connection_that_breaks_midway_leaves_nothing(small: Published, tmp_path: Path) -> None:
    class Breaking:
        headers: dict[str, str] = {}  # noqa: RUF012
        pieces = 3

        def __enter__(self) -> Breaking:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing to close."""

        def read(self, size: int) -> bytes:
            self.pieces -= 1
            if not self.pieces:
                raise ConnectionResetError
            return b"x" * size

    with pytest.raises(NotFound) as caught:
        fetch("small", out=tmp_path, open_url=lambda url: Breaking())
    assert caught.value.code == "no-network"
    assert _nothing_left(tmp_path)


def test_a_flood_is_cut_off(
    small: Published, publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    with pytest.raises(BadInput) as caught:
        fetch("small", out=tmp_path, open_url=_from(publisher))
    assert caught.value.code == "too-large"
    assert _nothing_left(tmp_path)


def test_the_nearest_data_set_is_named() -> None:
    with pytest.raises(NotFound) as caught:
        fetch("pneumonia-mnist")
    assert caught.value.code == "unknown-dataset"
    assert "pneumoniamnist" in str(caught.value)


def test_a_file_in_the_folders_place_is_named(small: Published, publisher: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInput) as caught:
        fetch("small", out=tmp_path / "file", open_url=_from(publisher))
    assert caught.value.code == "not-a-folder"


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_what_is_published_is_https_with_a_checksum_a_licence_and_a_credit(name: str) -> None:
    published = DATASETS[name]
    assert published.url.startswith("https://")
    assert len(bytes.fromhex(published.md5)) == 16
    assert published.licence == "CC BY 4.0"
    assert "MedMNIST" in published.credit
    assert published.file_name == f"{name}.npz"


def test_a_redirect_away_from_https_is_not_followed(publisher: str) -> None:
    with pytest.raises(HTTPError, match="away from https") as caught:
        module._opener().open(f"{publisher}/elsewhere", timeout=5)
    caught.value.close()


def test_plain_http_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Published(url="http://127.0.0.1:1/small.npz", md5="0" * 32, licence="L", credit="C")
    monkeypatch.setattr(module, "DATASETS", {"small": plain})
    with pytest.raises(BadInput) as caught:
        fetch("small", out=tmp_path)
    assert caught.value.code == "not-https"
    assert _nothing_left(tmp_path)
