"""DeepSurv's HDF5 files: groups ``train`` and ``test`` with covariates ``x``, times ``t`` and events ``e``."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, MissingExtra, SuwenError, Unreadable
from suwen.formats.labels import SPLIT_NAMES

MAGIC = b"\x89HDF\r\n\x1a\n"
MAX_VALUES = 500_000_000
"""Covariates of a larger table are refused before they are unpacked."""
LAYOUT = "Give a group with x (n, covariates), t (n) and e (n); t and e may be absent for prediction"


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """One group of a file.

    Attributes
    ----------
    split
        ``train``, ``validation`` or ``test`` where the file holds several groups, else ``None``.
    x
        Array (n, d), float32; NaN is missing.
    time, event
        Arrays (n,), float64; ``None`` where the group has no outcomes.
    """

    split: str | None
    x: NDArray[np.float32]
    time: NDArray[np.float64] | None
    event: NDArray[np.float64] | None


def read_h5(item: Path | bytes) -> tuple[Group, ...]:
    """Every group of a file, in the order train, validation, test.

    Raises
    ------
    MissingExtra
        When h5py is not installed.
    Unreadable
        ``truncated`` for a file that is damaged or cut short.
    BadInput
        ``missing-column``, ``bad-row``, ``not-a-number``, ``too-large``, ``outside-file``, ``unknown-split``.
    """
    try:
        import h5py
    except ImportError:
        raise MissingExtra("h5py", "train", "Reading an HDF5 file") from None
    try:
        with h5py.File(io.BytesIO(item) if isinstance(item, bytes) else item, "r") as file:
            if _own(h5py, file, "x"):
                groups = [_group(h5py, file, "")]
            else:
                groups = [_group(h5py, file[name], name) for name in file if _own(h5py, file, name)]
    except SuwenError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, EOFError):
        raise Unreadable(
            "the HDF5 file is damaged or cut short", fix="Fetch the whole file again", code="truncated"
        ) from None
    if not groups:
        raise BadInput("the file holds no group", fix=LAYOUT, code="missing-column")
    if len(groups) == 1:
        return (Group(split=None, x=groups[0][1], time=groups[0][2], event=groups[0][3]),)
    order = {"train": 0, "validation": 1, "test": 2}
    found = [Group(split=_split(name), x=x, time=time, event=event) for name, x, time, event in groups]
    return tuple(sorted(found, key=lambda group: order[str(group.split)]))


def _split(name: str) -> str:
    if name.lower() not in SPLIT_NAMES:
        raise BadInput(
            f"no part is called '{name[:40]}'", fix="Name groups train and test", code="unknown-split"
        )
    return SPLIT_NAMES[name.lower()]


def _own(h5py: Any, place: Mapping[str, Any], name: str) -> bool:
    """Whether a name is there; a link to another file or object is refused rather than followed."""
    if name not in place:
        return False
    link = place.get(name, getlink=True)  # type: ignore[call-overload]
    if not isinstance(link, h5py.HardLink):
        raise BadInput(
            "the file links to another place", fix="Write the data themselves", code="outside-file"
        )
    return True


def _group(
    h5py: Any, place: Any, name: str
) -> tuple[str, NDArray[np.float32], NDArray[np.float64] | None, NDArray[np.float64] | None]:
    if not isinstance(place, h5py.Group) or not _own(h5py, place, "x"):
        raise BadInput("a group holds no covariates x", where=name or None, fix=LAYOUT, code="missing-column")
    x = _array(h5py, place["x"], 2).astype(np.float32)
    both = [_array(h5py, place[key], 1) if _own(h5py, place, key) else None for key in ("t", "e")]
    time, event = both
    if (time is None) != (event is None):
        raise BadInput(
            "a group has times without events, or events without times", fix=LAYOUT, code="missing-column"
        )
    if time is not None and event is not None and not len(time) == len(event) == len(x):
        raise BadInput("x, t and e have different lengths", where=name or None, fix=LAYOUT, code="bad-row")
    if np.isinf(x).any():
        raise BadInput(
            "a covariate is infinite", fix="Give finite numbers, NaN where missing", code="not-a-number"
        )
    return name, x, time, event


def _array(h5py: Any, dataset: Any, dimensions: int) -> NDArray[np.float64]:
    if (
        not isinstance(dataset, h5py.Dataset)
        or dataset.ndim != dimensions
        or dataset.dtype.kind not in "fiub"
    ):
        raise BadInput("an array has the wrong shape or holds no numbers", fix=LAYOUT, code="bad-row")
    if dataset.is_virtual or dataset.external:
        raise BadInput("an array lies in another file", fix="Write the data themselves", code="outside-file")
    if dataset.size > MAX_VALUES:
        raise BadInput("an array is too large", fix=f"At most {MAX_VALUES} values are read", code="too-large")
    return np.asarray(dataset[()], np.float64)
