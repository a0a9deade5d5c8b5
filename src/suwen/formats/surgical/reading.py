"""Read a case: a JSON document beside its volumes, or both in one ZIP archive."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.core.errors import BadInput, NotFound, SuwenError, Unreadable
from suwen.formats.npz import is_zip
from suwen.formats.read import naming, read_bytes
from suwen.formats.surgical.case import Case
from suwen.formats.surgical.document import (
    FILES,
    checked,
    instrument_of,
    parsed,
    place_of,
    places_of,
    structures,
    tre_of,
    weights_of,
)
from suwen.formats.volume.read import read_volume
from suwen.formats.volume.volume import Kind, Volume

DOCUMENT = "case.json"
FIX = "Give case.json, or a ZIP archive of it and its volumes"
MOST_BYTES = 2 * 2**30
"""Unpacked size of an archive that is still read."""
OPEN_FRACTION = 0.5
"""Share of a body volume that may lie outside the labels before the two are taken for different images."""

Opener = Callable[[str], Path | bytes]


def read_case(item: Path | bytes | Mapping[str, Any]) -> Case:
    """Read one case.

    Parameters
    ----------
    item
        ``case.json``, whose files lie beside it or have absolute paths; or a ZIP archive of ``case.json``
        and the files it names, as a path or its content; or a parsed document with absolute paths.

    Raises
    ------
    NotFound, Unreadable, BadInput
        As for volumes and for the fields of the document; see docs/errors.md.
    """
    if isinstance(item, Mapping):
        return case_of(dict(item), Path)
    if isinstance(item, bytes):
        return _of_archive(item)
    if item.is_dir():
        if not (item / DOCUMENT).is_file():
            raise BadInput(
                f"the folder holds no {DOCUMENT}", where=str(item), fix="Name a case", code="empty-folder"
            )
        item = item / DOCUMENT
    with naming(item):
        data = read_bytes(item)
        if is_zip(data):
            return _of_archive(data)
        return case_of(parsed(data, fix=FIX), lambda name: item.parent / name)


def case_of(document: Any, opener: Opener) -> Case:
    """A case from its parsed document.

    Parameters
    ----------
    document
        What ``case.json`` holds; see docs/surgery.md.
    opener
        Gives the path or the content of a file that the document names.
    """
    said = checked(document)
    labels = _volume(said, "labels", opener, names=said.get("names"))
    return Case(
        labels=labels,
        target=place_of(said, "target", labels),
        also=places_of(said, "also", labels),
        entry=place_of(said, "entry", labels) if said.get("entry") is not None else None,
        critical=structures(said["critical"], labels),
        weights=weights_of(said.get("weights"), labels),
        bone=tuple(structures(said["bone"], labels)) if said.get("bone") else (),
        body=_body(said, labels, opener) if said.get("body") is not None else None,
        image=_volume(said, "image", opener, kind="image") if said.get("image") is not None else None,
        instrument=instrument_of(said.get("instrument")),
        registration_tre_mm=tre_of(said.get("registration_tre_mm")),
        subject_id=str(said.get("subject") or ""),
        simulated=bool(said.get("simulated", False)) or labels.simulated,
        name=str(said.get("name") or ""),
    )


def on_grid_of(volume: Volume, like: Volume) -> NDArray[Any]:
    """Values of a volume at the voxel centres of another, nearest neighbour; 0 outside it.

    Parameters
    ----------
    volume
        Any volume in the same patient coordinates.
    like
        Whose grid is wanted.

    Returns
    -------
    ndarray
        Array of ``like``'s shape.

    Raises
    ------
    BadInput
        ``wrong-frame`` when their frames of reference differ.
    """
    frames = {one.frame_of_reference for one in (volume, like)} - {None}
    if len(frames) > 1:
        raise BadInput(
            "two volumes are of different frames of reference",
            fix="Register them first, and resample one onto the other",
            code="wrong-frame",
        )
    # The map from index to index is affine: k's term is added to a plane of i and j, so memory stays small.
    step = np.linalg.inv(volume.affine_lps) @ like.affine_lps
    shape = like.array.shape
    i, j = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    plane = step[:3, 0, None, None] * i + step[:3, 1, None, None] * j + step[:3, 3, None, None]
    out = np.zeros(shape, volume.array.dtype)
    size = np.array(volume.array.shape)[:, None, None]
    for k in range(shape[2]):
        at = np.floor(plane + (step[:3, 2] * k)[:, None, None] + 0.5).astype(np.int64)
        inside = ((at >= 0) & (at < size)).all(0)
        out[..., k][inside] = volume.array[tuple(at[:, inside])]
    return out


def _volume(
    said: Mapping[str, Any], key: str, opener: Opener, *, kind: Kind = "labels", names: Any = None
) -> Volume:
    item = _item(said[key], key, opener)
    table = None if names is None else _item(names, "names", opener)
    try:
        return read_volume(item, kind=kind, names=table)
    except SuwenError as error:
        error.where = error.where or key
        raise


def _body(said: Mapping[str, Any], labels: Volume, opener: Opener) -> NDArray[np.bool_]:
    """Where tissue is, on the labels' grid: a volume of its own, or structures of the labels."""
    given = said["body"]
    if isinstance(given, list):
        return np.isin(labels.array, list(structures(given, labels)))
    volume = _volume(said, "body", opener)
    body = on_grid_of(volume, labels) > 0
    cell = abs(np.linalg.det(labels.affine_lps[:3, :3])) / abs(np.linalg.det(volume.affine_lps[:3, :3]))
    covered = body.sum() * cell / max((volume.array > 0).sum(), 1)
    if covered < 1 - OPEN_FRACTION:
        raise BadInput(
            "most of the body lies outside the labels: they are hardly of one person in one position",
            where="body",
            fix="Give a body volume in the coordinates of the labels",
            code="wrong-frame",
        )
    return np.asarray(body, np.bool_)


def _item(given: Any, key: str, opener: Opener) -> Path | bytes:
    if not isinstance(given, str) or not given or "\0" in given:
        raise BadInput(f"the field '{key}' names no file", where=key, fix="Give a path", code="bad-case")
    return opener(given)


def _of_archive(data: bytes) -> Case:
    """Read ``case.json`` and the files it names out of one ZIP archive; nothing outside it."""
    if not is_zip(data):
        return case_of(parsed(data, fix=FIX), _nowhere)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = {one.filename: one for one in archive.infolist() if not one.is_dir()}
        if sum(one.file_size for one in members.values()) > MOST_BYTES:
            raise BadInput("the archive unpacks to more than 2 GiB", fix="Send less", code="too-large")
        if DOCUMENT not in members:
            raise BadInput(f"the archive holds no {DOCUMENT}", fix="Add it", code="no-case")

        def opener(name: str) -> bytes:
            if name not in members:
                raise NotFound("the archive lacks a file that the case names", where=name, fix="Add it")
            return archive.read(members[name])

        return case_of(parsed(archive.read(members[DOCUMENT]), fix=FIX), opener)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError):
        raise Unreadable("the archive is damaged", fix="Send it again", code="truncated") from None


def _nowhere(name: str) -> Path:
    """A document that came alone cannot name files of this machine."""
    raise BadInput(
        "the case names a file, and came without it",
        where=name,
        fix=f"Send a ZIP archive of {DOCUMENT} and its {', '.join(FILES[:2])}",
        code="no-files",
    )
