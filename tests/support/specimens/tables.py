"""Tables: risk factors of persons, follow-up of patients, gene expression."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from specimens.base import PAGE, Bad, PanelSpecimen, Source

FEW = frozenset({"bad-input", "too-few-subjects", "one-class"})


def as_csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """A table; a cell of ``None`` is blank."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(header)
    table.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return out.getvalue().encode()


def bad_rows(header: Sequence[str], row: Sequence[Any], number: str) -> dict[str, Bad]:
    """What may be wrong with a table of persons.

    Parameters
    ----------
    header, row
        A whole table of one person.
    number
        A column of numbers that must be there.
    """
    at = list(header).index(number)

    def changed(value: Any, name: str | None = None) -> bytes:
        head, cells = list(header), list(row)
        cells[at] = value
        head[at] = name or number
        return as_csv(head, [cells])

    without = as_csv([*header[:at], *header[at + 1 :]], [[*row[:at], *row[at + 1 :]]])
    return {
        "empty": ("a.csv", b"", {"empty-file"}),
        "web page": ("a.csv", PAGE, {"missing-column", "bad-row", "empty-table"}),
        "not text": ("a.csv", b"\x00\x01", {"not-text"}),
        "header alone": ("a.csv", as_csv(header, []), {"empty-table"}),
        "text in a number": ("a.csv", changed("high"), {"not-a-number"}),
        "NaN": ("a.csv", changed("NaN"), {"not-a-number"}),
        "infinity": ("a.csv", changed("inf"), {"not-a-number"}),
        "digits of another script": ("a.csv", changed("\u0664\u0665"), {"not-a-number"}),
        "wrong unit": ("a.csv", changed(40, f"{number} (parsec)"), {"wrong-unit"}),
        "a column too few": ("a.csv", without, {"missing-column"}),
        "a column twice": ("a.csv", as_csv([*header, number], [[*row, 50]]), {"duplicate-column"}),
        "a value too few": ("a.csv", as_csv(header, [row[:-1]]), {"bad-row"}),
        "nothing known": ("a.csv", as_csv(header, [["NA"] * len(header)]), {"empty-row"}),
        "nothing possible": ("a.csv", as_csv(header, [[9e9] * len(header)]), {"empty-row"}),
        "cut document": ("a.json", json.dumps([dict(zip(header, row, strict=True))]).encode()[:-9], {"bad-json"}),
        "infinity in JSON": (
            "a.json",
            json.dumps([dict(zip(header, row, strict=True)) | {number: float("inf")}]).encode(),
            {"not-a-number"},
        ),
    }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Persons(PanelSpecimen):
    """A table with one row per person, a few without a label; subclasses say which."""

    header: tuple[str, ...]
    label: str
    alike: str = "1"
    little: Mapping[str, Any] = field(default_factory=lambda: {"ensemble": False, "learners": "logistic"})
    methods: tuple[str, ...] = ("shapley", "lime")
    folder_codes: frozenset[str] = frozenset({"is-a-folder"})
    prepared_nonetheless: frozenset[str] = frozenset({"only blanks", "one class", "nothing readable"})

    def rows(self, task: Any, data: Path) -> list[dict[str, Any]]:
        """Labelled persons."""
        raise NotImplementedError

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """See the base class."""
        given = self.rows(task, data)
        header = list(given[0])
        blanks = tuple(range(5, len(given), len(given) // 4))
        for at in blanks:
            given[at][self.label] = None
        path = folder / "persons.csv"
        names = [f"person-{at}" for at in range(len(given))]
        table = [[name, *row.values()] for name, row in zip(names, given, strict=True)]
        path.write_bytes(as_csv(["subject_id", *header], table))
        items = []
        (folder / "items").mkdir()
        for at in range(10, 40):
            item = folder / "items" / f"{at}.csv"
            bare = {name: given[at][name] for name in self.header}
            item.write_bytes(as_csv(list(bare), [list(bare.values())]))
            items.append(item)
        return Source(
            path=path,
            records=len(given),
            items=tuple(items),
            classes=frozenset(task.endpoint.classes),
            blanks=blanks,
            blank_subjects=frozenset(names[at] for at in blanks),
            ids=frozenset(names),
        )

    def wrappings(self, item: Path, folder: Path) -> list[Path | bytes]:
        """As bytes, as JSON, with its columns in another order, with a label, and with other line ends."""
        content = item.read_bytes()
        (row,) = csv.DictReader(io.StringIO(content.decode()))
        (folder / "one.json").write_text(json.dumps([row]), "utf-8")
        turned = dict(reversed(row.items()))
        told = ("time", "event") if self.label == "event" else (self.label,)  # what is only known later
        (folder / "turned.csv").write_bytes(as_csv([*turned, *told], [[*turned.values(), *[1] * len(told)]]))
        (folder / "mac.csv").write_bytes(content.replace(b"\n", b"\r"))
        (folder / "one").mkdir()
        (folder / "one" / "a.csv").write_bytes(content)
        return [content, folder / "one.json", folder / "turned.csv", folder / "mac.csv", folder / "one"]

    def sources(self, folder: Path, source: Source) -> dict[str, tuple[Path, set[str]]]:
        """Tables without usable labels or rows."""
        header, *rows = list(csv.reader(io.StringIO(source.path.read_text("utf-8"))))
        at = header.index(self.label)

        def labelled(label: str) -> bytes:
            return as_csv(header, [[*row[:at], label, *row[at + 1 :]] for row in rows[:40]])

        broken = [rows[0][i] if i == at else "9e9" for i in range(1, len(header))]
        made = {
            "empty.csv": b"", "page.csv": PAGE, "odd.csv": labelled("perhaps"), "blank.csv": labelled(""),
            "bare.csv": as_csv([*header[:at], *header[at + 1 :]], [[*r[:at], *r[at + 1 :]] for r in rows]),
            "broken.csv": as_csv(header, [[f"s{n}", *broken] for n in range(9)]),
            "alike.csv": labelled(self.alike),
        }  # fmt: skip
        for name, content in made.items():
            (folder / name).write_bytes(content)
        (folder / "hollow").mkdir()
        (folder / "two").mkdir()
        for name in ("a.csv", "b.csv"):
            (folder / "two" / name).write_bytes(source.path.read_bytes())
        return {
            "missing": (folder / "nowhere.csv", {"not-found"}),
            "empty file": (folder / "empty.csv", {"empty-file"}),
            "web page": (folder / "page.csv", {"missing-column", "no-labels", "empty-table", "bad-row"}),
            "hollow folder": (folder / "hollow", {"is-a-folder", "empty-folder"}),
            "two tables": (folder / "two", {"is-a-folder"}),
            "no labels": (folder / "bare.csv", {"no-labels", "missing-column"}),
            "unknown label": (folder / "odd.csv", {"unknown-label"}),
            "only blanks": (folder / "blank.csv", {*FEW}),
            "one class": (folder / "alike.csv", {*FEW, "too-few-events"}),
            "nothing readable": (folder / "broken.csv", {*FEW}),
        }


FRAMINGHAM = (
    "gender", "age", "education", "currentSmoker", "cigsPerDay", "BPMeds", "prevalentStroke", "prevalentHyp",
    "diabetes", "totChol", "sysBP", "diaBP", "BMI", "heartRate", "glucose",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Framingham(Persons):
    """Rows of the Framingham teaching data."""

    header: tuple[str, ...] = FRAMINGHAM
    label: str = "TenYearCHD"
    bad: Mapping[str, Bad] = field(
        default_factory=lambda: bad_rows(
            FRAMINGHAM, [1, 48, 1, 1, 20, 0, 0, 0, 0, 245, 127.5, 80, 25.3, 75, 70], "sysBP"
        )
    )

    def rows(self, task: Any, data: Path) -> list[dict[str, Any]]:
        """The first ones, those with the disease more often than they come."""
        text = (
            (data / "signals" / "tabular" / "framingham_10yr_chd.csv").read_text("ascii").replace("\r", "\n")
        )
        every = list(csv.DictReader(io.StringIO(text)))
        ill = [row for row in every if row[self.label] == "1"][:120]
        well = [row for row in every if row[self.label] == "0"][:200]
        return [row for pair in zip(well, [*ill, *[None] * 80], strict=True) for row in pair if row]


ANSWERS = (
    "age", "sex", "bmi", "waist", "active", "vegetables", "bp_medication", "high_glucose", "family", "glucose",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Questionnaires(Persons):
    """Answers to the questionnaire of the Finnish diabetes risk score, drawn at random: of nobody.

    There are no open data with these columns; the numbers are drawn so that older and heavier people with diabetes
    in the family fall ill more often.
    """

    header: tuple[str, ...] = ANSWERS
    label: str = "diabetes"
    methods: tuple[str, ...] = ("shapley", "shap")
    bad: Mapping[str, Bad] = field(
        default_factory=lambda: bad_rows(ANSWERS, [57, 0, 28.5, 90, 0, 1, 1, 0, 2, 101], "bmi")
    )

    def rows(self, task: Any, data: Path) -> list[dict[str, Any]]:
        """Three hundred of them."""
        rng = np.random.default_rng(11)
        n = 300
        age, bmi = rng.integers(25, 80, n), rng.normal(27, 4, n).clip(17, 48).round(1)
        sex = rng.integers(0, 2, n)
        waist = (bmi * 2.3 + 28 + 6 * sex + rng.normal(0, 5, n)).clip(55, 150).round()
        family, yes = rng.integers(0, 3, n), rng.random((4, n)) < np.array([[0.6], [0.6], [0.3], [0.1]])
        glucose = (92 + 0.6 * (bmi - 27) + 12 * yes[3] + rng.normal(0, 8, n)).round()
        logit = 0.06 * (age - 52) + 0.12 * (bmi - 27) + 0.6 * family + 1.2 * yes[3] - 1.3
        ill = rng.random(n) < 1 / (1 + np.exp(-logit))
        columns = [age, sex, bmi, waist, *yes.astype(int), family, glucose]
        rows = [
            dict(zip(ANSWERS, cells, strict=True))
            for cells in zip(*[c.tolist() for c in columns], strict=True)
        ]
        for at, row in enumerate(rows):
            row[self.label] = int(ill[at])
            if at % 9 == 4:
                row["waist"] = None
        return rows


METABRIC = (
    "EGFR",
    "PGR",
    "ERBB2",
    "MKI67",
    "hormone_therapy",
    "radiotherapy",
    "chemotherapy",
    "er_positive",
    "age",
)


@dataclass(frozen=True, kw_only=True)
class Metabric(Persons):
    """Patients of METABRIC with a time and an event, as a CSV."""

    header: tuple[str, ...] = METABRIC
    label: str = "event"
    little: Mapping[str, Any] = field(default_factory=lambda: {"ensemble": False, "learners": "cox"})
    leading: str = "c_index"
    methods: tuple[str, ...] = ("shapley",)
    bad: Mapping[str, Bad] = field(
        default_factory=lambda: {
            # Covariates are what the table holds, words among them: the model finds the columns that it knows, and
            # there are no units or ranges to be told by.
            kind: (
                file,
                content,
                codes | {"missing-columns"} if codes <= {"not-a-number", "missing-column"} else codes,
            )
            for kind, (file, content, codes) in bad_rows(
                METABRIC, [5.6, 7.8, 10.8, 5.9, 1, 1, 0, 1, 56.8], "age"
            ).items()
            if kind not in {"wrong unit", "nothing possible", "nothing known"}
        }
    )
    alike: str = "0"

    def rows(self, task: Any, data: Path) -> list[dict[str, Any]]:
        """The first distinct ones."""
        import h5py

        with h5py.File(
            data / "signals" / "survival" / "deepsurv_metabric_IHC4_clinical_train_test.h5"
        ) as file:
            x, t, e = (np.array(file["train"][key]) for key in ("x", "t", "e"))
        _, first = np.unique(x, axis=0, return_index=True)
        chosen = [at for at in np.sort(first) if t[at] > 0][:300]
        return [
            {
                **{name: f"{value:.7g}" for name, value in zip(METABRIC, x[at], strict=True)},
                "time": f"{t[at]:.6g}", "event": int(e[at]),
            }
            for at in chosen
        ]  # fmt: skip


def _npz(**arrays: Any) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


GENES = np.arange(12, dtype=np.float32).reshape(2, 6)


@dataclass(frozen=True, kw_only=True)
class Genes(PanelSpecimen):
    """Golub's leukaemias: every sample, the genes that vary most, three samples without a class."""

    leading: str = "balanced_accuracy"
    methods: tuple[str, ...] = ("shapley",)
    little: Mapping[str, Any] = field(default_factory=lambda: {"ensemble": False, "learners": "centroids"})
    bad: Mapping[str, Bad] = field(
        default_factory=lambda: {
            "empty": ("a.npz", b"", {"empty-file"}),
            "truncated archive": ("a.npz", _npz(x=GENES)[:-60], {"truncated"}),
            "web page": ("a.csv", PAGE, {"missing-column", "bad-row", "empty-table", "not-a-number"}),
            "not text": ("a.csv", b"\x00\x01", {"not-text"}),
            "objects": ("a.npz", _npz(x=np.array([[{}]], dtype=object)), {"pickled"}),
            "no table": ("a.npz", _npz(y=np.zeros(3)), {"missing-column"}),
            "no numbers": ("a.npz", _npz(x=np.array([["a", "b"]])), {"bad-row"}),
            "one dimension": ("a.npz", _npz(x=np.zeros(6, np.float32)), {"bad-row"}),
            "no samples": ("a.npz", _npz(x=np.zeros((0, 6), np.float32)), {"empty-table"}),
            "infinity": ("a.npz", _npz(x=np.full((1, 6), np.inf, np.float32)), {"not-a-number"}),
            "names that do not fit": ("a.npz", _npz(x=GENES, names=np.array(["a", "b"])), {"bad-row"}),
            "other genes": ("a.npz", _npz(x=GENES), {"missing-columns"}),
            "text in a number": ("a.csv", b"g0,g1\n1,high\n", {"not-a-number"}),
            "a value too few": ("a.csv", b"g0,g1\n1\n", {"bad-row"}),
        }
    )
    folder_codes: frozenset[str] = frozenset({"not-found", "is-a-folder"})
    prepared_nonetheless: frozenset[str] = frozenset({"only blanks", "one class"})

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """See the base class."""
        with np.load(data / "signals" / "genes" / "golub.npz", allow_pickle=False) as arrays:
            x, y = arrays["x"], arrays["y"].astype("<U3")
        kept = np.sort(np.argsort(-x.std(0), kind="stable")[:400])
        x, names = x[:, kept], np.array([f"probe{at}" for at in kept])
        blanks = (2, 40, 70)
        for at in blanks:
            y[at] = ""
        path = folder / "golub.npz"
        np.savez(path, x=x, y=y, names=names)
        items = []
        (folder / "items").mkdir()
        for at in range(10, 40):
            items.append(folder / "items" / f"{at}.npz")
            np.savez(items[-1], x=x[at : at + 1], names=names)
        return Source(
            path=path,
            records=len(y),
            items=tuple(items),
            classes=frozenset({"ALL", "AML"}),
            blanks=blanks,
            blank_subjects=frozenset(f"sample {at + 1}" for at in blanks),
            ids=frozenset(f"sample {at + 1}" for at in range(len(y))),
        )

    def wrappings(self, item: Path, folder: Path) -> list[Path | bytes]:
        """As bytes, as a table, and with the genes in another order."""
        with np.load(item, allow_pickle=False) as arrays:
            x, names = arrays["x"], arrays["names"]
        (folder / "one.csv").write_bytes(as_csv(names.tolist(), [[repr(float(v)) for v in x[0]]]))
        np.savez(folder / "turned.npz", x=x[:, ::-1], names=names[::-1])
        return [item.read_bytes(), folder / "one.csv", folder / "turned.npz"]

    def sources(self, folder: Path, source: Source) -> dict[str, tuple[Path, set[str]]]:
        """Files without usable classes."""
        x = np.random.default_rng(0).normal(size=(12, 6)).astype(np.float32)
        made = {
            "empty.npz": b"", "cut.npz": _npz(x=x, y=np.arange(12) % 2)[:-60], "bare.npz": _npz(x=x),
            "blank.npz": _npz(x=x, y=np.full(12, "")), "alike.npz": _npz(x=x, y=np.full(12, "AML")),
            "short.npz": _npz(x=x, y=np.arange(4)), "page.npz": PAGE,
        }  # fmt: skip
        for name, content in made.items():
            (folder / name).write_bytes(content)
        return {
            "missing": (folder / "nowhere.npz", {"not-found"}),
            "empty file": (folder / "empty.npz", {"empty-file"}),
            "cut archive": (folder / "cut.npz", {"truncated"}),
            "web page": (folder / "page.npz", {"no-labels", "bad-row", "empty-table", "not-a-number"}),
            "no classes": (folder / "bare.npz", {"no-labels"}),
            "fewer classes than samples": (folder / "short.npz", {"bad-row"}),
            "only blanks": (folder / "blank.npz", {*FEW}),
            "one class": (folder / "alike.npz", {*FEW}),
        }  # fmt: skip
