"""A survival model on disk: facts in JSON, numbers in NPZ, networks and trees in ONNX; no pickle."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.documents import read_json, write_bytes, write_json
from suwen.core.errors import SuwenError, Unreadable

FACTS, NUMBERS = "survival.json", "survival.npz"


def save(folder: Path, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write facts and arrays into ``folder``."""
    buffer = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(buffer, **named)
    write_bytes(folder / NUMBERS, buffer.getvalue())
    write_json(folder / FACTS, dict(facts))


def load(folder: Path, prefix: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Open what :func:`save` wrote.

    Raises
    ------
    Unreadable
        When a file is absent or not what was written.
    """
    try:
        facts: dict[str, Any] = read_json(folder / f"{prefix}{FACTS}")
        packed = io.BytesIO((folder / f"{prefix}{NUMBERS}").read_bytes())
        with np.load(packed, allow_pickle=False) as file:
            return facts, dict(file)
    except (SuwenError, OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise Unreadable("a survival model cannot be opened", where=f"{prefix}{FACTS}") from error
