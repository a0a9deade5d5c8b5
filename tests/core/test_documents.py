"""Documents: strict JSON, written whole or not at all."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from suwen.core.documents import dumps, now, plain, read_json, write_bytes, write_json
from suwen.core.errors import NotFound, Unreadable


@dataclass(frozen=True)
class Point:
    x: float
    tags: tuple[str, ...]


def test_everything_becomes_json() -> None:
    value = {
        "point": Point(math.nan, ("a", "b")), "array": np.arange(4).reshape(2, 2), "one": np.float32(0.5),
        "path": Path("a/b"), "when": datetime(2024, 1, 2, tzinfo=UTC), 3: math.inf, "flag": np.bool_(True),
        "text": "肺炎", "set": frozenset({1}),
    }  # fmt: skip
    assert plain(value) == {
        "point": {"x": None, "tags": ["a", "b"]}, "array": [[0, 1], [2, 3]], "one": 0.5, "path": "a/b",
        "when": "2024-01-02T00:00:00+00:00", "3": None, "flag": True, "text": "肺炎", "set": [1],
    }  # fmt: skip
    assert json.loads(dumps(value)) == plain(value)
    assert "肺炎" in dumps(value)
    assert "NaN" not in dumps([math.nan, np.array([np.nan])])
    with pytest.raises(TypeError):
        dumps({"what": object()})


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "a.json"
    write_json(path, {"a": 1})
    for broken in ("fsync", "fdopen"):

        def fail(*_: object, **__: object) -> None:
            raise OSError("disk full")

        with monkeypatch.context() as patch:
            patch.setattr(os, broken, fail)
            with pytest.raises(OSError, match="disk full"):
                write_json(path, {"a": 2})
        assert read_json(path) == {"a": 1}
        assert [one.name for one in path.parent.iterdir()] == ["a.json"]
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert read_json(path) == {"a": 1}


def test_the_mode_is_as_asked(tmp_path: Path) -> None:
    write_bytes(tmp_path / "secret", b"x", mode=0o600)
    write_bytes(tmp_path / "open", b"x")
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("secret", "open")] == [0o600, 0o644]


def test_what_is_no_document_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_json(tmp_path / "none.json")
    for content in (b"{", b"\xff\xfe\x00"):
        (tmp_path / "bad.json").write_bytes(content)
        with pytest.raises(Unreadable):
            read_json(tmp_path / "bad.json")


def test_the_moment_is_utc() -> None:
    assert datetime.fromisoformat(now()).utcoffset() == UTC.utcoffset(None)
