"""Intensive care stays: PhysioNet/CinC 2012 and 2019, and the vital signs of the former as a long table."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from specimens.base import PAGE, Bad, PanelSpecimen, Source, Specimen, gzipped, tarred

UNLABELLED = frozenset({"bad-input", "too-few-subjects", "one-class"})
"""Codes for a source without anything to learn from."""


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Files of a large archive, as far as they are asked for."""
    with tarfile.open(archive) as inside:
        for member in inside:
            if member.isfile():
                content = inside.extractfile(member)
                assert content is not None
                yield Path(member.name).stem, content.read()


@cache
def stays_2012(folder: Path, survived: int = 96, died: int = 54) -> tuple[str, dict[str, tuple[bytes, str]]]:
    """The first stays of set-a, deaths among them: header of the outcomes; record to text and outcomes line."""
    header, *lines = (folder / "Outcomes-a.txt").read_text("ascii").splitlines()
    outcomes = {line.partition(",")[0]: line for line in lines}
    wanted = {"0": survived, "1": died}
    found: dict[str, tuple[bytes, str]] = {}
    for record, text in _members(folder / "set-a.tar.xz"):
        kind = outcomes[record].rpartition(",")[2]
        if wanted[kind]:
            wanted[kind] -= 1
            found[record] = text, outcomes[record]
        if not any(wanted.values()):
            break
    return header, found


def stay_2012(*lines: str, header: str = "Time,Parameter,Value") -> bytes:
    """A stay as the challenge writes it."""
    start = ["00:00,RecordID,7", "00:00,Age,70", "00:00,Gender,0", "00:00,Height,-1", "00:00,ICUType,3"]
    return "\n".join([header, *start, *lines, ""]).encode()


MANY = tuple(
    f"{h:02d}:00,{name},{v}" for h in range(6) for name, v in (("HR", 80), ("Temp", 37), ("RespRate", 17))
)
TABLE = "time_h,variable,value,unit\n"

