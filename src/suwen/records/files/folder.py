"""A folder of encrypted files: whole or absent, durable once acknowledged, never in clear.

``FOLDER/ab/abcdef…`` holds the file whose id begins with ``ab``; ``FOLDER/new`` what is being written,
as ciphertext already. A file is written there under a lock, synced, renamed into its place, and the folder
synced. What a killed process left in ``new`` has no lock any more and is swept when the folder is opened.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from suwen.core.errors import NotFound
from suwen.records.files.segments import ID_BYTES, SegmentReader, Sink, Source, seal_stream
from suwen.records.keys.secret_files import sync_folder
from suwen.records.store.failures import StorageFull


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """What to remember of a stored file.

    Attributes
    ----------
    file_id
        32 random bytes, its name.
    size
        Plain bytes.
    sha256
        Digest of the file as it lies on the disk, so that whoever has no key can check it too.
    """

    file_id: bytes
    size: int
    sha256: bytes


class Shelf:
    """Files by id, each appearing whole and for good or not at all.

    Parameters
    ----------
    folder
        Made with mode 0700 when missing, and swept of what killed processes left.
    suffix
        Added to every name.
    """

    def __init__(self, folder: Path, *, suffix: str = "") -> None:
        self.folder, self.suffix = folder, suffix
        self._new = folder / "new"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._new.mkdir(exist_ok=True, mode=0o700)
        sync_folder(folder.parent)
        self._sweep()

    def path(self, file_id: bytes) -> Path:
        """Where a file is or would be."""
        name = file_id.hex()
        return self.folder / name[:2] / (name + self.suffix)

    def __contains__(self, file_id: bytes) -> bool:
        return self.path(file_id).exists()

    def __iter__(self) -> Iterator[bytes]:
        """Ids of all files, to find those no resource names."""
        for path in self.folder.glob(f"[0-9a-f][0-9a-f]/*{self.suffix}"):
            yield bytes.fromhex(path.name.removesuffix(self.suffix))

    @contextmanager
    def writing(self, file_id: bytes) -> Iterator[BinaryIO]:
        """Write a file, which is there for good once the block is left, and not at all when it raises.

        Raises
        ------
        StorageFull
            When the disk is.
        """
        path = self.path(file_id)
        beside = self._new / path.name
        try:
            with self._locked_file(beside) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                if not path.parent.exists():
                    path.parent.mkdir(exist_ok=True, mode=0o700)
                    sync_folder(self.folder)
                beside.rename(path)
            sync_folder(path.parent)
        except BaseException as error:
            beside.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StorageFull(
                    "there is no space left for this file", fix="Free some space and send it again"
                ) from None
            raise

    def reading(self, file_id: bytes) -> BinaryIO:
        """Open a file as it lies on the disk.

        Raises
        ------
        NotFound
            When there is none of this id (code ``no-file``).
        """
        try:
            return self.path(file_id).open("rb")
        except FileNotFoundError:
            raise _missing(file_id) from None

    def delete(self, file_id: bytes) -> None:
        """Remove a file for good.

        Raises
        ------
        NotFound
            When there is none of this id (code ``no-file``).
        """
        path = self.path(file_id)
        try:
            path.unlink()
        except FileNotFoundError:
            raise _missing(file_id) from None
        sync_folder(path.parent)

    @contextmanager
    def _locked_file(self, path: Path) -> Iterator[BinaryIO]:
        with self._folder_lock(fcntl.LOCK_SH):  # no sweep between making the file and locking it
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
            fcntl.flock(file, fcntl.LOCK_EX)
        with file:
            yield file

    def _sweep(self) -> None:
        with self._folder_lock(fcntl.LOCK_EX):
            for path in self._new.iterdir():
                with path.open("rb") as file:
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        continue  # another process is writing it now
                    path.unlink(missing_ok=True)

    @contextmanager
    def _folder_lock(self, kind: int) -> Iterator[None]:
        handle = os.open(self._new, os.O_RDONLY)
        try:
            fcntl.flock(handle, kind)
            yield
        finally:
            os.close(handle)


class FileStore:
    """Attachments, each sealed in segments under its patient's key.

    Parameters
    ----------
    folder
        Where they are; see :class:`Shelf`.
    """

    def __init__(self, folder: Path) -> None:
        self.shelf = Shelf(folder)

    def put(self, cipher_key: bytes, source: Source) -> FileEntry:
        """Store all of a source.

        Parameters
        ----------
        cipher_key
            32 bytes: ``cipher.derive("files")``.
        source
            Plain bytes; never held in memory or on the disk as a whole.

        Raises
        ------
        StorageFull
            When the disk is full; nothing is left behind.
        """
        file_id = secrets.token_bytes(ID_BYTES)
        with self.shelf.writing(file_id) as file:
            hashed = HashedSink(file)
            size = seal_stream(cipher_key, source, hashed, file_id=file_id)
        return FileEntry(file_id=file_id, size=size, sha256=hashed.digest())

    def open(self, cipher_key: bytes, file_id: bytes) -> SegmentReader:
        """Open a file for reading at any place; close it, or use it in a ``with`` block.

        Raises
        ------
        NotFound
            When there is none of this id (code ``no-file``).
        Untrusted
            When it does not open (code ``undecryptable``).
        """
        source = self.shelf.reading(file_id)
        try:
            return SegmentReader(cipher_key, source, file_id=file_id)
        except BaseException:
            source.close()
            raise

    def read(self, cipher_key: bytes, file_id: bytes, offset: int = 0, length: int | None = None) -> bytes:
        """Return some bytes of a file; see :meth:`open` and :meth:`SegmentReader.read`."""
        with self.open(cipher_key, file_id) as reader:
            return reader.read(offset, length)

    def delete(self, file_id: bytes) -> None:
        """Remove a file; see :meth:`Shelf.delete`."""
        self.shelf.delete(file_id)


class HashedSink:
    """Passes on what is written and keeps its digest and length.

    Parameters
    ----------
    sink
        Where it goes.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink, self._hash = sink, hashlib.sha256()
        self.size = 0

    def write(self, data: Any, /) -> None:
        """Take all of it."""
        self._hash.update(data)
        self._sink.write(data)
        self.size += len(data)

    def digest(self) -> bytes:
        """SHA-256 of everything so far."""
        return self._hash.digest()


def _missing(file_id: bytes) -> NotFound:
    return NotFound("this file is not in the store", where=f"file {file_id.hex()}", code="no-file")
