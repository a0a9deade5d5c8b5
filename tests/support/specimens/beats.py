"""Beats of an ECG: rows of ECG5000."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from specimens.base import PAGE, Bad, PanelSpecimen, Source, tarred
from specimens.tables import FEW

HEADER = b"a 1 360 1000\na.dat 212 200 11 1024 995 0 0 MLII\n"
"""Of a record of which nothing else is there."""


@dataclass(frozen=True, kw_only=True)
class Beats(PanelSpecimen):
    """Beats of ECG5000 of the three classes that come often enough, three without a class."""

    leading: str = "balanced_accuracy"
    methods: tuple[str, ...] = ("shapley",)
    little: Mapping[str, Any] = field(default_factory=lambda: {"ensemble": False, "learners": "logistic"})
    bad: Mapping[str, Bad] = field(
        default_factory=lambda: {
            "empty": ("a.txt", b"", {"empty-file"}),
            "truncated archive": ("a.tgz", tarred({"a.txt": _wave() * 40})[:-30], {"truncated"}),
            "web page": ("a.txt", PAGE, {"bad-row"}),
            "not text": ("a.txt", b"\x00\x01", {"not-text"}),
            "text in a number": ("a.txt", _wave().replace(b" 0.5 ", b" high ", 1), {"not-a-number"}),
            "infinity": ("a.txt", _wave().replace(b" 0.5 ", b" inf ", 1), {"not-a-number"}),
            "a value missing": ("a.txt", _wave().replace(b" 0.5 ", b" NaN ", 1), {"missing-samples"}),
            "a value too few": ("a.txt", _wave().rpartition(b" ")[0] + b"\n", {"bad-row"}),
            "electrode off": ("a.txt", b" ".join([b"0.0"] * 140) + b"\n", {"flat-signal"}),
            "header alone": ("a.hea", HEADER, {"missing-file"}),
        }
    )  # fmt: skip
    prepared_nonetheless: frozenset[str] = frozenset({"one class"})

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """See the base class."""
        from suwen.formats.signals.beats import ECG5000

        wanted = {"1": 90, "2": 60, "4": 15, "3": 8}
        lines = []
        for line in (data / "signals" / "ecg" / "ECG5000_TRAIN.txt").read_text("ascii").splitlines():
            label = str(int(float(line.split()[0])))
            if wanted.get(label, 0):
                wanted[label] -= 1
                lines.append(line.split())
        blanks = (1, 20, 50)
        found = {ECG5000[str(int(float(cells[0])))] for at, cells in enumerate(lines) if at not in blanks}
        for at in blanks:
            lines[at][0] = "NaN"
        path = folder / "beats.txt"
        path.write_text("\n".join(" ".join(cells) for cells in lines) + "\n", "ascii")
        items = []
        (folder / "items").mkdir()
        for at in range(60, 90):
            items.append(folder / "items" / f"{at}.txt")
            items[-1].write_text(" ".join(lines[at][1:]) + "\n", "ascii")
        return Source(
            path=path,
            records=len(lines),
            items=tuple(items),
            classes=frozenset(found),
            blanks=blanks,
            blank_subjects=frozenset(f"beats {at + 1}" for at in blanks),
            ids=frozenset(f"beats {at + 1}" for at in range(len(lines))),
        )

    def wrappings(self, item: Path, folder: Path) -> list[Path | bytes]:
        """As bytes, separated otherwise, in an archive, and with a label."""
        content = item.read_bytes()
        (folder / "one.tsv").write_bytes(content.replace(b" ", b"\t"))
        (folder / "one.csv").write_bytes(b"2," + content.replace(b" ", b","))
        (folder / "one.tgz").write_bytes(tarred({"ecg/one.txt": content}))
        return [content, folder / "one.tsv", folder / "one.csv", folder / "one.tgz"]

    def sources(self, folder: Path, source: Source) -> dict[str, tuple[Path, set[str]]]:
        """Files without usable classes."""
        lines = source.path.read_text("ascii").splitlines()[60:80]
        bare = [line.partition(" ")[2] for line in lines]
        made = {
            "empty.txt": "", "page.txt": PAGE.decode(), "bare.txt": "\n".join(bare),
            "odd.txt": "\n".join(f"9 {line}" for line in bare), "alike.txt": "\n".join(f"1 {line}" for line in bare),
            "short.txt": "\n".join(f"1 {line.rpartition(' ')[0].rpartition(' ')[0]}" for line in bare),
        }  # fmt: skip
        for name, text in made.items():
            (folder / name).write_text(text, "ascii")
        (folder / "hollow").mkdir()
        (folder / "cut.tgz").write_bytes(tarred({"a.txt": "\n".join(lines).encode()})[:-30])
        return {
            "missing": (folder / "nowhere.txt", {"not-found"}),
            "empty file": (folder / "empty.txt", {"empty-file"}),
            "hollow folder": (folder / "hollow", {"empty-folder"}),
            "web page": (folder / "page.txt", {"bad-row"}),
            "no classes": (folder / "bare.txt", {"no-labels"}),
            "unknown class": (folder / "odd.txt", {"unknown-label"}),
            "values missing": (folder / "short.txt", {"bad-row"}),
            "cut archive": (folder / "cut.tgz", {"truncated"}),
            "one class": (folder / "alike.txt", {*FEW}),
        }


def _wave() -> bytes:
    values = np.round(np.sin(np.arange(140) / 9), 4)
    values[7] = 0.5
    return " ".join(map(str, values)).encode() + b"\n"
