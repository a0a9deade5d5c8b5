"""NumPy archives: MedMNIST data sets and loose images. Pickled objects are refused, never loaded."""

from __future__ import annotations

import io
import math
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from suwen.core.errors import BadInput, NotFound, SuwenError, Unreadable
from suwen.formats.image import ClinicalImage, grey, scale_integers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

MAX_ARRAY_BYTES = 2 * 2**30
"""A data set whose headers declare more than this, all arrays together, is refused."""

MAX_LOOSE_BYTES = 256 * 2**20
"""The same for loose images, which strangers upload."""

SPLIT_KEYS = {"train": "train", "val": "validation", "test": "test"}
"""MedMNIST's prefix to the house's name of the split."""

Split = tuple[tuple[ClinicalImage, ...], tuple[str | None, ...] | None]
"""Images of one split and their labels as written; ``None`` in place of a label that is missing."""


def is_zip(data: bytes) -> bool:
    """Whether the bytes start as a ZIP archive, which an ``.npz`` is."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def medmnist_splits(source: Path | bytes) -> dict[str, Split]:
    """Read the splits of a MedMNIST archive: ``train_images``, ``train_labels``, ``val_...``, ``test_...``.

    Parameters
    ----------
    source
        The archive or its bytes. Images are (N, H, W), (N, H, W, 1) or (N, H, W, 3); labels (N,) or (N, 1).

    Returns
    -------
    dict
        ``train``, ``validation`` and ``test``, as far as they are there, in this order. Labels are
        ``None`` as a whole where the archive holds none for the split.

    Raises
    ------
    BadInput
        ``no-images``, ``bad-array``, ``label-count``, ``out-of-range``, ``not-finite``, ``pickled`` or
        ``too-large``, naming the key.
    Unreadable
        ``unknown-format`` (not an archive of arrays) or ``truncated``.
    NotFound
        No such file.
    """
    arrays = _arrays(source, MAX_ARRAY_BYTES)
    if not has_splits(arrays):
        raise BadInput(
            f"the archive holds {_named(arrays)}",
            fix="A MedMNIST archive has train_images, val_images or test_images",
            code="no-images",
        )
    return _splits(arrays)


def read_npz(data: bytes) -> tuple[ClinicalImage, ...]:
    """All images of an archive: ``image`` or ``images``, a single array, or MedMNIST's splits.

    Parameters
    ----------
    data
        The archive. One image is (H, W), (H, W, 1) or (H, W, 3); several are (N, H, W[, 1 or 3]).

    Raises
    ------
    BadInput, Unreadable
        As :func:`medmnist_splits`.
    """
    arrays = _arrays(data, MAX_LOOSE_BYTES)
    if has_splits(arrays):
        return tuple(image for images, _ in _splits(arrays).values() for image in images)
    key = next((name for name in ("images", "image") if name in arrays), "")
    if not key:
        drawable = [name for name, array in arrays.items() if array.ndim in (2, 3, 4)]
        if len(drawable) != 1:
            raise BadInput(
                f"the archive holds {_named(arrays)}",
                fix="Name the array 'images' (several) or 'image' (one)",
                code="no-images",
            )
        key = drawable[0]
    array = arrays[key]
    alone = array.ndim == 2 or (array.ndim == 3 and (key == "image" or array.shape[-1] in (1, 3)))
    if array.ndim == 3 and key == "images":
        alone = False
    return _pictures(array[None] if alone else array, key)


def has_splits(names: Sequence[str] | dict[str, Any]) -> bool:
    """Whether any of the names is MedMNIST's for the images of a split."""
    return any(f"{prefix}_images" in names for prefix in SPLIT_KEYS)


def _splits(arrays: dict[str, NDArray[Any]]) -> dict[str, Split]:
    found: dict[str, Split] = {}
    for prefix, split in SPLIT_KEYS.items():
        key = f"{prefix}_images"
        if key in arrays:
            images = _pictures(arrays[key], key)
            found[split] = images, _labels(arrays.get(f"{prefix}_labels"), f"{prefix}_labels", len(images))
    return found


def _labels(array: NDArray[Any] | None, key: str, count: int) -> tuple[str | None, ...] | None:
    if array is None:
        return None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "buifUS":
        raise BadInput(
            f"'{key}' is {array.dtype} of shape {array.shape}",
            fix="One label per image: shape (N,) or (N, 1)",
            code="bad-array",
        )
    if len(array) != count:
        raise BadInput(
            f"'{key}' has {len(array)} labels for {count} images",
            fix="Give one label per image",
            code="label-count",
        )
    return tuple(_label(value) for value in array.tolist())


