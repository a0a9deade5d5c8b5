"""Labelled pictures from wherever a hospital keeps them: archive, table, class folders, DICOM."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.core.errors import BadInput, NotFound, SuwenError, Unreadable
from suwen.core.sample import Sample, Samples, Unusable
from suwen.formats.dicom import identify
from suwen.formats.dicom_object import is_dicom
from suwen.formats.fingerprint import fingerprint, split_fingerprints
from suwen.formats.labels import SPLIT_NAMES, TABLE_NAME, read_table
from suwen.formats.npz import is_zip, medmnist_splits
from suwen.formats.read import ImageFile, read_bytes, read_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from suwen.core.task import Endpoint

__all__ = ["ImageFile", "open_images", "split_fingerprints"]

ACCEPTED_SOURCES = (
    f"Give a MedMNIST .npz, a folder with {TABLE_NAME} (subject_id, file, label), "
    "or a folder with one folder per class"
)


def open_images(source: str | Path, endpoint: Endpoint) -> Samples:
    """Open a labelled source, recognised by its content; every file is decoded once to see that it can be.

    Parameters
    ----------
    source
        A MedMNIST ``.npz``; a folder with ``labels.csv`` (or that table itself), whose rows name files or
        SOP Instance UIDs; or a folder of class folders, optionally below ``train``, ``val`` and ``test``.
    endpoint
        Resolves the labels; a blank label leaves the target ``None``.

    Returns
    -------
    Samples
        Each with ``inputs={"image": ...}`` that has ``load() -> ClinicalImage`` and ``content_key()``.
        Files that cannot be read are in ``unusable``.

    Raises
    ------
    NotFound
        No such source.
    BadInput
        ``unknown-label``, ``empty-folder``, ``no-labels``, ``outside-folder``, ``labels-table``,
        ``unknown-split``, or what :func:`suwen.formats.npz.medmnist_splits` refuses.
    """
    path = Path(source).expanduser()
    if not path.exists():
        raise NotFound("there is no such data source", where=str(path), fix=ACCEPTED_SOURCES)
    if path.is_dir():
        return _open_folder(path, endpoint)
    if path.suffix.lower() == ".csv":
        return _open_table(path, endpoint)
    with path.open("rb") as file:
        start = file.read(8)
    if is_zip(start):
        return _open_medmnist(path, endpoint)
    if not start:
        raise Unreadable("the file is empty", where=str(path), fix=ACCEPTED_SOURCES, code="empty-file")
    raise BadInput(
        "this file holds no labelled images", where=str(path), fix=ACCEPTED_SOURCES, code="no-labels"
    )


def _open_medmnist(path: Path, endpoint: Endpoint) -> Samples:
    samples: list[Sample] = []
    try:
        splits = medmnist_splits(path)
    except SuwenError as error:
        error.where = error.where or str(path)
        raise
    for split, (images, labels) in splits.items():
        classes: dict[str | None, str | None] = {}
        for at, image in enumerate(images):
            label = labels[at] if labels is not None else None
            if label not in classes:
                classes[label] = _resolve(endpoint, label, f"{split} label {at}")
            samples.append(
                Sample(
                    subject_id=f"{split}-{at}",
                    inputs={"image": image},
                    target=classes[label],
                    source=f"{split} image {at}",
                    split=split,
                )
            )
    return Samples(
        samples=tuple(samples),
        fingerprint=fingerprint(samples, [False] * len(samples)),
        subjects_known=False,
        notes=("MedMNIST archive: it names no subjects, every image counts as its own",),
    )


@dataclass
class _Gathering:
    """What has been read of a folder so far; each file is decoded once, however many rows name it."""

    folder: Path
    samples: list[Sample] = field(default_factory=list)
    known: list[bool] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)
    seen: dict[Path, tuple[ImageFile, str | None] | Unusable] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        path: Path,
        target: str | None,
        *,
        subject: str | None = None,
        split: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Add one record, or the reason why its file cannot be used."""
        found = self.seen.get(path) or self.seen.setdefault(path, self._examine(path))
        if isinstance(found, Unusable):
            self.unusable.append(found)
            return
        image, patient = found
        name = path.relative_to(self.folder).as_posix()
        whom = subject or patient
        self.samples.append(
            Sample(
                subject_id=whom or f"file-{name}",
                inputs={"image": image},
                target=target,
                source=name,
                split=split,
                attributes=attributes or {},
            )
        )
        self.known.append(whom is not None)

    def _examine(self, path: Path) -> tuple[ImageFile, str | None] | Unusable:
        name = path.relative_to(self.folder).as_posix()
        if not path.exists():
            return Unusable(
                source=name, code="missing-file", reason="the table names a file that is not there"
            )
        try:
            data = read_bytes(path)
            image = read_image(data)
            patient = identify(data)[1] if image.source_format == "dicom" else None
        except SuwenError as error:
            return Unusable(source=name, code=error.code, reason=error.what)
        # Notes with figures (windows, slopes) differ by file and would drown the others.
        self.said.update(note for note in image.notes if not any(sign.isdigit() for sign in note))
        return ImageFile(path=path, file_bytes=len(data), key=image.content_key()), patient

    def finish(self, notes: Iterable[str]) -> Samples:
        """The data set, with the notes that its files gave rise to."""
        unknown = self.known.count(False)
        if self.samples and unknown == len(self.samples):
            about = ["no subjects are named: every file counts as its own"]
        else:
            about = [f"{unknown} records name no subject and count as their own"] if unknown else []
        said = [f"{count} files: {note}" for note, count in sorted(self.said.items())]
        return Samples(
            samples=tuple(self.samples),
            fingerprint=fingerprint(self.samples, self.known),
            unusable=tuple(self.unusable),
            subjects_known=any(self.known),
            notes=(*notes, *about, *said),
        )


