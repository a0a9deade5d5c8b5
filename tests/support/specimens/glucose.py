"""Continuous glucose: some days of some patients of the Shanghai data."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specimens.base import PAGE, Bad, PanelSpecimen, Source, tarred

HEADER = "Date,CGM (mg / dl),Dietary intake,Insulin dose - s.c."
READINGS = tuple(f"2021-05-04 {h:02d}:{m:02d}:00,{120 + h},," for h in range(6) for m in (0, 15, 30, 45))
TWICE = HEADER.replace("Dietary intake", "Date")
DAYS = 3


def period(*lines: str, header: str = HEADER) -> bytes:
    """A period as the data set writes it."""
    return "\n".join([header, *lines, ""]).encode()


BAD: dict[str, Bad] = {
    "empty": ("1_0_20210504.csv", b"", {"empty-file"}),
    "truncated archive": ("1.tgz", tarred({"1_0_20210504.csv": period(*READINGS) * 40})[:-30], {"truncated"}),
    "web page": ("1.csv", PAGE, {"missing-column", "bad-row", "empty-stay"}),
    "not text": ("1.csv", b"\x00\x01", {"not-text"}),
    "header alone": ("1.csv", period(), {"empty-stay"}),
    "sensor off": ("1.csv", period("2021-05-04 10:33:00,,,", "2021-05-04 10:48:00,,,"), {"empty-stay"}),
    "text in a number": ("1.csv", period(*READINGS, "2021-05-04 10:33:00,high,,"), {"not-a-number"}),
    "NaN": ("1.csv", period(*READINGS, "2021-05-04 10:33:00,NaN,,"), {"not-a-number"}),
    "infinity": ("1.csv", period(*READINGS, "2021-05-04 10:33:00,inf,,"), {"not-a-number"}),
    "unsorted": ("1.csv", period(*READINGS, "2021-05-04 01:33:00,100,,"), {"unsorted-times"}),
    "the future": ("1.csv", period(*READINGS, "2999-05-04 10:33:00,100,,"), {"future-time"}),
    "no date": ("1.csv", period(*READINGS, "yesterday,100,,"), {"bad-time"}),
    "another unit": ("1.csv", period(*READINGS, header=HEADER.replace("mg / dl", "mmHg")), {"wrong-unit"}),
    "unit not said": (
        "1.csv",
        period(*(f"2021-05-04 {h:02d}:00:00,{5 + h / 10:.1f},," for h in range(9))),
        {"wrong-unit"},
    ),
    "a value too few": ("1.csv", period(*READINGS, "2021-05-04 10:33:00"), {"bad-row"}),
    "two columns alike": ("1.csv", period(*READINGS, header=TWICE), {"duplicate-column"}),
    "unknown variable": ("1.csv", b"time_h,variable,value,unit\n1,glukose,120,mg/dL\n", {"unknown-variable"}),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Glucose(PanelSpecimen):
    """Four patients of either type; the trace is its own target, so that no label can be missing."""

    leading: str = "rmse_30min_mg_dl"
    bad: Mapping[str, Bad] = field(default_factory=lambda: dict(BAD))
    little: Mapping[str, Any] = field(
        default_factory=lambda: {"ensemble": False, "learners": "persistence,autoregression"}
    )
    prepared_nonetheless: frozenset[str] = frozenset({"nothing readable"})

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """See the base class."""
        written = []
        for kind in ("T1DM", "T2DM"):
            (folder / kind).mkdir()
            patients: dict[str, None] = {}
            for path in sorted((data / "signals" / "cgm" / kind).glob("*.csv")):
                patients[path.name.partition("_")[0]] = None
                if len(patients) > 4:
                    break
                with path.open(encoding="utf-8", newline="") as whole:
                    rows = list(csv.reader(whole))[: 1 + DAYS * 96]  # a diet may run over several lines
                with (folder / kind / path.name).open("w", encoding="utf-8", newline="") as part:
                    csv.writer(part, lineterminator="\n").writerows(rows)
                written.append(folder / kind / path.name)
        return Source(
            path=folder,
            records=len(written),
            items=tuple(written),
            classes=frozenset(task.endpoint.classes),
            ids=frozenset(
                name for path in written for name in (path.name, path.stem, path.name.partition("_")[0])
            ),
        )

    def unanswerable(self, folder: Path) -> dict[Path, str]:
        """Too few readings, and a last one that stands alone."""
        (folder / "short.csv").write_bytes(period(*READINGS[:2]))
        (folder / "alone.csv").write_bytes(period(*READINGS[:12], READINGS[23]))
        (folder / "old.csv").write_bytes(period(*READINGS, "2021-05-04 08:00:00,,rice,"))
        return {
            folder / "short.csv": "too-short", folder / "alone.csv": "gap", folder / "old.csv": "stale",
        }  # fmt: skip

    def wrappings(self, item: Path, folder: Path) -> list[Path | bytes]:
        """As bytes, in an archive, and with other line ends."""
        content = item.read_bytes()
        (folder / "one.tgz").write_bytes(tarred({f"T1DM/{item.name}": content}))
        (folder / "mac.csv").write_bytes(content.replace(b"\r\n", b"\n").replace(b"\n", b"\r"))
        return [content, folder / "one.tgz", folder / "mac.csv"]

    def sources(self, folder: Path, source: Source) -> dict[str, tuple[Path, set[str]]]:
        """Folders without periods."""
        for name in ("hollow", "broken", "one"):
            (folder / name).mkdir()
        for at in range(3):
            (folder / "broken" / f"{at}_0_20210504.csv").write_bytes(PAGE)
        (folder / "one" / "1_0_20210504.csv").write_bytes(period(*READINGS))
        (folder / "cut.tgz").write_bytes(tarred({"1_0_20210504.csv": period(*READINGS) * 40})[:-30])
        few = {"bad-input", "too-few-subjects", "no-origins", "one-class"}
        return {
            "missing": (folder / "nowhere", {"not-found"}),
            "hollow folder": (folder / "hollow", {"empty-folder"}),
            "nothing readable": (folder / "broken", few),
            "cut archive": (folder / "cut.tgz", {"truncated"}),
            "one patient": (folder / "one", few),
        }
