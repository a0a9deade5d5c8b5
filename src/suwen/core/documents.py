"""Documents on disk and on stdout: JSON that is strict, atomic and never half written."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from suwen.core.errors import NotFound, Unreadable


def now() -> str:
    """The present moment as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def plain(value: Any) -> Any:
    """Turn dataclasses, mappings, tuples, paths and numpy values into JSON's own types.

    NaN and infinities become ``None``: JSON has no spelling for them.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # numpy arrays and scalars, without importing numpy here
        return plain(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def dumps(value: Any, *, indent: int | None = 2) -> str:
    """Render any of the house's types as JSON text."""
    return json.dumps(plain(value), ensure_ascii=False, indent=indent, allow_nan=False)


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a whole file or nothing: to a neighbour first, synced, then renamed over ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write a document atomically, as UTF-8 JSON."""
    write_bytes(path, (dumps(value) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON document.

    Raises
    ------
    NotFound
        When there is no such file.
    Unreadable
        When it is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFound(f"no {path.name} here", where=str(path)) from None
    except ValueError as error:
        raise Unreadable(f"{path.name} is not a JSON document", where=str(path), fix=str(error)) from None
