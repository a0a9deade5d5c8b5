"""Whatever is handed over, every task answers or refuses with our code, and leaves nothing half-written."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specimens import Source, Specimen
from suwen.core.errors import Conflict, SuwenError
from suwen.lifecycle.discovery import find
from suwen.lifecycle.train import train


def _refused(said: Any, codes: set[str] | frozenset[str]) -> dict[str, Any]:
    assert said.code == 3, said.out
    error: dict[str, Any] = said.document["error"]
    assert error["code"] in codes, error
    assert error["what"]
    assert error["fix"], "an error says what to do"
    assert said.err.strip().splitlines()[-1].startswith("suwen: ")
    assert said.err.strip().endswith(f"[{error['code']}]")
    assert "Traceback" not in said.err
    return error


def test_a_bad_input_is_refused(
    name: str,
    kind: str,
    specimen: Specimen,
    tmp_path: Path,
    deployed: Callable[..., Any],
    suwen: Callable[..., Any],
    listing: Callable[..., Any],
) -> None:
    made = deployed(name)
    file, content, codes = specimen.bad[kind]
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / file
    path.write_bytes(content)
    before = listing(tmp_path)
    error = _refused(suwen("predict", name, path, "--json"), codes)
    assert error["where"] or error["code"] == "missing-columns"  # seen by the model, which knows no files
    said = suwen("explain", name, made.items[0], path, "--out", tmp_path / "out", "--json")
    assert _refused(said, codes)["code"] == error["code"]
    assert listing(tmp_path) == before


def test_more_that_is_bad_is_refused(
    name: str,
    specimen: Specimen,
    source: Source,
    data_dir: Path,
    tmp_path: Path,
    deployed: Callable[..., Any],
    suwen: Callable[..., Any],
) -> None:
    deployed(name)
    (tmp_path / "in").mkdir()
    (tmp_path / "empty").mkdir()
    error = _refused(suwen("predict", name, tmp_path / "empty", "--json"), specimen.folder_codes)
    assert error["where"] == str(tmp_path / "empty")
    nowhere = tmp_path / "nowhere.png"
    assert _refused(suwen("predict", name, nowhere, "--json"), {"not-found"})["where"] == str(nowhere)
    for path, codes in specimen.more_bad(source, data_dir, tmp_path / "in").values():
        _refused(suwen("predict", name, path, "--json"), codes)


def test_names_that_are_not_known_bring_the_nearest(
    name: str, specimen: Specimen, tmp_path: Path, deployed: Callable[..., Any], suwen: Callable[..., Any]
) -> None:
    made = deployed(name)
    item = made.items[0]
    wrong = name[:-1]
    for words in (
        ("predict", wrong, item), ("explain", wrong, item, "--out", tmp_path / "o"), ("models", wrong),
        ("collect", wrong, "--from", made.source), ("prepare", wrong, "--from", made.source, "--out", "o"),
        ("train", wrong, "--from", made.source, "--run", tmp_path / "r"),
        ("evaluate", wrong, "--from", made.source), ("deploy", wrong, "--rollback"),
    ):  # fmt: skip
        assert name in _refused(suwen(*words, "--json"), {"unknown-task"})["fix"], words
    misspelt, meant = specimen.wrong_method
    said = suwen("explain", name, item, "--method", misspelt, "--out", tmp_path / "o", "--json")
    assert meant in _refused(said, {"unknown-setting"})["fix"]
    assert not (tmp_path / "o").exists()
    assert not (tmp_path / "r").exists()


def test_a_bad_source_is_refused_and_leaves_nothing(
    name: str,
    specimen: Specimen,
    source: Source,
    tmp_path: Path,
    home: Path,
    suwen: Callable[..., Any],
    listing: Callable[..., Any],
) -> None:
    places = tmp_path / "sources"
    places.mkdir()
    sources = specimen.sources(places, source)
    before = listing(tmp_path)
    for kind, (path, codes) in sources.items():
        for words in (
            ("train", name, "--run", tmp_path / "run", "--set", "shortcut_probe=false"),
            ("prepare", name, "--out", tmp_path / "out"),
        ):
            if words[0] == "prepare" and kind in specimen.prepared_nonetheless:
                continue  # a split of nothing into nothing is a table, not an error
            said = suwen(*words, "--from", path, "--json")
            assert said.code == 3, (kind, words, said.err[-2000:])
            assert said.document["error"]["code"] in codes, (kind, said.document)
            assert "Traceback" not in said.err
            assert listing(tmp_path) == before, (kind, words)


def test_a_value_out_of_range_is_refused(
    name: str, setting: tuple[str, str], tmp_path: Path, suwen: Callable[..., Any], source: Source
) -> None:
    run, (key, value) = tmp_path / "run", setting
    said = suwen("train", name, "--from", source.path, "--run", run, "--set", f"{key}={value}", "--json")
    assert said.code == 3
    assert said.document["error"]["code"] in {"unknown-setting", "bad-input"}
    assert not run.exists()


def test_a_word_that_is_no_setting_is_refused(name: str, tmp_path: Path, suwen: Callable[..., Any]) -> None:
    said = suwen("train", name, "--from", tmp_path, "--run", tmp_path / "run", "--set", "epochs", "--json")
    assert said.code == 3
    assert "key=value" in said.document["error"]["what"]


def test_a_training_refused_half_way_leaves_nothing(
    name: str, home: Path, tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = importlib.import_module(f"suwen.engines.{find(name).engine}").engine

    def refuse(_task: Any, _parts: Any, _settings: Any, run: Path, **_: Any) -> Any:
        (run / "model").mkdir()
        (run / "model" / "half").write_bytes(b"half")
        raise SuwenError("no")

    monkeypatch.setattr(type(engine), "fit", lambda _self, *args, **named: refuse(*args, **named))
    with pytest.raises(SuwenError, match="no"):
        train(name, str(source.path), tmp_path / "run", overrides={"shortcut_probe": False})
    assert not (tmp_path / "run").exists()


def test_what_is_there_is_never_written_over(
    name: str, home: Path, tmp_path: Path, source: Source, suwen: Callable[..., Any]
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "mine.txt").write_text("keep", "utf-8")
    with pytest.raises(Conflict, match="not empty"):
        train(name, str(source.path), notes, overrides={"shortcut_probe": False})
    file = notes / "mine.txt"
    for words in (("prepare", "--out", file), ("train", "--run", file, "--set", "shortcut_probe=false")):
        said = suwen(words[0], name, "--from", source.path, *words[1:], "--json")
        assert (said.code, said.document["error"]["code"]) == (3, "conflict")
    assert [path.name for path in notes.iterdir()] == ["mine.txt"]
    assert file.read_text("utf-8") == "keep"
