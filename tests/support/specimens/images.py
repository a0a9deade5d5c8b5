"""Image tasks: real pictures as PNG with a table of labels."""

from __future__ import annotations

import csv
import io
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from specimens.base import PAGE, Bad, Source, Specimen

PER_CLASS = 80
BLANK = 6
"""Rows of a small source whose label is left empty."""
PICTURE = np.add.outer(np.arange(48), np.arange(48)).astype(np.uint8)


def write_pictures(folder: Path, task: Any, archive: Path) -> None:
    """Write distinct pictures of every class as PNG, with ``labels.csv`` beside them."""
    from suwen.engines.image.prepare import to_input
    from suwen.formats.write import grey_png

    folder.mkdir()
    rows = ["subject_id,file,label,site"]
    chosen: dict[str, list[Any]] = {name: [] for name in task.endpoint.classes}
    seen: set[str] = set()
    for sample in task.collect(str(archive)):
        (image,) = sample.inputs.values()
        if sample.target is None or len(chosen[sample.target]) >= PER_CLASS or image.content_key() in seen:
            continue
        seen.add(image.content_key())
        chosen[sample.target].append(image.load().pixels)
    for number, (name, pictures) in enumerate(chosen.items()):
        for at, pixels in enumerate(pictures):
            file = f"{number}-{at}.png"
            small = pixels if max(pixels.shape) <= 64 else to_input(pixels, 48)
            (folder / file).write_bytes(grey_png(small))
            label = "" if not number and at < BLANK else name
            rows.append(f"s{number}-{at // 2},{file},{label},{'north' if at % 4 < 2 else 'south'}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", "utf-8")


def png(array: np.ndarray[Any, Any]) -> bytes:
    """An array as PNG."""
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


def npz(**arrays: np.ndarray[Any, Any]) -> bytes:
    """Arrays as an archive."""
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def _tiff(frames: int) -> bytes:
    out = io.BytesIO()
    pages = [Image.fromarray(PICTURE) for _ in range(frames)]
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
    return out.getvalue()


BAD: dict[str, Bad] = {
    "empty": ("a.png", b"", {"empty-file"}),
    "truncated picture": ("a.png", png(PICTURE)[:-40], {"truncated", "undecodable-pixels"}),
    "truncated archive": ("a.npz", npz(image=PICTURE)[:-60], {"truncated"}),
    "web page named .dcm": ("a.dcm", PAGE.partition(b"<html>")[2], {"not-dicom"}),
    "web page named .png": ("a.png", PAGE, {"unknown-format"}),
    "no pixels": ("a.npz", npz(image=np.zeros((0, 0), np.uint8)), {"empty-image"}),
    "NaN": ("a.npz", npz(image=np.full((48, 48), np.nan, np.float32)), {"not-finite"}),
    "four channels": ("a.npz", npz(images=np.zeros((1, 48, 48, 4), np.uint8)), {"bad-array"}),
    "several pages": ("a.tif", _tiff(3), {"multi-frame"}),
    "objects": ("a.npz", npz(image=np.array([{}], dtype=object)), {"pickled"}),
    "text": ("a.txt", b"temperature 38.5", {"unknown-format"}),
}


