"""Files appear whole and for good, or not at all, and never in clear."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from suwen.core.errors import NotFound, SuwenError, Untrusted
from suwen.records.files.folder import FileStore

KEY = bytes(range(32))
CANARY = b"CANARY-of-a-patient."
WRITER = """
import sys, time
from pathlib import Path
from suwen.records.files.folder import FileStore

class Slow:
    left = 300
    def read(self, size):
        if not self.left:
            print("writing", flush=True)
            time.sleep(60)
        self.left -= 1
        return (b"CANARY-of-a-patient." * (size // 20 + 1))[:size]

FileStore(Path(sys.argv[1])).put(bytes(range(32)), Slow())
"""


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files")


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_round_trip(store: FileStore) -> None:
    data = os.urandom(150_000)
    entry = store.put(KEY, io.BytesIO(data))
    assert entry.size == len(data)
    path = store.shelf.path(entry.file_id)
    assert entry.sha256 == hashlib.sha256(path.read_bytes()).digest()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.shelf.folder.stat().st_mode) == 0o700
    again = FileStore(store.shelf.folder)
    with again.open(KEY, entry.file_id) as reader:
        assert reader.size == len(data) and b"".join(reader) == data
    assert again.read(KEY, entry.file_id, 70_000, 10) == data[70_000:70_010]
    assert entry.file_id in again.shelf and list(again.shelf) == [entry.file_id]


def test_a_real_image_is_kept_byte_for_byte(store: FileStore, data_dir: Path) -> None:
    image = next(path for path in sorted(data_dir.rglob("*.dcm")) if path.stat().st_size > 1000)
    with image.open("rb") as source:
        entry = store.put(KEY, source)
    assert store.read(KEY, entry.file_id) == image.read_bytes()


def test_nothing_of_the_content_is_on_the_disk(store: FileStore) -> None:
    store.put(KEY, io.BytesIO(CANARY * 10_000))
    files = all_files(store.shelf.folder)
    assert len(files) == 1
    assert CANARY not in files[0].read_bytes()


def test_delete(store: FileStore) -> None:
    entry = store.put(KEY, io.BytesIO(b"x"))
    store.delete(entry.file_id)
    assert entry.file_id not in store.shelf and not all_files(store.shelf.folder)
    for step in (store.delete, lambda one: store.read(KEY, one)):
        with pytest.raises(NotFound) as caught:
            step(entry.file_id)
        assert caught.value.code == "no-file"


def test_files_exchanged_on_the_disk_are_refused(store: FileStore) -> None:
    one, other = store.put(KEY, io.BytesIO(b"one")), store.put(KEY, io.BytesIO(b"two"))
    store.shelf.path(one.file_id).write_bytes(store.shelf.path(other.file_id).read_bytes())
    with pytest.raises(Untrusted):
        store.read(KEY, one.file_id)
    with pytest.raises(Untrusted):
        store.read(bytes(32), other.file_id)


def test_a_source_that_fails_leaves_nothing(store: FileStore) -> None:
    class Failing(io.BytesIO):
        def readinto(self, buffer: object) -> int:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.put(KEY, Failing())
    assert not all_files(store.shelf.folder)


def test_a_full_disk_is_said_and_leaves_nothing(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(SuwenError) as caught:
            store.put(KEY, io.BytesIO(b"x"))
    assert caught.value.code == "storage-full"
    assert not all_files(store.shelf.folder)


def test_a_killed_write_leaves_no_file_and_is_swept(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
    beside = FileStore(folder)  # opened while the other process writes: its file stays
    left = all_files(folder)
    assert [path.parent.name for path in left] == ["new"]
    assert left[0].stat().st_size > 1_000_000 and CANARY not in left[0].read_bytes()
    assert list(beside.shelf) == []
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    assert list(FileStore(folder).shelf) == []
    assert not all_files(folder)


def test_synced_before_it_is_named_and_named_durably(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file itself, then its name's folder."""
    synced: list[bool] = []
    real = os.fsync

    def watch(handle: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(handle).st_mode))
        real(handle)

    monkeypatch.setattr(os, "fsync", watch)
    store.put(KEY, io.BytesIO(b"x"))
    assert synced[0] is False and synced[1:] == [True, True]  # its new subfolder's name, and its own
