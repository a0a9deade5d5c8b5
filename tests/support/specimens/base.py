"""What the contract suite needs to know of a kind of task: small real data, cheap settings, what it refuses."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

Bad = tuple[str, bytes, set[str]]
"""A file name, its content, and the codes with which it may be refused."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A small labelled source, and what was written into it.

    Attributes
    ----------
    path
        What ``--from`` is given.
    records
        How many records it holds.
    items
        Files to predict, one sample each.
    classes
        Strata that its labels name.
    blanks
        Numbers of the records without a label, in the order in which the source is read.
    blank_subjects
        Subjects of whom no record has a label.
    ids
        Names of subjects and files, which no document of a run may hold.
    """

    path: Path
    records: int
    items: tuple[Path, ...]
    classes: frozenset[str]
    blanks: tuple[int, ...] = ()
    blank_subjects: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """One kind of task under the contract.

    Attributes
    ----------
    quick
        Settings with which it learns something in seconds.
    little
        Further changes, where a second training only has to differ.
    leading
        A metric that every report of it has, of the model and of every baseline.
    methods
        Explanation methods that are tried, the cheapest ones that say something.
    wrong_method
        A misspelt method, and the one that is meant.
    misspelt
        Settings that do not exist, each with the one that is meant.
    out_of_range
        Settings with a value that they cannot have.
    killed_at
        Line of progress in the middle of its training.
    learns
        Whether a seed changes what it learns.
    folder_codes
        Codes with which an empty folder is refused as an input.
    prepared_nonetheless
        Bad sources that can be split, if only into nothing.
    named_by_content
        Whether a sample of nobody is called after what it holds.
    bad
        Kind to an input that must be refused.
    """

    quick: Mapping[str, Any]
    little: Mapping[str, Any]
    leading: str
    methods: tuple[str, ...]
    wrong_method: tuple[str, str]
    misspelt: Mapping[str, str]
    out_of_range: Sequence[tuple[str, str]]
    killed_at: int = 9
    learns: bool = True
    folder_codes: frozenset[str] = frozenset({"empty-folder"})
    prepared_nonetheless: frozenset[str] = frozenset()
    named_by_content: bool = False
    bad: Mapping[str, Bad] = field(default_factory=dict)

    def write(self, task: Any, data: Path, folder: Path) -> Source:
        """Make the source in an empty folder.

        Parameters
        ----------
        task
            Whose labels it holds.
        data
            The shared real data.
        folder
            Where to write.
        """
        raise NotImplementedError

    def unanswerable(self, folder: Path) -> dict[Path, str]:
        """Files that can be read and must not be answered, each with the code of the abstention."""
        return {}

    def explained_files(self, refused: int) -> set[str]:
        """What ``suwen explain`` leaves for one answered input and some that are not."""
        return {
            "explain.json",
            *(f"{n}/patient.{kind}" for n in range(1 + refused) for kind in ("html", "json")),
        }

    def more_bad(self, source: Source, data: Path, folder: Path) -> dict[str, tuple[Path, set[str]]]:
        """Further inputs that must be refused, made from real data; each with its codes."""
        return {}

    def wrappings(self, item: Path, folder: Path) -> list[Path | bytes]:
        """The same input in other files; every sample in them must get the same answer."""
        return [item.read_bytes()]

    def sources(self, folder: Path, source: Source) -> dict[str, tuple[Path, set[str]]]:
        """Sources that cannot be learned from, each with the codes with which it may be refused."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class PanelSpecimen(Specimen):
    """What tasks of the panel have in common."""

    CHEAP: ClassVar[Mapping[str, Any]] = {
        "folds": 2, "epochs": 1, "rounds": 10, "width": 8, "bags": 1, "mlflow": False, "shortcut_probe": False,
    }  # fmt: skip

    quick: Mapping[str, Any] = field(default_factory=lambda: dict(PanelSpecimen.CHEAP))
    little: Mapping[str, Any] = field(default_factory=lambda: {"ensemble": False})
    leading: str = "auroc"
    methods: tuple[str, ...] = ("shapley",)
    wrong_method: tuple[str, str] = ("shaply", "shapley")
    misspelt: Mapping[str, str] = field(
        default_factory=lambda: {
            "epoch": "epochs", "learner": "learners", "accept_leekage": "accept_leakage",
            "learning-rate": "learning_rate",
        }
    )  # fmt: skip
    out_of_range: Sequence[tuple[str, str]] = (
        ("epochs", "0"), ("epochs", "many"), ("learning_rate", "NaN"), ("folds", "1"), ("learners", "crystal_ball"),
        ("validation_fraction", "0.9"), ("operating_point", "sensitivity=0.95"),
    )  # fmt: skip


def tarred(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar archive of some files; the same bytes each time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def gzipped(content: bytes) -> bytes:
    """One compressed file."""
    return gzip.compress(content, mtime=0)


PAGE = b"<!DOCTYPE html><html><body>Not found</body></html>"
"""What a failed download leaves."""