def _label(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        if math.isnan(value):  # missing, never a class
            return None
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def _pictures(array: NDArray[Any], key: str) -> tuple[ClinicalImage, ...]:
    notes: tuple[str, ...] = ()
    shape = array.shape
    if array.ndim == 4 and shape[-1] == 1:
        array = array[..., 0]
    elif array.ndim == 4 and shape[-1] == 3:
        array, notes = grey(array, top=_top(array))
    if array.ndim != 3 or array.dtype.kind not in "buif":
        raise BadInput(
            f"'{key}' is {array.dtype} of shape {shape}",
            fix="Give (N, H, W) grey or (N, H, W, 3) colour, of numbers",
            code="bad-array",
        )
    if not array.size:
        raise BadInput(f"'{key}' of shape {shape} is empty", fix="Give pictures", code="empty-image")
    try:
        pixels, bits, scaled = _scaled(array)
        return tuple(
            ClinicalImage(pixels=one, source_format="npz", bit_depth=bits, notes=(*notes, *scaled))
            for one in pixels
        )
    except BadInput as error:
        raise BadInput(f"in '{key}', {error.what}", fix=error.fix, code=error.code) from None


def _top(array: NDArray[Any]) -> float:
    """Value of white in colour: 1 or 255 for floats, else by the width of the integers."""
    if array.dtype.kind == "f":
        return 1.0 if array.size and array.max() <= 1 else 255.0
    return 65535.0 if array.dtype.itemsize > 1 else 255.0


def _scaled(array: NDArray[Any]) -> tuple[NDArray[np.float32], int, tuple[str, ...]]:
    if array.dtype.kind == "b":
        return array.astype(np.float32), 1, ()
    if array.dtype.kind in "ui":
        return scale_integers(array), 8, ()
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise BadInput("there are NaN or infinite values", fix="Give finite pixels", code="not-finite")
    if low < 0 or high > 255:
        raise BadInput(
            f"the pixels run from {low:g} to {high:g}", fix="Give 0..1 or 0..255", code="out-of-range"
        )
    bytes_wide = array.astype(np.float32) * np.float32(1 if high > 1 else 255)
    # Floats made from an 8-bit picture are still that picture, and share its content key.
    eight = bool((np.abs(bytes_wide - np.rint(bytes_wide)) < 1e-3).all())
    note = "floats of 0..255: scaled by 255" if high > 1 else "floats of 0..1"
    return bytes_wide / np.float32(255), 8 if eight else 16, (note,)


def _named(arrays: dict[str, NDArray[Any]]) -> str:
    if not arrays:
        return "no arrays"
    return "the arrays " + ", ".join(f"{name} {array.shape}" for name, array in sorted(arrays.items())[:12])


@contextmanager
def _opened(source: Path | bytes) -> Iterator[IO[bytes]]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    try:
        with Path(source).open("rb") as file:
            yield file
    except FileNotFoundError:
        raise NotFound("there is no such archive", where=str(source)) from None
    except IsADirectoryError:
        raise BadInput("the path is a folder", where=str(source), code="is-a-folder") from None


def _arrays(source: Path | bytes, limit: int) -> dict[str, NDArray[Any]]:
    """Every array, after its header has passed: plain numbers or text, and no more than it stores."""
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with _opened(source) as file, zipfile.ZipFile(file) as archive:
            total = 0
            for member in archive.infolist():
                if not member.filename.endswith(".npy"):
                    continue
                name = member.filename.removesuffix(".npy")
                with archive.open(member) as stream:
                    declared = _declared_bytes(stream, name)
                total += declared
                if total > limit:
                    raise BadInput(
                        f"'{name}' brings the archive to {total:,} bytes",
                        fix=f"At most {limit:,} bytes of arrays are read",
                        code="too-large",
                    )
                if member.file_size < declared:
                    raise Unreadable(f"'{name}' is cut short", fix="Send the whole file", code="truncated")
                with archive.open(member) as stream:
                    arrays[name] = npy.read_array(stream, allow_pickle=False)
    except SuwenError:
        raise
    except zipfile.BadZipFile:
        raise Unreadable(
            "the archive is damaged or cut short", fix="Send the whole file", code="truncated"
        ) from None
    except Exception:  # zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError (encrypted)
        raise Unreadable(
            "an array of the archive cannot be read", fix="Write it again with numpy.savez", code="unreadable"
        ) from None
    return arrays


def _declared_bytes(stream: IO[bytes], name: str) -> int:
    version = npy.read_magic(stream)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, kind = header(stream)
    if kind.hasobject:
        raise BadInput(
            f"'{name}' holds Python objects", fix="Save plain numbers, without pickle", code="pickled"
        )
    count = 1
    for side in shape:
        count *= int(side)
    return count * int(kind.itemsize)
