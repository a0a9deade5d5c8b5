"""Folders and archives are read alike; what is cut short, empty or leads elsewhere is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from suwen.core.errors import BadInput, NotFound, Unreadable
from suwen.formats.signals import archive
from suwen.formats.signals.archive import is_container, members

FILES = {
    "set-a/1.txt": random.Random(0).randbytes(3000),
    "set-a/2.txt": b"",
    "set-a/" + "long/" * 40 + "3.txt": b"three",
    "set-a/notes.md": b"left out",
    "set-a/.hidden.txt": b"left out",
}
TEXTS = {name: data for name, data in FILES.items() if name.endswith(".txt") and "/." not in name}


def tar_of(files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as pack:
        folder = tarfile.TarInfo("set-a")
        folder.type = tarfile.DIRTYPE
        pack.addfile(folder)
        link = tarfile.TarInfo("set-a/link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        pack.addfile(link)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            pack.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in files.items():
            pack.writestr(name, data)
    return out.getvalue()


def gnu(files: dict[str, bytes]) -> bytes:
    return tar_of(files, tarfile.GNU_FORMAT)


PACKERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "tar": tar_of,
    "gnu": gnu,
    "xz": lambda files: lzma.compress(tar_of(files)),
    "gz": lambda files: gzip.compress(tar_of(files)),
    "bz2": lambda files: bz2.compress(tar_of(files)),
    "zip": zip_of,
}


def texts(item: Path | bytes) -> dict[str, bytes]:
    return {member.name: member.data for member in members(item, suffixes=(".txt",))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "folder"


@pytest.mark.parametrize("kind", PACKERS)
def test_every_archive_gives_the_same_members_as_the_folder(kind: str, folder: Path, tmp_path: Path) -> None:
    data = PACKERS[kind](FILES)
    path = tmp_path / "archive.bin"
    path.write_bytes(data)
    assert texts(folder) == texts(data) == texts(path) == TEXTS
    assert is_container(path)
    assert is_container(data)
    assert is_container(folder)
    assert not is_container(b"Time,Parameter,Value\n")
    assert not is_container(folder / "set-a/1.txt")
    assert not is_container(folder / "absent")


def test_a_compressed_single_file_is_its_own_member(tmp_path: Path) -> None:
    path = tmp_path / "132539.txt.gz"
    path.write_bytes(gzip.compress(b"Time,Parameter,Value\n"))
    (member,) = members(path, suffixes=(".txt",))
    assert (member.name, member.stem, member.data) == ("132539.txt", "132539", b"Time,Parameter,Value\n")


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.8, 0.97])
def test_a_truncated_archive_is_never_a_shorter_one(kind: str, part: float) -> None:
    data = PACKERS[kind](FILES)
    end = len(data)
    if kind in {"tar", "gnu"}:  # up to the blocks of zeros that end it
        end = len(data.rstrip(b"\0"))
    with pytest.raises(Unreadable) as caught:
        texts(data[: int(end * part)])
    assert caught.value.code == "truncated"


def test_a_tar_cut_between_two_members_is_truncated_too() -> None:
    whole = tar_of({"1.txt": b"a" * 512, "2.txt": b"b" * 512})
    at = whole.index(b"2.txt")
    assert at % 512 == 0
    with pytest.raises(Unreadable) as caught:
        texts(whole[:at])
    assert caught.value.code == "truncated"
    with pytest.raises(Unreadable):
        texts(whole[:at] + b"\x01" * 2048)


def test_a_damaged_compressed_stream_is_refused() -> None:
    data = bytearray(lzma.compress(tar_of({"1.txt": bytes(range(256)) * 40})))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(Unreadable) as caught:
        texts(bytes(data))
    assert caught.value.code == "truncated"


@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_an_archive_without_such_files_is_refused(pack: Callable[[dict[str, bytes]], bytes]) -> None:
    for data in (pack({}), pack({"a.md": b"x"})):
        with pytest.raises(BadInput) as caught:
            texts(data)
        assert caught.value.code == "empty-archive"


def test_an_empty_folder_an_empty_file_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        texts(tmp_path)
    assert caught.value.code == "empty-folder"
    (tmp_path / "a.tar").touch()
    for item in (tmp_path / "a.tar", b""):
        with pytest.raises(Unreadable) as caught:
            texts(item)
        assert caught.value.code == "empty-file"
    with pytest.raises(NotFound):
        texts(tmp_path / "absent.tar")
    with pytest.raises(BadInput) as caught:
        texts(b"no archive at all")
    assert caught.value.code == "not-an-archive"


@pytest.mark.parametrize("name", ["../1.txt", "/1.txt", "a/../../1.txt", "..\\1.txt"])
@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_paths_that_lead_out_are_refused(name: str, pack: Callable[[dict[str, bytes]], bytes]) -> None:
    with pytest.raises(BadInput) as caught:
        texts(pack({name: b"x"}))
    assert caught.value.code == "unsafe-path"


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("x")
    (folder / "way-out.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(BadInput) as caught:
        texts(folder)
    assert caught.value.code == "outside-folder"


def test_limits_hold_before_anything_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 1000)
    for pack in PACKERS.values():
        with pytest.raises(BadInput) as caught:
            texts(pack({"1.txt": b"a" * 1001}))
        assert caught.value.code == "too-large"
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 1500)
    with pytest.raises(BadInput) as caught:
        texts(tar_of({"1.txt": b"a" * 900, "2.txt": b"a" * 900}))
    assert caught.value.code == "too-large"


def test_an_encrypted_zip_says_so() -> None:
    data = bytearray(zip_of({"1.txt": b"x"}))
    data[6] |= 1  # general purpose bit 0: encrypted (APPNOTE 4.4.4), in both headers
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BadInput) as caught:
        texts(bytes(data))
    assert caught.value.code == "encrypted"
