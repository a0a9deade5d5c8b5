"""The store's file cipher against ``openssl speed``, both AES-256-GCM at 64 KiB, in turns on one core."""

from __future__ import annotations

import io
import re
import secrets
import shutil
import subprocess
from statistics import median
from typing import Any

from _common import cpu_seconds

SEGMENT = 65536


class Block:
    """A source of so many bytes out of a block that stays in the cache, as in ``openssl speed``."""

    def __init__(self, size: int) -> None:
        self._block, self._left = secrets.token_bytes(SEGMENT), size

    def readinto(self, into: memoryview) -> int:
        """Fill a buffer; 0 at the end."""
        size = min(len(into), self._left)
        into[:size] = self._block[:size]
        self._left -= size
        return size

    def read(self, size: int) -> bytes:
        """The same as bytes."""
        into = bytearray(size)
        return bytes(into[: self.readinto(memoryview(into))])


class Nowhere:
    """A sink that keeps nothing."""

    def write(self, data: Any) -> int:
        """Take it."""
        return len(data)


def compare(rounds: int, megabytes: int) -> dict[str, Any]:
    """Plain bytes per CPU second of both, and the median of the ratios of neighbouring turns."""
    from suwen.records.files.segments import seal_stream

    program = shutil.which("openssl")
    size, key = megabytes * 2**20, secrets.token_bytes(32)
    memory = secrets.token_bytes(size)

    def seal() -> None:
        seal_stream(key, Block(size), Nowhere(), file_id=secrets.token_bytes(32))

    def seal_memory() -> None:
        seal_stream(key, io.BytesIO(memory), Nowhere(), file_id=secrets.token_bytes(32))

    seal()
    ours: list[float] = []
    cold: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        if program:
            theirs.append(_openssl(program))
        ours.append(size / 1e6 / cpu_seconds(seal))
        cold.append(size / 1e6 / cpu_seconds(seal_memory))
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=False)]
    return {
        "cipher_vs_openssl": median(ratios) if ratios else None,
        "megabytes_per_s": median(ours),
        "megabytes_per_s_out_of_main_memory": median(cold),
        "openssl_megabytes_per_s": median(theirs) if theirs else None,
        "openssl": _version(program),
        "bytes_at_a_time": SEGMENT,
        "ours_does_besides": "a key for each file, a copy from the source, a numbered nonce for each segment",
    }


def _openssl(program: str) -> float:
    """Megabytes a second that ``openssl speed`` reports."""
    done = subprocess.run(
        [program, "speed", "-evp", "aes-256-gcm", "-bytes", str(SEGMENT), "-seconds", "1", "-mr"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(re.findall(r"^\+F:.*:([\d.]+)$", done.stdout, re.MULTILINE)[-1]) / 1e6


def _version(program: str | None) -> str | None:
    if program is None:
        return None
    return subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout.strip()
