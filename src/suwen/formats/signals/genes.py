"""Gene expression: a few dozen samples of thousands of genes, each with the class of its tissue."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, NotFound, Unreadable
from suwen.core.sample import Sample, Samples
from suwen.formats.fingerprint import fingerprint
from suwen.formats.signals.asked import input_of
from suwen.formats.signals.columns import columns_of
from suwen.formats.signals.records import read_csv
from suwen.formats.signals.row import Row
from suwen.formats.signals.text import decoded, located, whole

if TYPE_CHECKING:
    from suwen.core.task import Task

ACCEPTED = (
    "Give an .npz with x (samples, genes) and y, or a CSV with one row per sample and a column of labels"
)
MAX_BYTES = 2 * 2**30
"""Arrays of an archive together; larger ones are refused before they are unpacked."""
FEW = 200
"""Below this many samples the notes say that only nested cross-validation is honest."""
_SUBJECTS = ("subject_id", "patient_id", "sample_id", "sample", "id", "")
_NAMES = ("names", "genes", "feature_names")


@dataclass(frozen=True, kw_only=True, eq=False)
class Expression:
    """Samples of one file.

    Attributes
    ----------
    x
        Array (samples, genes), float32; NaN is missing.
    names
        Of the genes; ``g0``, ``g1`` ... where the file gives none.
    labels
        As written; ``None`` where the file has none.
    """

    x: NDArray[np.float32]
    names: tuple[str, ...]
    labels: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class GeneExpression:
    """Reads gene expression; each sample counts as a patient of its own.

    Attributes
    ----------
    labels
        Columns of a CSV that may hold the class; the first that is there does.
    """

    labels: tuple[str, ...] = ("label", "class", "y")

    def collect(self, task: Task, source: str) -> Samples:
        """Every sample with its class, which the endpoint resolves; an open endpoint takes it as written.

        Raises
        ------
        NotFound, Unreadable, BadInput
            No such file; ``no-labels``, ``unknown-label``; and what :meth:`read` refuses.
        """
        path = Path(source).expanduser()
        with located(path):
            found = self._open(path)
            if found.labels is None:
                raise BadInput("the file holds no labels", fix=ACCEPTED, code="no-labels")
            targets = [task.endpoint.resolve(label) for label in found.labels]  # type: ignore[union-attr]
        samples = tuple(
            Sample(
                subject_id=f"sample {number}",
                inputs={input_of(task): Row(values=values, names=found.names)},
                target=target,
                source=f"sample {number}",
            )
            for number, (values, target) in enumerate(zip(found.x, targets, strict=True), start=1)
        )
        counts = Counter(target for target in targets if target is not None)
        classes = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        notes = [f"{len(samples)} samples of {len(found.names)} genes: {classes}; no patients are named"]
        if len(samples) < FEW:
            notes.append(
                "so few samples: genes are chosen inside each fold, and figures come from nested folds alone"
            )
        return Samples(
            samples=samples,
            fingerprint=fingerprint(samples, [False] * len(samples)),
            subjects_known=False,
            notes=tuple(notes),
            integrity={
                "samples": len(samples),
                "genes": len(found.names),
                "missing": int(np.isnan(found.x).sum()),
                "identical_samples": len(samples) - len({row.tobytes() for row in found.x}),
            },
        )

    def read(self, task: Task, item: Path | bytes) -> Sequence[Sample]:
        """Samples for prediction; labels are passed over.

        Raises
        ------
        NotFound
            No such file.
        Unreadable
            ``truncated``, ``empty-file``, ``not-text``.
        BadInput
            ``missing-column``, ``not-a-number``, ``bad-row``, ``pickled``, ``too-large``, ``empty-table``.
        """
        with located(item):
            found = self._open(item)
        stem = "sample" if isinstance(item, bytes) else item.stem
        return [
            Sample(
                subject_id=f"{stem} {number}",
                inputs={input_of(task): Row(values=values, names=found.names)},
                source=f"{stem} {number}",
            )
            for number, values in enumerate(found.x, start=1)
        ]

    def _open(self, item: Path | bytes) -> Expression:
        if isinstance(item, Path) and not item.is_file():
            raise NotFound("there is no such file", fix=ACCEPTED)
        data = whole(item)
        found = _from_npz(data) if data.startswith(b"PK") else self._from_csv(data)
        if not found.x.size:
            raise BadInput("the file holds no samples", fix=ACCEPTED, code="empty-table")
        if np.isinf(found.x).any():
            raise BadInput(
                "a value is infinite", fix="Give finite numbers, NaN where missing", code="not-a-number"
            )
        return found

    def _from_csv(self, data: bytes) -> Expression:
        header, rows = read_csv(decoded(data))
        label = next((name for name in self.labels if name in header), None)
        cells = list(zip(*rows, strict=True)) or [()] * len(header)
        table = dict(zip(header, cells, strict=True))
        genes = {name: table[name] for name in header if name != label and name not in _SUBJECTS}
        columns = columns_of(genes)
        words = [name for name in columns.names if name not in genes] + list(columns.left_out)
        if words:
            raise BadInput(
                "a column holds words", where=words[0].partition("=")[0], fix=ACCEPTED, code="not-a-number"
            )
        return Expression(x=columns.x, names=columns.names, labels=tuple(table[label]) if label else None)


def _from_npz(data: bytes) -> Expression:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
                raise BadInput(
                    "the arrays are too large", fix=f"At most {MAX_BYTES // 2**30} GiB", code="too-large"
                )
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            loaded = {name: arrays[name] for name in ("x", "y", *_NAMES) if name in arrays}
    except BadInput:
        raise
    except ValueError as error:
        if "pickle" in str(error).lower():
            raise BadInput(
                "an array holds Python objects",
                fix="Save plain numbers and texts, without pickle",
                code="pickled",
            ) from None
        raise _cut() from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, NotImplementedError, RuntimeError):
        raise _cut() from None
    except MemoryError:  # an array that declares more than it holds
        raise BadInput("the arrays are too large", fix=ACCEPTED, code="too-large") from None
    x = loaded.get("x")
    if x is None:
        raise BadInput("the archive holds no array x", fix=ACCEPTED, code="missing-column")
    if x.ndim != 2 or x.dtype.kind not in "fiu":
        raise BadInput("x is not a table of numbers", fix=ACCEPTED, code="bad-row")
    y = loaded.get("y")
    if y is not None and y.shape != (len(x),):
        raise BadInput("y has not one label per sample", fix=ACCEPTED, code="bad-row")
    given = next((loaded[name] for name in _NAMES if name in loaded), None)
    if given is not None and given.shape != (x.shape[1],):
        raise BadInput("there is not one name per gene", fix=ACCEPTED, code="bad-row")
    with np.errstate(over="ignore"):
        x = np.ascontiguousarray(x, np.float32)
    return Expression(
        x=x,
        names=_texts(given) if given is not None else tuple(f"g{number}" for number in range(x.shape[1])),
        labels=_texts(y) if y is not None else None,
    )


def _texts(array: NDArray[np.generic]) -> tuple[str, ...]:
    """Labels or names whatever they are stored as; a whole number has no decimal point."""
    if array.dtype.kind == "S":
        return tuple(value.decode("utf-8", "replace").strip() for value in array.tolist())
    if array.dtype.kind == "f":
        return tuple("" if np.isnan(value) else f"{value:g}" for value in array.tolist())
    return tuple(str(value).strip() for value in array.tolist())


def _cut() -> Unreadable:
    return Unreadable(
        "the archive is damaged or cut short", fix="Fetch the whole file again", code="truncated"
    )