def _open_folder(folder: Path, endpoint: Endpoint) -> Samples:
    table = folder / TABLE_NAME
    if table.is_file():
        return _open_table(table, endpoint)
    files = _files(folder)
    if not files:
        raise BadInput(
            "the folder holds no files", where=str(folder), fix=ACCEPTED_SOURCES, code="empty-folder"
        )
    placed: list[tuple[Path, str, str | None]] = []
    loose = 0
    for path in files:
        parts = path.relative_to(folder).parts
        split = SPLIT_NAMES.get(parts[0].lower()) if len(parts) > 2 else None
        if len(parts) == 1:
            loose += 1
        else:
            placed.append((path, parts[1] if split else parts[0], split))
    if not placed:
        raise BadInput(
            "the folder holds files but no labels", where=str(folder), fix=ACCEPTED_SOURCES, code="no-labels"
        )
    classes = {label: _resolve(endpoint, label, f"folder {label}") for label in {one[1] for one in placed}}
    gathering = _Gathering(folder)
    for path, label, split in placed:
        gathering.add(path, classes[label], split=split)
    return gathering.finish((f"{loose} files beside the class folders were left out",) if loose else ())


def _open_table(table: Path, endpoint: Endpoint) -> Samples:
    folder = table.parent
    rows = read_table(table)
    if not rows:
        raise BadInput(
            f"{table.name} has no lines below its header",
            where=str(table),
            fix="Give one line per image",
            code="labels-table",
        )
    # Labels first: a wrong spelling must not wait for a thousand files to be decoded.
    targets = [
        _resolve(endpoint, row.label, f"{table.name}, line {row.number}: {row.file or row.uid}")
        for row in rows
    ]
    files = [path for path in _files(folder) if path != table]
    by_uid = _by_uid(files) if any(row.file is None for row in rows) else {}
    gathering = _Gathering(folder)
    named: set[Path] = set()
    for row, target in zip(rows, targets, strict=True):
        path = folder / row.file if row.file else by_uid.get(row.uid or "")
        if path is None:
            gathering.unusable.append(
                Unusable(
                    source=f"line {row.number}",
                    code="missing-file",
                    reason="no DICOM file here has the SOP Instance UID of this line",
                )
            )
            continue
        named.add(path)
        gathering.add(path, target, subject=row.subject, split=row.split, attributes=row.attributes)
    left = sum(path not in named for path in files)
    return gathering.finish((f"{left} files in the folder are not in {table.name}",) if left else ())


def _resolve(endpoint: Endpoint, label: str | None, where: str) -> str | None:
    try:
        return endpoint.resolve(label)
    except SuwenError as error:
        error.where = where
        raise


def _files(folder: Path) -> list[Path]:
    """Regular files at any depth, in order, without hidden ones such as ``.DS_Store``."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _by_uid(files: list[Path]) -> dict[str, Path]:
    """DICOM files by SOP Instance UID; of several with one UID, the first by name."""
    found: dict[str, Path] = {}
    for path in files:
        try:
            data = read_bytes(path)
            uid = identify(data)[0] if is_dicom(data) else None
        except SuwenError:  # it stays in the count of files that no line names
            continue
        if uid is not None:
            found.setdefault(uid, path)
    return found