BAD_2012: dict[str, Bad] = {
    "empty": ("7.txt", b"", {"empty-file"}),
    "truncated archive": ("7.tgz", tarred({"set-a/7.txt": stay_2012(*MANY) * 40})[:-30], {"truncated"}),
    "truncated compressed file": ("7.txt.gz", gzipped(stay_2012(*MANY))[:-12], {"truncated"}),
    "web page": ("7.txt", PAGE, {"missing-column", "bad-row", "empty-stay"}),
    "not text": ("7.txt", b"\x00\x01\x02\x03", {"not-text"}),
    "empty stay": ("7.txt", stay_2012(), {"empty-stay"}),
    "descriptors alone": ("7.txt", stay_2012("00:00,Weight,80"), {"empty-stay"}),
    "text in a number": ("7.txt", stay_2012(*MANY, "07:00,HR,fast"), {"not-a-number"}),
    "NaN": ("7.txt", stay_2012(*MANY, "07:00,HR,NaN"), {"not-a-number"}),
    "infinity": ("7.txt", stay_2012(*MANY, "07:00,HR,inf"), {"not-a-number"}),
    "unknown variable": ("7.txt", stay_2012(*MANY, "07:00,Hart,80"), {"unknown-variable"}),
    "unsorted": ("7.txt", stay_2012(*MANY, "03:00,HR,80"), {"unsorted-times"}),
    "after the window": ("7.txt", stay_2012(*MANY, "48:01,HR,80"), {"future-time"}),
    "no time": ("7.txt", stay_2012(*MANY, "7 o'clock,HR,80"), {"bad-time"}),
    "a value too few": ("7.txt", stay_2012(*MANY, "07:00,HR"), {"bad-row"}),
    "wrong unit": ("7.csv", f"{TABLE}1,HR,80,mmol/L\n".encode(), {"wrong-unit"}),
    "table without values": ("7.csv", b"time_h,variable\n1,HR\n", {"missing-column"}),
    "table with a future": ("7.csv", b"time,variable,value\n2999-01-01T00:00:00Z,HR,80\n", {"future-time"}),
    "cut document": ("7.json", b'[{"time_h": 1, "variable": "HR", "val', {"bad-json"}),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Stays2012(PanelSpecimen):
    """``set-a/*.txt`` with ``Outcomes-a.txt``; three stays have no outcome, three an empty one."""

    little: Mapping[str, Any] = field(default_factory=lambda: {"ensemble": False, "learners": "logistic"})
    bad: Mapping[str, Bad] = field(default_factory=lambda: dict(BAD_2012))

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """See the base class."""
        header, found = stays_2012(data / "signals" / "cinc2012")
        (folder / "set-a").mkdir()
        for record, (text, _) in found.items():
            (folder / "set-a" / f"{record}.txt").write_bytes(text)
        records = sorted(found)
        lone, blank = records[3::40][:3], records[9::40][:3]
        lines = [found[record][1] for record in records if record not in lone]
        lines = [
            line.rpartition(",")[0] + ",-1" if line.partition(",")[0] in blank else line for line in lines
        ]
        (folder / "Outcomes-a.txt").write_text("\n".join([header, *lines]) + "\n", "ascii")
        without = {*lone, *blank}
        return Source(
            path=folder,
            records=len(records),
            items=tuple(folder / "set-a" / f"{record}.txt" for record in records[10:40]),
            classes=frozenset(task.endpoint.classes),
            blanks=tuple(at for at, record in enumerate(records) if record in without),
            blank_subjects=frozenset(without),
            ids=frozenset(records),
        )

    def unanswerable(self, folder: Path) -> dict[Path, str]:
        """A stay of which next to nothing is known."""
        (folder / "scarce.txt").write_bytes(stay_2012("01:00,HR,80", "02:00,HR,82"))
        return {folder / "scarce.txt": "too-little-observed"}

    def wrappings(self, item: Path, folder: Path) -> list[Path | bytes]:
        """As bytes, in a folder, in an archive, with other line ends, and as a long table."""
        content = item.read_bytes()
        (folder / "one").mkdir()
        (folder / "one" / item.name).write_bytes(content)
        (folder / "one.tgz").write_bytes(tarred({f"set-a/{item.name}": content, "Outcomes-a.txt": b"x"}))
        (folder / "mac.txt").write_bytes(content.replace(b"\r\n", b"\n").replace(b"\n", b"\r"))
        rows = [line.split(",") for line in content.decode().split()[1:]]
        series = ["time,variable,value,subject_id"]
        series += [f"{time},{name},{v},s" for time, name, v in rows if name != "RecordID"]
        (folder / "long.csv").write_text("\n".join(series) + "\n", "utf-8")
        return [content, folder / "one", folder / "one.tgz", folder / "mac.txt", folder / "long.csv"]

    def sources(self, folder: Path, source: Source) -> dict[str, tuple[Path, set[str]]]:
        """Sets without usable outcomes or stays."""
        stay, outcomes = stay_2012(*MANY), "RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death\n"
        whole = {f"set-a/{n}.txt": stay.replace(b"RecordID,7", b"RecordID,%d" % n) for n in range(4)}

        def made(name: str, said: str | bytes | None, files: Mapping[str, bytes] = whole) -> Path:
            for inside, content in files.items():
                (folder / name / inside).parent.mkdir(parents=True, exist_ok=True)
                (folder / name / inside).write_bytes(content)
            (folder / name).mkdir(exist_ok=True)
            if said is not None:
                (folder / name / "Outcomes-a.txt").write_bytes(
                    said if isinstance(said, bytes) else said.encode()
                )
            return folder / name

        deaths = outcomes + "".join(f"{n},1,1,9,-1,{n % 2}\n" for n in range(4))
        cut = made("cut", deaths, {"set-a.tar.gz": tarred(whole)[:-40]})
        return {
            "missing": (folder / "nowhere", {"not-found"}),
            "hollow folder": (made("hollow", None, {}), {"no-labels", "empty-folder"}),
            "no outcomes": (made("bare", None), {"no-labels"}),
            "empty outcomes": (made("void", b""), {"empty-file"}),
            "web page": (made("page", PAGE), {"no-labels"}),
            "other columns": (made("other", "RecordID,Age\n1,2\n"), {"no-labels"}),
            "a cell too few": (made("short", outcomes + "1,1,1,9,0\n"), {"bad-row"}),
            "unknown outcome": (made("odd", outcomes + "1,1,1,9,-1,perhaps\n"), {"unknown-label"}),
            "two outcomes": (made("two", deaths + "1,1,1,9,-1,0\n"), {"conflicting-labels"}),
            "cut archive": (cut, {"truncated"}),
            "only blanks": (made("blank", outcomes + "1,1,1,9,-1,-1\n"), {*UNLABELLED}),
            "nothing readable": (made("broken", deaths, {"set-a/1.txt": PAGE}), {*UNLABELLED, "no-stays"}),
        }  # fmt: skip

    prepared_nonetheless: frozenset[str] = frozenset({"only blanks", "nothing readable"})


VITALS = "HR|O2Sat|Temp|SBP|Resp|Age|Gender|ICULOS|SepsisLabel"
HOURS = tuple(f"8{h}|97|37.0|120|16|60|1|{h + 1}|0" for h in range(8))


def stay_2019(*lines: str, header: str = VITALS) -> bytes:
    """A stay as the challenge writes it."""
    return "\n".join([header, *lines, ""]).encode()


BAD_2019: dict[str, Bad] = {
    "empty": ("p1.psv", b"", {"empty-file"}),
    "truncated archive": ("p1.tgz", tarred({"set/p1.psv": stay_2019(*HOURS) * 40})[:-30], {"truncated"}),
    "web page": ("p1.psv", PAGE, {"missing-column", "bad-row", "not-a-stay", "empty-stay"}),
    "not text": ("p1.psv", b"\x00\x01\x02", {"not-text"}),
    "no hours": ("p1.psv", stay_2019(), {"empty-stay"}),
    "nothing measured": ("p1.psv", stay_2019("NaN|NaN|NaN|NaN|NaN|60|1|1|0"), {"empty-stay"}),
    "text in a number": ("p1.psv", stay_2019(*HOURS, "fast|97|37|120|16|60|1|9|0"), {"not-a-number"}),
    "infinity": ("p1.psv", stay_2019(*HOURS, "inf|97|37|120|16|60|1|9|0"), {"not-a-number"}),
    "unknown variable": ("p1.psv", stay_2019(*HOURS, header=VITALS.replace("Temp", "Tempo")), {"unknown-variable"}),
    "unsorted": ("p1.psv", stay_2019(*HOURS, "80|97|37|120|16|60|1|3|0"), {"unsorted-times"}),
    "duplicate hour": ("p1.psv", stay_2019(*HOURS, "80|97|37|120|16|60|1|8|0"), {"duplicate-hour"}),
    "half an hour": ("p1.psv", stay_2019(*HOURS, "80|97|37|120|16|60|1|8.5|0"), {"bad-time"}),
    "two columns alike": ("p1.psv", stay_2019(*HOURS, header=VITALS.replace("Temp", "HR")), {"duplicate-column"}),
    "a value too few": ("p1.psv", stay_2019(*HOURS, "80|97|37"), {"bad-row"}),
    "wrong unit": ("p1.csv", f"{TABLE}1,HR,80,mmol/L\n".encode(), {"wrong-unit"}),
    "NaN in a table": ("p1.csv", f"{TABLE}1,HR,NaN,\n".encode(), {"not-a-number"}),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Stays2019(PanelSpecimen):
    """A folder of ``.psv``; the label column of a few is missing."""

    leading: str = "utility"
    bad: Mapping[str, Bad] = field(default_factory=lambda: dict(BAD_2019))
    prepared_nonetheless: frozenset[str] = frozenset({"nothing readable", "nobody septic"})
    well: int = 60
    septic: int = 24

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """See the base class."""
        wanted = {False: self.well, True: self.septic}
        blanks = []
        inside = folder / "training_setB"
        inside.mkdir()
        for record, content in _members(data / "signals" / "cinc2019" / "training_setB.tar.xz"):
            text = content.decode()
            ill = any(line.endswith("|1") for line in text.split())
            if not wanted[ill] or text.count("\n") > 80:  # a long stay takes long and shows nothing new
                continue
            wanted[ill] -= 1
            if not ill and wanted[ill] < 3:
                blanks.append(record)
                text = "\n".join(line.rpartition("|")[0] for line in text.split()) + "\n"
            (inside / f"{record}.psv").write_text(text, "ascii")
            if not any(wanted.values()):
                break
        records = sorted(path.stem for path in inside.iterdir())
        return Source(
            path=folder,
            records=len(records),
            items=tuple(inside / f"{record}.psv" for record in records if record not in blanks)[:30],
            classes=frozenset(task.endpoint.classes),
            blanks=tuple(at for at, record in enumerate(records) if record in blanks),
            blank_subjects=frozenset(blanks),
            ids=frozenset(records),
        )

    def wrappings(self, item: Path, folder: Path) -> list[Path | bytes]:
        """As bytes, in a folder, in an archive, and without its labels."""
        content = item.read_bytes()
        (folder / "one").mkdir()
        (folder / "one" / item.name).write_bytes(content)
        (folder / "one.tgz").write_bytes(tarred({f"set/{item.name}": content}))
        bare = b"\n".join(line.rpartition(b"|")[0] for line in content.split()) + b"\n"
        (folder / "bare.psv").write_bytes(bare)
        return [content, folder / "one", folder / "one.tgz", folder / "bare.psv"]

    def sources(self, folder: Path, source: Source) -> dict[str, tuple[Path, set[str]]]:
        """Folders without usable labels or stays."""
        bare = stay_2019(*(h.rpartition("|")[0] for h in HOURS), header=VITALS.rpartition("|")[0])
        made = {
            "hollow": {}, "bare": {"p1.psv": bare, "p2.psv": bare}, "broken": {"p1.psv": PAGE, "p2.psv": PAGE},
            "well": {f"p{n}.psv": stay_2019(f"8{n}|97|37|120|16|60|1|1|0", *HOURS[1:]) for n in range(9)},
            "cut": {"training_setA.tar.gz": tarred({f"p{n}.psv": stay_2019(*HOURS) for n in range(9)})[:-40]},
        }  # fmt: skip
        for name, files in made.items():
            (folder / name).mkdir()
            for inside, content in files.items():
                (folder / name / inside).write_bytes(content)
        return {
            "missing": (folder / "nowhere", {"not-found"}),
            "hollow folder": (folder / "hollow", {"empty-folder"}),
            "no labels": (folder / "bare", {"no-labels"}),
            "nobody septic": (folder / "well", {"one-class"}),
            "nothing readable": (folder / "broken", {*UNLABELLED, "no-labels"}),
            "cut archive": (folder / "cut", {"truncated"}),
        }


NAMES_2012 = {
    "HR": "HR", "RespRate": "RespRate", "Temp": "Temp", "SysABP": "SysBP", "NISysABP": "SysBP", "SaO2": "SpO2",
    "GCS": "GCS", "FiO2": "FiO2",
}  # fmt: skip
LONG = "subject_id,time_h,variable,value,unit,label\n"

BAD_LONG: dict[str, Bad] = {
    "empty": ("a.csv", b"", {"empty-file"}),
    "truncated archive": ("a.tgz", tarred({"a.csv": f"{TABLE}1,HR,80,bpm\n".encode() * 90})[:-30], {"truncated"}),
    "web page": ("a.csv", PAGE, {"missing-column", "bad-row", "empty-stay"}),
    "not text": ("a.csv", b"\x00\x01", {"not-text"}),
    "header alone": ("a.csv", TABLE.encode(), {"empty-stay"}),
    "text in a number": ("a.csv", f"{TABLE}1,HR,fast,bpm\n".encode(), {"not-a-number"}),
    "NaN": ("a.csv", f"{TABLE}1,HR,NaN,bpm\n".encode(), {"not-a-number"}),
    "infinity": ("a.csv", f"{TABLE}1,HR,inf,bpm\n".encode(), {"not-a-number"}),
    "infinity in JSON": ("a.json", b'[{"time_h": 1, "variable": "HR", "value": Infinity}]', {"not-a-number"}),
    "unknown variable": ("a.csv", f"{TABLE}1,Hart,80,bpm\n".encode(), {"unknown-variable"}),
    "wrong unit": ("a.csv", f"{TABLE}1,HR,80,mm[Hg]\n".encode(), {"wrong-unit"}),
    "unsorted": ("a.csv", f"{TABLE}2,HR,80,\n1,HR,90,\n".encode(), {"unsorted-times"}),
    "before the start": ("a.csv", f"{TABLE}-1,HR,80,\n".encode(), {"bad-time"}),
    "the future": ("a.csv", b"time,variable,value\n2999-01-01T00:00:00Z,HR,80\n", {"future-time"}),
    "no time": ("a.csv", f"{TABLE},HR,80,\n".encode(), {"missing-column"}),
    "no values": ("a.csv", b"time_h,variable\n1,HR\n", {"missing-column"}),
    "a value too few": ("a.csv", f"{TABLE}1,HR\n".encode(), {"bad-row"}),
    "cut document": ("a.json", b'[{"time_h": 1, "variable": "HR", "val', {"bad-json"}),
    "two labels": ("a.csv", f"{LONG}s,1,HR,80,,0\ns,2,HR,80,,1\n".encode(), {"conflicting-labels"}),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LongTables(Specimen):
    """Vital signs of CinC 2012 as one long table, those who died labelled as having deteriorated."""

    quick: Mapping[str, Any] = field(default_factory=lambda: {"mlflow": False, "shortcut_probe": False})
    little: Mapping[str, Any] = field(default_factory=dict)
    leading: str = "auroc"
    methods: tuple[str, ...] = ("shapley", "lime")
    wrong_method: tuple[str, str] = ("shaply", "shapley")
    misspelt: Mapping[str, str] = field(
        default_factory=lambda: {"windowh": "window_h", "accept_leekage": "accept_leakage"}
    )
    out_of_range: Any = (
        ("window_h", "0"), ("window_h", "100"), ("window_h", "long"), ("validation_fraction", "0.9"),
        ("operating_point", "sensitivity>=0.95"),
    )  # fmt: skip
    killed_at: int = 3
    learns: bool = False
    bad: Mapping[str, Bad] = field(default_factory=lambda: dict(BAD_LONG))
    prepared_nonetheless: frozenset[str] = frozenset({"only blanks", "empty file"})

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """See the base class."""
        _, found = stays_2012(data / "signals" / "cinc2012")
        rows, items, blanks, labels = [], [], [], {}
        (folder / "items").mkdir()
        kept = [(record, _vitals(text)) for record, (text, _) in sorted(found.items())]
        kept = [(record, seen) for record, seen in kept if len(seen) > 20]
        for at, (record, seen) in enumerate(kept):
            label = "" if at % 40 == 7 else found[record][1].rpartition(",")[2]
            labels[record] = label
            if not label:
                blanks.append(at)
            rows += [f"{record},{line},{label}" for line in seen]
            item = folder / "items" / f"{record}.csv"
            item.write_text(TABLE + "\n".join(seen) + "\n", "ascii")
            items.append(item)
        path = folder / "observations.csv"
        path.write_text(LONG + "\n".join(rows) + "\n", "ascii")
        assert Counter(labels.values())["1"] > 20
        return Source(
            path=path,
            records=len(kept),
            items=tuple(items[:30]),
            classes=frozenset(task.endpoint.classes),
            blanks=tuple(blanks),
            blank_subjects=frozenset(kept[at][0] for at in blanks),
            ids=frozenset(labels),
        )

    def unanswerable(self, folder: Path) -> dict[Path, str]:
        """A prescription alone, without a vital sign."""
        (folder / "scale.csv").write_text(f"{TABLE}1,SpO2Scale,2,\n", "ascii")
        return {folder / "scale.csv": "no-observations"}

    def wrappings(self, item: Path, folder: Path) -> list[Path | bytes]:
        """As bytes, in an archive, as JSON, and in another unit."""
        content = item.read_bytes()
        (folder / "one.tgz").write_bytes(tarred({item.name: content}))
        lines = list(csv.DictReader(io.StringIO(content.decode())))
        (folder / "one.json").write_text(json.dumps(lines), "utf-8")
        percent = [
            {**line, "value": f"{float(line['value']) * 100:.6g}", "unit": "%"}
            if line["variable"] == "FiO2"
            else line
            for line in lines
        ]
        (folder / "percent.json").write_text(json.dumps({"observations": percent}), "utf-8")
        return [content, folder / "one.tgz", folder / "one.json", folder / "percent.json"]

    def sources(self, folder: Path, source: Source) -> dict[str, tuple[Path, set[str]]]:
        """Tables without usable labels or observations."""
        for name, text in {
            "empty.csv": "", "odd.csv": f"{LONG}s,1,HR,80,,perhaps\n", "blank.csv": f"{LONG}s,1,HR,80,,\n",
        }.items():  # fmt: skip
            (folder / name).write_text(text, "ascii")
        (folder / "hollow").mkdir()
        (folder / "cut.tgz").write_bytes(tarred({"a.csv": f"{LONG}s,1,HR,80,,0\n".encode() * 90})[:-30])
        return {
            "missing": (folder / "nowhere.csv", {"not-found"}),
            "empty file": (folder / "empty.csv", {"empty-file", *UNLABELLED}),
            "hollow folder": (folder / "hollow", {"empty-folder", "no-stays"}),
            "cut archive": (folder / "cut.tgz", {"truncated"}),
            "unknown label": (folder / "odd.csv", {"unknown-label"}),
            "only blanks": (folder / "blank.csv", {*UNLABELLED}),
        }


def _vitals(text: bytes) -> list[str]:
    """Lines ``time_h,variable,value,unit`` of one stay, its own units left out as they are those of the task."""
    out = []
    for line in text.decode().split()[1:]:
        time, name, value = line.split(",")
        if name in NAMES_2012 and float(value) > 0:
            h, _, m = time.partition(":")
            out.append(f"{int(h) + int(m) / 60:.6g},{NAMES_2012[name]},{value},")
    return out
