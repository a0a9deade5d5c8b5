"""Whatever is handed over, every task answers or refuses with our code, and leaves nothing half-written."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from suwen.core.errors import Conflict, SuwenError
from suwen.lifecycle.discovery import find
from suwen.lifecycle.train import train

PICTURE = np.add.outer(np.arange(48), np.arange(48)).astype(np.uint8)


def _png(array: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


def _npz(**arrays: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def _tiff(frames: int) -> bytes:
    out = io.BytesIO()
    pages = [Image.fromarray(PICTURE) for _ in range(frames)]
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
    return out.getvalue()


BAD: dict[str, tuple[str, bytes, set[str]]] = {
    "empty": ("a.png", b"", {"empty-file"}),
    "truncated picture": ("a.png", _png(PICTURE)[:-40], {"truncated", "undecodable-pixels"}),
    "truncated archive": ("a.npz", _npz(image=PICTURE)[:-60], {"truncated"}),
    "web page named .dcm": ("a.dcm", b"<html><body>Not found</body></html>", {"not-dicom"}),
    "web page named .png": ("a.png", b"<!DOCTYPE html><html></html>", {"unknown-format"}),
    "no pixels": ("a.npz", _npz(image=np.zeros((0, 0), np.uint8)), {"empty-image"}),
    "NaN": ("a.npz", _npz(image=np.full((48, 48), np.nan, np.float32)), {"not-finite"}),
    "four channels": ("a.npz", _npz(images=np.zeros((1, 48, 48, 4), np.uint8)), {"bad-array"}),
    "several pages": ("a.tif", _tiff(3), {"multi-frame"}),
    "objects": ("a.npz", _npz(image=np.array([{}], dtype=object)), {"pickled"}),
    "text": ("a.txt", b"temperature 38.5", {"unknown-format"}),
}


def _refused(said: Any, codes: set[str]) -> dict[str, Any]:
    assert said.code == 3, said.out
    error: dict[str, Any] = said.document["error"]
    assert error["code"] in codes
    assert error["what"]
    assert error["fix"], "an error says what to do"
    assert said.err.strip().splitlines()[-1].startswith("suwen: ")
    assert said.err.strip().endswith(f"[{error['code']}]")
    assert "Traceback" not in said.err
    return error


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_input_is_refused(
    name: str,
    kind: str,
    tmp_path: Path,
    deployed: Callable[..., Any],
    suwen: Callable[..., Any],
    listing: Callable[..., Any],
) -> None:
    made = deployed(name)
    file, content, codes = BAD[kind]
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / file
    path.write_bytes(content)
    before = listing(tmp_path)
    error = _refused(suwen("predict", name, path, "--json"), codes)
    assert error["where"] == str(path)
    good = sorted(made.source.glob("*.png"))[0]
    _refused(suwen("explain", name, good, path, "--out", tmp_path / "out", "--json"), codes)
    assert listing(tmp_path) == before


def test_folders_and_missing_files_are_refused(
    name: str, tmp_path: Path, deployed: Callable[..., Any], suwen: Callable[..., Any], data_dir: Path
) -> None:
    deployed(name)
    _refused(suwen("predict", name, tmp_path, "--json"), {"is-a-folder"})
    _refused(suwen("predict", name, tmp_path / "nowhere.png", "--json"), {"not-found"})
    several = data_dir / "imaging" / "dicom" / "dcmqi_seg" / "23x38x3" / "multiframe" / "mf.dcm"
    _refused(suwen("predict", name, several, "--json"), {"multi-frame"})


def test_what_does_not_say_its_range_or_has_other_channels_is_refused(
    name: str, tmp_path: Path, deployed: Callable[..., Any], suwen: Callable[..., Any]
) -> None:
    made = deployed(name)
    film = np.asarray(Image.open(sorted(made.source.glob("0-*.png"))[8]))
    (tmp_path / "deep.png").write_bytes(_png(film.astype(np.uint16) * 257))
    (tmp_path / "clear.png").write_bytes(_png(np.stack([film] * 4, axis=-1)))
    _refused(suwen("predict", name, tmp_path / "deep.png", "--json"), {"unstated-range"})
    _refused(suwen("predict", name, tmp_path / "clear.png", "--json"), {"extra-channels"})


def test_names_that_are_not_known_bring_the_nearest(
    name: str, tmp_path: Path, deployed: Callable[..., Any], suwen: Callable[..., Any]
) -> None:
    made = deployed(name)
    film = sorted(made.source.glob("*.png"))[0]
    wrong = name[:-1]
    for words in (
        ("predict", wrong, film), ("explain", wrong, film, "--out", tmp_path / "o"), ("models", wrong),
        ("collect", wrong, "--from", made.source), ("prepare", wrong, "--from", made.source, "--out", "o"),
        ("train", wrong, "--from", made.source, "--run", tmp_path / "r"),
        ("evaluate", wrong, "--from", made.source), ("deploy", wrong, "--rollback"),
    ):  # fmt: skip
        assert name in _refused(suwen(*words, "--json"), {"unknown-task"})["fix"], words
    said = suwen("explain", name, film, "--method", "ocluson", "--out", tmp_path / "o", "--json")
    assert "occlusion" in _refused(said, {"unknown-setting"})["fix"]
    assert not (tmp_path / "o").exists()
    assert not (tmp_path / "r").exists()


def _sources(folder: Path, good: Path) -> dict[str, tuple[Path, set[str]]]:
    """Sources that cannot be learned from, each with the codes it may be refused with."""
    made = {}
    for kind, content in {"empty.npz": b"", "cut.npz": _npz(train_images=PICTURE[None])[:-60]}.items():
        (folder / kind).write_bytes(content)
    (folder / "page.npz").write_bytes(b"<html></html>")
    (folder / "hollow").mkdir()
    loose = folder / "loose"
    loose.mkdir()
    (loose / "a.png").write_bytes(_png(PICTURE))
    for kind, text in {
        "headless": "x,y\n1,2\n",
        "unknown": f"subject_id,file,label\ns,{good.name},no-such-finding\n",
        "outside": "subject_id,file,label\ns,../a.png,\n",
        "blank": f"subject_id,file,label\ns,{good.name},\n",
        "unreadable": "subject_id,file,label\ns,labels.csv,\n",
    }.items():
        (folder / kind).mkdir()
        (folder / kind / "labels.csv").write_text(text, "utf-8")
        shutil.copy(good, folder / kind)
    made["missing"] = folder / "nowhere", {"not-found"}
    made["empty file"] = folder / "empty.npz", {"empty-file"}
    made["cut archive"] = folder / "cut.npz", {"truncated"}
    made["web page"] = folder / "page.npz", {"no-labels"}
    made["hollow folder"] = folder / "hollow", {"empty-folder"}
    made["no labels"] = folder / "loose", {"no-labels"}
    made["no columns"] = folder / "headless", {"labels-table"}
    made["unknown label"] = folder / "unknown", {"unknown-label"}
    made["file outside"] = folder / "outside", {"outside-folder"}
    made["only blanks"] = folder / "blank", {"bad-input", "too-few-subjects", "one-class"}
    made["nothing readable"] = folder / "unreadable", {"bad-input", "too-few-subjects", "one-class"}
    return made


def test_a_bad_source_is_refused_and_leaves_nothing(
    name: str,
    tmp_path: Path,
    home: Path,
    pictures_of: Callable[[str], Path],
    suwen: Callable[..., Any],
    listing: Callable[..., Any],
) -> None:
    places = tmp_path / "sources"
    places.mkdir()
    sources = _sources(places, sorted(pictures_of(name).glob("*.png"))[0])
    before = listing(tmp_path)
    for kind, (source, codes) in sources.items():
        for words in (
            ("train", name, "--run", tmp_path / "run", "--set", "shortcut_probe=false"),
            ("prepare", name, "--out", tmp_path / "out"),
        ):
            if words[0] == "prepare" and kind in {"only blanks", "nothing readable"}:
                continue  # a split of nothing into nothing is a table, not an error
            said = suwen(*words, "--from", source, "--json")
            assert said.code == 3, (kind, words)
            assert said.document["error"]["code"] in codes, (kind, said.document)
            assert listing(tmp_path) == before, (kind, words)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", "0"), ("epochs", "many"), ("epochs", ""), ("learning_rate", "NaN"), ("size", "4"),
        ("network", "resnet19"), ("folds", "1"), ("validation_fraction", "0.9"),
        ("operating_point", "sensitivity=0.95"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused(
    name: str,
    key: str,
    value: str,
    tmp_path: Path,
    suwen: Callable[..., Any],
    pictures_of: Callable[..., Any],
) -> None:
    run = tmp_path / "run"
    said = suwen(
        "train", name, "--from", pictures_of(name), "--run", run, "--set", f"{key}={value}", "--json"
    )
    assert said.code == 3
    assert said.document["error"]["code"] in {"unknown-setting", "bad-input"}
    assert not run.exists()


def test_a_word_that_is_no_setting_is_refused(name: str, tmp_path: Path, suwen: Callable[..., Any]) -> None:
    said = suwen("train", name, "--from", tmp_path, "--run", tmp_path / "run", "--set", "epochs", "--json")
    assert said.code == 3
    assert "key=value" in said.document["error"]["what"]


def test_a_training_refused_half_way_leaves_nothing(
    name: str, home: Path, tmp_path: Path, pictures_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = __import__(f"suwen.engines.{find(name).engine}", fromlist=["engine"]).engine

    def refuse(_task: Any, _parts: Any, _settings: Any, run: Path, **_: Any) -> Any:
        (run / "model").mkdir()
        (run / "model" / "half").write_bytes(b"half")
        raise SuwenError("no")

    monkeypatch.setattr(type(engine), "fit", lambda _self, *args, **named: refuse(*args, **named))
    with pytest.raises(SuwenError, match="no"):
        train(name, str(pictures_of(name)), tmp_path / "run", overrides={"shortcut_probe": False})
    assert not (tmp_path / "run").exists()


def test_what_is_there_is_never_written_over(
    name: str, home: Path, tmp_path: Path, pictures_of: Callable[[str], Path], suwen: Callable[..., Any]
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "mine.txt").write_text("keep", "utf-8")
    with pytest.raises(Conflict, match="not empty"):
        train(name, str(pictures_of(name)), notes, overrides={"shortcut_probe": False})
    file = notes / "mine.txt"
    for words in (("prepare", "--out", file), ("train", "--run", file, "--set", "shortcut_probe=false")):
        said = suwen(words[0], name, "--from", pictures_of(name), *words[1:], "--json")
        assert (said.code, said.document["error"]["code"]) == (3, "conflict")
    assert [path.name for path in notes.iterdir()] == ["mine.txt"]
    assert file.read_text("utf-8") == "keep"
