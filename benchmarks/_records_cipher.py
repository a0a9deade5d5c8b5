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


class Nowhere:
    """A sink that keeps nothing."""

    def write(self, data: Any) -> int:
        """Take it."""
        return len(data)


def compare(rounds: int, megabytes: int) -> dict[str, Any]:
    """Plain bytes per CPU second of both, and the median of the ratios of neighbouring turns."""
    from suwen.records.files.segments import seal_stream

    program = shutil.which("openssl")
    plain = secrets.token_bytes(megabytes * 2**20)
    key = secrets.token_bytes(32)

    def seal() -> None:
        seal_stream(key, io.BytesIO(plain), Nowhere(), file_id=secrets.token_bytes(32))

    seal()
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        if program:
            theirs.append(_openssl(program))
        ours.append(len(plain) / 1e6 / cpu_seconds(seal))
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=False)]
    return {
        "cipher_vs_openssl": median(ratios) if ratios else None,
        "megabytes_per_s": median(ours),
        "openssl_megabytes_per_s": median(theirs) if theirs else None,
        "openssl": _version(program),
        "bytes_at_a_time": SEGMENT,
        "ours_does_besides": "a key for each file, reading the source, an authenticated number for each segment",
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