@dataclass(frozen=True, kw_only=True)
class Images(Specimen):
    """Two pictures of each subject, a few without a label."""

    QUICK: ClassVar[dict[str, Any]] = {
        "epochs": 3,
        "ensemble": 1,
        "folds": 0,
        "batch_size": 8,
        "learning_rate": 0.004,
        "mlflow": False,
        "shortcut_probe": False,
    }

    quick: Any = field(default_factory=lambda: dict(Images.QUICK))
    little: Any = field(default_factory=lambda: {"epochs": 1, "baseline": False, "quantise": False})
    leading: str = "auroc"
    killed_at: int = 4
    methods: tuple[str, ...] = ("cam", "occlusion", "lime")
    wrong_method: tuple[str, str] = ("ocluson", "occlusion")
    misspelt: Any = field(
        default_factory=lambda: {
            "epoch": "epochs", "batchsize": "batch_size", "accept_leekage": "accept_leakage",
            "learning-rate": "learning_rate",
        }
    )  # fmt: skip
    out_of_range: Any = (
        ("epochs", "0"), ("epochs", "many"), ("epochs", ""), ("learning_rate", "NaN"), ("size", "4"),
        ("network", "resnet19"), ("folds", "1"), ("validation_fraction", "0.9"),
        ("operating_point", "sensitivity=0.95"),
    )  # fmt: skip
    folder_codes: frozenset[str] = frozenset({"is-a-folder"})
    prepared_nonetheless: frozenset[str] = frozenset({"only blanks", "nothing readable"})
    named_by_content: bool = True
    bad: Any = field(default_factory=lambda: dict(BAD))

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """See the base class."""
        path = folder / task.name
        write_pictures(path, task, data / task.extra["demo"])
        with (path / "labels.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        labelled = {row["subject_id"] for row in rows if row["label"]}
        return Source(
            path=path,
            records=len(rows),
            items=tuple(
                sorted(path.glob(f"{n}-*.png"))[at]
                for at in (9, 8)
                for n in range(len(task.endpoint.classes))
            ),
            classes=frozenset(row["label"] for row in rows if row["label"]),
            blanks=tuple(at for at, row in enumerate(rows) if not row["label"]),
            blank_subjects=frozenset({row["subject_id"] for row in rows} - labelled),
            ids=frozenset({row["file"] for row in rows} | {row["subject_id"] for row in rows}),
        )

    def unanswerable(self, folder: Path) -> dict[Path, str]:
        """Noise, and nothing."""
        noise = np.random.default_rng(0).integers(0, 256, (96, 96), dtype=np.uint8)
        for name, pixels in {"noise": noise, "blank": np.full((96, 96), 90, np.uint8)}.items():
            (folder / f"{name}.png").write_bytes(png(pixels))
        return {folder / "noise.png": "poor-quality", folder / "blank.png": "poor-quality"}

    def explained_files(self, refused: int) -> set[str]:
        """A picture of what was answered."""
        return {"0-overlay.png", "explain.json"}

    def more_bad(self, source: Source, data: Path, folder: Path) -> dict[str, tuple[Path, set[str]]]:
        """An image of several frames; pixels whose range or channels nobody states."""
        film = np.asarray(Image.open(source.items[-1]))
        (folder / "deep.png").write_bytes(png(film.astype(np.uint16) * 257))
        (folder / "clear.png").write_bytes(png(np.stack([film] * 4, axis=-1)))
        return {
            "several frames": (
                data / "imaging" / "dicom" / "dcmqi_seg" / "23x38x3" / "multiframe" / "mf.dcm",
                {"multi-frame"},
            ),
            "unstated range": (folder / "deep.png", {"unstated-range"}),
            "other channels": (folder / "clear.png", {"extra-channels"}),
        }

    def wrappings(self, item: Path, folder: Path) -> list[Path | bytes]:
        """Alone and twice in an archive, and as bytes."""
        pixels = np.asarray(Image.open(item))
        np.savez(folder / "film.npz", image=pixels)
        np.savez(folder / "films.npz", images=np.stack([pixels, pixels]))
        return [folder / "film.npz", folder / "films.npz", item.read_bytes()]

    def sources(self, folder: Path, source: Source) -> dict[str, tuple[Path, set[str]]]:
        """Archives and folders without usable labels or pictures."""
        good = source.items[0]
        made = {}
        for kind, content in {"empty.npz": b"", "cut.npz": npz(train_images=PICTURE[None])[:-60]}.items():
            (folder / kind).write_bytes(content)
        (folder / "page.npz").write_bytes(b"<html></html>")
        (folder / "hollow").mkdir()
        loose = folder / "loose"
        loose.mkdir()
        (loose / "a.png").write_bytes(png(PICTURE))
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
