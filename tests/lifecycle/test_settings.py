"""Settings: engine, task, suwen.toml and --set, in this order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from suwen.core.errors import BadInput, UnknownSetting
from suwen.lifecycle.discovery import engine_for, find
from suwen.lifecycle.settings import parse, resolve

TASK = find("imaging.pneumonia")
ENGINE = engine_for(TASK)


def _resolved(folder: Path, **overrides: Any) -> dict[str, Any]:
    return resolve(TASK, ENGINE, overrides, folder=folder)


def test_the_later_word_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _resolved(tmp_path)["dropout"] == 0.2
    monkeypatch.setitem(TASK.settings, "dropout", 0.3)  # type: ignore[misc]
    monkeypatch.setitem(TASK.settings, "test_fraction", 0.2)  # type: ignore[misc]
    assert _resolved(tmp_path)["dropout"] == 0.3
    (tmp_path / "suwen.toml").write_text(
        '[tasks."imaging.pneumonia"]\ndropout = 0.4\nepochs = 7\n[tasks."imaging.breast"]\nepochs = 9\n',
        "utf-8",
    )
    found = _resolved(tmp_path)
    assert (found["dropout"], found["epochs"], found["test_fraction"]) == (0.4, 7, 0.2)
    assert _resolved(tmp_path, dropout=0.1)["dropout"] == 0.1
    assert resolve(find("imaging.breast"), ENGINE, {}, folder=tmp_path)["epochs"] == 9


def test_the_working_folder_is_where_the_file_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "suwen.toml").write_text('[tasks."imaging.pneumonia"]\nepochs = 7\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    assert resolve(TASK, ENGINE, {})["epochs"] == 7


@pytest.mark.parametrize(
    "text",
    ["tasks = 3", '[tasks]\n"imaging.pneumonia" = 3', "[tasks", "\x00",
     '[tasks."imaging.pneumonia"]\nepoch = 3', '[tasks."imaging.pneumonia"]\nepochs = "many"'],
)  # fmt: skip
def test_a_file_that_cannot_be_meant_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "suwen.toml").write_text(text, "utf-8")
    with pytest.raises(BadInput):
        _resolved(tmp_path)


def test_words_become_values() -> None:
    words = [
        "epochs=10",
        "augment=firm",
        "mlflow=false",
        "learning_rate=1e-3",
        "operating_point=youden",
        "size=null",
    ]
    assert parse([*words, "operating_point=sensitivity>=0.9"]) == {
        "epochs": 10, "augment": "firm", "mlflow": False, "learning_rate": 0.001, "size": None,
        "operating_point": "sensitivity>=0.9",
    }  # fmt: skip
    for bad in ("epochs", "=3", " =3"):
        with pytest.raises(BadInput, match="key=value"):
            parse([bad])


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("validation_fraction", 0.5, "validation_fraction"), ("accept_leakage", "perhaps", "accept_leakage"),
     ("validation_fractoin", 0.2, "validation_fraction"), ("mlfow", False, "mlflow")],
)  # fmt: skip
def test_common_settings_are_checked_too(key: str, value: object, said: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownSetting, match=said):
        _resolved(tmp_path, **{key: value})
