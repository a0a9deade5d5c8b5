"""Secret files: mode 0600, whole or absent, and still there after a power cut."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suwen.core.errors import NotFound, Refused


def create(path: Path, data: bytes) -> bool:
    """Write a new secret, unless another process wrote one in this moment: then that one counts.

    Returns
    -------
    bool
        Whether this call made it.
    """
    beside = _beside(path, data)
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        return False
    finally:
        beside.unlink()
        sync_folder(path.parent)
    return True


def replace(path: Path, data: bytes, *, wipe: bool = False) -> None:
    """Put other content in the place of a secret file, at once.

    Parameters
    ----------
    path
        An existing file.
    data
        What it holds from now on.
    wipe
        Overwrite the old content with zeros afterwards. Best effort: a journal, a snapshot or the wear
        levelling of a flash disk may still keep it.
    """
    with path.open("r+b") as old:
        _beside(path, data).replace(path)
        sync_folder(path.parent)
        if wipe:  # only now: the new content is on the disk
            old.write(bytes(os.fstat(old.fileno()).st_size))
            old.flush()
            os.fsync(old.fileno())


def read(path: Path) -> tuple[bytes, tuple[int, int, int]]:
    """Return a secret and the stamp of the file it was read from.

    Raises
    ------
    NotFound
        When there is no such file (code ``keyring-missing``).
    Refused
        When others than its owner may touch it (code ``keyring-permissions``).
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
                raise Refused(
                    "others than its owner may read or write this file of secret keys",
                    where=str(path),
                    fix=f"Allow only its owner: chmod 600 {path}; rotate too if others may have read it",
                    code="keyring-permissions",
                )
            return file.read(), _stamp(status)
    except FileNotFoundError:
        raise NotFound(
            "there is no keyring here",
            where=str(path),
            fix="Without its master key nothing in the record can be read: put back the file from its backup",
            code="keyring-missing",
        ) from None


def stamp(path: Path) -> tuple[int, int, int]:
    """Return what changes whenever the file is replaced; zeros where there is none."""
    try:
        return _stamp(path.stat())
    except FileNotFoundError:
        return 0, 0, 0


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from changing secrets in a folder meanwhile."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_size


def _beside(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600 from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
